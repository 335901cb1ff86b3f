"""Streams of events from AWS: read as they come, ended by what AWS says, broken."""

from __future__ import annotations

from typing import Any

from tests.sources.aws.calls import client
from tests.sources.aws.event_stream import event, exception
from tests.sources.hostile import Hostile, Request
from tuiops.errors import BadAnswer, SourceError


async def _streamed(*parts: bytes) -> tuple[list[tuple[str, dict[str, Any]]], SourceError | None]:
    """The events of a stream that consists of these parts, and what it ended with."""

    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n")
        await request.write(b"connection: close\r\n\r\n")
        for part in parts:
            await request.write(part)
        request.writer.close()

    found: list[tuple[str, dict[str, Any]]] = []
    ended: SourceError | None = None
    async with Hostile(handler) as server:
        aws = client(server.url)
        params = {"logGroupIdentifiers": ["arn:aws:logs:us-east-1:000000000000:log-group:g"]}
        try:
            async with aws.events("logs", "StartLiveTail", params) as events:
                async for one in events:
                    found.append(one)  # noqa: PERF401 - what came before an error is wanted too
        except SourceError as error:
            ended = error
        await aws.close()
    return found, ended


async def test_streams_of_events_are_read_as_they_come() -> None:
    update = {"sessionMetadata": {"sampled": True}, "sessionResults": [{"message": "héllo", "timestamp": 1}]}
    whole = event("initial-response", {}) + event("sessionStart", {"sessionId": "s"}) + event("sessionUpdate", update)

    found, ended = await _streamed(*(whole[start : start + 7] for start in range(0, len(whole), 7)))

    assert ended is None
    assert found == [("sessionStart", {"sessionId": "s"}), ("sessionUpdate", update)]


async def test_a_stream_ends_with_what_aws_says() -> None:
    found, ended = await _streamed(event("sessionStart", {}), exception("SessionTimeoutException", "3 hours are over"))

    assert found == [("sessionStart", {})]
    assert str(ended) == "logs: 3 hours are over (SessionTimeoutException)"


async def test_a_broken_stream_is_a_bad_answer() -> None:
    _, ended = await _streamed(b"\x00" * 64)
    assert isinstance(ended, BadAnswer)
    assert "broke its stream of events" in str(ended)
