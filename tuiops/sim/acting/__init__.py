"""What can be done to the resources of the simulated systems, in the same words as to real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sim.acting.databases import CloudSqlHand, RdsHand
from tuiops.sim.acting.revisions import CloudRunHand, EcsHand, HostingHand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.clock import Clock
    from tuiops.sim.acting.base import Hand
    from tuiops.sim.model import ResourceKind
    from tuiops.sim.world import World
    from tuiops.sources.abilities import Target

_HANDS: Mapping[ResourceKind, type[Hand]] = {
    "cloud_run": CloudRunHand,
    "ecs": EcsHand,
    "firebase_hosting": HostingHand,
    "cloud_sql": CloudSqlHand,
    "rds": RdsHand,
}


def acting_on(world: World, clock: Clock, target: Target) -> Hand | None:
    """What can be done to a resource; it has exactly the abilities of its kind. None for what there is not."""
    system = world.systems.get(target.system)
    resources = system.resources if system is not None else ()
    resource = next((one for one in resources if one.id == target.resource), None)
    return _HANDS[resource.kind](world, clock, target, resource) if resource is not None else None
