"""Rollouts in the terms that every vendor shares: what moves, from which revision to which, step by step."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from tuiops.core.text import EMPTY, SafeText, lit


class Phase(Enum):
    """Where a rollout, or one of its steps, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"

    @property
    def word(self) -> SafeText:
        return lit(self.value)

    @property
    def ended(self) -> bool:
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.ROLLED_BACK}


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

    @property
    def live(self) -> bool:
        return not self.phase.ended


def order(rollout: Rollout) -> tuple[bool, float, str]:
    """Sort key: live ones first, then the newest."""
    return (not rollout.live, -rollout.started.timestamp(), rollout.id)
