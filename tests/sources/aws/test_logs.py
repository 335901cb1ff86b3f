"""CloudWatch Logs: polled from Moto, tailed live from MiniStack, and what neither of them does from a fake stream."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.sources.aws.account import aws_client, aws_config
from tests.sources.aws.event_stream import event, exception
from tests.sources.hostile import Hostile
from tests.sources.logs.stores import NOW, before_failing, chunks, messages, polled, still
from tuiops.config.logs import CloudWatchLog
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.errors import BadAnswer, NotFound, RateLimited, SourceError, TimedOut, Unreachable
from tuiops.sources.aws.logs import CloudWatchLogSource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto
    from tests.sources.hostile import Request
    from tuiops.core.clock import Clock
    from tuiops.core.updates import LogChunk


def stream(url: str, clock: Clock, **settings: Any) -> CloudWatchLogSource:
    wanted: dict[str, Any] = {"history": Duration(900), "interval": Duration(5), "lateness": Duration(60)}
    log = CloudWatchLog(source="aws", **(wanted | {"groups": ("/ecs/api",)} | settings))
    client = aws_client(aws_config(url, quotas={"logs": 1_000_000}), clock=clock)
    return CloudWatchLogSource(lit("shop/api"), lit("shop"), lit("api"), log, client, clock)


@asynccontextmanager
async def opened(source: CloudWatchLogSource) -> AsyncIterator[CloudWatchLogSource]:
    try:
        yield source
    finally:
        await source._client.close()


class Writer:
    """What services do: write events into streams of a group."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._client = aws_client(aws_config(url, quotas={"logs": 1_000_000}))
        self._clock = clock
        self._known: set[str] = set()

    async def put(self, *texts: str, group: str = "/ecs/api", name: str = "task-1", seconds: float = 0.0) -> None:
        """Events `seconds` after now, a millisecond from one to the next."""
        await self.create(group, name)
        at = int((self._clock.now() + timedelta(seconds=seconds)).timestamp() * 1000)
        events = [{"timestamp": at + number, "message": text} for number, text in enumerate(texts)]
        await self.call("PutLogEvents", logGroupName=group, logStreamName=name, logEvents=events)

    async def create(self, group: str, name: str) -> None:
        if group not in self._known:
            await self.call("CreateLogGroup", logGroupName=group)
        if f"{group}:{name}" not in self._known:
            await self.call("CreateLogStream", logGroupName=group, logStreamName=name)
        self._known |= {group, f"{group}:{name}"}

    async def call(self, operation: str, **params: object) -> dict[str, Any]:
        return await self._client.call("logs", operation, params)

    async def close(self) -> None:
        await self._client.close()


@pytest.fixture
async def moto_writer(moto: Moto) -> AsyncIterator[Writer]:
    moto.reset()
    writer = Writer(moto.url, SystemClock())
    yield writer
    await writer.close()


async def test_events_are_read_in_their_own_formats(moto: Moto, moto_writer: Writer) -> None:
    await moto_writer.put('{"level": "warning", "msg": "one", "user_id": 7}', "ERROR: two\n", name="task-1")
    async with opened(stream(moto.url, SystemClock(), mask=("user_id",))) as source:
        one, two = await polled(source)
    assert (one.level, one.message) == (Level.WARNING, "one")
    assert {("user_id", "***"), ("log_stream", "task-1")} <= set(one.fields)
    assert (two.level, two.message) == (Level.ERROR, "ERROR: two")
    assert two.at is not None


async def test_groups_streams_and_pattern_narrow_what_is_read(moto: Moto, moto_writer: Writer) -> None:
    await moto_writer.put("api one", "api ERROR")
    await moto_writer.put("worker ERROR", group="/ecs/worker")
    await moto_writer.put("other ERROR", group="/ecs/other")
    async with opened(stream(moto.url, SystemClock(), groups=("/ecs/api", "/ecs/worker"), pattern="ERROR")) as source:
        assert sorted(await messages(source)) == ["api ERROR", "worker ERROR"]


async def test_what_comes_later_or_late_comes_once(moto: Moto, moto_writer: Writer) -> None:
    await moto_writer.put("first")
    async with opened(stream(moto.url, SystemClock())) as source:
        assert await messages(source) == ["first"]
        await moto_writer.put("second", "same", "same", name="task-2")
        await moto_writer.put("late", seconds=-30)
        assert sorted(await messages(source)) == ["late", "same", "same", "second"]
        assert await messages(source) == []


