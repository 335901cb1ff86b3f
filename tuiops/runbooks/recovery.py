"""What became of a run whose console was lost: what can be found out by its execution id is recorded, the rest is
shown as unknown. Nothing is ever done again here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.access import Principal
from tuiops.core.record import RunPaused
from tuiops.core.runs import StepState
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import LedgerError, Refused
from tuiops.runbooks.api import LOST_FOR, NO_ANSWER, evidence
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.gates import Viewpoint
from tuiops.runbooks.gating import Gating
from tuiops.runbooks.locks import Fences
from tuiops.runbooks.model import CommandAction, HttpAction
from tuiops.runbooks.outcomes import STATES, confirmed, ended, open_action
from tuiops.runbooks.scribe import Scribe
from tuiops.runbooks.template import filled
from tuiops.sources.abilities import Prepared, Receipt
from tuiops.sources.abilities import Progress as Vendor

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from tuiops.ledger.base import Holder
    from tuiops.runbooks.doing import Means
    from tuiops.runbooks.history import History
    from tuiops.runbooks.known import Known

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between two looks at what goes on without its console."""

_WORDS = {
    StepState.SUCCEEDED: lit("it has worked"),
    StepState.FAILED: lit("it has failed"),
    StepState.ABORTED: lit("it was ended"),
    StepState.PENDING: lit("it was not begun"),
}


