"""A simulated canary beside what it replaces: the values of either, and which of the two a log line comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.comparison import Compared
from tuiops.core.text import SafeText, safe
from tuiops.core.units import Unit
from tuiops.sim.chance import smooth
from tuiops.sim.runs import runs_of, share_at
from tuiops.sim.serving import revisions

if TYPE_CHECKING:
    from tuiops.sim.model import SystemModel
    from tuiops.sim.world import Track, World

_LEAST_SHARE = 0.005
"""Share of traffic below which there is nothing to measure."""
_MOST_APART = 0.4
"""Share of its value by which a canary is another by chance, at most."""


class Canary(NamedTuple):
    """The part that the revision under way has in its service."""

    new: SafeText
    old: SafeText
    share: float
    incident: str
    """What it causes; empty when it is as good as the old one."""


def canary_at(world: World, system: SystemModel, service: str, t: float) -> Canary | None:
    """The release of a service that shares out traffic at a time; None when there is none."""
    for run in runs_of(world, system, service, t):
        if not run.release.in_place:
            return Canary(*revisions(world, run), share_at(run, t), run.incident)
    return None


def compared(world: World, system: SystemModel, service: str, canary: Canary, t: float) -> tuple[Compared, ...]:
    """Every metric of the service for both revisions; together they make what is measured of the whole."""
    found: list[Compared] = []
    for track in world.tracks(system.id):
        if track.service == service:
            old = world.value(track, t, canary.incident)
            new = _new(world, track, canary, old, t) if canary.share >= _LEAST_SHARE else None
            serves = canary.share <= 1.0 - _LEAST_SHARE
            found.append(Compared(indicator=safe(track.metric.id), new=new, old=old if serves else None))
    return tuple(found)


def _new(world: World, track: Track, canary: Canary, old: float, t: float) -> float:
    if canary.incident:
        value = (world.value(track, t) - (1.0 - canary.share) * old) / canary.share
    else:
        apart = min(_MOST_APART, 2.0 * track.course.wander)
        value = old * (1.0 + apart * smooth(track.key + 3, t, 90.0))
    return min(1.0, value) if track.metric.unit is Unit.RATIO else value
