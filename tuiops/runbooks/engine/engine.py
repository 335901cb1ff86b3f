"""The engine: every run that the ledger knows, and the ones that this console carries out.

It lives in one event loop. What it shows is folded from the ledger; what it does is written there first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tuiops.core.access import Deed
from tuiops.core.record import Entry, RunAborting, StepAttested
from tuiops.core.runs import RunState
from tuiops.core.text import EMPTY, SafeText, fmt, safe
from tuiops.errors import LedgerError, Refused
from tuiops.ledger.base import FencedOut
from tuiops.runbooks.engine.approvals import Approvals
from tuiops.runbooks.engine.carrier import Carrier
from tuiops.runbooks.engine.listening import Attentive
from tuiops.runbooks.engine.locks import Fences
from tuiops.runbooks.engine.preconditions import is_asked, is_new, may_be_carried
from tuiops.runbooks.engine.recovery import Recovery
from tuiops.runbooks.engine.scribe import Scribe, itself
from tuiops.runbooks.record.known import REMEMBERED, Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tuiops.core.access import Principal
    from tuiops.core.record import AnyEvent, Sealed
    from tuiops.core.runs import RunView
    from tuiops.ledger.base import Holder, Ledger
    from tuiops.runbooks.engine.permits import Permits
    from tuiops.runbooks.engine.step import Means
    from tuiops.runbooks.planning.plan import Plan
    from tuiops.runbooks.record.history import History

    Work = Callable[[Carrier], Awaitable[None]]
    Fits = Callable[[History | None], None]
    """Raises Refused unless a run stands as it must for what is about to be done with it."""

log = logging.getLogger(__name__)

LOOK_AT_LOCKS = 2.0
"""Seconds between two looks at who holds what: the ledger does not tell when a holder dies."""

_MOMENT = 0.05
"""Seconds between two looks whether there is word of what is looked up."""

_RESTING = frozenset({RunState.PAUSED, RunState.UNKNOWN})
"""States of a run that is not over and that nobody carries out."""


class Engine:
    """All runs. One for each process; people sit at a `sitting.Sitting` of it.

    Whether a person may have something done is decided here, by `permits`, whoever calls; a sitting adds how they are
    told, and what they were shown.
    """

    def __init__(
        self,
        ledger: Ledger,
        means: Means,
        holder: Holder,
        permits: Permits,
        published: Callable[[tuple[RunView, ...]], None] = lambda _: None,
        troubled: Callable[[SafeText], None] = lambda _: None,
    ) -> None:
        """`published` is given all runs whenever one changed; `troubled` what is wrong at the moment, or ''."""
        self.ledger = ledger
        self.means = means
        self.holder = holder
        self.permits = permits
        self._carriers: dict[str, Carrier] = {}
        self._known = Known(ledger, holder.session, self._carriers.keys(), published, troubled)
        self._book = self._known.book
        self._busy: dict[str, asyncio.Event] = {}
        """Runs that are being taken up, carried out or given back here; the event is set when that is over."""
        self._leaving: set[str] = set()
        self._acquiring = asyncio.Lock()
        self._approvals = Approvals(self._known, partial(self._write, itself(holder)))
        self._recovery = Recovery(means, self._known, holder, self._acquiring, self._busy.__contains__)
        self._tasks: set[asyncio.Task[None]] = set()
        self._attentive = Attentive(self._known.trouble, means.pause)
        self._stopping = False
        self._heard_until = 0
        """Number of the last entry that was listened to; what is written here is heard again like all others."""

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Live ones first, then the newest."""
        return self._known.runs

    def find(self, run: str) -> History | None:
        """What is recorded of a run; None when nothing is."""
        return self._known.find(run)

    def history(self, run: str) -> History:
        """The same. Refused when there is none of that identity."""
        found = self.find(run)
        if found is None:
            raise Refused(f"there is no run {safe(run)}")
        return found

    def carrier(self, run: str) -> Carrier | None:
        """What carries a run out here; None when nothing does."""
        return self._carriers.get(run)

    def troubles(self, run: str) -> tuple[SafeText, SafeText]:
        """What is wrong with a run, and with the console itself, at the moment; empty when nothing is."""
        return self._known.troubled(run), self._attentive.failing

    async def start(self) -> None:
        """Read what the ledger knows, and look after runs that were cut off. LedgerError when it cannot be written."""
        await self.ledger.probe()
        last = await self.ledger.last()
        await self._catch_up(max(0, last - REMEMBERED))
        await self._look_at_locks()
        self._spawn(self._known.anchor(), "runs: anchor")
        shows = partial(self._known.publish, self.means.pause)
        self._spawn(self._attentive.keep_up("news of runs", self._listen), "runs: news")
        self._spawn(self._attentive.keep_up("who holds runs", self._watch_locks), "runs: locks")
        self._spawn(self._attentive.keep_up("what is shown of runs", shows), "runs: publish")
        self._known.changed()

    async def stop(self) -> None:
        """End everything here. What was begun out there goes on, and is found again by its execution id."""
        self._stopping = True
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ledger.close()

    async def request(self, by: Principal, run: str, plan: Plan) -> None:
        """Record a run that waits for a second person."""
        self.permits.allow(by, Deed.RUN, plan)
        await self._write(by, run, plan.requested(await self.ledger.next_run_number(), second=True))

    async def say(self, by: Principal, run: str, event: AnyEvent) -> None:
        """Record what a person says about a run, which another console may carry out."""
        history = self.history(run)
        self.permits.write(by, event, history)
        if isinstance(event, StepAttested):
            # Another console may have taken the run up since, and ask anew.
            await self._known.read_whole(run)
            is_asked(self.history(run), event.step, event.execution)
        await self._write(by, run, event)

    def when_approved(self, run: str, begin: Callable[[], Awaitable[None]]) -> None:
        """Have a run begun here as soon as another person has approved it, wherever that happens."""
        self._approvals.wait(run, begin)

    async def begin(self, by: Principal, run: str, plan: Plan) -> None:
        """Take the locks of a run that is not recorded yet, record it and carry it out.

        Refused, with nothing recorded, when they cannot be had, when there is such a run already, and when it takes a
        second person.
        """
        self.permits.alone(by, plan)
        requested = plan.requested(await self.ledger.next_run_number())
        purpose = fmt("run #{} {}", requested.number, requested.title)
        taking = _Taking(by=by, run=run, keys=plan.locks, purpose=purpose, first=(requested,))
        await self._take_up(taking, Carrier.forward, is_new)

    async def carry(self, by: Principal, run: str, fits: Fits, deed: Deed = Deed.RESOLVE) -> None:
        """Go on with a run, forward or back as it went. `fits` is asked once nobody else can change how it stands.

        Whatever it says, one that a second person has to approve is not begun before that.
        """
        self.permits.allow(by, deed, self.history(run).plan)

        def may(history: History | None) -> None:
            fits(history)
            may_be_carried(history)

        await self._take_up(self._taking(by, run), Carrier.go_on, may)

    async def undo(self, by: Principal, run: str, fits: Fits) -> None:
        """Undo what a run did. Refused when to run it takes a second person: nobody approves an undo."""
        self.permits.undo(by, self.history(run).plan)
        await self._take_up(self._taking(by, run), Carrier.backward, fits)

    async def settle(self, by: Principal, run: str, said: StepAttested, fits: Fits) -> None:
        """Record how a step came out of a run that nobody carries out, so that nobody goes on with it meanwhile."""
        self.permits.write(by, said, self.history(run))
        taking = self._taking(by, run)
        await self._take_up(replace(taking, first=(said,)), lambda _: asyncio.sleep(0), fits)
        if run in self._busy:
            # Whoever has said it may want to go on at once.
            await self._busy[run].wait()

    async def wind_up(self, by: Principal, run: str, fits: Fits, reason: SafeText) -> None:
        """End a run that no console carries out, and what it left running."""
        self.permits.allow(by, Deed.ABORT, self.history(run).plan)
        await self._take_up(self._taking(by, run), lambda carrier: carrier.wind_up(reason), fits)

    def looks_up(self, run: str) -> bool:
        """Whether there is no word yet of something that a lost console had begun: it is being looked up."""
        return self._recovery.owes_word(run)

    async def looked_up(self, run: str) -> None:
        """Return when there is word of it, which may be that it still goes on. Without end if there never is any."""
        while self.looks_up(run):
            await self.means.pause(_MOMENT)

    async def _write(self, by: Principal, run: str, event: AnyEvent) -> None:
        at = self.means.world.clock.now()
        for sealed in await self.ledger.append([Entry(at=at, by=by, event=event, run=run)]):
            self._take(sealed)

    def _taking(self, by: Principal, run: str) -> _Taking:
        history = self.history(run)
        purpose = fmt("run #{} {}", history.view.number, history.view.title)
        return _Taking(by=by, run=run, keys=history.plan.locks, purpose=purpose)

    async def _take_up(self, taking: _Taking, work: Work, fits: Fits) -> None:
        """Begin to carry a run out; who asked may go away meanwhile. Refused when it cannot be done."""
        while taking.run in self._busy:
            if not self._is_leaving(taking.run):
                raise Refused("this console is carrying it out already")
            await self._busy[taking.run].wait()
        self._busy[taking.run] = asyncio.Event()
        await asyncio.shield(self._spawn(self._taken_up(taking, work, fits), f"take up {taking.run}"))

    def _is_leaving(self, run: str) -> bool:
        """Whether what was carried out here is over, and just has to be given back."""
        carrier, history = self._carriers.get(run), self._book.history(run, carried=True)
        if carrier is None or history is None:
            return run in self._leaving
        rests = history.view.state.final or history.view.state in _RESTING
        return rests and self._book.last(run) > carrier.since

    async def _taken_up(self, taking: _Taking, work: Work, fits: Fits) -> None:
        run = taking.run
        fences = Fences(self.ledger, self.holder, run)
        try:
            async with self._acquiring:
                await fences.acquire(taking.keys, taking.purpose)
            # Only now nobody else goes on with it, so only now is it certain how it stands.
            await self._known.read_whole(run)
            fits(self._book.history(run))
            progress = self._known.progress(run)
            scribe = Scribe(self.ledger, self.means.world.clock, self._book, fences, run, self._known.changed)
            since = self._book.last(run)
            carrier = Carrier(scribe, self.means, progress, taking.by, since, self._attentive)
            if taking.first:
                await scribe.write(taking.by, *taking.first)
        except BaseException:
            await self._give_back(run, fences)
            raise
        self._carriers[run] = carrier
        self._known.trouble(run, EMPTY)
        self._spawn(self._carried(run, carrier, work), f"run {run}")
        with contextlib.suppress(LedgerError):
            await self._look_at_locks()

    async def _carried(self, run: str, carrier: Carrier, work: Work) -> None:
        """Carry a run out while its locks are ours; they stay with a run that is not over."""
        fences = carrier.scribe.fences
        at_work = asyncio.ensure_future(work(carrier))
        keeping = asyncio.create_task(fences.keep())
        try:
            await asyncio.wait({at_work, keeping}, return_when=asyncio.FIRST_COMPLETED)
            await (at_work if at_work.done() else keeping)
        except FencedOut:
            log.warning("run %s was taken over by another console", run)
        except LedgerError as error:
            self._known.trouble(run, fmt("run cut off: {}", safe(str(error), 500)))
        except Exception:  # one run's trouble is not the console's; the record tells how far it came
            log.exception("run %s ended by a fault", run)
            self._known.trouble(run, fmt("run {} was cut off by a fault of the console; see its log", safe(run)))
        finally:
            for task in (at_work, keeping):
                task.cancel()
            await asyncio.gather(at_work, keeping, return_exceptions=True)
            self._carriers.pop(run, None)
            await self._give_back(run, fences)

    async def _give_back(self, run: str, fences: Fences) -> None:
        """Let go of the locks, or leave them to a run that is not over."""
        self._leaving.add(run)
        try:
            history = self._book.history(run)
            with contextlib.suppress(LedgerError):
                if history is not None and history.started and history.view.live:
                    await fences.park()
                else:
                    await fences.release()
                await self._look_at_locks()
        finally:
            self._leaving.discard(run)
            self._busy.pop(run).set()
            self._known.given_back(run)

    async def _listen(self, well: Callable[[], None]) -> None:
        """Follow what other consoles write, and hear what it asks of the runs that are carried out here."""
        async for _ in self.ledger.news():
            await self._catch_up(self._heard_until)
            if self._known.unsure:
                await self._look_at_locks()
            well()

    async def _catch_up(self, after: int) -> None:
        async for sealed in self.ledger.read(after=after):
            self._take(sealed)
            self._heard_until = sealed.number

    def _take(self, sealed: Sealed) -> None:
        if self._book.take(sealed):
            self._known.changed()
        self._heard(sealed)

    def _heard(self, sealed: Sealed) -> None:
        """Act on an entry. It may come twice, once by the one who wrote it."""
        entry = sealed.entry
        to_do = self._approvals.heard(entry)
        if to_do is not None:
            self._spawn(to_do, f"approved {entry.run}")
        carrier = self._carriers.get(entry.run)
        if carrier is None or sealed.number <= carrier.since:
            return
        match entry.event:
            case RunAborting():
                carrier.abort()
            case StepAttested():
                carrier.attested()
            case _:
                pass

    async def _watch_locks(self, well: Callable[[], None]) -> None:
        while True:
            await self._look_at_locks()
            well()
            await self.means.pause(LOOK_AT_LOCKS)

    async def _look_at_locks(self) -> None:
        """Who holds what; runs that lost their console are looked after."""
        await self._known.look_at_locks()
        if not self._stopping:
            self._recovery.begin(self._spawn)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taking:
    """A run that is about to be carried out here, and for whom."""

    by: Principal
    run: str
    keys: tuple[str, ...]
    purpose: SafeText
    first: tuple[AnyEvent, ...] = ()
    """What is recorded before anything else."""
