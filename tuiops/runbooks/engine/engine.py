"""The engine: it carries runs out, and has their record say so beforehand.

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
from tuiops.runbooks.engine.late import Late
from tuiops.runbooks.engine.listening import Attentive
from tuiops.runbooks.engine.locks import Fences
from tuiops.runbooks.engine.preconditions import is_asked, is_new, is_to_end, may_be_carried
from tuiops.runbooks.engine.reading import Reader
from tuiops.runbooks.engine.recovery import Recovery
from tuiops.runbooks.engine.scribe import Scribe, itself
from tuiops.runbooks.engine.winding import Winding
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

_MOMENT = 0.05
"""Seconds between two looks whether there is word of what is looked up."""

_NEWS, _LOCKS = "news of runs", "who holds runs"
"""What must be heard before the first step of all, and for each further one."""

_STOPPED = "not done: this console does not act here any more"

_RESTING = frozenset({RunState.PAUSED, RunState.UNKNOWN})
"""States of a run that is not over and that nobody carries out."""


class Engine(Reader):
    """All runs. One for each process; people sit at a `desk.session.Sitting` of it.

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
        self._carriers: dict[str, Carrier] = {}
        super().__init__(Known(ledger, holder.session, self._carriers.keys(), published, troubled), means, permits)
        self.ledger = ledger
        self.holder = holder
        self._busy: dict[str, asyncio.Event] = {}
        """Runs that are being taken up, carried out or given back here; the event is set when that is over."""
        self._leaving: set[str] = set()
        self._acquiring = asyncio.Lock()
        self._approvals = Approvals(self._known, partial(self._write, itself(holder)))
        self._recovery = Recovery(means, self._known, holder, self._acquiring, self._busy.__contains__)
        self._winding = Winding(self._known, self._busy.__contains__, partial(self._wind_up, itself(holder)))
        ways = (self._add, self._record_late, self._spawn)
        self._late = Late(self._known, means.pause, means.effects, self._carriers, *ways)
        self._tasks: set[asyncio.Task[None]] = set()
        self._attentive = Attentive(self._known.trouble, (_NEWS, _LOCKS), means.pause)
        self._idle = "not done: this console is still starting"
        """Why nothing is done here; empty from `start` until `stop`."""

    def carrier(self, run: str) -> Carrier | None:
        """What carries a run out here; None when nothing does."""
        return self._carriers.get(run)

    def in_hand(self, run: str) -> bool:
        """Whether a run is being taken up, carried out or given back here."""
        return run in self._busy

    def troubles(self, run: str) -> tuple[SafeText, SafeText]:
        return self._known.troubled(run), self._attentive.failing

    async def start(self) -> None:
        """Read what the ledger knows, and look after runs that were cut off. LedgerError when it cannot be written."""
        await self.ledger.probe()
        last = await self.ledger.last()
        await self._catch_up(max(0, last - REMEMBERED))
        await self._look_at_locks()
        self._spawn(self._known.anchor(), "runs: anchor")
        shows = partial(self._known.publish, self.means.pause)
        for what, work in ((_NEWS, self._listen), (_LOCKS, self._watch_locks), ("what is shown of runs", shows)):
            self._spawn(self._attentive.keep_up(what, work), f"runs: {what}")
        self._known.changed()
        self._idle = ""

    async def stop(self) -> None:
        """End everything here. What was begun out there goes on, and is found again by its execution id.

        Whatever is asked for from here on is refused, also by those who asked before and had to wait.
        """
        self._idle = _STOPPED
        self._known.hush()
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.ledger.close()

    async def request(self, by: Principal, run: str, plan: Plan) -> None:
        """Record a run that waits for a second person."""
        self.permits.allow(by, Deed.RUN, plan)
        self._is_at_work()
        await self._write(by, run, plan.requested(await self.ledger.next_run_number(), second=True))

    async def say(self, by: Principal, run: str, event: AnyEvent) -> None:
        """Record what a person says about a run, which another console may carry out.

        Unrecorded when it is to be aborted and has nothing but the record of that to wait for.
        """
        history = self.history(run)
        self.permits.write(by, event, history)
        self._is_at_work()
        if isinstance(event, RunAborting):
            await self._late.abort(self._entry(by, run, event))
            return
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
        self._is_at_work()
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

        await self._take_up(_Taking.of(by, self.history(run)), Carrier.go_on, may)

    async def undo(self, by: Principal, run: str, fits: Fits) -> None:
        """Undo what a run did. Refused when to run it takes a second person: nobody approves an undo."""
        self.permits.undo(by, self.history(run).plan)
        await self._take_up(_Taking.of(by, self.history(run)), Carrier.backward, fits)

    async def settle(self, by: Principal, run: str, said: StepAttested, fits: Fits) -> None:
        """Record how a step came out of a run that nobody carries out, so that nobody goes on with it meanwhile."""
        self.permits.write(by, said, self.history(run))
        taking = replace(_Taking.of(by, self.history(run)), first=(said,))
        await self._take_up(taking, lambda _: asyncio.sleep(0), fits)
        if run in self._busy:
            # Whoever has said it may want to go on at once.
            await self._busy[run].wait()

    async def wind_up(self, by: Principal, run: str) -> None:
        """End a run that was aborted and that no console carries out, and what it left running."""
        self.permits.allow(by, Deed.ABORT, self.history(run).plan)
        await self._wind_up(by, run)

    async def _wind_up(self, by: Principal, run: str) -> None:
        await self._take_up(_Taking.of(by, self.history(run)), Carrier.wind_up, is_to_end)

    def looks_up(self, run: str) -> bool:
        """Whether there is no word yet of something that a lost console had begun: it is being looked up."""
        return self._recovery.owes_word(run)

    async def looked_up(self, run: str) -> None:
        """Return when there is word of it, which may be that it still goes on. Without end if there never is any."""
        while self.looks_up(run):
            await self.means.pause(_MOMENT)

    def _is_at_work(self) -> None:
        """Whether this console hears what is said of runs, and acts. Refused when not."""
        if self._idle:
            raise Refused(self._idle)

    def _entry(self, by: Principal, run: str, event: AnyEvent) -> Entry:
        return Entry(at=self.means.world.clock.now(), by=by, event=event, run=run)

    async def _write(self, by: Principal, run: str, event: AnyEvent) -> None:
        await self._add(self._entry(by, run, event))

    async def _add(self, entry: Entry) -> None:
        self._is_at_work()
        for sealed in await self.ledger.append([entry]):
            self._take(sealed)

    async def _record_late(self, asked: Entry, fits: Fits) -> None:
        await self._take_up(
            replace(_Taking.of(asked.by, self.history(asked.run)), owed=(asked,)), Carrier.wind_up, fits
        )

    async def _take_up(self, taking: _Taking, work: Work, fits: Fits) -> None:
        """Begin to carry a run out; who asked may go away meanwhile. Refused when it cannot be done."""
        while taking.run in self._busy:
            if not self._is_leaving(taking.run):
                raise Refused("this console is carrying it out already")
            await self._busy[taking.run].wait()
        # Nothing may come between this and what `stop` can see.
        self._is_at_work()
        self._busy[taking.run] = asyncio.Event()
        taken = self._spawn(self._taken_up(taking, work, fits), f"take up {taking.run}")
        try:
            await asyncio.shield(taken)
        except asyncio.CancelledError:
            asked = asyncio.current_task()
            if not taken.cancelled() or (asked is not None and asked.cancelling()):
                raise
            raise Refused(f"{_STOPPED}; what was begun is found again in the ledger") from None

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
            await self._known.read_about(run, self._heard_until)
            fits(self._known.beside_others(self._book.history(run)))
            progress = self._known.progress(run)
            scribe = Scribe(self.ledger, self.means.world.clock, self._book, fences, run, self._known.changed)
            scribe.owed = taking.owed
            since = self._book.last(run)
            carrier = Carrier(scribe, self.means, progress, taking.by, since, self._attentive)
            if taking.first or taking.owed:
                await scribe.write(taking.by, *taking.first)
        except BaseException:  # also when it is cancelled: locks of a run that is not carried out would stay
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
            if carrier.aborting:
                # What is being ended is ended to its end, with the locks or without: nothing is begun any more.
                await asyncio.wait({at_work})
            await (at_work if at_work.done() else keeping)
            self._known.trouble(run, EMPTY)
        except FencedOut:
            log.warning("run %s was taken over by another console", run)
        except LedgerError as error:
            if not carrier.scribe.owed:
                self._known.trouble(run, fmt("run cut off: {}", safe(str(error), 500)))
        except Exception:  # one run's trouble is not the console's; the record tells how far it came
            log.exception("run %s ended by a fault", run)
            self._known.trouble(run, fmt("run {} was cut off by a fault of the console; see its log", safe(run)))
        finally:
            # From here on nobody here hears an abort: whoever asks for one waits until this is over, and ends it then.
            self._carriers.pop(run, None)
            self._leaving.add(run)
            for task in (at_work, keeping):
                task.cancel()
            await asyncio.gather(at_work, keeping, return_exceptions=True)
            await self._give_back(run, fences)
            if self._idle != _STOPPED:
                self._late.owe(*carrier.scribe.owed)

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

    def _take(self, sealed: Sealed) -> None:
        """Keep an entry and act on it. It may come twice, once by the one who wrote it."""
        super()._take(sealed)
        if self._idle == _STOPPED:
            return
        entry = sealed.entry
        to_do = self._approvals.heard(entry)
        if to_do is not None:
            self._spawn(to_do, f"approved {entry.run}")
        carrier = self._carriers.get(entry.run)
        if carrier is not None and sealed.number > carrier.since:
            carrier.hear(entry.event)

    async def _look_at_locks(self) -> None:
        """Runs that lost their console are looked after."""
        await super()._look_at_locks()
        if self._idle != _STOPPED:
            self._recovery.begin(self._spawn)
            self._winding.begin(self._spawn)

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
    owed: tuple[Entry, ...] = ()
    """What people have asked of the run, and what could not be recorded then."""
    first: tuple[AnyEvent, ...] = ()
    """What is recorded before anything else but that."""

    @classmethod
    def of(cls, by: Principal, history: History) -> _Taking:
        """A run that is recorded already."""
        view = history.view
        return cls(by=by, run=view.id, keys=history.plan.locks, purpose=fmt("run #{} {}", view.number, view.title))