async def test_a_burst_of_more_than_a_page_is_read_to_its_end(
    moto: Moto, moto_writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuiops.sources.aws.logs.LARGEST", 100)
    await moto_writer.put("first")
    async with opened(stream(moto.url, SystemClock())) as source:
        await messages(source)
        texts = [f"m{number:03}" for number in range(450)]
        await moto_writer.put(*texts)
        assert await messages(source) == texts


async def test_a_group_that_is_not_there_is_named(moto: Moto, moto_writer: Writer) -> None:
    async with opened(stream(moto.url, SystemClock(), groups=("/none",))) as source:
        with pytest.raises(NotFound, match="log group does not exist"):
            await messages(source)
    async with opened(stream(moto.url, SystemClock(), groups=("/none",), stream=True)) as source:
        with pytest.raises(NotFound, match="there is no log group /none"):
            await anext(aiter(source.tail()))


async def test_a_live_tail_tells_each_event_once_beside_the_past(ministack: Ministack) -> None:
    writer = Writer(ministack.url, SystemClock())
    source = stream(ministack.url, SystemClock(), groups=("/live/api",), stream=True)
    found: list[str] = []
    try:
        await writer.put("past", group="/live/api")
        async with (
            asyncio.timeout(30),
            aclosing(cast("AsyncGenerator[LogChunk, None]", source.tail())) as tail,
        ):
            async for chunk in tail:
                texts = [json.loads(line)["message"] for line in chunk.data.splitlines()]
                found += texts
                if texts == ["past"]:
                    await writer.put("live", "live", "ERROR", group="/live/api")
                if "ERROR" in texts:
                    break
        # The store has them too, and under other identities.
        found += await messages(source)
    finally:
        await source._client.close()
        await writer.close()
    assert found == ["past", "live", "live", "ERROR"]


class Sessions(Hostile):
    """Live tails as a script has them: one list of events for each session; after the last one it stays open."""

    def __init__(self, *sessions: list[bytes]) -> None:
        super().__init__(self._reply)
        self._sessions = list(sessions)
        self.stored: list[dict[str, Any]] = []
        self.later: list[dict[str, Any]] = []
        """What can be found from the second poll on."""
        self.polls = 0
        self.asked: list[dict[str, Any]] = []

    async def _reply(self, request: Request) -> None:
        operation = request.header("x-amz-target").rpartition(".")[2]
        body = json.loads(request.body)
        if operation == "DescribeLogGroups":
            arn = "arn:aws:logs:us-east-1:1:log-group:/ecs/api:*"
            await request.answer(json.dumps({"logGroups": [{"logGroupName": "/ecs/api", "arn": arn}]}).encode())
        elif operation == "FilterLogEvents":
            self.polls += 1
            self.stored += self.later if self.polls == 2 else []
            inside = [one for one in self.stored if body["startTime"] <= one["timestamp"] <= body["endTime"]]
            await request.answer(json.dumps({"events": inside}).encode())
        else:
            self.asked.append(body)
            await request.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\r\n")
            if not self._sessions:
                await asyncio.Event().wait()
            for part in self._sessions.pop(0):
                await request.write(part)
            request.writer.close()


def entry(text: str, seconds: int = 0, **more: Any) -> dict[str, Any]:
    at = int(NOW.timestamp() + seconds) * 1000
    return {"timestamp": at, "ingestionTime": at + 5, "message": text, "logStreamName": "task-1", **more}


def update(*entries: dict[str, Any], sampled: bool = False) -> bytes:
    return event("sessionUpdate", {"sessionMetadata": {"sampled": sampled}, "sessionResults": list(entries)})


STARTED = event("sessionStart", {"sessionId": "1"})
OVER = exception("SessionTimeoutException", "session has timed out")


async def drained(source: CloudWatchLogSource, found: list[LogChunk], enough: int = 10_000) -> None:
    async with aclosing(cast("AsyncGenerator[LogChunk, None]", source.tail())) as tail:
        async for chunk in tail:
            found.append(chunk)
            if len([one for one in found if one.data]) >= enough:
                return


def texts(found: list[LogChunk]) -> list[str]:
    return [json.loads(line)["message"] for chunk in found for line in chunk.data.splitlines()]


async def test_a_session_that_ends_after_three_hours_is_opened_again_without_gap_or_repeat() -> None:
    clock = still()
    first = [STARTED, update(entry("one")), update(entry("two", 1)), OVER]
    second = [STARTED, update(entry("between", 2), entry("three", 3))]
    found: list[LogChunk] = []
    async with Sessions(first, second) as server, opened(stream(server.url, clock, stream=True)) as source:
        # The store tells IDs, the live tail does not: both have to be known as one.
        server.stored = [
            entry("one", 0, eventId="1"), entry("two", 1, eventId="2"), entry("between", 2, eventId="3"),
        ]  # fmt: skip
        clock.advance(1)
        with pytest.raises(Unreachable, match="cut off"):
            await drained(source, found)
    assert sorted(texts(found)) == ["between", "one", "three", "two"]
    assert server.asked == [{"logGroupIdentifiers": ["arn:aws:logs:us-east-1:1:log-group:/ecs/api"]}] * 2


async def test_what_the_store_found_only_after_a_session_began_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuiops.sources.aws.live_tail.SETTLED", 0.0)
    session = [STARTED, update(entry("live", 2)), update()]
    found: list[LogChunk] = []
    async with Sessions(session) as server, opened(stream(server.url, still(), stream=True)) as source:
        # Taken in just before the session, and not to be found at the first look.
        server.later = [entry("before", 0, eventId="1"), entry("live", 2, eventId="2")]
        with pytest.raises(Unreachable, match="cut off"):
            await drained(source, found)
    assert texts(found) == ["live", "before"]
    assert server.polls == 2


async def test_sampling_is_told_while_it_lasts() -> None:
    session = [STARTED, update(entry("one"), sampled=True), update(entry("two", 1))]
    found: list[LogChunk] = []
    async with Sessions(session) as server, opened(stream(server.url, still(), stream=True)) as source:
        with pytest.raises(Unreachable):
            await drained(source, found)
    told = [chunk.thinned for chunk in found if chunk.data]
    assert told == ["sampled above 500 a second", ""]


async def test_prefix_and_pattern_hold_for_a_live_tail_too() -> None:
    async with (
        Sessions([STARTED]) as server,
        opened(stream(server.url, still(), stream=True, prefix="api/", pattern="ERROR")) as source,
    ):
        with pytest.raises(Unreachable):
            await drained(source, [])
    assert server.asked[0]["logStreamNamePrefixes"] == ["api/"]
    assert server.asked[0]["logEventFilterPattern"] == "ERROR"


async def test_a_silent_live_tail_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuiops.sources.aws.live_tail.SILENCE", 0.05)
    async with Sessions() as server, opened(stream(server.url, still(), stream=True)) as source:
        with pytest.raises(TimedOut, match="silent"):
            await drained(source, [])


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (event("sessionUpdate", {"sessionResults": [{"timestamp": "x"}]}), "another shape"),
        (b"\0\0\0\x20" * 8, "broke its stream"),
        (exception("SessionStreamingException", "internal"), "internal"),
    ],
)
async def test_a_broken_live_tail_is_an_error_of_its_own_stream(part: bytes, text: str) -> None:
    async with Sessions([STARTED, part]) as server, opened(stream(server.url, still(), stream=True)) as source:
        with pytest.raises(SourceError, match=text):
            await drained(source, [])


