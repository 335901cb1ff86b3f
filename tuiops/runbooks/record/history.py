"""A run as the ledger tells it: its entries, folded. Of runs on other consoles nothing else is known.

Anybody who can write to the ledger may add to a run at any time. So what counts is decided here, by the order of the
entries alone: the first word on a step, the first answer to a request, no word on what is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import (
    RunAborting,
    RunApproved,
    RunEnded,
    RunPaused,
    RunRejected,
    RunRequested,
    RunStarted,
    Said,
    StepAttested,
    StepClaimed,
    StepEnded,
    StepIntended,
    StepReceipt,
)
from tuiops.core.runs import RunState, RunView, StepKind, StepState, StepView
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.runbooks.effects import End
from tuiops.runbooks.planning.plan import Plan
from tuiops.runbooks.record.second import is_second, passes
from tuiops.runbooks.record.undoing import shown
from tuiops.runbooks.record.views import asked_for, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tuiops.core.access import Principal
    from tuiops.core.record import Entry
    from tuiops.ledger.base import Lock

APPROVAL_STANDS = timedelta(minutes=15)
"""How long a second person has; what was true when it was asked for is old after that."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the clocks of two consoles may be apart."""

NOBODY = lit("the console that carried it out is gone")

_NO_EFFECT = frozenset({StepKind.GATE, StepKind.WAIT, StepKind.MANUAL})
"""Steps that do nothing to the world themselves: begun and not ended, they can be begun again."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the entries of one run say, and what is needed to go on with it."""

    view: RunView
    plan: Plan
    attempts: int = 0
    """How many executions there have been."""
    prepared: dict[str, msgspec.Raw] = {}
    """By execution: what an ability prepared."""
    receipts: dict[str, StepReceipt] = {}
    """By execution: what the other side called it."""
    executions: dict[str, str] = {}
    """By execution that has not ended: the step that it belongs to."""
    undoes: dict[str, str] = {}
    """By execution: the step that it undoes."""
    forward: dict[str, str] = {}
    """By step: the last execution that did it, and did not undo it."""
    captured: dict[str, str] = {}
    """By `step.name`: what steps took from their output for later ones."""
    changed: frozenset[str] = frozenset()
    """Steps that were done, also those that failed afterwards, and that are not undone."""
    left: dict[str, tuple[Said, ...]] = {}
    """By step that a console saw done, or fail: the state that it left, as it was read then."""
    kept: frozenset[str] = frozenset()
    """Steps whose undo a person has left out: no undo goes over them again."""
    doubtful: frozenset[str] = frozenset()
    """Steps that were begun, and of which nobody has seen that they worked: part of them may be done."""
    broken: frozenset[str] = frozenset()
    """Those of them that a console saw fail, or ended: nothing of them goes on."""
    tried: frozenset[str] = frozenset()
    """Those of them whose undo has failed: it is not tried again."""
    open: str = ""
    """The execution that was claimed and has not ended; empty when there is none."""
    started: bool = False
    undoing: bool = False
    """Whether it goes back."""
    abort: SafeText = EMPTY
    """Who wants it ended, and why, in a sentence; empty when nobody does, and as soon as it is over."""
    aborts: int = 0
    """How often that was asked for."""
    second: bool = False
    """Whether another person had to approve it."""


def fold(
    entries: Iterable[Entry], lock: Lock | None = None, session: str = "", *, carried: bool = False, sure: bool = True
) -> History | None:
    """What a run's entries, in order, add up to; None when they do not begin with a request.

    `lock`: the run's, as it stands now. `session`: the console that asks, to tell its own runs. `carried`: whether
    that console carries it out at this moment, whatever the lock says. `sure`: whether it is certain, when nobody is
    known to hold it, that nobody does. Raises msgspec.ValidationError or ValueError when entries are not what any
    console writes.
    """
    folding: _Folding | None = None
    for entry in entries:
        if isinstance(entry.event, RunRequested) and folding is None:
            folding = _Folding(entry, entry.event)
        elif folding is not None:
            folding.add(entry)
    return None if folding is None else folding.result(lock, session, sure=sure and not carried, carried=carried)


def in_time(requested: datetime, now: datetime) -> bool:
    """Whether what was asked for may still be let happen: neither too long ago, nor ahead of a clock set back."""
    return requested - CLOCKS_DIFFER <= now <= requested + APPROVAL_STANDS


