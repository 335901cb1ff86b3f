"""Rollouts in the terms that every vendor shares: what moves, from which revision to which, step by step."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tuiops.core.clock import age
from tuiops.core.text import EMPTY, SafeText, lit

_SHARE_DIFFERS = 0.005


class Phase(Enum):
    """Where a rollout, or one of its steps, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    SUPERSEDED = "superseded"
    """Another rollout took its place before it was done: it neither succeeded nor failed."""
    UNKNOWN = "unknown"

    @property
    def word(self) -> SafeText:
        return lit(self.value)

    @property
    def ended(self) -> bool:
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.ROLLED_BACK, Phase.SUPERSEDED}


class GateResult(Enum):
    """What a gate found. Inconclusive is not a pass: no data is never good news."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"

    @property
    def word(self) -> SafeText:
        return lit(self.value)


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that must hold before the rollout goes on."""

    label: SafeText
    """The condition with its limit, such as `error ≤ 5%`."""
    value: SafeText = EMPTY
    result: GateResult = GateResult.INCONCLUSIVE


class StepKind(Enum):
    """What a step's time is spent on."""

    WORK = "work"
    WAIT = "wait"
    """A timer, such as bake time: nothing is done but looking."""
    GATE = "gate"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step: a deployment, a weight, a wait."""

    label: SafeText
    phase: Phase
    kind: StepKind = StepKind.WORK
    stage: SafeText = EMPTY
    """The part of the rollout that it belongs to, such as `canary`; steps of one stage follow each other."""
    started: datetime | None = None
    ended: datetime | None = None
    ends: datetime | None = None
    """When a timed step will be over."""
    weight: float | None = None
    """The share of traffic that the new revision is meant to have, 0–1."""


class Origin(Enum):
    """Whether a rollout is somebody else's, seen from outside, or a run of this console."""

    OBSERVED = "observed"
    OURS = "ours"

    @property
    def word(self) -> SafeText:
        return lit(self.value)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One revision's part in a rollout. What the source does not tell is None."""

    revision: SafeText
    image: SafeText = EMPTY
    """The image with its digest."""
    set: float | None = None
    """The share of traffic that it is meant to have, 0–1."""
    actual: float | None = None
    """The share of traffic that it really has, 0–1."""
    tag: SafeText = EMPTY
    """A name under which it can be reached by itself."""
    desired: int | None = None
    running: int | None = None
    pending: int | None = None
    failed: int | None = None
    """Instances or tasks by state."""


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """One service moving from one revision to another."""

    id: SafeText
    system: SafeText
    service: SafeText
    strategy: SafeText
    old: SafeText = EMPTY
    new: SafeText = EMPTY
    by: SafeText = EMPTY
    phase: Phase
    started: datetime
    ended: datetime | None = None
    """When it ended, or was lost from sight."""
    weight: float | None = None
    """The share of traffic that the new revision really has, 0–1."""
    steps: tuple[Step, ...] = ()
    gates: tuple[Gate, ...] = ()
    sides: tuple[Side, ...] = ()
    """Every revision that takes part, the new one first."""
    origin: Origin = Origin.OBSERVED
    client: SafeText = EMPTY
    """What it was started with, such as `gcloud` or `AWS console`."""
    message: SafeText = EMPTY
    source: SafeText = EMPTY
    """The feed that saw it."""

    @property
    def live(self) -> bool:
        """Whether it is under way, as far as its source tells; one that was lost from sight has an end."""
        return not self.phase.ended and self.ended is None

    @property
    def took(self) -> float | None:
        """Seconds from its start to its end; None while it is under way."""
        return age(self.ended, self.started) if self.ended is not None else None

    @property
    def new_side(self) -> Side | None:
        """What the source tells of the new revision."""
        return self._side(self.new)

    @property
    def old_side(self) -> Side | None:
        """What the source tells of the old revision."""
        return self._side(self.old)

    @property
    def share_set(self) -> float | None:
        """The share of traffic that the new revision is meant to have, 0–1: by its side, else by the running step."""
        side = self.new_side
        if side is not None and side.set is not None:
            return side.set
        return next((step.weight for step in self.steps if step.phase is Phase.RUNNING), None)

    @property
    def share_actual(self) -> float | None:
        """The share of traffic that the new revision really has, 0–1."""
        side = self.new_side
        return side.actual if side is not None and side.actual is not None else self.weight

    @property
    def lags(self) -> bool:
        """Whether set and actual share differ by half a percent or more."""
        meant, real = self.share_set, self.share_actual
        return meant is not None and real is not None and abs(meant - real) >= _SHARE_DIFFERS

    def _side(self, revision: SafeText) -> Side | None:
        return next((side for side in self.sides if side.revision == revision), None) if revision else None


def order(rollout: Rollout) -> tuple[bool, float, str]:
    """Sort key: live ones first, then the newest."""
    return (not rollout.live, -rollout.started.timestamp(), rollout.id)
