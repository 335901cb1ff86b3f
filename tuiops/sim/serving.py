"""What serves at a moment: by the releases that happen by themselves, and by what people have done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import safe
from tuiops.sim.runs import Run, all_runs, number_of, revision_of
from tuiops.sim.sides import shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.sim.changes import Change
    from tuiops.sim.model import ResourceModel, SystemModel
    from tuiops.sim.world import World

_BEFORE = 1e-3
"""Seconds before a release, when that has changed nothing yet."""


class Traffic(msgspec.Struct, frozen=True):
    """Shares by revision, 0–1, those of zero left out: as they are set, and as they are."""

    set: Mapping[str, float]
    actual: Mapping[str, float]

    @property
    def main(self) -> str:
        """The revision that most of it goes to."""
        return max(self.actual, key=lambda name: self.actual[name], default="")


def traffic_at(world: World, system: str, service: str, t: float) -> Traffic:
    """Where the traffic of a service goes; nowhere, where nothing is released."""
    changes = [one for one in world.changes.moving(system, service) if one.at <= t]
    last = changes[-1] if changes else None
    run = _latest_run(world, world.systems[system], service, t, since=last.at if last is not None else None)
    if run is not None:
        return _of_run(world, run, t)
    if last is not None:
        return Traffic({name: share for name, share in last.order.shares.items() if share > 0.0}, last.shares(t))
    resource = rolling(world.systems[system], service)
    if resource is None:
        return Traffic({}, {})
    whole: dict[str, float] = {revision_of(world, system, service, resource.revision, resource.number): 1.0}
    return Traffic(whole, whole)


def served_before(world: World, system: str, service: str, t: float) -> str:
    """The older revision that had most of the traffic last before the present one; empty when there was none."""
    history = [name for _, name in sorted(_history(world, system, service, t), key=lambda pair: pair[0])]
    ages = {name: age for age, name in enumerate(dict.fromkeys(history))}
    return next((name for name in reversed(history) if ages[name] < ages[history[-1]]), "")


def known_by(world: World, system: str, service: str, t: float) -> tuple[str, ...]:
    """Every revision there is, the newest first: the first one waits to be deployed, and has never served."""
    made = [(one.at, one.order.made) for one in _moving(world, system, service, t) if one.order.number]
    tried = [
        (run.start, revisions(world, run)[0])
        for run in all_runs(world, world.systems[system], t)
        if run.release.service == service
    ]
    names = _names([*_history(world, system, service, t), *made, *tried])
    return tuple(reversed((*names, candidate(world, system, service, t)[0])))


def candidate(world: World, system: str, service: str, t: float) -> tuple[str, int]:
    """The revision that nobody has deployed yet, and its number. It is a bad one."""
    number = next_number(world, system, service, t)
    resource = rolling(world.systems[system], service)
    return revision_of(world, system, service, resource.revision if resource is not None else "{}", number), number


def next_number(world: World, system: str, service: str, t: float) -> int:
    """The number that the next revision of a service gets."""
    model = world.systems[system]
    resource = rolling(model, service)
    used = [resource.number] if resource is not None else []
    for run in all_runs(world, model, t):
        if run.release.service == service:
            used += [number_of(world, run, run.release.new), number_of(world, run, run.release.old)]
    used += [one.order.number for one in _moving(world, system, service, t)]
    return max(used, default=0) + 1


def rolling(system: SystemModel, service: str) -> ResourceModel | None:
    """What the revisions of a service run on."""
    return next((one for one in system.resources if one.service == service and one.revision), None)


def revisions(world: World, run: Run) -> tuple[SafeText, SafeText]:
    """The new one and the old one."""
    release, service = run.release, run.release.service

    def named(number: int) -> SafeText:
        return revision_of(world, run.system, service, release.revision, number_of(world, run, number))

    new, old = named(release.new), named(release.old)
    if any(one.at < run.start for one in world.changes.moving(run.system, service)):
        # What its description calls the old one need not be what people have left there.
        old = safe(traffic_at(world, run.system, service, run.start - _BEFORE).main)
        if release.new < release.old:
            new = safe(traffic_at(world, run.system, service, run.begun - _BEFORE).main)
    return new, old


def _history(world: World, system: str, service: str, t: float) -> list[tuple[float, str]]:
    """When which revision got most of the traffic, and which one at last has it."""
    model = world.systems[system]
    resource = rolling(model, service)
    found: list[tuple[float, str]] = []
    for run in all_runs(world, model, t):
        if run.release.service == service:
            new, old = revisions(world, run)
            found.append((run.start, old))
            if run.stopped is None and not run.replaced and t >= run.end:
                found.append((run.end, new))
    if resource is not None and not found:
        ever = (resource.number - 1, resource.number)
        found += [(-math.inf, revision_of(world, system, service, resource.revision, number)) for number in ever]
    found += [(one.at, one.order.main) for one in _moving(world, system, service, t)]
    return [*found, (t, traffic_at(world, system, service, t).main)]


def _names(found: list[tuple[float, str]]) -> tuple[str, ...]:
    """Each once, in the order of time."""
    return tuple(dict.fromkeys(name for _, name in sorted(found, key=lambda pair: pair[0]) if name))


def _moving(world: World, system: str, service: str, t: float) -> Iterator[Change]:
    return (one for one in world.changes.moving(system, service) if one.at <= t)


def _latest_run(world: World, system: SystemModel, service: str, t: float, since: float | None) -> Run | None:
    """The last release that has begun and counts: it is under way, or it succeeded."""
    runs = (
        run
        for run in all_runs(world, system, t)
        if run.release.service == service
        and (since is None or run.start > since)
        and (t < run.end or (run.stopped is None and not run.replaced))
    )
    return max(runs, key=lambda run: run.start, default=None)


def _of_run(world: World, run: Run, t: float) -> Traffic:
    new, old = revisions(world, run)
    meant, real = shares(run.release, run.start, run.ends, t) if t < run.end else (1.0, 1.0)

    def split(share: float) -> Mapping[str, float]:
        return {name: part for name, part in ((new, share), (old, 1.0 - share)) if part > 0.0}

    return Traffic(split(meant), split(real))
