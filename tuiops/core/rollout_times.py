"""The time of rollouts: what it was spent on, how it is parted into stages, how much of it is likely to be left."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.clock import age
from tuiops.core.rollouts import Phase, Rollout, Step, StepKind
from tuiops.core.text import SafeText

if TYPE_CHECKING:
    from collections.abc import Iterable


class Stage(msgspec.Struct, frozen=True):
    """Steps that follow each other and belong together; one without a label is a single step's own."""

    label: SafeText
    phase: Phase
    steps: tuple[Step, ...]


class Spent(msgspec.Struct, frozen=True):
    """What the time of a rollout went to, in seconds. The three add up to its whole time until now."""

    working: float = 0.0
    waiting: float = 0.0
    """Bake time and gates, while nothing else was done."""
    between: float = 0.0
    """Time in which no step is known to have run."""


class Estimate(msgspec.Struct, frozen=True):
    """How long a rollout usually takes."""

    seconds: float
    """The median of those that succeeded before."""
    count: int
    """How many these are."""
    ends: datetime

    def left(self, now: datetime) -> float:
        """Seconds until the usual end; negative when it is past."""
        return (self.ends - now).total_seconds()


def stages(rollout: Rollout) -> tuple[Stage, ...]:
    """The steps as a tree of two levels, in their order."""
    found: list[Stage] = []
    for label, group in groupby(rollout.steps, key=lambda step: step.stage):
        steps = tuple(group)
        parts = (steps,) if label else tuple((step,) for step in steps)
        found += [Stage(label, _phase_of(part), part) for part in parts]
    return tuple(found)


def _phase_of(steps: tuple[Step, ...]) -> Phase:
    """The phase that a group is in: what went wrong first, then what is under way."""
    phases = {step.phase for step in steps}
    for phase in (Phase.FAILED, Phase.ROLLED_BACK, Phase.SUPERSEDED, Phase.RUNNING):
        if phase in phases:
            return phase
    if len(phases) == 1:
        return next(iter(phases))
    # Some are over and some are yet to begin.
    return Phase.UNKNOWN if Phase.UNKNOWN in phases else Phase.RUNNING


def spent(rollout: Rollout, now: datetime) -> Spent:
    """Working, waiting and the rest, from the steps alone; where steps overlap, work counts before waiting."""
    until = rollout.ended or now
    whole = age(until, rollout.started)
    work: list[tuple[float, float]] = []
    known: list[tuple[float, float]] = []
    for step in rollout.steps:
        if step.started is None:
            continue
        begins = age(step.started, rollout.started)
        ends = min(whole, age(step.ended or until, rollout.started))
        if ends > begins:
            known.append((begins, ends))
            if step.kind is StepKind.WORK:
                work.append((begins, ends))
    working, accounted = _covered(work), _covered(known)
    return Spent(working, accounted - working, max(0.0, whole - accounted))


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds that are in at least one of the spans."""
    covered, reached = 0.0, 0.0
    for begins, ends in sorted(spans):
        covered += max(0.0, ends - max(begins, reached))
        reached = max(reached, ends)
    return covered


def left(step: Step, now: datetime) -> float | None:
    """Seconds that a running, timed step has left; negative when it is over its time."""
    if step.phase is not Phase.RUNNING or step.ends is None:
        return None
    return (step.ends - now).total_seconds()


def estimate(rollout: Rollout, known: Iterable[Rollout]) -> Estimate | None:
    """When a rollout that is under way will be over if it goes as usual; None when none like it ever succeeded.

    Those count that released the same service in the same way and succeeded: what was taken back or failed ended early.
    """
    if not rollout.live:
        return None
    kind = _kind(rollout)
    times = sorted(
        other.took
        for other in known
        if other.phase is Phase.SUCCEEDED and other.took is not None and other.id != rollout.id and _kind(other) == kind
    )
    if not times:
        return None
    middle = len(times) // 2
    usual = times[middle] if len(times) % 2 else (times[middle - 1] + times[middle]) / 2
    return Estimate(usual, len(times), rollout.started + timedelta(seconds=usual))


def past(rollout: Rollout, known: Iterable[Rollout]) -> tuple[Rollout, ...]:
    """Other rollouts of the same service that are over, newest first."""
    found = (
        other
        for other in known
        if not other.live
        and other.id != rollout.id
        and (other.system, other.service) == (rollout.system, rollout.service)
    )
    return tuple(sorted(found, key=lambda other: other.started, reverse=True))


def _kind(rollout: Rollout) -> tuple[str, str, str]:
    return (rollout.system, rollout.service, rollout.strategy)
