"""A run as the ledger tells it: its entries, folded. Of runs on other consoles nothing else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import (
    Evidence,
    RunAborting,
    RunApproved,
    RunEnded,
    RunPaused,
    RunRejected,
    RunRequested,
    RunStarted,
    StepAttested,
    StepClaimed,
    StepEnded,
    StepIntended,
    StepReceipt,
)
from tuiops.core.runs import RunState, RunView, StepKind, StepState, StepView
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.runbooks.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuiops.core.record import Entry
    from tuiops.ledger.base import Lock

_NO_EFFECT = frozenset({StepKind.GATE, StepKind.WAIT, StepKind.MANUAL})
"""Steps that do nothing to the world themselves: begun and not ended, they can be begun again."""

NOBODY = lit("the console that carried it out is gone")


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
    """By execution: the step that it belongs to."""
    undoes: dict[str, str] = {}
    """By execution: the step that it undoes."""
    captured: dict[str, str] = {}
    """By `step.name`: what steps took from their output for later ones."""
    open: str = ""
    """The execution that was claimed and has not ended; empty when there is none."""
    started: bool = False
    second: bool = False
    """Whether another person had to approve it."""


def fold(
    entries: Iterable[Entry], lock: Lock | None = None, session: str = "", *, carried: bool = False
) -> History | None:
    """What a run's entries, in order, add up to; None when they do not begin with a request.

    `lock`: the run's, as it stands now. `session`: the console that asks, to tell its own runs. `carried`: whether
    that console carries it out at this moment, whatever the lock says.
    """
    folding: _Folding | None = None
    for entry in entries:
        if isinstance(entry.event, RunRequested) and folding is None:
            folding = _Folding(entry, entry.event)
        elif folding is not None:
            folding.add(entry)
    return None if folding is None else folding.result(lock, session, carried=carried)


class _Folding:
    """The fold at work."""

    def __init__(self, entry: Entry, requested: RunRequested) -> None:
        self._plan = Plan.of(requested.plan)
        self._steps = {
            step.key: StepView(
                key=step.key,
                kind=step.kind,
                title=step.title,
                danger=step.danger,
                call=step.call.text,
                undo=step.undo_text,
            )
            for step in self._plan.steps
        }
        self._view = RunView(
            id=entry.run,
            number=requested.number,
            runbook=requested.runbook,
            title=requested.title,
            system=requested.system,
            environment=requested.environment,
            production=requested.production,
            target=requested.target,
            danger=requested.danger,
            state=RunState.AWAITING_APPROVAL if requested.second else RunState.PAUSED,
            by=entry.by.person,
            account=entry.by.account,
            requested=entry.at,
            plan_digest=requested.plan_digest,
            drill=requested.drill,
            alert=requested.alert,
        )
        self._second = requested.second
        self._started = False
        self._attempts = 0
        self._claimed: set[str] = set()
        self._executions: dict[str, str] = {}
        self._undoes: dict[str, str] = {}
        self._prepared: dict[str, msgspec.Raw] = {}
        self._receipts: dict[str, StepReceipt] = {}
        self._captured: dict[str, str] = {}

    def add(self, entry: Entry) -> None:
        """Take one more entry into account; events that are no run's are none of ours."""
        if not self._add_to_run(entry):
            self._add_to_step(entry)

    def _add_to_run(self, entry: Entry) -> bool:
        """Whether the event was one of the run as a whole."""
        match entry.event:
            case RunApproved():
                self._run(approved_by=entry.by.person, state=RunState.PAUSED)
            case RunRejected(reason=reason):
                self._run(state=RunState.REJECTED, ended=entry.at, reason=reason)
            case RunStarted():
                self._started = True
                self._run(state=RunState.RUNNING, started=self._view.started or entry.at, ended=None, reason=EMPTY)
            case RunPaused(reason=reason):
                self._run(state=RunState.PAUSED, reason=reason)
            case RunAborting(reason=reason):
                self._run(state=RunState.ABORTING, reason=reason)
            case RunEnded(state=state, reason=reason):
                self._run(state=RunState(state), ended=entry.at, reason=reason)
            case _:
                return False
        return True

    def _add_to_step(self, entry: Entry) -> None:
        match entry.event:
            case StepIntended() as intended:
                self._intend(intended)
            case StepClaimed(execution=execution):
                self._claimed.add(execution)
            case StepReceipt() as receipt:
                self._receipts[receipt.execution] = receipt
            case StepEnded() as ended:
                self._captured.update({f"{ended.step}.{name}": value for name, value in ended.captured.items()})
                self._end(ended.step, ended.execution, StepState(ended.state), ended.text, entry, ended.evidence)
            case StepAttested(step=step, state=state, note=note):
                text = fmt("{} says: {}", entry.by.person, note)
                execution = self._steps[step].execution if step in self._steps else ""
                self._end(step, execution, StepState(state), text, entry, None)
            case _:
                pass

    def result(self, lock: Lock | None, session: str, *, carried: bool) -> History:
        """The history as it stands, judged by whether anybody still carries the run out."""
        unfinished = next((one for one in self._executions if one in self._claimed), "")
        held = lock is not None and not lock.gone and lock.run == self._view.id
        if held and lock is not None:
            self._run(held_by=lock.holder.name, mine=lock.holder.session == session)
        elif self._view.live and self._started and not carried:
            self._abandoned(unfinished)
        return History(
            view=msgspec.structs.replace(self._view, steps=tuple(self._steps.values())),
            plan=self._plan,
            attempts=self._attempts,
            prepared=self._prepared,
            receipts=self._receipts,
            executions=self._executions,
            undoes=self._undoes,
            captured=self._captured,
            open=unfinished,
            started=self._started,
            second=self._second,
        )

    def _abandoned(self, unfinished: str) -> None:
        """Nobody carries it out: what was claimed may have happened or not, what was only intended has not."""
        for key, step in self._steps.items():
            if step.state in {StepState.RUNNING, StepState.COUNTING, StepState.HOLDING, StepState.ASKING}:
                state = StepState.UNKNOWN if step.execution == unfinished and unfinished else StepState.PENDING
                self._steps[key] = msgspec.structs.replace(step, state=state)
        if unfinished:
            self._run(state=RunState.UNKNOWN, reason=NOBODY)
        elif self._view.state is not RunState.PAUSED or not self._view.reason:
            self._run(state=RunState.PAUSED, reason=NOBODY)

    def _intend(self, intended: StepIntended) -> None:
        self._attempts += 1
        step = self._steps.get(intended.step)
        if step is None:
            return
        self._prepared[intended.execution] = intended.prepared
        if intended.undoes:
            self._undoes[intended.execution] = intended.undoes
            step = msgspec.structs.replace(step, undone_by=intended.execution)
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

    def _end(
        self, key: str, execution: str, state: StepState, text: SafeText, entry: Entry, evidence: Evidence | None
    ) -> None:
        if state is not StepState.UNKNOWN:
            self._executions.pop(execution, None)
        step = self._steps.get(key)
        if step is None:
            return
        if state is StepState.SUCCEEDED and execution in self._undoes:
            state = StepState.UNDONE
        if state is StepState.UNKNOWN:
            self._run(state=RunState.UNKNOWN, reason=text)
        self._steps[key] = msgspec.structs.replace(
            step,
            state=state,
            started=step.started or entry.at,
            ended=None if state is StepState.UNKNOWN else entry.at,
            ends=None,
            text=text,
            evidence=step.evidence if evidence is None else evidence,
        )

    def _run(self, **changes: object) -> None:
        self._view = msgspec.structs.replace(self._view, **changes)


_BEGUN = {StepKind.GATE: StepState.HOLDING, StepKind.WAIT: StepState.COUNTING}
