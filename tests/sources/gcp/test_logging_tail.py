"""The tail of Cloud Logging over real gRPC in this process, beside the fake of the REST API."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from grpc import StatusCode

from tests.google.logging import LoggingApi
from tests.google.logging_tail import LoggingTail
from tests.sources.logs.stores import records
from tuiops.config.logs import CloudLog
from tuiops.config.values import Duration, Url
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, QueryRefused, RateLimited, SourceError, TimedOut, Unreachable
from tuiops.sources import look_up
from tuiops.sources.gcp import logging_tail
from tuiops.sources.gcp.logging import CloudLogSource
from tuiops.sources.stored_logs import nanoseconds, rfc3339

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from tests.google.fixtures import GoogleStage
    from tuiops.core.updates import LogChunk


@pytest.fixture
async def server() -> AsyncIterator[LoggingTail]:
    async with LoggingTail() as found:
        yield found


@pytest.fixture
def api(google: GoogleStage) -> LoggingApi:
    return google.teach(LoggingApi(google.clock))


def stream(google: GoogleStage, url: str, **more: Any) -> CloudLogSource:
    config = google.config("")
    known = config.sources["gcp"]
    endpoints = {**getattr(known, "endpoints", {}), "logging_tail": Url(url)}
    source = msgspec.structs.replace(known, endpoints=endpoints, **more)
    client = google.client(msgspec.structs.replace(config, sources={"gcp": source}))
    log = CloudLog(
        source="gcp", stream=True, severity="INFO", history=Duration(900), interval=Duration(5), lateness=Duration(60)
    )
    return CloudLogSource(lit("shop/chat"), lit("shop"), lit("chat"), log, client, google.clock)


def stamp(google: GoogleStage, seconds: float) -> str:
    return rfc3339(nanoseconds(google.clock.now() + timedelta(seconds=seconds)))


async def drained(source: CloudLogSource, found: list[LogChunk], last: str = "") -> list[str]:
    """The messages of a stream, up to one."""
    async with aclosing(cast("AsyncGenerator[LogChunk, None]", source.tail())) as tail:
        async for chunk in tail:
            found.append(chunk)
            if last and last in [record.message for record in records(source, [chunk])]:
                break
    return [record.message for record in records(source, found)]


async def test_credentials_that_hang_end_the_tail_with_an_error(
    google: GoogleStage, api: LoggingApi, server: LoggingTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_up, "PATIENCE", 0.0)

    with pytest.raises(TimedOut, match="no Google token came within 0s"):
        await drained(stream(google, server.url), [])


async def test_entries_come_as_they_are_written_and_none_twice(
    google: GoogleStage, api: LoggingApi, server: LoggingTail
) -> None:
    past = api.write(stamp(google, -5), textPayload="past", severity="ERROR")
    server.say(
        past,
        api.write(stamp(google, 1), jsonPayload={"message": "live", "n": 1.0}, severity="ERROR"),
        api.write(stamp(google, 2), textPayload="last", severity="ERROR"),
    )
    google.clock.advance(3)
    async with asyncio.timeout(20):
        found = await drained(stream(google, server.url), [], "last")
    assert sorted(found) == ["last", "live", "past"]
    (request,) = server.requests
    assert (list(request.resource_names), request.filter) == (["projects/shop-production"], "severity>=INFO")
    assert server.metadata[0]["authorization"].startswith("Bearer ")


async def test_what_is_suppressed_is_counted_with_its_reason(
    google: GoogleStage, api: LoggingApi, server: LoggingTail
) -> None:
    server.say(suppressed={"RATE_LIMIT": 1200, "NOT_CONSUMED": 34})
    server.say({"insertId": "1", "timestamp": stamp(google, 0), "textPayload": "last"})
    found: list[LogChunk] = []
    async with asyncio.timeout(20):
        await drained(stream(google, server.url), found, "last")
    (told,) = [chunk for chunk in found if chunk.dropped]
    assert told.dropped == 1_234
    assert told.note == "1,234 records were suppressed: read too slowly"
    assert told.thinned == "suppressed: read too slowly"
    assert found[-1].thinned == ""


async def test_a_payload_of_an_unknown_type_is_a_line_all_the_same(
    google: GoogleStage, api: LoggingApi, server: LoggingTail
) -> None:
    server.say_unknown("1", stamp(google, 0))
    last = "a payload of the type type.googleapis.com/shop.Unknown"
    async with asyncio.timeout(20):
        assert await drained(stream(google, server.url), [], last) == [last]


async def test_a_session_is_replaced_before_google_ends_it(
    google: GoogleStage, api: LoggingApi, server: LoggingTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging_tail, "SESSION", 0.2)
    monkeypatch.setattr(logging_tail, "CALM", 0.05)
    source = stream(google, server.url)
    async with asyncio.timeout(20), aclosing(cast("AsyncGenerator[LogChunk, None]", source.tail())) as tail:
        async for _ in tail:
            if len(server.requests) == 2:
                break
    assert len(google.asked("entries.list")) >= 2


async def test_what_was_written_while_a_session_began_is_asked_for_once_more(
    google: GoogleStage, api: LoggingApi, server: LoggingTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging_tail, "SETTLED", 0.1)
    monkeypatch.setattr(logging_tail, "CALM", 0.05)
    source = stream(google, server.url)
    found: list[str] = []
    async with asyncio.timeout(20), aclosing(cast("AsyncGenerator[LogChunk, None]", source.tail())) as tail:
        async for chunk in tail:
            if not api.entries:
                api.write(stamp(google, 0), textPayload="between", severity="ERROR")
            found += [record.message for record in records(source, [chunk])]
            if found:
                break
    assert found == ["between"]


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (StatusCode.RESOURCE_EXHAUSTED, RateLimited, "ten tails at once"),
        (StatusCode.UNAUTHENTICATED, AccessDenied, "logged out"),
        (StatusCode.PERMISSION_DENIED, AccessDenied, "forbids the tail"),
        (StatusCode.INVALID_ARGUMENT, QueryRefused, "refused the tail: because"),
        (StatusCode.OUT_OF_RANGE, Unreachable, "ended the tail"),
        (StatusCode.INTERNAL, SourceError, "broke the tail"),
        (StatusCode.UNAVAILABLE, Unreachable, "because"),
    ],
)
async def test_the_status_that_a_session_ends_with_is_ours_to_tell(
    google: GoogleStage, api: LoggingApi, server: LoggingTail, code: StatusCode, kind: type[SourceError], text: str
) -> None:
    server.refusal = (code, "because")
    async with asyncio.timeout(20):
        with pytest.raises(kind, match=text):
            await drained(stream(google, server.url), [])


async def test_nobody_listening_is_an_error_of_this_stream(google: GoogleStage, api: LoggingApi) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(Unreachable, match="the tail of logging failed"):
            await drained(stream(google, "http://127.0.0.1:9"), [])


async def test_what_cannot_be_streamed_says_what_to_leave_out(
    google: GoogleStage, api: LoggingApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(QueryRefused, match="cannot go through a bastion"):
        await drained(stream(google, "http://127.0.0.1:9", via="edge"), [])
    monkeypatch.setitem(sys.modules, "google.cloud.logging_v2.types", None)
    with pytest.raises(QueryRefused, match="gcp-tail"):
        await drained(stream(google, "http://127.0.0.1:9"), [])
