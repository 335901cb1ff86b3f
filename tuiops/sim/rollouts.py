"""The rollouts of a simulated system: the live ones step by step, and those of the last day."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.drift import Drift
from tuiops.core.rollouts import Gate, GateResult, Phase, Rollout, Step, StepKind, order
from tuiops.core.text import EMPTY, fmt, safe
from tuiops.core.units import show
from tuiops.sim.chance import key_of, mix
from tuiops.sim.model import ReleaseModel
from tuiops.sim.schedule import between
from tuiops.sim.sides import shares, sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.sim.model import GateModel, Recurrence, SystemModel
    from tuiops.sim.world import Track, World

_KEPT = 24 * 3600.0


class Run(msgspec.Struct, frozen=True):
    """One release under way: when it started, when its steps end, and the step whose gate stopped it, if one did."""

    system: str
    release: ReleaseModel
    plan: int
    """Key of the plan that it belongs to: two plans may release the same service."""
    incident: str
    """What it causes or mends; empty when nothing goes wrong with it."""
    number: int
    start: float
    ends: tuple[float, ...]
    stopped: int | None

    @property
    def end(self) -> float:
        return self.ends[-1] if self.stopped is None else self.ends[self.stopped]


def rollouts_at(world: World, system: SystemModel, t: float, source: SafeText) -> tuple[Rollout, ...]:
    """Live ones first, then the ended ones of the last 24 hours, newest first."""
    return tuple(sorted((_rollout(world, run, t, source) for run in _all_runs(world, system, t)), key=order))


def drifts_at(system: SystemModel, t: float, source: SafeText) -> tuple[Drift, ...]:
    """What is not as expected at a time."""
    return tuple(
        Drift(
            system=safe(system.id),
            service=safe(drift.service),
            resource=safe(drift.resource),
            what=safe(drift.what),
            expected=safe(drift.expected),
            actual=safe(drift.actual),
            source=source,
        )
        for drift in system.drifts
        if drift.since <= t < drift.since + drift.lasts
    )


def runs_of(world: World, system: SystemModel, service: str, t: float) -> tuple[Run, ...]:
    """The releases of one service that are under way at a time."""
    return tuple(
        run for run in _all_runs(world, system, t) if run.release.service == service and run.start <= t < run.end
    )


def revisions(world: World, run: Run) -> tuple[SafeText, SafeText]:
    """The new one and the old one."""
    return _revision(world, run, run.release.new), _revision(world, run, run.release.old)


def share_at(run: Run, t: float) -> float:
    """The share of traffic, 0–1, that the new revision really has."""
    return shares(run.release, run.start, run.ends, t)[1]


def _all_runs(world: World, system: SystemModel, t: float) -> Iterator[Run]:
    for when, key, incident, release in _plans(world, system):
        yield from _runs(world, system, (when, key, incident), release, t)


def _plans(world: World, system: SystemModel) -> Iterator[tuple[Recurrence, int, str, ReleaseModel]]:
    for incident in system.incidents:
        for release in incident.releases:
            yield incident.when, world.key(system.id, incident.id), incident.id, release
    for routine in system.routines:
        key = world.key(system.id, routine.release.service, routine.release.strategy)
        yield routine.when, key, "", routine.release


def _runs(
    world: World, system: SystemModel, plan: tuple[Recurrence, int, str], release: ReleaseModel, t: float
) -> Iterator[Run]:
    when, key, incident = plan
    for found in between(when, key, t - _KEPT - release.offset, t - release.offset):
        start = found.start + release.offset
        ends = tuple(start + end for end in accumulate(step.lasts for step in release.steps))
        stopped = min(
            (gate.after for gate in release.gates if _fails(world, system.id, release, gate, ends[gate.after])),
            default=None,
        )
        yield Run(system.id, release, key, incident, found.number, start, ends, stopped)


def _gated(world: World, system: str, release: ReleaseModel, gate: GateModel) -> Track:
    track = world.track(system, release.service, gate.metric)
    if track is None:
        raise ValueError(f"{system}/{release.service} has no metric {gate.metric} for its gate")
    return track


@lru_cache(maxsize=1024)
def _fails(world: World, system: str, release: ReleaseModel, gate: GateModel, t: float) -> bool:
    track = _gated(world, system, release, gate)
    return world.limit(track, gate.fails).crossed(world.value(track, t))


def _rollout(world: World, run: Run, t: float, source: SafeText) -> Rollout:
    release, stopped, end = run.release, run.stopped, run.end
    ended = t >= end
    phase = Phase.RUNNING if not ended else Phase.SUCCEEDED if stopped is None else Phase.ROLLED_BACK
    message = safe(release.message)
    if phase is Phase.ROLLED_BACK and stopped is not None:
        message = fmt("taken back: gate failed after {}", _name(release, stopped))
    new, old = revisions(world, run)
    meant, real = (0.0, 0.0) if phase is Phase.ROLLED_BACK else shares(release, run.start, run.ends, t)
    if phase is Phase.SUCCEEDED:
        real = meant
    weighted = not release.in_place and any(step.weight is not None for step in release.steps)
    return Rollout(
        id=safe(f"{run.system}/{release.service}/{release.strategy}/{run.plan:x}/{run.number}/{release.offset:.0f}"),
        system=safe(run.system),
        service=safe(release.service),
        strategy=safe(release.strategy),
        old=old,
        new=new,
        by=safe(release.by),
        client=safe(release.client),
        phase=phase,
        started=world.wall(run.start),
        ended=world.wall(end) if ended else None,
        weight=real if weighted else None,
        steps=tuple(_steps(world, run, t)),
        gates=tuple(_gate(world, run, gate, t) for gate in release.gates),
        sides=sides(release, new, old, (meant, real)) if release.instances or not release.in_place else (),
        message=message,
        source=source,
    )


def _name(release: ReleaseModel, position: int) -> SafeText:
    step = release.steps[position]
    return fmt("{} {}", safe(step.stage), safe(step.label)) if step.stage else safe(step.label)


def _revision(world: World, run: Run, number: int) -> SafeText:
    number += run.number * run.release.stride
    if run.release.revision == "{}":
        return safe(f"{mix(key_of(world.seed, run.system, run.release.service), number):016x}"[:7])
    return safe(run.release.revision.format(number))


def _steps(world: World, run: Run, t: float) -> Iterator[Step]:
    begins = run.start
    for position, (step, end) in enumerate(zip(run.release.steps, run.ends, strict=True)):
        reached = t >= begins and (run.stopped is None or position <= run.stopped)
        if not reached:
            phase = Phase.WAITING
        elif t < end:
            phase = Phase.RUNNING
        else:
            phase = Phase.FAILED if position == run.stopped else Phase.SUCCEEDED
        timed = phase is Phase.RUNNING and step.kind is StepKind.WAIT
        yield Step(
            label=safe(step.label),
            phase=phase,
            kind=step.kind,
            stage=safe(step.stage),
            started=world.wall(begins) if reached else None,
            ended=world.wall(end) if phase.ended else None,
            ends=world.wall(end) if timed else None,
            weight=None if run.release.in_place else step.weight,
        )
        begins = end


def _gate(world: World, run: Run, gate: GateModel, t: float) -> Gate:
    end = run.ends[gate.after]
    begins = run.start if gate.after == 0 else run.ends[gate.after - 1]
    if t < begins:
        return Gate(label=safe(gate.label), value=EMPTY, result=GateResult.INCONCLUSIVE)
    track = _gated(world, run.system, run.release, gate)
    value = world.value(track, min(t, end))
    failing = world.limit(track, gate.fails).crossed(value)
    result = GateResult.FAIL if failing else GateResult.PASS
    return Gate(label=safe(gate.label), value=show(value, track.metric.unit), result=result)
