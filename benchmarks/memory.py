"""Memory over a simulated day of the console's read side: flat after the first hour."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

from benchmarks.table import Row, show
from tuiops.config.sources import SimulationConfig
from tuiops.core.clock import FakeClock
from tuiops.core.snapshot import Environment
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.errors import SourceError
from tuiops.hub.board import Board
from tuiops.hub.feeds import abilities, feed_name
from tuiops.hub.logbook import LogBook
from tuiops.hub.poller import Result
from tuiops.sim.logs import LogStream
from tuiops.sim.simulation import build_simulation

if TYPE_CHECKING:
    from tuiops.core.updates import Update
    from tuiops.sources.base import Source

STEP = 15.0
"""Simulated seconds between polls."""
HOURS = 24


async def poll(board: Board, source: Source, clock: FakeClock) -> None:
    """One poll of everything that a source can do."""
    for topic, read in abilities(source):
        name = feed_name(source, topic)
        status = SourceStatus(name=name, kind=source.kind, interval=STEP, answered=clock.now(), tried=clock.now())
        update: Update | None = None
        with contextlib.suppress(SourceError):
            update = await read()
        board.apply(Result(topic=topic, status=status, update=update), clock.now())


async def day() -> list[int]:
    """Resident bytes after each simulated hour."""
    clock = FakeClock(datetime(2026, 5, 4, tzinfo=UTC))
    board = Board(Environment(lit("day")))
    book = LogBook(2_000_000)  # full within the first hour, so that only growth shows
    sources = build_simulation(SimulationConfig(), clock).sources()
    process = psutil.Process()
    seen: list[int] = []
    for _ in range(HOURS):
        for _ in range(int(3600 / STEP)):
            before = clock.now()
            clock.advance(STEP)
            for source in sources:
                await poll(board, source, clock)
                if isinstance(source, LogStream):
                    stream = book.register(source.name)
                    book.append(stream, source.lines(before, clock.now()), clock.now())
            board.snapshot(clock.now(), book.statuses())
        gc.collect()
        seen.append(process.memory_info().rss)
    return seen


def main() -> None:
    """Print the table."""
    seen = asyncio.run(day())
    worst = max(abs(value - seen[0]) / seen[0] for value in seen[1:])
    show(
        "Memory over 24 simulated hours, five systems",
        [
            Row(
                "resident memory after 1 h and 24 h",
                f"{seen[-1] / 1e6:.1f} MB",
                f"{seen[0] / 1e6:.1f} MB after 1 h",
                f"worst {worst:+.1%}",
                "± 3 %",
                worst <= 0.03,
            )
        ],
    )


if __name__ == "__main__":
    main()