def stands(state: RunState, steps: Iterable[StepView]) -> RunState:
    """How a run that is carried out stands, by the step that it is at."""
    if state is RunState.RUNNING:
        return next((_AT[step.state] for step in steps if step.state in _AT), state)
    return state


def _seen_of(receipt: StepReceipt | None) -> SafeText:
    """What a console that is gone saw of an execution that it did not come to confirm; empty when nothing."""
    if receipt is None or receipt.effect != End.SUCCEEDED.value:
        return EMPTY
    return fmt("it was done ({}); whether it worked has yet to be seen", receipt.text)


class _Folding:
    """The fold at work."""

    def __init__(self, entry: Entry, requested: RunRequested) -> None:
        self._plan = Plan.of(requested.plan)
        self._steps = steps_of(self._plan)
        self._view = asked_for(entry, requested)
        self._second = requested.second
        self._started = False
        self._undoing = False
        self._abort = EMPTY
        self._aborts = 0
        self._attempts = 0
        self._claimed: set[str] = set()
        self._executions: dict[str, str] = {}
        self._undoes: dict[str, str] = {}
        self._forward: dict[str, str] = {}
        self._prepared: dict[str, msgspec.Raw] = {}
        self._receipts: dict[str, StepReceipt] = {}
        self._captured: dict[str, str] = {}
        self._changed: set[str] = set()
        self._left: dict[str, tuple[Said, ...]] = {}
        self._kept: set[str] = set()
        self._doubtful: set[str] = set()
        self._broken: set[str] = set()
        self._tried: set[str] = set()
        self._before_undo: dict[str, StepState] = {}

    def add(self, entry: Entry) -> None:
        """Take one more entry into account; events that are no run's are none of ours."""
        if not self._add_to_run(entry):
            self._add_to_step(entry)

    def _add_to_run(self, entry: Entry) -> bool:
        """Whether the event was one of the run as a whole."""
        asked = self._view.state is RunState.AWAITING_APPROVAL
        match entry.event:
            case RunApproved() | RunRejected() if asked:
                self._answer(entry)
            case RunApproved() | RunRejected():
                pass
            case RunStarted(undoing=undoing):
                if (undoing and self._started) or (self._view.live and not asked):
                    self._started, self._undoing = True, undoing
                    # Whoever takes it up asks anew.
                    self._interrupted(StepState.ASKING)
                    self._run(started=self._view.started or entry.at, ended=None)
                    self._goes_on(RunState.RUNNING)
            case RunPaused(unbegun=True) if self._started:
                pass
            case RunPaused(reason=reason) if self._view.live and not asked:
                self._goes_on(RunState.PAUSED, reason)
            case RunAborting(reason=reason) if self._view.live:
                self._asked_to_end(entry, reason)
            case RunEnded(state=state, reason=reason) if self._view.live:
                self._abort = EMPTY
                self._run(state=RunState(state), ended=entry.at, reason=reason)
            case _:
                return False
        return True

    def _answer(self, entry: Entry) -> None:
        """What the second person says."""
        match entry.event:
            case RunApproved() as approved if self._counts(entry, approved):
                self._run(approved_by=entry.by.person, state=RunState.PAUSED)
            case RunRejected(reason=reason):
                self._run(state=RunState.REJECTED, ended=entry.at, reason=reason)
            case _:
                pass

    def _counts(self, entry: Entry, approved: RunApproved) -> bool:
        """Whether an approval is that of another person, of this very plan, and in time."""
        by, view = entry.by, self._view
        return (
            is_second(by, view)
            and approved.plan_digest == view.plan_digest == self._plan.digest
            and in_time(view.requested, entry.at)
        )

    def _asked_to_end(self, entry: Entry, reason: SafeText) -> None:
        by = entry.by.person
        if not self._started:
            self._run(state=RunState.ABORTED, ended=entry.at, reason=reason or fmt("{} aborted it", by))
            return
        self._aborts += 1
        self._abort = fmt("{} asked to abort it{}", by, fmt(": {}", reason) if reason else EMPTY)
        self._run(state=RunState.ABORTING, reason=self._abort)

    def _wanted(self, reason: SafeText) -> SafeText:
        """A reason, after who wants the run ended."""
        return join("; ", (one for one in (self._abort, reason) if one))

    def _goes_on(self, state: RunState, reason: SafeText = EMPTY) -> None:
        """How it stands while it is not over: who wants it ended is heard, whatever came between."""
        self._run(state=RunState.ABORTING if self._abort else state, reason=self._abort or reason)

    def _add_to_step(self, entry: Entry) -> None:
        match entry.event:
            case StepIntended() as intended:
                self._intend(intended)
            case StepClaimed(execution=execution):
                self._claim(execution)
            case StepReceipt() as receipt:
                self._told(receipt)
            case StepEnded() as ended:
                self._end(ended, entry)
            case StepAttested(step=step, state=state, note=note) as attested if self._is_told(attested, entry.by):
                execution = self._steps[step].execution
                text = fmt("{} says: {}", entry.by.person, note)
                self._end(StepEnded(step=step, state=state, execution=execution, text=text), entry, keeps=True)
            case _:
                pass

    def _told(self, receipt: StepReceipt) -> None:
        """What is known of an effect that has not ended: where it is done, only its confirmation is open."""
        self._receipts[receipt.execution] = receipt
        step = self._executions.get(receipt.execution, "")
        if step and receipt.effect == End.SUCCEEDED.value and receipt.execution not in self._undoes:
            self._changed.add(step)
            self._doubtful.discard(step)
            self._left[step] = receipt.evidence.facts
            self._captured.update({f"{step}.{name}": value for name, value in receipt.captured.items()})

    def _is_told(self, attested: StepAttested, by: Principal) -> bool:
        """Whether there is something that a person can say about a step, and whether it is this attempt they mean."""
        step = self._steps.get(attested.step)
        if step is None or step.state.final or attested.execution not in {"", step.execution}:
            return False
        alone = not is_second(by, self._view)
        if self._second and not self._undoing and alone and passes(attested, step):
            return False
        if step.state in {StepState.ASKING, StepState.UNKNOWN}:
            return True
        named = bool(attested.execution)
        if named and step.state is StepState.RUNNING and step.execution in self._claimed & self._executions.keys():
            # Its console was gone before anybody had written that nobody knows how it ended.
            return True
        skips = attested.state == StepState.SKIPPED.value
        return skips and (named or step.state is StepState.PENDING)

    def result(self, lock: Lock | None, session: str, *, carried: bool, sure: bool) -> History:
        """The history as it stands, judged by whether anybody still carries the run out."""
        held = lock is not None and not lock.gone and lock.run == self._view.id
        if held and lock is not None and self._view.live and (carried or lock.holder.session != session):
            self._run(held_by=lock.holder.name, mine=lock.holder.session == session)
        elif self._view.live and self._started and sure:
            self._abandoned()
        history = History(
            view=msgspec.structs.replace(
                self._view,
                state=stands(self._view.state, self._steps.values()),
                steps=tuple(self._steps.values()),
                undoing=self._undoing,
            ),
            plan=self._plan,
            attempts=self._attempts,
            prepared=self._prepared,
            receipts=self._receipts,
            executions=self._executions,
            undoes=self._undoes,
            forward=self._forward,
            captured=self._captured,
            changed=frozenset(self._changed),
            left=self._left,
            kept=frozenset(self._kept),
            doubtful=frozenset(self._doubtful),
            broken=frozenset(self._broken),
            tried=frozenset(self._tried),
            open=self._unfinished,
            started=self._started,
            undoing=self._undoing,
            abort=self._abort,
            aborts=self._aborts,
            second=self._second,
        )
        return msgspec.structs.replace(history, view=shown(history))

    @property
    def _unfinished(self) -> str:
        """The execution that was claimed and has not ended; empty when there is none."""
        return next((one for one in self._executions if one in self._claimed), "")

    def _interrupted(self, *states: StepState) -> None:
        """Of what stands so, what was claimed may have happened or not, and what was only intended has not."""
        unfinished = self._unfinished
        for key, step in self._steps.items():
            if step.state in states:
                state, text = self._before_undo.get(step.execution, StepState.PENDING), step.text
                if step.execution == unfinished and unfinished:
                    state, text = StepState.UNKNOWN, _seen_of(self._receipts.get(unfinished)) or text
                self._steps[key] = msgspec.structs.replace(step, state=state, text=text)

    def _abandoned(self) -> None:
        """Nobody carries it out."""
        self._interrupted(StepState.RUNNING, StepState.COUNTING, StepState.HOLDING, StepState.ASKING)
        if self._unfinished:
            known = self._steps[self._executions[self._unfinished]].text
            self._run(state=RunState.UNKNOWN, reason=self._wanted(known or NOBODY))
        elif self._abort:
            self._run(state=RunState.ABORTING, reason=self._wanted(NOBODY))
        elif self._view.state is not RunState.PAUSED or not self._view.reason:
            self._run(state=RunState.PAUSED, reason=NOBODY)

    def _intend(self, intended: StepIntended) -> None:
        self._attempts += 1
        step = self._steps.get(intended.step)
        if step is None or _answered(step, intended):
            return
        self._prepared[intended.execution] = intended.prepared
        if intended.undoes:
            self._undoes[intended.execution] = intended.undoes
            self._before_undo[intended.execution] = step.state
            step = msgspec.structs.replace(step, undone_by=intended.execution)
        else:
            self._forward[intended.step] = intended.execution
        if not intended.asks and (step.kind not in _NO_EFFECT or intended.undoes):
            self._executions[intended.execution] = intended.step
        self._steps[intended.step] = msgspec.structs.replace(
            step,
            state=StepState.ASKING if intended.asks else _BEGUN.get(step.kind, StepState.RUNNING),
            execution=intended.execution,
            call=intended.call or step.call,
            started=intended.at,
            ended=None,
            ends=intended.ends,
            text=EMPTY,
        )

    def _claim(self, execution: str) -> None:
        self._claimed.add(execution)
        if execution in self._executions and execution not in self._undoes:
            self._doubtful.add(self._executions[execution])

    def _end(self, ended: StepEnded, entry: Entry, *, keeps: bool = False) -> None:
        """`keeps`: whether the evidence stays that there is."""
        step = self._steps.get(ended.step)
        if step is None or step.state.final:
            return
        execution = ended.execution or step.execution
        if ended.execution and ended.execution != step.execution:
            return
        said = StepState(ended.state)
        if said is not StepState.UNKNOWN:
            self._executions.pop(execution, None)
        self._captured.update({f"{ended.step}.{name}": value for name, value in ended.captured.items()})
        if execution in self._undoes:
            state, text = self._undone(execution, said, ended)
        else:
            state, text = said, ended.text
            self._done(ended, said, seen=not keeps)
        if said is StepState.UNKNOWN:
            self._run(state=RunState.UNKNOWN, reason=self._wanted(text))
        self._steps[ended.step] = msgspec.structs.replace(
            step,
            state=state,
            started=step.started or entry.at,
            ended=entry.at if state.final else None,
            ends=None,
            text=text,
            evidence=step.evidence if keeps else ended.evidence,
        )

    def _undone(self, execution: str, said: StepState, ended: StepEnded) -> tuple[StepState, SafeText]:
        """What has become of a step by what undoes it: as long as that has not worked, it stands as before."""
        step = self._undoes[execution]
        match said:
            case StepState.SUCCEEDED:
                for known in (self._changed, self._doubtful, self._broken):
                    known.discard(step)
                return StepState.UNDONE, ended.text
            case StepState.SKIPPED:
                self._kept.add(step)
                return said, ended.text
            case StepState.UNKNOWN:
                return said, ended.text
            case _:
                if said is StepState.FAILED and ended.effect != End.NOT_BEGUN.value:
                    self._tried.update({step} & self._doubtful)
                return self._before_undo[execution], fmt("not undone: {}", ended.text)

    def _done(self, ended: StepEnded, said: StepState, *, seen: bool) -> None:
        """`seen`: whether a console saw it, and did not hear of it from a person."""
        done = said is StepState.SUCCEEDED or ended.effect == End.SUCCEEDED.value
        if done:
            self._changed.add(ended.step)
            self._left[ended.step] = ended.evidence.facts if seen else ()
        if done or ended.effect == End.NOT_BEGUN.value:
            self._doubtful.discard(ended.step)
        elif seen and said in {StepState.FAILED, StepState.ABORTED} and ended.step in self._doubtful:
            self._broken.add(ended.step)
            self._left[ended.step] = ended.evidence.facts

    def _run(self, **changes: object) -> None:
        self._view = msgspec.structs.replace(self._view, **changes)


def _answered(step: StepView, intended: StepIntended) -> bool:
    """Whether a person has said already what would be asked: the word came when another console took the run up."""
    return intended.asks and (step.state is StepState.UNDONE if intended.undoes else step.state.final)


_AT = {
    StepState.COUNTING: RunState.WAITING, StepState.ASKING: RunState.WAITING, StepState.HOLDING: RunState.HOLDING,
}  # fmt: skip
"""What a run does while a step of it stands so."""

_BEGUN = {StepKind.GATE: StepState.HOLDING, StepKind.WAIT: StepState.COUNTING}
