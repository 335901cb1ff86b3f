"""The releases that happen by themselves: when each begins, when its steps end, and what stops it."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import SafeText, safe
from tuiops.sim.chance import key_of, mix
from tuiops.sim.model import ReleaseModel
from tuiops.sim.schedule import Occurrence, between
from tuiops.sim.sides import shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.sim.model import GateModel, Recurrence, SystemModel
    from tuiops.sim.world import Track, World

KEPT = 24 * 3600.0
"""Seconds for which they are told."""


class Run(msgspec.Struct, frozen=True):
    """One release: when it started, when its steps end, and what ended it before its time."""

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
    """The step whose gate has stopped it."""
    cut: float | None
    """When somebody did something else to the service."""

    @property
    def end(self) -> float:
        whole = self.ends[-1] if self.stopped is None else self.ends[self.stopped]
        return whole if self.cut is None else min(whole, self.cut)

    @property
    def replaced(self) -> bool:
        """Whether somebody did something else before it was over."""
        return self.cut is not None and self.cut <= self.end

    @property
    def begun(self) -> float:
        """When its incident began."""
        return self.start - self.release.offset


def all_runs(world: World, system: SystemModel, t: float) -> Iterator[Run]:
    """Those that have begun by a time, within the last day."""
    for when, key, incident, release in _plans(world, system):
        yield from _runs(world, system, (when, key, incident), release, t)


def runs_of(world: World, system: SystemModel, service: str, t: float) -> tuple[Run, ...]:
    """The releases of one service that are under way at a time."""
    return tuple(
        run for run in all_runs(world, system, t) if run.release.service == service and run.start <= t < run.end
    )


def share_at(run: Run, t: float) -> float:
    """The share of traffic, 0–1, that the new revision really has."""
    return shares(run.release, run.start, run.ends, t)[1]


def numbered(world: World, system: str, release: ReleaseModel, occurrence: Occurrence, number: int) -> int:
    """The number of a revision of a release: those that people had made by then are counted in."""
    start = occurrence.start + release.offset
    made = [one for one in world.changes.moving(system, release.service) if one.order.number and one.at < start]
    return number + occurrence.number * release.stride + len(made)


def number_of(world: World, run: Run, number: int) -> int:
    """The same of one that has begun."""
    return numbered(world, run.system, run.release, Occurrence(run.number, run.begun), number)


def revision_of(world: World, system: str, service: str, form: str, number: int) -> SafeText:
    """How a revision's number is written; `{}` alone makes it a digest."""
    if form == "{}":
        return safe(f"{mix(key_of(world.seed, system, service), number):016x}"[:7])
    return safe(form.format(number))


def gated(world: World, system: str, release: ReleaseModel, gate: GateModel) -> Track:
    """What a gate looks at."""
    track = world.track(system, release.service, gate.metric)
    if track is None:
        raise ValueError(f"{system}/{release.service} has no metric {gate.metric} for its gate")
    return track


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
    changes = world.changes.moving(system.id, release.service)
    for found in between(when, key, t - KEPT - release.offset, t - release.offset):
        start = found.start + release.offset
        if release.offset and any(found.start < one.at <= start for one in changes):
            continue  # What it was to mend, somebody has dealt with.
        ends = tuple(start + end for end in accumulate(step.lasts for step in release.steps))
        stopped = min(
            (
                gate.after
                for gate in release.gates
                if ends[gate.after] <= t and _fails(world, system.id, release, gate, ends[gate.after])
            ),
            default=None,
        )
        last = ends[-1] if stopped is None else ends[stopped]
        cut = next((one.at for one in changes if start < one.at < last and one.at <= t), None)
        yield Run(system.id, release, key, incident, found.number, start, ends, stopped, cut)


@lru_cache(maxsize=1024)
def _fails(world: World, system: str, release: ReleaseModel, gate: GateModel, t: float) -> bool:
    """What has been is asked for only, and that stays as it was: it can be kept."""
    track = gated(world, system, release, gate)
    return world.limit(track, gate.fails).crossed(world.value(track, t))
