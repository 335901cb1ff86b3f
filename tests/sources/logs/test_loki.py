"""Loki's documented API, against a small fake of it: there is no real server to be had."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.logs.loki import Loki
from tests.sources.logs.stores import NOW, chunks, messages, polled, still
from tuiops.config.clouds import LokiConfig
from tuiops.config.logs import LokiLog
from tuiops.config.values import Duration, Url
from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, BadAnswer, QueryRefused, RateLimited, SourceError
from tuiops.sources.http import HttpConnector
from tuiops.sources.logs.loki import LokiLogSource, loki_client
from tuiops.sources.stored_logs import SECOND, nanoseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.core.clock import FakeClock

START = nanoseconds(NOW)


@pytest.fixture
async def loki() -> AsyncIterator[Loki]:
    async with Loki() as server:
        yield server


@asynccontextmanager
async def stream(
    url: str, clock: FakeClock, *, tenant: str | None = None, **settings: Any
) -> AsyncIterator[LokiLogSource]:
    client = loki_client(LokiConfig(url=Url(url), tenant=tenant), HttpConnector(lambda _: "", clock))
    wanted: dict[str, Any] = {
        "history": Duration(900),
        "interval": Duration(5),
        "lateness": Duration(60),
        "query": '{app="api"}',
    }
    log = LokiLog(source="store", **(wanted | settings))
    try:
        yield LokiLogSource(lit("shop/app"), lit("shop"), lit("api"), log, client, clock)
    finally:
        await client.close()


async def test_lines_are_read_in_their_own_formats_with_the_labels_beside_them(loki: Loki) -> None:
    loki.push(START, '{"ts": "garbled", "severity": "warning", "msg": "one", "user_id": 7}', {"app": "api", "pod": "p"})
    loki.push(START + 1, "2026-11-22T02:59:59Z ERROR shop: two")
    loki.push(START + 2, 'level=debug msg="three" took=3ms')
    loki.push(START + 3, "four\nat here", metadata={"detected_level": "error", "trace_id": "abc"})
    async with stream(loki.url, still(), mask=("user_id",)) as source:
        one, two, three, four = await polled(source)
    assert (one.at, one.level, one.message) == (NOW, Level.WARNING, "one")
    assert one.service == "api"
    assert {("pod", "p"), ("user_id", "***")} <= set(one.fields)
    assert (two.at, two.level) == (NOW, Level.ERROR)
    assert two.message.endswith("two")
    assert (three.level, three.message) == (Level.DEBUG, "three")
    assert ("took", "3ms") in three.fields
    assert (four.message, four.level) == ("four␊at here", Level.ERROR)
    assert ("trace_id", "abc") in four.fields


async def test_more_lines_than_a_page_and_ties_across_pages_come_once(loki: Loki) -> None:
    clock = still()
    async with stream(loki.url, clock) as source:
        assert await messages(source) == []
        for number in range(2_500):
            loki.push(START + SECOND + number // 700, f"m{number:04}", {"app": "api", "pod": str(number % 3)})
        clock.advance(5)
        assert sorted(await messages(source)) == [f"m{number:04}" for number in range(2_500)]
        assert await messages(source) == []


async def test_more_ties_than_a_page_holds_are_read_with_a_larger_one(loki: Loki) -> None:
    clock = still()
    async with stream(loki.url, clock) as source:
        await messages(source)
        for number in range(1_800):
            loki.push(START + SECOND, f"m{number:04}")
        loki.push(START + 2 * SECOND, "next")
        clock.advance(5)
        assert sorted(await messages(source)) == [*(f"m{number:04}" for number in range(1_800)), "next"]
    assert {query["limit"] for query in loki.queries} == {"1000", "5000"}


async def test_more_ties_than_any_page_holds_do_not_stop_the_stream(loki: Loki) -> None:
    clock = still()
    async with stream(loki.url, clock) as source:
        await messages(source)
        for number in range(5_200):
            loki.push(START + SECOND, f"m{number:04}")
        loki.push(START + 2 * SECOND, "next")
        clock.advance(5)
        found = await chunks(source)
        clock.advance(5)
        again = await chunks(source)
    assert sum(len(chunk.times) for chunk in found) == 5_001
    assert found[-2].times == (START + 2 * SECOND,)
    # What is missing is said once, though every poll within the lateness meets it again.
    (lossy,) = [chunk for chunk in (*found, *again) if chunk.dropped]
    assert lossy.uncounted
    assert lossy.note == (
        "records of 2026-11-22T03:00:01.000000000Z beyond the first 5,000 were left out: Loki gives no more of one time"
    )


async def test_a_late_line_is_found_and_nanoseconds_are_kept(loki: Loki) -> None:
    clock = still()
    async with stream(loki.url, clock) as source:
        loki.push(START, "first")
        await messages(source)
        clock.advance(5)
        loki.push(START - 30 * SECOND + 123, "late")
        (found,) = [chunk for chunk in await chunks(source) if chunk.data]
    assert found.times == (START - 30 * SECOND + 123,)
    assert json.loads(found.data)["_time"] == "2026-11-22T02:59:30.000000123Z"


async def test_what_is_left_out_of_a_burst_is_counted_by_the_server(
    loki: Loki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiops.sources.stored_logs.BURST", 1_500)
    clock = still()
    async with stream(loki.url, clock) as source:
        await messages(source)
        for number in range(4_000):
            loki.push(START + SECOND + number, "m")
        clock.advance(60)
        found = await chunks(source)
        assert sum(len(chunk.times) for chunk in found) == 1_999
        # It counts whole seconds.
        assert 2_001 <= sum(chunk.dropped for chunk in found) <= 4_000


async def test_a_server_that_gives_fewer_lines_is_asked_for_fewer(loki: Loki) -> None:
    loki.push(START, "m")
    text = b"max entries limit per query exceeded, limit > max_entries_limit_per_query (5000 > 2000)"
    loki.refusals = [("400 Bad Request", text)]
    async with stream(loki.url, still()) as source:
        assert await messages(source) == ["m"]
    assert [query["limit"] for query in loki.queries] == ["5000", "1000"]


async def test_a_query_that_counts_is_no_log_query(loki: Loki) -> None:
    loki.refusals = [("200 OK", b'{"status": "success", "data": {"resultType": "matrix", "result": []}}')]
    async with stream(loki.url, still(), query='rate({app="api"}[1m])') as source:
        with pytest.raises(QueryRefused, match="yields matrix, not log lines"):
            await messages(source)


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        ("400 Bad Request", b"parse error at line 1, col 5: syntax error", QueryRefused, "parse error at line 1"),
        ("401 Unauthorized", b"no org id", AccessDenied, "no org id"),
        ("429 Too Many Requests", b"too many outstanding requests", RateLimited, "too many outstanding"),
        ("200 OK", b'{"data": {"resultType": "streams", "result": [{"values": [["x", "y"]]}]}}', BadAnswer, "a time"),
        ("200 OK", b'{"data": {"resultType": "streams", "result": [7]}}', BadAnswer, "another shape"),
    ],
)
async def test_refusals_keep_the_server_s_own_reason(
    loki: Loki, status: str, body: bytes, kind: type[SourceError], text: str
) -> None:
    loki.refusals = [(status, body)]
    async with stream(loki.url, still()) as source:
        with pytest.raises(kind, match=text):
            await messages(source)


async def test_labels_and_metadata_of_either_answer_form_are_fields(loki: Loki) -> None:
    entry = [str(START), "m", {"structuredMetadata": {"trace_id": "abc"}, "parsed": {"status": "500"}}]
    answer = {"resultType": "streams", "result": [{"stream": {"app": "api", "__error__": "x"}, "values": [entry]}]}
    loki.refusals = [("200 OK", json.dumps({"status": "success", "data": answer}).encode())]
    async with stream(loki.url, still()) as source:
        (record,) = await polled(source)
    assert set(record.fields) == {("trace_id", "abc"), ("status", "500")}
    assert record.service == "api"


async def test_the_tenant_is_named(loki: Loki) -> None:
    async with stream(loki.url, still(), tenant="ops") as source:
        await messages(source)
    assert loki.requests[0].header("x-scope-orgid") == "ops"
