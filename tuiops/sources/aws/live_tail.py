"""CloudWatch Logs' live tail: what a group takes in, a second later, sampled above 500 events a second.

A session lasts three hours. Before each one's first events the store is asked for what came between it and the one
before, and once more when all of that can certainly be found there: nothing is missing and nothing comes twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tuiops.core.text import EMPTY, lit, safe
from tuiops.errors import BadAnswer, NotFound, TimedOut, Unreachable
from tuiops.sources.aws.errors import SessionOver
from tuiops.sources.aws.logs import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tuiops.config.logs import CloudWatchLog
    from tuiops.core.updates import LogChunk
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.logs import EventReader
    from tuiops.sources.stored_logs import Follower

SILENCE: Final = 15.0
"""Seconds without an update after which the connection is given up; AWS sends one every second."""
SETTLED: Final = 15.0
"""Seconds after which what a group took in before a session can be found by its store, too."""
_SAMPLED: Final = lit("sampled above 500 a second")


class _Metadata(msgspec.Struct):
    sampled: bool = False


class _Update(msgspec.Struct, rename="camel"):
    session_metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    session_results: list[Event] = []


async def tail(
    follower: Follower, client: AwsClient, config: CloudWatchLog, reader: EventReader
) -> AsyncIterator[LogChunk]:
    """One session after the other. Ends by SourceError, but not by the end of a session."""
    params = await _params(client, config)
    while True:
        try:
            async with client.events("logs", "StartLiveTail", params) as events:
                async for chunk in _session(events, follower, reader):
                    yield chunk
        except SessionOver:
            continue


async def _session(
    events: AsyncIterator[tuple[str, dict[str, Any]]], follower: Follower, reader: EventReader
) -> AsyncIterator[LogChunk]:
    loop = asyncio.get_running_loop()
    settles: float | None = None
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                kind, content = await anext(events)
        except TimeoutError:
            raise TimedOut(f"logs: the live tail was silent for {SILENCE:g} s; it is opened again") from None
        except StopAsyncIteration:
            raise Unreachable("logs: the live tail was cut off; it is opened again") from None
        if kind == "sessionStart":
            async for chunk in follower.poll():
                yield chunk
            settles = loop.time() + SETTLED
        elif kind == "sessionUpdate":
            yield _update(content, follower, reader)
            # An update comes every second, an empty one too.
            if settles is not None and loop.time() >= settles:
                settles = None
                async for chunk in follower.poll():
                    yield chunk


def _update(content: Mapping[str, Any], follower: Follower, reader: EventReader) -> LogChunk:
    try:
        update = msgspec.convert(content, _Update)
    except msgspec.ValidationError as error:
        raise BadAnswer(f"logs sent an update of another shape than its API's: {safe(str(error))}") from None
    chunk = follower.admit(reader.records(update.session_results, Counter()))
    thinned = _SAMPLED if update.session_metadata.sampled else EMPTY
    return msgspec.structs.replace(chunk, thinned=thinned)


async def _params(client: AwsClient, config: CloudWatchLog) -> dict[str, Any]:
    """What StartLiveTail is asked: it takes groups by their ARNs only."""
    arns = [await _arn(client, group) for group in config.groups]
    params: dict[str, Any] = {"logGroupIdentifiers": arns}
    if config.prefix is not None:
        params["logStreamNamePrefixes"] = [config.prefix]
    if config.pattern is not None:
        params["logEventFilterPattern"] = config.pattern
    return params


async def _arn(client: AwsClient, group: str) -> str:
    answer = await client.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": group})
    for found in answer.get("logGroups", ()):
        if found.get("logGroupName") == group:
            arn: str = found.get("logGroupArn") or found.get("arn", "")
            return arn.removesuffix(":*")
    raise NotFound(f"logs: there is no log group {safe(group)}")