async def test_an_answer_that_names_itself_as_the_next_ends_the_reading() -> None:
    async def reply(request: Request) -> None:
        await request.answer(json.dumps({"events": [entry("m")], "nextToken": "same"}).encode())

    async with Hostile(reply) as server, opened(stream(server.url, still())) as source:
        with pytest.raises(BadAnswer, match="twice as the next one"):
            await chunks(source)


async def test_throttling_in_the_middle_keeps_what_was_read() -> None:
    answers = [
        ("200 OK", {"events": []}),
        ("200 OK", {"events": [entry("one")], "nextToken": "2"}),
        ("400 Bad Request", {"__type": "ThrottlingException", "message": "Rate exceeded"}),
        ("200 OK", {"events": [entry("one"), entry("two", 1)]}),
    ]

    async def reply(request: Request) -> None:
        status, body = answers.pop(0)
        await request.answer(json.dumps(body).encode(), status)

    clock = still()
    async with Hostile(reply) as server, opened(stream(server.url, clock)) as source:
        await messages(source)
        clock.advance(5)
        found: list[LogChunk] = []
        with pytest.raises(RateLimited, match="Rate exceeded"):
            await before_failing(source, found)
        clock.advance(60)
        found += await chunks(source)
    assert texts(found) == ["one", "two"]
