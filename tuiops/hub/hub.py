"""The read side at work: one task for each feed and each log stream, one snapshot for everybody."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from tuiops.errors import NotFound, SourceError, TimedOut
from tuiops.hub.board import Board
from tuiops.hub.bus import Bus
from tuiops.hub.comparison import compare, measuring
from tuiops.hub.feeds import abilities, feed_name, feeds, renewed
from tuiops.hub.poller import Poller, wait_on_loop
from tuiops.hub.trend import STEP_SECONDS, STEPS
from tuiops.sources.base import ReadsHistory, TailsLogs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
    from datetime import datetime

    from tuiops.core.clock import Clock
    from tuiops.core.comparison import Comparison
    from tuiops.core.health import SystemHealth
    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Environment, Snapshot
    from tuiops.core.text import SafeText
    from tuiops.core.updates import Series
    from tuiops.hub.logbook import LogBook
    from tuiops.hub.poller import Result
    from tuiops.sources.base import Source

log = logging.getLogger(__name__)

PUBLISH_DELAY = 0.1
"""Seconds in which results are gathered into one snapshot."""
TICK = 1.0
"""Seconds between looks for feeds that went quiet."""
HISTORY_TIMEOUT = 15.0
HUB = ""
"""Stands for the hub where sources are named; no source has an empty name."""
BACKFILL_MOST = 24
"""Measures whose recent past is read at the start, one request each."""
CLOSE_TIMEOUT = 0.3
"""Seconds that closing may take: quitting must not wait for a server that does not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a hub is to watch."""

    environment: Environment
    declared: tuple[SystemHealth, ...] = ()
    sources: tuple[Source, ...] = ()
    shared: tuple[Closes, ...] = ()
    """What sources share, such as bastions; closed after them."""
    origins: Mapping[str, object] = field(default_factory=dict)
    """By source: where its data comes from. When that is another, nothing of what it said holds any more."""
    wishes: Mapping[str, object] = field(default_factory=dict)
    """By source: all that it was made from. While that is equal, the source that is at work goes on."""


class Closes(Protocol):
    """Something to give back in the end."""

    async def close(self) -> None: ...


class PumpsLogs(Protocol):
    """Moves the lines of one stream into the log book, for ever."""

    async def __call__(self, source: TailsLogs) -> None: ...


class Hub:
    """Runs in one event loop; `snapshot` may be read from any thread."""

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        logs: LogBook,
        pump: PumpsLogs,
        *,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] = wait_on_loop,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self.logs = logs
        self.bus = Bus()
        self._plan = plan
        self._pump = pump
        self._wait = wait
        self._chance = chance
        self._board = Board(plan.environment, plan.declared)
        self._pollers: dict[str, Poller] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        """By the source that they work for; `HUB` has those of everybody."""
        self._logs_seen = logs.version
        self._answered = asyncio.Event()
        self._dirty = asyncio.Event()
        for feed in feeds(plan.sources):
            self._board.expect(feed)
        self.snapshot: Snapshot = self._board.snapshot(clock.now())

    @property
    def sources(self) -> tuple[Source, ...]:
        """Those that are at work."""
        return self._plan.sources

    async def start(self) -> None:
        """Begin to poll; returns when every task is under way."""
        self._spawn(HUB, self._publish_when_dirty())
        self._spawn(HUB, self._tick())
        self._follow(self._plan.sources)

    async def stop(self) -> None:
        """End every task and close every source. Bounded: what will not end is left behind."""
        await self._end(list(self._tasks))
        await _close(*self._plan.sources)
        await _close(*self._plan.shared)

    async def replace(self, plan: Plan) -> None:
        """Watch something else. Sources that are wished for as before go on; nothing of them blinks or begins anew."""
        former = self._plan
        at_work = {source.name: source for source in former.sources}
        kept = {name for name in at_work if name in plan.wishes and plan.wishes[name] == former.wishes.get(name)}
        sources = tuple(at_work[source.name] if source.name in kept else source for source in plan.sources)
        ended = tuple(source for source in former.sources if source not in sources)
        self._plan = dataclasses.replace(plan, sources=sources)
        await self._end([source.name for source in ended])
        self._forget(ended, former, plan)
        self._board.environment = plan.environment
        self._board.health.declare(plan.declared)
        for feed in feeds(sources):
            self._board.expect(feed)
        self._follow(source for source in sources if source.name not in kept)
        self._dirty.set()
        await _close(*ended)
        await _close(*(shared for shared in former.shared if shared not in plan.shared))

    def _forget(self, ended: Iterable[Source], former: Plan, plan: Plan) -> None:
        """Drop what sources said that are gone, or that now speak of something else."""
        remain = {source.name for source in plan.sources}
        same = {name for name, origin in former.origins.items() if plan.origins.get(name) == origin}
        stays = {feed.status.name for feed in feeds(s for s in plan.sources if s.name in same)}
        for source in ended:
            for feed in feeds((source,)):
                self._pollers.pop(feed.status.name, None)
                if feed.status.name not in stays:
                    self._board.forget(feed.status.name)
            if isinstance(source, TailsLogs) and source.name not in remain:
                self.logs.retire(source.name)

    def tell(self, *notices: SafeText) -> None:
        """Set what the console has to say about itself; nothing clears it."""
        self._board.notices = notices
        self._dirty.set()

    def set_runs(self, runs: tuple[RunView, ...]) -> None:
        """Take over what is known of runs, live ones first, then the newest."""
        self._board.runs = runs
        self._dirty.set()

    def set_trouble(self, text: SafeText) -> None:
        """Say why runs cannot be recorded or are not known; empty when all is well again."""
        self._board.trouble = text
        self._dirty.set()

    def poke(self, feed: str | None = None) -> None:
        """Poll a feed, or all of them, without waiting for their turn."""
        for name, poller in self._pollers.items():
            if feed is None or name == feed:
                poller.poke()

    async def first_round(self, patience: float) -> None:
        """Return when every feed has answered or failed once, or after `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._answered.wait()
        except TimeoutError:
            pass
        self._publish()

    async def history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """The past of one measure, from the source that reads it. Raises errors.SourceError."""
        feed = self._feed_of(system, service, indicator)
        for source in self._plan.sources:
            if source.name == feed and isinstance(source, ReadsHistory):
                try:
                    async with asyncio.timeout(HISTORY_TIMEOUT):
                        return await source.read_history(system, service, indicator, start, end, step)
                except TimeoutError as error:
                    raise TimedOut(f"no complete answer within {HISTORY_TIMEOUT:g} s") from error
        raise NotFound(f"{feed or 'no source'} keeps no history")

    async def comparison(self, system: str, service: str, new: str, old: str) -> Comparison:
        """Two revisions of a service side by side, by every source that can tell them apart.

        Raises errors.SourceError when none of them answers.
        """
        names = measuring(self.snapshot.systems, system, service)
        able = [source for source in self._plan.sources if source.name in names]
        return await compare(able, (system, service, new, old), self.clock)

    async def _backfill(self, source: Source, history: ReadsHistory) -> None:
        """Give the first sparklines a past, as far as a few requests reach. Nobody waits for it."""
        end = self.clock.now()
        start = end - timedelta(seconds=STEPS * STEP_SECONDS)
        for system, service, indicator in self._board.health.measured_by(source.name)[:BACKFILL_MOST]:
            try:
                async with asyncio.timeout(source.timeout):
                    series = await history.read_history(system, service, indicator, start, end, STEP_SECONDS)
            except (SourceError, TimeoutError):
                return
            self._board.health.fill((system, service, indicator), series)

    def _feed_of(self, system: str, service: str, indicator: str) -> str:
        for known in self.snapshot.systems:
            for candidate in known.services if known.system == system else ():
                for measure in candidate.measures if candidate.service == service else ():
                    if measure.indicator.id == indicator:
                        return measure.indicator.source
        return ""

    def _follow(self, sources: Iterable[Source]) -> None:
        for source in sources:
            reads = abilities(source)
            for topic, read in reads:
                feed = self._board.feed(feed_name(source, topic))
                if feed is None:
                    continue
                poller = Poller(
                    topic,
                    renewed(feed.status, source, topic),
                    read,
                    self._report,
                    self.clock,
                    siblings=len(reads),
                    wait=self._wait,
                    chance=self._chance,
                )
                self._pollers[feed.status.name] = poller
                self._spawn(source.name, poller.run())
            if isinstance(source, ReadsHistory) and reads:
                self._spawn(source.name, self._backfill(source, source))
            if isinstance(source, TailsLogs):
                self._spawn(source.name, self._pump(source))
        if not self._pollers:
            self._answered.set()

    def _report(self, result: Result) -> None:
        self._board.apply(result, self.clock.now())
        if all(poller.status.tried is not None for poller in self._pollers.values()):
            self._answered.set()
        self._dirty.set()

    async def _publish_when_dirty(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(PUBLISH_DELAY)
            with _reported("publishing"):
                self._publish()

    def _publish(self) -> None:
        self._dirty.clear()
        self.snapshot = self._board.snapshot(self.clock.now(), self.logs.statuses())
        self.bus.publish(self.snapshot)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            with _reported("the tick"):
                if self._board.tick(self.clock.now()) or self.logs.version != self._logs_seen:
                    self._logs_seen = self.logs.version
                    self._dirty.set()

    def _spawn(self, owner: str, work: Coroutine[None, None, None]) -> None:
        self._tasks.setdefault(owner, []).append(asyncio.create_task(work, name=owner))

    async def _end(self, owners: Iterable[str]) -> None:
        tasks = [task for owner in owners for task in self._tasks.pop(owner, ())]
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        ended, left = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)
        for task in ended:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a task of %s ended badly", task.get_name(), exc_info=error)
        if left:
            log.warning("left behind: %s", ", ".join(task.get_name() for task in left))


@contextlib.contextmanager
def _reported(what: str) -> Iterator[None]:
    """A fault of ours is logged and the loop around goes on: one bad value must not end the read side."""
    try:
        yield
    except Exception:  # one bad value must not end the read side
        log.exception("%s failed", what)


async def _close(*things: Closes) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await asyncio.gather(*(thing.close() for thing in things), return_exceptions=True)
    except TimeoutError:
        log.warning("some sources did not close in time")
