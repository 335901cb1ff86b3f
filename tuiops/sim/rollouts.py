"""The rollouts of a simulated system: the live ones step by step, and those of the last day."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from tuiops.core.drift import Drift
from tuiops.core.rollouts import Gate, GateResult, Origin, Phase, Rollout, Side, Step, StepKind, order
from tuiops.core.text import EMPTY, fmt, lit, safe
from tuiops.core.units import show
from tuiops.sim.runs import KEPT, all_runs, gated
from tuiops.sim.serving import revisions
from tuiops.sim.sides import shares, sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.sim.changes import Change
    from tuiops.sim.model import GateModel, ReleaseModel, SystemModel
    from tuiops.sim.runs import Run
    from tuiops.sim.world import World

OURS = "tuiops"
"""What a change was made with that a run of this console has made."""

_STRATEGIES = {
    "deploy": lit("deploy"),
    "traffic": lit("traffic"),
    "rollback": lit("rollback"),
    "restart": lit("restart"),
}


def rollouts_at(world: World, system: SystemModel, t: float, source: SafeText) -> tuple[Rollout, ...]:
    """Live ones first, then the ended ones of the last 24 hours, newest first."""
    found = [_rollout(world, run, t, source) for run in all_runs(world, system, t)]
    for service in dict.fromkeys(resource.service for resource in system.resources):
        found += _of_changes(world, world.changes.moving(system.id, service), t, source)
    return tuple(sorted(found, key=order))


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


def _rollout(world: World, run: Run, t: float, source: SafeText) -> Rollout:
    release, stopped, end = run.release, run.stopped, run.end
    ended = t >= end
    failed = stopped is not None or run.replaced
    phase = Phase.RUNNING if not ended else Phase.ROLLED_BACK if failed else Phase.SUCCEEDED
    message = safe(release.message)
    if ended and run.replaced:
        message = _REPLACED
    elif phase is Phase.ROLLED_BACK and stopped is not None:
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


_REPLACED = lit("replaced: somebody did something else to the service")


def _of_changes(world: World, changes: tuple[Change, ...], t: float, source: SafeText) -> Iterator[Rollout]:
    """What people have done to a service as rollouts."""
    for change, after in zip_longest(changes, changes[1:]):
        if t - KEPT <= change.at <= t:
            cut = after.at if after is not None and after.at < min(t, change.end) else None
            yield _of_change(world, change, cut, t, source)


def _of_change(world: World, change: Change, cut: float | None, t: float, source: SafeText) -> Rollout:
    wanted, end = change.order, change.end if cut is None else cut
    new, old = told = _revisions(change)
    ended = t >= end
    phase = Phase.ROLLED_BACK if cut is not None else Phase.SUCCEEDED if ended else Phase.RUNNING
    real = change.shares(min(t, end))
    return Rollout(
        id=safe(f"{change.system}/{change.service}/{change.operation}"),
        system=safe(change.system),
        service=safe(change.service),
        strategy=safe(wanted.kind),
        old=safe(old),
        new=safe(new),
        by=safe(change.by),
        client=safe(change.client),
        phase=phase,
        started=world.wall(change.at),
        ended=world.wall(end) if ended else None,
        weight=real.get(new, 0.0),
        steps=tuple(_steps_of(world, change, phase, min(t, end))),
        sides=tuple(
            Side(revision=safe(name), set=wanted.shares.get(name, 0.0), actual=real.get(name, 0.0))
            for name in dict.fromkeys((*told, *wanted.shares))
        ),
        origin=Origin.OURS if change.client == OURS else Origin.OBSERVED,
        message=_REPLACED if cut is not None else EMPTY,
        source=source,
    )


def _revisions(change: Change) -> tuple[str, str]:
    """The one that has gained most of the traffic, and the one that had most of it."""
    shares, was = change.order.shares, change.was
    new = max(shares, key=lambda name: shares[name] - was.get(name, 0.0))
    return new, max(was, key=lambda name: was[name], default=new)


def _steps_of(world: World, change: Change, phase: Phase, t: float) -> Iterator[Step]:
    """It builds something where it does, and then moves traffic."""
    wanted = change.order
    moves = change.at + wanted.builds
    if wanted.builds:
        built = t >= moves
        yield Step(
            label=lit("create revision"),
            phase=Phase.SUCCEEDED if built else phase,
            started=world.wall(change.at),
            ended=world.wall(min(moves, t)) if built or phase.ended else None,
        )
    moving = t >= moves
    yield Step(
        label=lit("shift traffic"),
        phase=phase if moving else Phase.WAITING,
        started=world.wall(moves) if moving else None,
        ended=world.wall(t) if moving and phase.ended else None,
        weight=wanted.shares.get(_revisions(change)[0]),
    )


def _name(release: ReleaseModel, position: int) -> SafeText:
    step = release.steps[position]
    return fmt("{} {}", safe(step.stage), safe(step.label)) if step.stage else safe(step.label)


def _steps(world: World, run: Run, t: float) -> Iterator[Step]:
    begins = run.start
    for position, (step, planned) in enumerate(zip(run.release.steps, run.ends, strict=True)):
        cut = run.cut is not None and begins < run.cut < planned
        end = min(planned, run.end) if cut else planned
        reached = min(t, run.end) >= begins and (run.stopped is None or position <= run.stopped)
        if not reached:
            phase = Phase.WAITING
        elif cut:
            phase = Phase.ROLLED_BACK
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
        begins = planned


def _gate(world: World, run: Run, gate: GateModel, t: float) -> Gate:
    end = run.ends[gate.after]
    begins = run.start if gate.after == 0 else run.ends[gate.after - 1]
    if min(t, run.end) < begins:
        return Gate(label=safe(gate.label), value=EMPTY, result=GateResult.INCONCLUSIVE)
    track = gated(world, run.system, run.release, gate)
    value = world.value(track, min(t, end))
    failing = world.limit(track, gate.fails).crossed(value)
    result = GateResult.FAIL if failing else GateResult.PASS
    return Gate(label=safe(gate.label), value=show(value, track.metric.unit), result=result)
