"""Runs of runbooks as people see them: frozen values, folded from what the ledger says."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tuiops.core.access import Danger
from tuiops.core.record import Evidence, Said
from tuiops.core.text import EMPTY, SafeText, lit


class StepKind(Enum):
    """What carrying out a step means."""

    COMMAND = "command"
    API = "api"
    GATE = "gate"
    WAIT = "wait"
    MANUAL = "manual"
    NOTIFY = "notify"


class RunState(Enum):
    """Where a run stands. There is no state for `probably done`."""

    AWAITING_APPROVAL = "awaiting approval"
    RUNNING = "running"
    WAITING = "waiting"
    """A countdown runs, or a person is asked for."""
    HOLDING = "gate holding"
    PAUSED = "paused"
    """Between two steps; somebody must say that it goes on."""
    ABORTING = "aborting"
    ABORTED = "aborted"
    FAILED = "failed"
    UNDONE = "undone"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """A step was begun and nobody can tell yet how it ended. Only a person ends this."""

    @property
    def word(self) -> SafeText:
        return lit(self.value)

    @property
    def final(self) -> bool:
        """Whether nothing more can come of it."""
        return self in _FINAL_RUNS


_FINAL_RUNS = frozenset({
    RunState.ABORTED, RunState.FAILED, RunState.UNDONE, RunState.SUCCEEDED, RunState.REJECTED,
})  # fmt: skip


class StepState(Enum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    COUNTING = "counting down"
    HOLDING = "holding"
    ASKING = "waits for a person"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    ABORTED = "aborted"
    UNDONE = "undone"
    UNKNOWN = "unknown"

    @property
    def word(self) -> SafeText:
        return lit(self.value)

    @property
    def final(self) -> bool:
        """Whether the engine has nothing more to do about it; an unknown one is left to a person."""
        return self in _FINAL_STEPS


_FINAL_STEPS = frozenset({
    StepState.SUCCEEDED, StepState.SKIPPED, StepState.FAILED, StepState.ABORTED, StepState.UNDONE,
})  # fmt: skip


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A gate while it is looked at."""

    label: SafeText
    """The condition with its limit."""
    value: SafeText
    """What is there now; a dash without data."""
    holds: bool
    since: datetime | None = None
    """Since when it has held without a break."""
    needed: float = 0.0
    """Seconds that it has to hold."""
    values: tuple[float | None, ...] = ()
    """The last values, oldest first, None where there was no data; for a sparkline."""


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run."""

    key: str
    """Names it within its plan, such as `shift` or `roll[phase2].shift`."""
    kind: StepKind
    title: SafeText
    danger: Danger
    state: StepState = StepState.PENDING
    call: SafeText = EMPTY
    """The exact call; for a manual step what is to be done."""
    before: tuple[Said, ...] = ()
    """The state as it was read for the plan; only what an ability can tell."""
    after: tuple[Said, ...] = ()
    """The state to expect."""
    execution: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    ends: datetime | None = None
    """When a countdown will be over, or a timeout strikes."""
    held: Held | None = None
    tail: tuple[SafeText, ...] = ()
    """The last lines that it printed, while it runs."""
    text: SafeText = EMPTY
    """How it ended, or what is known of it."""
    undo: SafeText = EMPTY
    """How it is undone, or why it cannot be, in a sentence; empty when it need not be."""
    changed: bool = False
    """Whether it was done, or perhaps in part, also when it failed, and is not undone: an undo goes over it."""
    in_part: bool = False
    """Whether nobody has seen that it worked: what it changed was perhaps done in part."""
    stays: SafeText = EMPTY
    """Why an undo leaves what it changed as it is; empty where it does not."""
    undo_call: SafeText = EMPTY
    """What an undo would do about what it changed, exactly; empty when it leaves that as it is."""
    undone_by: str = ""
    """The execution that undid it."""
    evidence: Evidence = Evidence()


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    id: str
    number: int
    """What people call it: `#42`."""
    runbook: SafeText
    title: SafeText
    system: SafeText
    environment: SafeText
    production: bool
    target: SafeText
    danger: Danger
    state: RunState
    by: SafeText
    """The person who confirmed it."""
    account: SafeText
    requested: datetime
    plan_digest: str
    started: datetime | None = None
    ended: datetime | None = None
    approved_by: SafeText = EMPTY
    held_by: SafeText = EMPTY
    """The console that carries it out, such as `kim on bastion-1`; empty when none does."""
    mine: bool = False
    """Whether this very console carries it out."""
    steps: tuple[StepView, ...] = ()
    reason: SafeText = EMPTY
    """Why it waits, stopped or is unknown, in a sentence."""
    drill: bool = False
    alert: SafeText = EMPTY
    entry: int = 0
    """Number of its last entry in the ledger: what is shown is the run as it stood then."""
    undoing: bool = False
    """Whether it goes back: what was done is undone, and nothing is begun."""
    overtaken: SafeText = EMPTY
    """Which later runs have acted on what an undo would go over, in a sentence; empty when none has."""

    @property
    def live(self) -> bool:
        """Whether anything can still come of it."""
        return not self.state.final

    @property
    def step(self) -> StepView | None:
        """The first one that is not over; None when all are."""
        return next((step for step in self.steps if not step.state.final), None)

    @property
    def changed(self) -> tuple[StepView, ...]:
        """What an undo goes over, in its order: the steps that changed something, the last one first."""
        return tuple(step for step in reversed(self.steps) if step.changed)

    @property
    def ahead(self) -> tuple[StepView, ...]:
        """What is done when it goes on, in that order: steps, or what undoes them."""
        if self.undoing:
            return tuple(step for step in self.changed if step.undo_call)
        return tuple(step for step in self.steps if not step.state.final)

    def must_type(self, *, undo: bool) -> SafeText:
        """What has to be typed to undo it, or else to go on with it.

        Empty when nothing that follows destroys, nor goes back over what a later run has done.
        """
        if self.overtaken and (undo or self.undoing):
            return self.environment
        follows = tuple(step for step in self.changed if step.undo_call) if undo else self.ahead
        return self.environment if any(step.danger is Danger.DESTROYS for step in follows) else EMPTY
