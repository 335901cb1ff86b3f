"""A backend whose world stands still: the simulated fleet after some minutes, the same in every run.

Screens, their tests and the pictures of the documentation look at the same moment.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tuiops.config.sources import SimulationConfig
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.snapshot import Environment, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.errors import SourceError, Unreachable
from tuiops.hub.board import Board
from tuiops.hub.comparison import compare
from tuiops.hub.logbook import LogBook
from tuiops.hub.poller import Poller
from tuiops.hub.tail import LogPump
from tuiops.sim.simulation import build_simulation
from tuiops.sources.base import ReadsAlerts, ReadsBudgets, ReadsHealth, ReadsHistory, ReadsRollouts, TailsLogs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.core.comparison import Comparison
    from tuiops.core.updates import Series, Update
    from tuiops.sources.base import Source

START = datetime(2026, 3, 3, 4, 40, tzinfo=UTC)
STEP = 20.0
MINUTES = 9


class StillBackend:
    """A snapshot that a test may replace, a clock that a test may move, and a history that a test may break."""

    def __init__(self, snapshot: Snapshot, clock: FakeClock, logs: LogBook, sources: list[Source]) -> None:
        self.snapshot = snapshot
        self.clock = clock
        self.logs = logs
        self.poked: list[str | None] = []
        self.asked: list[str] = []
        self.trouble: SourceError | None = None
        """What the history raises, when it is to fail."""
        self.holding: asyncio.Event | None = None
        """What the history waits for, when it is to be slow."""
        self._sources = sources
        self._listeners: list[Callable[[Snapshot], None]] = []

    def start(self) -> None:
        """Nothing moves here."""

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def forget_listeners(self) -> None:
        """Have nobody listen."""
        self._listeners = []

    def publish(self, snapshot: Snapshot) -> None:
        """Put another snapshot in place and tell everybody."""
        self.snapshot = snapshot
        for listener in list(self._listeners):
            listener(snapshot)

    def poke(self, feed: str | None = None) -> None:
        self.poked.append(feed)

    async def history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        self.asked.append(f"{system}/{service}/{indicator}")
        if self.holding is not None:
            await self.holding.wait()
        if self.trouble is not None:
            raise self.trouble
        for source in self._sources:
            if isinstance(source, ReadsHistory):
                try:
                    return await source.read_history(system, service, indicator, start, end, step)
                except SourceError:
                    continue
        raise Unreachable("no source answered")

    async def comparison(self, system: str, service: str, new: str, old: str) -> Comparison:
        if self.trouble is not None:
            raise self.trouble
        return await compare(self._sources, (system, service, new, old), self.clock)


async def still(minutes: float = MINUTES, seed: int = 1) -> StillBackend:
    """The fleet after so many minutes, polled all the way, with its log lines."""
    clock = FakeClock(START)
    config = SimulationConfig(interval=Duration(STEP), seed=seed)
    simulation = build_simulation(config, clock, _never)
    sources = simulation.sources()
    board = Board(Environment(lit("production"), production=True))
    pollers = [poller for source in sources for poller in _pollers(source, board, clock)]
    for _ in range(int(minutes * 60 / STEP)):
        clock.advance(STEP)
        for poller in pollers:
            await poller.poll()
    book = LogBook()
    await _fill(book, sources, clock)
    clock.advance(2.0)
    return StillBackend(board.snapshot(clock.now(), book.statuses()), clock, book, sources)


def _pollers(source: Source, board: Board, clock: FakeClock) -> list[Poller]:
    reads: list[tuple[type, str, Topic, str]] = [
        (ReadsHealth, "read_health", Topic.HEALTH, ""),
        (ReadsAlerts, "read_alerts", Topic.ALERTS, "/alerts"),
        (ReadsRollouts, "read_rollouts", Topic.ROLLOUTS, "/rollouts"),
        (ReadsBudgets, "read_budgets", Topic.BUDGETS, "/budgets"),
    ]
    found: list[Poller] = []
    for ability, method, topic, suffix in reads:
        if isinstance(source, ability):
            read: Callable[[], Awaitable[Update]] = getattr(source, method)
            name = type(source.name)(source.name + suffix)
            status = SourceStatus(name=name, kind=source.kind, interval=STEP, grace=10.0)
            found.append(Poller(topic, status, read, lambda r: board.apply(r, clock.now()), clock, chance=lambda: 0.5))
    return found


async def _fill(book: LogBook, sources: list[Source], clock: FakeClock) -> None:
    """Let every log stream tell of its last minutes, and no more."""
    pump = LogPump(book, clock, _never)
    tasks = [asyncio.create_task(pump(source)) for source in sources if isinstance(source, TailsLogs)]
    for _ in range(20):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _never(_: float) -> None:
    await asyncio.Event().wait()


def later(backend: StillBackend, seconds: float) -> None:
    """Let time pass without any answer: everything grows old."""
    backend.clock.advance(seconds)
    assert backend.clock.now() - backend.snapshot.at >= timedelta(seconds=seconds)
