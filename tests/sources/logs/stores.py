"""What tests of log stores share: a clock, a way to drain a stream poll by poll, what its lines say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuiops.core.clock import FakeClock
from tuiops.core.logformat import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.logs import LogRecord
    from tuiops.core.updates import LogChunk
    from tuiops.sources.stored_logs import StoredLogSource

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


def still() -> FakeClock:
    """A clock that stands at NOW."""
    return FakeClock(NOW)


async def chunks(source: StoredLogSource) -> list[LogChunk]:
    """What one poll yields. Raises what it raises."""
    return [chunk async for chunk in source.follower.poll()]


def records(source: StoredLogSource, found: Sequence[LogChunk]) -> list[LogRecord]:
    """The lines as the console reads them."""
    return [parse(line, source.format, NOW) for chunk in found for line in chunk.data.splitlines()]


async def before_failing(source: StoredLogSource, found: list[LogChunk]) -> None:
    """Put what one poll yields into `found`. Raises what it raises."""
    async for chunk in source.follower.poll():
        found.append(chunk)  # noqa: PERF401 - what came before a failure is kept


async def polled(source: StoredLogSource) -> list[LogRecord]:
    """The records of one poll."""
    return records(source, await chunks(source))


async def messages(source: StoredLogSource) -> list[str]:
    """The messages of one poll."""
    return [record.message for record in await polled(source)]
