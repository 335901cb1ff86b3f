"""What became of a run whose console was lost: what can be found out by its execution id is recorded, the rest is
shown as unknown. Nothing is ever done again here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import RunPaused
from tuiops.core.runs import StepState
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import ConfigError, LedgerError, Refused, SourceError
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.engine.ability import LOST_FOR, NO_ANSWER, evidence
from tuiops.runbooks.engine.locks import Fences
from tuiops.runbooks.engine.outcomes import (
    STATES,
    ended,
    is_said,
    judged,
    known_to_be_done,
    open_action,
    settle,
    watch,
)
from tuiops.runbooks.engine.scribe import Scribe, itself
from tuiops.runbooks.format.model import CommandAction, HttpAction
from tuiops.sources.abilities import Prepared, Receipt
from tuiops.sources.abilities import Progress as Vendor

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from tuiops.core.clock import Clock
    from tuiops.ledger.base import Holder
    from tuiops.runbooks.engine.step import Means
    from tuiops.runbooks.record.history import History
    from tuiops.runbooks.record.known import Known

log = logging.getLogger(__name__)

FIRST_INTERVAL = 1.0
"""Seconds between the first two looks at what goes on without its console, or cannot be seen at the moment."""

LONGEST_INTERVAL = 60.0
"""Seconds between two looks at most: every console that sees the run looks, and a bastion has a session of each."""

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
        self._by = itself(holder)
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
        """Look it up until there is nothing further to find out, or somebody else has the run in hand."""
        looking = _Looking(self._means.world.clock)
        try:
            while self._lost().get(run) == execution:
                if await self._look(run, execution, looking):
                    return
                await self._means.pause(looking.interval())
        except Exception:  # what one run left behind is not the console's trouble
            log.exception("what run %s left behind could not be looked up", run)
            self._heard_of.add(execution)
            return
        finally:
            self._known.changed()
        self._looked_after.discard(execution)

    async def _look(self, run: str, execution: str, looking: _Looking) -> bool:
        """Look once and record what was seen; whether that is all that there is to find out."""
        history = self._book.history(run)
        if history is None or history.open != execution:
            return False
        outcome, again = await self._outcome(history)
        state, outcome = await self._judged(history, outcome)
        if looking.is_news(state, outcome):
            try:
                async with self._acquiring:
                    if not await self._record(run, execution, outcome, state):
                        return False
            except LedgerError as error:
                log.info("what run %s left behind could not be recorded: %s", run, error)
                return False
            looking.said(state, outcome)
            self._heard_of.add(execution)
            self._known.changed()
        if state is not StepState.UNKNOWN:
            await self._settle(history, outcome)
        return not (again or looking.waits(outcome))

    async def _settle(self, history: History, outcome: Outcome) -> None:
        try:
            await settle(self._means.effects, history.open, open_action(history), outcome)
        except Refused as error:
            log.info("files of %s stay: %s", history.open, error)

    async def _record(self, run: str, execution: str, outcome: Outcome, state: StepState) -> bool:
        """Write it down unless somebody else has; False when the run is in other hands."""
        known = self._book.history(run)
        if known is not None and known.open == execution and is_said(known, state, outcome.text):
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
            if history is None or history.open != execution or is_said(history, state, outcome.text):
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

    async def _outcome(self, history: History) -> tuple[Outcome, bool]:
        """What there is to see, and whether nothing can be seen at the moment, so that it has to be tried again."""
        known = known_to_be_done(history)
        if known is not None:
            return known, False
        try:
            match open_action(history):
                case (CommandAction() | HttpAction()) as do:
                    return await self._means.effects.find(history.open, do), False
                case _:
                    return await self._vendor(history), False
        except (ConfigError, SourceError) as error:
            said = safe(f"it cannot be looked up at the moment: {error}", 500)
            return Outcome(end=End.UNKNOWN, text=said), True
        except Refused as error:
            return Outcome(end=End.UNKNOWN, text=safe(f"it cannot be looked up: {error}", 500)), False
        except Exception as error:  # whatever keeps us from finding out: then nobody knows
            log.exception("execution %s could not be looked up", history.open)
            # Not its words: what is in them nobody knows.
            said = fmt("it cannot be looked up: a fault of the console ({})", safe(type(error).__name__))
            return Outcome(end=End.UNKNOWN, text=said), False

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
        if history.open in history.undoes:
            return STATES[outcome.end], outcome
        began = next(view.started for view in history.view.steps if view.key == key) or history.view.requested
        return await judged(step, outcome, history.captured, watch(self._means, history, began))


class _Looking:
    """Looks at one execution from here: how many there have been, and what was said of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._interval = FIRST_INTERVAL
        self._last: tuple[StepState, SafeText] | None = None

    def interval(self) -> float:
        """Seconds until the next look: each time twice as many, up to `LONGEST_INTERVAL`."""
        interval, self._interval = self._interval, min(2 * self._interval, LONGEST_INTERVAL)
        return interval

    def is_news(self, state: StepState, outcome: Outcome) -> bool:
        """Whether it is other than what was said from here. Consoles that see different things repeat nothing."""
        return (state, outcome.text) != self._last

    def said(self, state: StepState, outcome: Outcome) -> None:
        """It was recorded."""
        self._last = (state, outcome.text)

    def waits(self, outcome: Outcome) -> bool:
        """Whether more may be seen later: a vendor's silence is waited for a while, what goes on to its end."""
        patience = LOST_FOR if outcome.text == NO_ANSWER else float("inf")
        return outcome.running and self._clock.monotonic() - self._began < patience


def _title(history: History, execution: str) -> SafeText:
    return next(step.title for step in history.plan.steps if step.key == history.executions[execution])
