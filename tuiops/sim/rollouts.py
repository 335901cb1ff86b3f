"""The rollouts of a simulated system: the live ones step by step, and those of the last day."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.rollouts import Gate, GateResult, Phase, Rollout, Step, order
from tuiops.core.text import EMPTY, fmt, safe
from tuiops.core.units import show
from tuiops.sim.chance import key_of, mix
from tuiops.sim.model import ReleaseModel
from tuiops.sim.schedule import between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.sim.model import GateModel, Recurrence, SystemModel
    from tuiops.sim.world import Track, World

_KEPT = 24 * 3600.0


class _Run(msgspec.Struct, frozen=True):
    """One release under way: when it started, when its steps end, and the step whose gate stopped it, if one did."""

    system: str
    release: ReleaseModel
    plan: int
    """Key of the plan that it belongs to: two plans may release the same service."""
    number: int
    start: float
    ends: tuple[float, ...]
    stopped: int | None


def rollouts_at(world: World, system: SystemModel, t: float, source: SafeText) -> tuple[Rollout, ...]:
    """Live ones first, then the ended ones of the last 24 hours, newest first."""
    runs = (
        run for when, key, release in _plans(world, system) for run in _runs(world, system, (when, key), release, t)
    )
    return tuple(sorted((_rollout(world, run, t, source) for run in runs), key=order))


def _plans(world: World, system: SystemModel) -> Iterator[tuple[Recurrence, int, ReleaseModel]]:
    for incident in system.incidents:
        for release in incident.releases:
            yield incident.when, world.key(system.id, incident.id), release
    for routine in system.routines:
        yield routine.when, world.key(system.id, routine.release.service, routine.release.strategy), routine.release


def _runs(
    world: World, system: SystemModel, plan: tuple[Recurrence, int], release: ReleaseModel, t: float
) -> Iterator[_Run]:
    for found in between(*plan, t - _KEPT - release.offset, t - release.offset):
        start = found.start + release.offset
        ends = tuple(start + end for end in accumulate(step.lasts for step in release.steps))
        stopped = min(
            (gate.after for gate in release.gates if _fails(world, system.id, release, gate, ends[gate.after])),
            default=None,
        )
        yield _Run(system.id, release, plan[1], found.number, start, ends, stopped)


def _gated(world: World, system: str, release: ReleaseModel, gate: GateModel) -> Track:
    track = world.track(system, release.service, gate.metric)
    if track is None:
        raise ValueError(f"{system}/{release.service} has no metric {gate.metric} for its gate")
    return track


@lru_cache(maxsize=1024)
def _fails(world: World, system: str, release: ReleaseModel, gate: GateModel, t: float) -> bool:
    track = _gated(world, system, release, gate)
    return world.limit(track, gate.fails).crossed(world.value(track, t))


def _rollout(world: World, run: _Run, t: float, source: SafeText) -> Rollout:
    release, stopped = run.release, run.stopped
    end = run.ends[-1] if stopped is None else run.ends[stopped]
    ended = t >= end
    phase = Phase.RUNNING if not ended else Phase.SUCCEEDED if stopped is None else Phase.ROLLED_BACK
    message = safe(release.message)
    if phase is Phase.ROLLED_BACK and stopped is not None:
        message = fmt("taken back: gate failed after {}", safe(release.steps[stopped].label))
    return Rollout(
        id=safe(f"{run.system}/{release.service}/{release.strategy}/{run.plan:x}/{run.number}/{release.offset:.0f}"),
        system=safe(run.system),
        service=safe(release.service),
        strategy=safe(release.strategy),
        old=_revision(world, run, release.old),
        new=_revision(world, run, release.new),
        by=safe(release.by),
        phase=phase,
        started=world.wall(run.start),
        ended=world.wall(end) if ended else None,
        weight=0.0 if phase is Phase.ROLLED_BACK else _weight(run, t),
        steps=tuple(_steps(world, run, t)),
        gates=tuple(_gate(world, run, gate, t) for gate in release.gates),
        message=message,
        source=source,
    )


def _revision(world: World, run: _Run, number: int) -> SafeText:
    number += run.number * run.release.stride
    if run.release.revision == "{}":
        return safe(f"{mix(key_of(world.seed, run.system, run.release.service), number):016x}"[:7])
    return safe(run.release.revision.format(number))


def _weight(run: _Run, t: float) -> float | None:
    weight = None
    begins = run.start
    for step, end in zip(run.release.steps, run.ends, strict=True):
        if t >= begins and step.weight is not None:
            weight = step.weight
        begins = end
    return weight


def _steps(world: World, run: _Run, t: float) -> Iterator[Step]:
    begins = run.start
    for position, (step, end) in enumerate(zip(run.release.steps, run.ends, strict=True)):
        reached = t >= begins and (run.stopped is None or position <= run.stopped)
        if not reached:
            phase = Phase.WAITING
        elif t < end:
            phase = Phase.RUNNING
        else:
            phase = Phase.FAILED if position == run.stopped else Phase.SUCCEEDED
        yield Step(
            label=safe(step.label),
            phase=phase,
            started=world.wall(begins) if reached else None,
            ended=world.wall(end) if phase.ended else None,
            ends=world.wall(end) if phase is Phase.RUNNING else None,
            weight=step.weight,
        )
        begins = end


def _gate(world: World, run: _Run, gate: GateModel, t: float) -> Gate:
    end = run.ends[gate.after]
    begins = run.start if gate.after == 0 else run.ends[gate.after - 1]
    if t < begins:
        return Gate(label=safe(gate.label), value=EMPTY, result=GateResult.INCONCLUSIVE)
    track = _gated(world, run.system, run.release, gate)
    value = world.value(track, min(t, end))
    failing = world.limit(track, gate.fails).crossed(value)
    result = GateResult.FAIL if failing else GateResult.PASS
    return Gate(label=safe(gate.label), value=show(value, track.metric.unit), result=result)
