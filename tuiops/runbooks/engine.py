"""The engine: every run that the ledger knows, and the ones that this console carries out.

It lives in one event loop. What it shows is folded from the ledger; what it does is written there first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from tuiops.core.record import (
    Entry,
    RunAborting,
    RunApproved,
    RunPaused,
    StepAttested,
)
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import LedgerError, Refused, SourceError
from tuiops.ledger.base import FencedOut
from tuiops.runbooks.book import RunBook
from tuiops.runbooks.carrier import Carrier
from tuiops.runbooks.locks import Fences
from tuiops.runbooks.progress import Progress
from tuiops.runbooks.recovery import Recovery
from tuiops.runbooks.scribe import Scribe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from tuiops.core.access import Principal
    from tuiops.core.record import AnyEvent, Sealed
    from tuiops.core.runs import RunView
    from tuiops.ledger.base import Holder, Ledger, Lock
    from tuiops.runbooks.doing import Means
    from tuiops.runbooks.history import History

log = logging.getLogger(__name__)

REMEMBERED = 20_000
"""Entries from the end of the ledger that are read at the start; runs that still hold locks are read whole."""

LOOK_AT_LOCKS = 2.0
"""Seconds between two looks at who holds what: the ledger does not tell when a holder dies."""

PUBLISH_DELAY = 0.1
"""Seconds in which changes are gathered into one publication."""


class Engine:
    """All runs. One for each process; people sit at a `sitting.Sitting` of it."""

    def __init__(
        self,
        ledger: Ledger,
        means: Means,
        holder: Holder,
        published: Callable[[tuple[RunView, ...]], None] = lambda _: None,
        troubled: Callable[[SafeText], None] = lambda _: None,
    ) -> None:
        """`published` is given all runs whenever one changed; `troubled` a sentence when the ledger fails, or ''."""
        self.ledger = ledger
        self.means = means
        self.holder = holder
        self._published = published
        self._troubled = troubled
        self._book = RunBook()
        self._locks: tuple[Lock, ...] = ()
        self._carriers: dict[str, Carrier] = {}
        self._progress: dict[str, Progress] = {}
        self._waiting: dict[str, Callable[[], Awaitable[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dirty = asyncio.Event()

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Live ones first, then the newest."""
        histories = self._book.histories(self._locks, self.holder.session, self._carriers.keys())
        views = [self._shown(history) for history in histories]
        return tuple(sorted(views, key=lambda view: not view.live))

    def history(self, run: str) -> History:
        """What is recorded of a run. Refused when there is none of that identity."""
        lock = next((lock for lock in self._locks if lock.run == run), None)
        found = self._book.history(run, lock, self.holder.session, carried=run in self._carriers)
        if found is None:
            raise Refused(f"there is no run {safe(run)}")
        return found

    def carrier(self, run: str) -> Carrier | None:
        """What carries a run out here; None when nothing does."""
        return self._carriers.get(run)

    async def start(self) -> None:
        """Read what the ledger knows, and look after runs that were cut off."""
        last = await self.ledger.last()
        async for sealed in self.ledger.read(after=max(0, last - REMEMBERED)):
            self._book.take(sealed)
        await self._look_at_locks()
        self._spawn(self._listen(), "runs: news")
        self._spawn(self._watch_locks(), "runs: locks")
        self._spawn(self._publish_when_dirty(), "runs: publish")
        self._dirty.set()

    async def stop(self) -> None:
        """End everything here. What was begun out there goes on, and is found again by its execution id."""
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.ledger.close()

    async def record(self, by: Principal, run: str, *events: AnyEvent) -> None:
        """Write what a person says about a run that another console may carry out."""
        at = self.means.world.clock.now()
        self._take(await self.ledger.append([Entry(at=at, by=by, event=event, run=run) for event in events]))

    def when_approved(self, run: str, begin: Callable[[], Awaitable[None]]) -> None:
        """Have a run begun here as soon as another person has approved it, wherever that happens."""
        self._waiting[run] = begin

    async def ask_to_abort(self, by: Principal, run: str, reason: SafeText) -> None:
        """Ask the console that carries a run out to end it."""
        await self.record(by, run, RunAborting(reason=reason))

    async def wind_up(self, by: Principal, run: str, keys: Sequence[str], reason: SafeText) -> None:
        """End a run that no console carries out, and what it left running."""
        await self._carry(by, run, keys, lambda carrier: carrier.wind_up(reason), ())

    async def carry(self, by: Principal, run: str, keys: Sequence[str], *, first: Sequence[AnyEvent] = ()) -> None:
        """Take the locks of a run and go on with it. Refused, with nothing recorded, when they cannot be had."""
        await self._carry(by, run, keys, lambda carrier: carrier.forward(), first)

    async def undo(self, by: Principal, run: str, keys: Sequence[str]) -> None:
        """Take the locks of a run and undo what it did."""
        await self._carry(by, run, keys, lambda carrier: carrier.backward(), ())

    async def _carry(
        self,
        by: Principal,
        run: str,
        keys: Sequence[str],
        work: Callable[[Carrier], Awaitable[None]],
        first: Sequence[AnyEvent],
    ) -> None:
        if run in self._carriers:
            raise Refused("this console is carrying it out already")
        fences = Fences(self.ledger, self.holder, run)
        await fences.acquire(keys, self._purpose(run, by))
        progress = self._progress[run] = Progress(self._dirty.set)
        scribe = Scribe(self.ledger, self.means.world.clock, self._book, fences, run, self._dirty.set)
        carrier = self._carriers[run] = Carrier(scribe, self.means, progress, by)
        try:
            if first:
                await scribe.write(by, *first)
        except BaseException:
            del self._carriers[run]
            await fences.release()
            raise
        self._spawn(self._carried(run, carrier, work(carrier)), f"run {run}")
        await self._look_at_locks()

    def _purpose(self, run: str, by: Principal) -> SafeText:
        if run in self._book:
            view = self.history(run).view
            return fmt("run #{} {}", view.number, view.title)
        return fmt("a run of {}", by.person)

    async def _carried(self, run: str, carrier: Carrier, work: Awaitable[None]) -> None:
        """Carry a run out while its locks are ours; they stay with a run that is not over."""
        fences = carrier.scribe.fences
        at_work = asyncio.ensure_future(work)
        keeping = asyncio.create_task(fences.keep())
        try:
            await asyncio.wait({at_work, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if at_work.done():
                at_work.result()
            else:
                keeping.result()
        except FencedOut:
            log.warning("run %s was taken over by another console", run)
        except LedgerError as error:
            self._troubled(fmt("run cut off: {}", safe(str(error), 500)))
        except Exception:  # one run's trouble is not the console's; the record tells how far it came
            log.exception("run %s ended by a fault", run)
            self._troubled(fmt("run {} was cut off by a fault of the console; see its log", safe(run)))
        finally:
            for task in (at_work, keeping):
                task.cancel()
            await asyncio.gather(at_work, keeping, return_exceptions=True)
            self._carriers.pop(run, None)
            if not self.history(run).view.live:
                with contextlib.suppress(LedgerError):
                    await fences.release()
                    await self.ledger.anchor()
            self._dirty.set()

    async def _listen(self) -> None:
        """Follow what other consoles write, and hear what it asks of the runs that are carried out here."""
        async for _ in self.ledger.news():
            try:
                async for sealed in self.ledger.read(after=self._book.last):
                    self._take((sealed,))
            except LedgerError as error:
                self._troubled(fmt("ledger: {}", safe(str(error), 500)))
            else:
                self._troubled(lit(""))

    def _take(self, sealed: Sequence[Sealed]) -> None:
        for one in sealed:
            if self._book.take(one):
                self._heard(one.entry)
                self._dirty.set()

    def _heard(self, entry: Entry) -> None:
        if isinstance(entry.event, RunApproved) and entry.run in self._waiting:
            self._spawn(self._approved(entry, self._waiting.pop(entry.run)), f"approved {entry.run}")
        carrier = self._carriers.get(entry.run)
        if carrier is None:
            return
        match entry.event:
            case RunAborting():
                carrier.abort()
            case StepAttested():
                carrier.attested()
            case _:
                pass

    async def _approved(self, entry: Entry, begin: Callable[[], Awaitable[None]]) -> None:
        try:
            await begin()
        except (LedgerError, Refused, SourceError) as error:
            self._troubled(fmt("run approved by {}, but {}", entry.by.person, safe(str(error), 500)))
            with contextlib.suppress(LedgerError):
                await self.record(entry.by, entry.run, RunPaused(reason=safe(str(error), 500)))

    async def _watch_locks(self) -> None:
        while True:
            await self.means.pause(LOOK_AT_LOCKS)
            try:
                await self._look_at_locks()
            except LedgerError as error:
                self._troubled(fmt("ledger: {}", safe(str(error), 500)))

    async def _look_at_locks(self) -> None:
        """Who holds what; runs that lost their console are looked after."""
        locks = await self.ledger.locks()
        for lock in locks:
            if lock.run not in self._book:
                async for sealed in self.ledger.read(run=lock.run):
                    self._book.take(sealed)
        if locks != self._locks:
            self._locks = locks
            self._dirty.set()
        for run in {lock.run for lock in locks if lock.gone} - self._carriers.keys():
            self._recover(run)

    def _recover(self, run: str) -> None:
        """Find out what became of what a lost console had begun."""
        history = self._book.history(run)
        if history is None or not history.open or run in self._progress:
            return
        self._progress[run] = Progress(self._dirty.set)
        recovery = Recovery(self.ledger, self.means, self._book, self.holder)
        self._spawn(recovery.find(run, self._dirty.set), f"recovery {run}")

    async def _publish_when_dirty(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self._published(self.runs)
            await self.means.pause(PUBLISH_DELAY)

    def _shown(self, history: History) -> RunView:
        progress = self._progress.get(history.view.id)
        return history.view if progress is None else progress.over(history.view)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
