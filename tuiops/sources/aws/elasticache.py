"""Amazon ElastiCache: replication groups and clusters, and which node failed over to which."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.resources import ElastiCacheResource
from tuiops.core.clock import age
from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.sources.aws.spare import Spare
from tuiops.sources.parts import DEGRADED, DOWN, WELL, PartHealth, Watched, all_unknown, watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.health import Reading
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.paging import Listing

EVENTS = 30
"""Minutes of events that are looked at."""

_PAGE = 100
_AVAILABLE = "available"
_STATES: Mapping[str, float] = {
    _AVAILABLE: WELL, "snapshotting": WELL, "modifying": WELL, "creating": DEGRADED,
    "rebooting cluster nodes": DEGRADED, "deleting": DOWN, "deleted": DOWN, "create-failed": DOWN,
    "incompatible-network": DOWN, "restore-failed": DOWN,
}  # fmt: skip
"""What each state says of serving, by ElastiCache's API reference of ReplicationGroup and CacheCluster."""


class _Pascal(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """ElastiCache begins its names with a capital letter."""


class Member(_Pascal, frozen=True, kw_only=True):
    """A node of a shard."""

    cache_cluster_id: str = ""
    current_role: str = ""
    """`primary` or `replica`; empty where shards have no fixed roles to show."""


class Shard(_Pascal, frozen=True, kw_only=True):
    """A part of a replication group's keys: a primary and its replicas."""

    node_group_id: str = ""
    status: str = ""
    node_group_members: tuple[Member, ...] = ()


class Group(_Pascal, frozen=True, kw_only=True):
    """A replication group."""

    replication_group_id: str
    status: str = ""
    node_groups: tuple[Shard, ...] = ()
    automatic_failover: str = ""
    """`enabled`, `disabled`, `enabling` or `disabling`."""


class CacheNode(_Pascal, frozen=True, kw_only=True):
    """A node of a cluster."""

    cache_node_id: str = ""
    cache_node_status: str = ""


class Cluster(_Pascal, frozen=True, kw_only=True):
    """A cluster of one or, of Memcached, several nodes."""

    cache_cluster_id: str
    cache_cluster_status: str = ""
    num_cache_nodes: int = 0
    cache_nodes: tuple[CacheNode, ...] = ()


class Event(_Pascal, frozen=True, kw_only=True):
    """Something that happened to a group or a cluster."""

    source_identifier: str = ""
    message: str = ""
    date: datetime | None = None


class ElastiCachePart:
    """The replication groups and clusters of a source."""

    name = lit("ElastiCache")

    def __init__(self, source: str, systems: Mapping[str, System], client: AwsClient, clock: Clock) -> None:
        self.resources = watched(source, systems, ElastiCacheResource)
        self._client = client
        self._spare = Spare(clock, client.timeout)

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of each, and the failovers of late."""
        said: dict[SafeText, None] = {}
        wanted = {one.config.name for one in self.resources}
        groups = await self._groups()
        found: dict[str, tuple[float | None, SafeText]] = {
            one.replication_group_id: group_standing(one) for one in groups.items
        }
        alone = not wanted <= found.keys()
        clusters, events = await asyncio.gather(self._clusters() if alone else _nothing(), self._events(said))
        if clusters is not None:
            found |= {one.cache_cluster_id: cluster_standing(one) for one in clusters.items}
            said |= dict.fromkeys(clusters.warnings(lit("cache clusters")))
        said |= dict.fromkeys(groups.warnings(lit("replication groups")))
        readings: list[Reading] = []
        for resource in self.resources:
            name = resource.config.name
            value, note = found.get(name, (None, fmt("there is no replication group or cluster {}", safe(name))))
            if value is None:
                readings += resource.unknown(at, note)
            else:
                readings.append(resource.state(at, value, _with_failover(resource, note, events, at)))
        return PartHealth(readings=tuple(readings), warnings=tuple(said))

    async def _groups(self) -> Listing[Group]:
        params = {"MaxRecords": _PAGE}
        return await self._client.pages(
            "elasticache", "DescribeReplicationGroups", params, result="ReplicationGroups", kind=Group
        )

    async def _clusters(self) -> Listing[Cluster] | None:
        params = {"MaxRecords": _PAGE, "ShowCacheNodeInfo": True}
        return await self._client.pages(
            "elasticache", "DescribeCacheClusters", params, result="CacheClusters", kind=Cluster
        )

    async def _events(self, said: dict[SafeText, None]) -> Sequence[Event]:
        params = {"Duration": EVENTS, "MaxRecords": _PAGE}

        async def ask() -> Listing[Event]:
            return await self._client.pages("elasticache", "DescribeEvents", params, result="Events", kind=Event)

        found = await self._spare.read(lit("events of caches"), ask, said)
        return found.items if found is not None else ()


async def _nothing() -> None:
    return None


def group_standing(group: Group) -> tuple[float | None, SafeText]:
    """The state of a replication group: its worst shard counts, and one that has no primary is down."""
    value, notes = _word(group.status)
    if value is None:
        return None, notes[0]
    for shard in group.node_groups:
        roles = [member.current_role for member in shard.node_group_members if member.current_role]
        if roles and "primary" not in roles:
            value, text = DOWN, fmt("shard {} has no primary", safe(shard.node_group_id, 40))
        elif shard.status and shard.status != _AVAILABLE:
            value = max(value, DEGRADED)
            text = fmt("shard {} is {}", safe(shard.node_group_id, 40), safe(shard.status, 40))
        else:
            continue
        notes.append(text)
    replicas = any(len(shard.node_group_members) > 1 for shard in group.node_groups)
    if replicas and group.automatic_failover != "enabled":
        notes.append(fmt("automatic failover {}", safe(group.automatic_failover or "disabled", 20)))
    return value, join(" · ", notes[:4])


def cluster_standing(cluster: Cluster) -> tuple[float | None, SafeText]:
    """The state of a cluster, and of its nodes where it has several."""
    value, notes = _word(cluster.cache_cluster_status)
    if value is None:
        return None, notes[0]
    broken = [node for node in cluster.cache_nodes if node.cache_node_status not in {"", _AVAILABLE}]
    if broken:
        value = max(value, DEGRADED)
        notes.append(fmt("{} of {} nodes are not available", len(broken), len(cluster.cache_nodes)))
    return value, join(" · ", notes)


def _word(status: str) -> tuple[float | None, list[SafeText]]:
    value = _STATES.get(status)
    if value is None:
        return None, [fmt("ElastiCache calls it {}, which is no known state", safe(status or "nothing", 60))]
    return value, [] if status == _AVAILABLE else [safe(status, 60)]


def _with_failover(
    resource: Watched[ElastiCacheResource], note: SafeText, events: Iterable[Event], at: datetime
) -> SafeText:
    """The note, and what the last failover said: nodes of a group are called like it with a number."""
    name = resource.config.name
    found = [
        (event.date, event)
        for event in events
        if event.date is not None
        and (event.source_identifier == name or event.source_identifier.startswith(f"{name}-"))
        and "failover" in event.message.casefold()
    ]
    if not found:
        return note
    when, event = max(found, key=lambda pair: pair[0])
    text = fmt("{} ago: {}", span(age(at, when)), safe(event.message, 160))
    return fmt("{} · {}", note, text) if note else text
