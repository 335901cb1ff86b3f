"""Elasticsearch's search API, against a real server that speaks OpenSearch's side of it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.http import request
from tests.sources.hostile import Hostile
from tests.sources.logs.stores import NOW, before_failing, chunks, messages, polled, still
from tuiops.config.clouds import ElasticsearchConfig
from tuiops.config.logs import ElasticsearchLog
from tuiops.config.sources import Basic
from tuiops.config.values import Duration, Secret, Url
from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, BadAnswer, NotFound, QueryRefused, RateLimited, SourceError, Unreachable
from tuiops.sources.http import HttpConnector
from tuiops.sources.logs.elasticsearch import ElasticsearchLogSource, elasticsearch_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.servers.fixtures import Servers
    from tests.servers.osmem import Osmem
    from tests.sources.hostile import Request
    from tuiops.core.clock import FakeClock
    from tuiops.core.updates import LogChunk

PAGE = 1_000


@pytest.fixture(scope="module")
def shared(module_servers: Servers) -> Osmem:
    return module_servers.osmem()


@pytest.fixture
def osmem(shared: Osmem) -> Osmem:
    request(f"{shared.url}/*", method="DELETE")
    return shared


@asynccontextmanager
async def stream(
    url: str, clock: FakeClock, *, server: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[ElasticsearchLogSource]:
    config = ElasticsearchConfig(url=Url(url), **(server or {}))
    client = elasticsearch_client(config, HttpConnector(lambda _: "secret", clock))
    wanted: dict[str, Any] = {
        "history": Duration(3600),
        "interval": Duration(5),
        "lateness": Duration(60),
        "index": "app-*",
    }
    log = ElasticsearchLog(source="store", **(wanted | settings))
    try:
        yield ElasticsearchLogSource(lit("shop/app"), lit("shop"), lit("api"), log, client, clock)
    finally:
        await client.close()


def documents(count: int, *, seconds: float = 0.0, step: float = 0.001, prefix: str = "m") -> list[dict[str, Any]]:
    """`count` documents, the first `seconds` after NOW and each `step` seconds after the one before."""
    return [
        {
            "_id": f"{prefix}{number}",
            "@timestamp": (NOW + timedelta(seconds=seconds + number * step)).isoformat(timespec="milliseconds"),
            "message": f"{prefix}{number}",
            "level": "error" if number % 2 else "info",
            "http": {"status": 500},
        }
        for number in range(count)
    ]


def named(found: Iterable[dict[str, Any]]) -> list[str]:
    return [document["message"] for document in found]


async def test_documents_are_read_like_any_json_line(osmem: Osmem) -> None:
    osmem.index("app-1", [{**documents(1)[0], "service": {"name": "pay"}, "log": {"level": "warn"}}])
    osmem.index("other-1", documents(1, prefix="other"))
    clock = still()
    fields = {"service": "service.name", "level": "log.level"}
    async with stream(osmem.url, clock, fields=fields) as source:
        (record,) = await polled(source)
    assert (record.at, record.level, record.service, record.message) == (NOW, Level.WARNING, "pay", "m0")
    assert ("http.status", "500") in record.fields


async def test_ten_thousand_documents_in_one_burst_come_once_and_in_order(osmem: Osmem) -> None:
    clock = still()
    osmem.index("app-1", documents(1, prefix="first"))
    async with stream(osmem.url, clock) as source:
        await messages(source)
        burst = documents(10_000, seconds=1)
        osmem.index("app-1", burst)
        clock.advance(30)
        assert await messages(source) == named(burst)
        assert await messages(source) == []


async def test_a_page_full_of_one_time_loses_none_of_its_ties(osmem: Osmem) -> None:
    clock = still()
    osmem.index("app-1", documents(1, prefix="first"))
    async with stream(osmem.url, clock) as source:
        await messages(source)
        ties = documents(2_500, seconds=1, step=0)
        osmem.index("app-1", ties[:1_700])
        osmem.index("app-2", ties[1_700:])
        clock.advance(5)
        assert sorted(await messages(source)) == sorted(named(ties))


async def test_a_late_document_is_found_within_the_lateness(osmem: Osmem) -> None:
    clock = still()
    osmem.index("app-1", documents(1))
    async with stream(osmem.url, clock) as source:
        await messages(source)
        clock.advance(30)
        osmem.index("app-1", documents(1, seconds=-20, prefix="late"))
        assert await messages(source) == ["late0"]


async def test_query_terms_and_range_hold_together(osmem: Osmem) -> None:
    osmem.create("app-1", {"@timestamp": {"type": "date"}, "level": {"type": "keyword"}, "message": {"type": "text"}})
    osmem.index("app-1", [*documents(4), *documents(1, seconds=-7200, prefix="old")])
    clock = still()
    async with stream(osmem.url, clock, terms={"level": "error"}, query="message:m1 OR message:m2") as source:
        assert await messages(source) == ["m1"]


async def test_an_index_that_vanishes_is_an_error_until_it_is_there_again(osmem: Osmem) -> None:
    osmem.index("app-1", documents(1))
    clock = still()
    async with stream(osmem.url, clock, index="app-1") as source:
        await messages(source)
        osmem.delete("app-1")
        with pytest.raises(NotFound, match=r"no such index \[app-1\]"):
            await messages(source)
        osmem.index("app-1", [*documents(1), *documents(1, seconds=2, prefix="again")])
        clock.advance(5)
        assert await messages(source) == ["again0"]


async def test_a_pattern_that_matches_no_index_is_no_quiet_stream(osmem: Osmem) -> None:
    async with stream(osmem.url, still(), index="nothing-*") as source:
        with pytest.raises(NotFound, match=r"no index matches nothing-\*"):
            await messages(source)


async def test_mistakes_in_query_and_mapping_are_named(osmem: Osmem) -> None:
    osmem.index("app-1", documents(1))
    async with stream(osmem.url, still(), query="a AND (") as source:
        with pytest.raises(QueryRefused, match="Encountered"):
            await messages(source)
    async with stream(osmem.url, still(), time_field="when") as source:
        with pytest.raises(QueryRefused, match=r"no field when in app-\*; set time_field"):
            await messages(source)


async def test_without_points_in_time_pages_go_on_by_time_and_id(osmem: Osmem) -> None:
    async def relay(asked: Request) -> None:
        method, target, _ = asked.head.split(" ", 2)
        if "point_in_time" in target or "_pit" in target:
            await asked.answer(b'{"error": "no handler found for uri"}', "405 Method Not Allowed")
            return
        status, body = request(
            osmem.url + target, method=method, body=asked.body.encode(), headers={"Content-Type": "application/json"}
        )
        await asked.answer(body, f"{status} ok")

    clock = still()
    osmem.index("app-1", documents(1, prefix="first"))
    async with Hostile(relay) as server, stream(server.url, clock) as source:
        await messages(source)
        ties = documents(2_300, seconds=1, step=0)
        osmem.index("app-1", ties)
        clock.advance(5)
        assert sorted(await messages(source)) == sorted(named(ties))


async def test_elasticsearch_s_own_points_in_time_are_opened_used_and_closed() -> None:
    """No free server has them: the documented answers, from 8.x."""
    times = [int((NOW + timedelta(milliseconds=number)).timestamp() * 1000) for number in range(PAGE + 2)]

    def hits(numbers: Iterable[int]) -> list[dict[str, Any]]:
        return [
            {"_index": "app-1", "_id": str(n), "_source": {"message": f"m{n}"}, "sort": [times[n], n]} for n in numbers
        ]

    async def handler(asked: Request) -> None:
        body = json.loads(asked.body) if asked.body else {}
        answer: dict[str, Any] = {"_shards": {"total": 1, "failed": 0}, "timed_out": False}
        if asked.head.startswith("POST /app-%2A/_pit") or asked.head.startswith("POST /app-*/_pit"):
            answer = {"id": "one"}
        elif asked.head.startswith("DELETE /_pit"):
            assert body == {"id": "three"}
            answer = {"succeeded": True}
        elif body.get("pit") == {"id": "one", "keep_alive": "1m"}:
            assert body["sort"][1] == {"_shard_doc": {"order": "asc"}}
            answer |= {"pit_id": "two", "hits": {"hits": hits(range(PAGE - 1, PAGE))[:1] * PAGE}}
        elif body.get("pit"):
            assert body["search_after"] == [times[PAGE - 1], PAGE - 1]
            answer |= {"pit_id": "three", "hits": {"hits": hits([PAGE, PAGE + 1])}}
        elif "sort" in body and "search_after" not in body and body["sort"][0]["@timestamp"]["order"] == "asc":
            answer |= {"hits": {"hits": hits(range(PAGE))}}
        else:
            answer |= {"hits": {"hits": []}, "fields": {"@timestamp": {}}}
        await asked.answer(json.dumps(answer).encode())

    clock = still()
    async with (
        Hostile(handler) as server,
        stream(server.url, clock, server={"api_key": True, "bearer": Secret(env="KEY")}) as source,
    ):
        await messages(source)
        clock.advance(5)
        assert await messages(source) == [f"m{number}" for number in range(PAGE + 2)]
    assert server.requests[-1].head.startswith("DELETE /_pit")
    assert {asked.header("authorization") for asked in server.requests} == {"ApiKey secret"}


BODY = b'{"error": {"type": "t", "reason": "outer", "caused_by": {"type": "u", "reason": "inner"}}, "status": 1}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        ("429 Too Many Requests", BODY, RateLimited, "inner"),
        ("401 Unauthorized", BODY, AccessDenied, "check bearer"),
        ("403 Forbidden", BODY, AccessDenied, "privilege `read`"),
        ("404 Not Found", BODY, NotFound, "inner"),
        ("400 Bad Request", BODY, QueryRefused, "inner"),
        ("503 Service Unavailable", BODY, Unreachable, "inner"),
        ("500 Internal Server Error", b'{"error": "text"}', BadAnswer, "text"),
        ("404 Not Found", b"<html>", BadAnswer, "check the path in url"),
    ],
)
async def test_refusals_keep_the_server_s_own_reason(
    status: str, body: bytes, kind: type[SourceError], text: str
) -> None:
    async def handler(asked: Request) -> None:
        await asked.answer(body, status, Retry_After="7")

    async with Hostile(handler) as server, stream(server.url, still()) as source:
        with pytest.raises(kind, match=text) as caught:
            await messages(source)
    if kind is RateLimited:
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            {"_shards": {"total": 3, "failed": 1, "failures": [{"reason": {"reason": "disk"}}]}},
            "1 of 3 shards failed: disk",
        ),
        ({"timed_out": True}, "a part only"),
    ],
)  # fmt: skip
async def test_a_partial_answer_is_shown_and_asked_for_again(answer: dict[str, Any], text: str) -> None:
    hit = {"_index": "a", "_id": "1", "_source": {"message": "m"}, "sort": [int(NOW.timestamp() * 1000)]}
    partial = False

    async def handler(asked: Request) -> None:
        body = {"hits": {"hits": [hit] if partial else []}, "fields": {"@timestamp": {}}} | (answer if partial else {})
        await asked.answer(json.dumps(body).encode())

    async with Hostile(handler) as server, stream(server.url, still()) as source:
        await messages(source)
        partial = True
        found: list[LogChunk] = []
        with pytest.raises(BadAnswer, match=text):
            await before_failing(source, found)
        assert [chunk.data for chunk in found] == [b'{"message":"m"}\n']
        answer = {}
        assert await messages(source) == []


async def test_a_field_that_is_no_date_is_named() -> None:
    async def handler(asked: Request) -> None:
        hit = {"_index": "a", "_id": "1", "_source": {"message": "m"}, "sort": ["text"]}
        await asked.answer(json.dumps({"hits": {"hits": [hit]}}).encode())

    async with Hostile(handler) as server, stream(server.url, still()) as source:
        with pytest.raises(BadAnswer, match="set time_field"):
            await messages(source)


async def test_nanosecond_dates_and_pretty_printed_sources_are_one_line_each() -> None:
    at = int(NOW.timestamp()) * 10**9 + 123_456_789
    body = b'{"hits": {"hits": [{"_index": "a", "_id": "1", "sort": [%d], "_source": {\n"message": "m"\n}}]}}' % at

    async def handler(asked: Request) -> None:
        await asked.answer(body)

    async with Hostile(handler) as server, stream(server.url, still()) as source:
        (chunk,) = await chunks(source)
    assert chunk.data == b'{"message":"m"}\n'
    assert chunk.times == (at,)


async def test_what_is_too_much_is_counted_by_the_server(osmem: Osmem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuiops.sources.stored_logs.BURST", 1_500)
    clock = still()
    osmem.index("app-1", documents(1, prefix="first"))
    async with stream(osmem.url, clock, server={"basic": Basic(user="u", password=Secret(env="P"))}) as source:
        await messages(source)
        osmem.index("app-1", documents(4_000, seconds=1))
        clock.advance(30)
        found = await chunks(source)
    shown = sum(len(chunk.times) for chunk in found)
    assert shown + sum(chunk.dropped for chunk in found) == 4_000
    assert 1_500 <= shown < 4_000
