"""Whose an alarm is: that of the declared resource whose dimensions it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tuiops.config.resources import EcsResource, ElastiCacheResource, RdsResource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.resources import AnyResource
    from tuiops.config.systems import System


class Owner(NamedTuple):
    """A system and one of its services, as the configuration names them."""

    system: str
    service: str


class Owners:
    """The resources of one source."""

    def __init__(self, source: str, systems: Mapping[str, System]) -> None:
        self._by_dimensions: dict[frozenset[tuple[str, str]], Owner] = {}
        for system_id, system in systems.items():
            for resource in system.resources.values():
                if resource.source == source:
                    for pairs in _dimensions(resource):
                        self._by_dimensions[frozenset(pairs.items())] = Owner(system_id, resource.service)

    def of(self, dimensions: Mapping[str, str]) -> Owner | None:
        """None when the alarm watches nothing that is declared."""
        found = frozenset(dimensions.items())
        return next((owner for wanted, owner in self._by_dimensions.items() if wanted <= found), None)


def _dimensions(resource: AnyResource) -> Iterator[Mapping[str, str]]:
    """What CloudWatch tells metrics of a resource apart by."""
    match resource:
        case EcsResource():
            yield {"ClusterName": resource.cluster, "ServiceName": resource.name}
        case RdsResource():
            yield {"DBInstanceIdentifier": resource.name}
        case ElastiCacheResource():
            yield {"ReplicationGroupId": resource.name}
            yield {"CacheClusterId": resource.name}
            # Nodes of a replication group are clusters of their own: NAME-001 and so on, with shards NAME-0001-001.
            for number in range(1, 7):
                yield {"CacheClusterId": f"{resource.name}-{number:03}"}
        case _:
            return