class Recovery:
    """Looks after executions that were cut off.

    The locks of a run are taken for as long as it takes to write something down, and left to the run again:
    whoever resolves it must not have to wait for this.
    """

    def __init__(
        self, means: Means, known: Known, holder: Holder, acquiring: asyncio.Lock, busy: Callable[[str], bool]
    ) -> None:
        """`acquiring` is held while locks are taken here; `busy`: whether a run is in the hands of this console."""
        self._known = known
        self._acquiring = acquiring
        self._busy = busy
        self._ledger = known.ledger
        self._book = known.book
        self._means = means
        self._holder = holder
        self._by = Principal(person=lit("tuiops"), account=holder.name, session=holder.session)
        self._looked_after: set[str] = set()
        """Executions that are being, or have been, looked up from here."""
        self._heard_of: set[str] = set()
        """Those of which there has been a first word."""

    def begin(self, spawn: Callable[[Coroutine[None, None, None], str], object]) -> None:
        """Have what was cut off looked after, each execution once at a time."""
        for run, execution in self._lost().items():
            if execution not in self._looked_after:
                self._looked_after.add(execution)
                spawn(self._look_after(run, execution), f"recovery {run}")

    def owes_word(self, run: str) -> bool:
        """Whether something of a run was cut off of which there has been no word here."""
        execution = self._lost().get(run)
        return execution is not None and execution not in self._heard_of

    def _lost(self) -> dict[str, str]:
        """By run whose console is gone: the execution that it was at."""
        runs = {lock.run for lock in self._known.locks if lock.gone and not self._busy(lock.run)}
        histories = {run: history for run in runs if (history := self._book.history(run)) is not None}
        return {run: history.open for run, history in histories.items() if history.open}

    async def _look_after(self, run: str, execution: str) -> None:
        """`_find`, whatever goes wrong."""
        try:
            done = await self._find(run, execution)
        except LedgerError:
            done = False
        except Exception:  # what one run left behind is not the console's trouble
            log.exception("what run %s left behind could not be looked up", run)
            done = True
        (self._heard_of.add if done else self._looked_after.discard)(execution)
        self._known.changed()

    async def _find(self, run: str, execution: str) -> bool:
        """Find out about the execution that nobody saw the end of, and record it; the run then waits for a person.

        False when nothing could be recorded, because the run is in other hands at the moment. LedgerError.
        """
        began = self._means.world.clock.monotonic()
        while True:
            history = self._book.history(run)
            if history is None or history.open != execution:
                return True
            outcome = await self._outcome(history)
            state, outcome = await self._judged(history, outcome)
            # A vendor may take a while to know anything of what it was told.
            waits = outcome.running and self._means.world.clock.monotonic() - began < _patience(outcome)
            async with self._acquiring:
                recorded = await self._record(run, execution, outcome, state)
            if not recorded:
                return False
            self._heard_of.add(execution)
            if not waits:
                return True
            await self._means.pause(LOOK_EVERY)

    async def _record(self, run: str, execution: str, outcome: Outcome, state: StepState) -> bool:
        """Write it down unless somebody else has; False when the run is in other hands."""
        known = self._book.history(run)
        if known is not None and known.open == execution and _said(known, state, outcome.text):
            return True
        if self._busy(run):
            return False
        fences = Fences(self._ledger, self._holder, run)
        history = known
        try:
            if known is not None:
                await fences.acquire(known.plan.locks, fmt("looks after run #{}", known.view.number))
            await self._known.read_whole(run)
            history = self._book.history(run)
            if history is None or history.open != execution or _said(history, state, outcome.text):
                return True
            scribe = Scribe(self._ledger, self._means.world.clock, self._book, fences, run, lambda: None)
            event = ended(history.executions[execution], execution, outcome, state)
            if state is StepState.UNKNOWN:
                await scribe.write(self._by, event)
            else:
                reason = fmt("the console was lost during `{}`: {}", _title(history, execution), _WORDS[state])
                await scribe.write(self._by, event, RunPaused(reason=reason))
        except Refused:
            return False
        finally:
            if history is not None and history.view.live:
                await fences.park()
            else:
                await fences.release()
        return True

    async def _outcome(self, history: History) -> Outcome:
        try:
            match open_action(history):
                case (CommandAction() | HttpAction()) as do:
                    return await self._means.effects.find(history.open, do)
                case _:
                    return await self._vendor(history)
        except Exception as error:  # noqa: BLE001 - whatever keeps us from finding out: then nobody knows
            return Outcome(end=End.UNKNOWN, text=safe(f"it cannot be looked up: {error}", 500))

    async def _vendor(self, history: History) -> Outcome:
        """What the vendor says of an ability that was under way."""
        prepared = msgspec.json.decode(history.prepared[history.open], type=Prepared | None)
        acts = None
        if prepared is not None:
            acts = self._means.world.acting(prepared.target.system, prepared.target.resource)
        if prepared is None or acts is None:
            return Outcome(end=End.UNKNOWN, text=lit("no source can tell how it came out"))
        told = history.receipts.get(history.open)
        operation = told.operation if told is not None else ""
        seen = await acts.look_up(Receipt(prepared=prepared, progress=Vendor.UNKNOWN, operation=operation))
        end = {Vendor.DONE: End.SUCCEEDED, Vendor.FAILED: End.FAILED}.get(seen.progress, End.UNKNOWN)
        words = {Vendor.RUNNING: lit("it is under way"), Vendor.UNKNOWN: NO_ANSWER}
        return Outcome(
            end=end,
            text=seen.text or words.get(seen.progress, end.word),
            evidence=evidence(seen.facts),
            running=end is End.UNKNOWN,
        )

    async def _judged(self, history: History, outcome: Outcome) -> tuple[StepState, Outcome]:
        """How the step stands: what worked must show that it did, as if its console had seen it."""
        if outcome.end is End.NOT_BEGUN:
            return StepState.PENDING, outcome
        key = history.executions[history.open]
        step = next(step for step in history.plan.steps if step.key == key)
        if outcome.end is not End.SUCCEEDED or step.confirm is None or history.open in history.undoes:
            return STATES[outcome.end], outcome
        began = next(view.started for view in history.view.steps if view.key == key) or history.view.requested
        viewpoint = Viewpoint(
            world=self._means.world, system=history.view.system, since=began, ask=self._means.effects.look
        )
        captures = {f"{key}.{name}": value for name, value in outcome.captured.items()}
        try:
            check = filled(step.confirm, {**history.captured, **captures})
        except Refused as error:
            said = fmt("done, but it cannot be confirmed: {}", safe(str(error), 500))
            return StepState.FAILED, msgspec.structs.replace(outcome, text=said)
        return await confirmed(outcome, Gating(check, viewpoint, self._means.pause, lambda _: None))


def _patience(outcome: Outcome) -> float:
    """Seconds that something is watched: a vendor's silence for a while, what is seen to go on for ever."""
    return LOST_FOR if outcome.text == NO_ANSWER else float("inf")


def _said(history: History, state: StepState, text: SafeText) -> bool:
    """Whether the record says this already."""
    view = next(view for view in history.view.steps if view.key == history.executions[history.open])
    return state is StepState.UNKNOWN and view.state is StepState.UNKNOWN and view.text == text


def _title(history: History, execution: str) -> SafeText:
    return next(step.title for step in history.plan.steps if step.key == history.executions[execution])
