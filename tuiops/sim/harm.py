"""What bad revisions do, for as long as they have traffic; and how far releases that harm are still felt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sim.model import Incident, Recurrence
from tuiops.sim.runs import numbered, revision_of
from tuiops.sim.serving import rolling, traffic_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.sim.changes import Change
    from tuiops.sim.schedule import Occurrence
    from tuiops.sim.world import World

_ONCE = 1e12
"""Seconds until it would happen again."""

_WITHOUT_END = 1e9
"""Seconds that what nobody mends lasts."""


def caused(world: World, system: str, service: str) -> Iterator[tuple[Incident, str]]:
    """The incidents that bad revisions of a service cause, each with the revision: one for each time that it serves."""
    resource = rolling(world.systems[system], service)
    changes = world.changes.moving(system, service)
    if resource is None or resource.broken is None:
        return
    for revision in dict.fromkeys(one.order.made for one in changes if one.order.bad):
        for number, (start, end) in enumerate(_times(changes, revision)):
            yield (
                Incident(
                    id=f"{service} {revision} {number}",
                    when=Recurrence(first=start, every=_ONCE, spread=0.0, past=0),
                    lasts=_WITHOUT_END if end is None else end - start,
                    effects=resource.broken.effects,
                    alerts=resource.broken.alerts,
                ),
                revision,
            )


def _times(changes: tuple[Change, ...], revision: str) -> Iterator[tuple[float, float | None]]:
    """From when to when a revision has traffic; None where that has no end yet."""
    start: float | None = None
    for change in changes:
        has = change.order.shares.get(revision, 0.0) > 0.0
        if has and start is None:
            start = change.at
        elif not has and start is not None:
            yield start, change.end
            start = None
    if start is not None:
        yield start, None


def felt(world: World, system: str, incident: Incident, found: Occurrence, t: float) -> float:
    """How much of an incident is left, 0–1, when people have taken traffic from the release that has caused it.

    1 while nobody has done anything to that service.
    """
    if not incident.releases:
        return 1.0
    cause = incident.releases[0]
    after = [one for one in world.changes.moving(system, cause.service) if found.start < one.at < t]
    if not after:
        return 1.0
    number = numbered(world, system, cause, found, cause.new)
    revision = revision_of(world, system, cause.service, cause.revision, number)
    share = traffic_at(world, system, cause.service, t).actual.get(revision, 0.0)
    was = after[0].was.get(revision, 0.0)
    return min(1.0, share / was) if was else share
