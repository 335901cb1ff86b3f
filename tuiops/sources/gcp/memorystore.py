"""Memorystore for Redis: how instances stand (Cloud Memorystore for Redis API v1).

https://cloud.google.com/memorystore/docs/redis/reference/rest/v1/projects.locations.instances
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.resources import MemorystoreResource
from tuiops.core.clock import age
from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.sources.gcp.client import Page
from tuiops.sources.gcp.message import Message, Moment, short
from tuiops.sources.http_errors import deadline
from tuiops.sources.parts import DEGRADED, DOWN, WELL, PartHealth, Watched, all_unknown, watched
from tuiops.sources.together import SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.paging import Listing

STANDARD = "STANDARD_HA"

_STATES = {
    "READY": (WELL, lit("ready")),
    "UPDATING": (DEGRADED, lit("is being updated")),
    "MAINTENANCE": (DEGRADED, lit("is in maintenance")),
    "IMPORTING": (DEGRADED, lit("imports data")),
    "FAILING_OVER": (DEGRADED, lit("is failing over")),
    "CREATING": (DEGRADED, lit("is being created")),
    "REPAIRING": (DOWN, lit("is being repaired")),
    "DELETING": (DOWN, lit("is being deleted")),
    "SUSPENDED": (DOWN, lit("is suspended")),
}
"""An instance may be unusable while it is repaired; availability may be affected in the degraded states."""


class MaintenanceSchedule(Message, frozen=True, kw_only=True):
    """The next maintenance."""

    start_time: Moment | None = None
    end_time: Moment | None = None


class Instance(Message, frozen=True, kw_only=True):
    """A Redis instance."""

    name: str
    state: str = ""
    status_message: str = ""
    suspension_reasons: tuple[str, ...] = ()
    tier: str = ""
    memory_size_gb: int = 0
    redis_version: str = ""
    location_id: str = ""
    """The zone in which the primary was made."""
    current_location_id: str = ""
    """The zone in which the primary is."""
    replica_count: int = 0
    maintenance_schedule: MaintenanceSchedule | None = None


class Instances(Page, frozen=True, kw_only=True):
    """A page of instances of all regions."""

    instances: tuple[Instance, ...] = ()


class MemorystorePart:
    """The Redis instances of a source, in one listing of all regions."""

    name = lit("Memorystore")

    def __init__(self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient) -> None:
        self.resources = watched(source, systems, MemorystoreResource)
        self._region = config.region or ""
        self._seconds = SHARE * float(config.timeout)
        self._client = client

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of every instance."""
        async with deadline(self._seconds, self.name):
            listing = await self._client.pages(
                Instances,
                "redis",
                f"v1/projects/{self._client.project}/locations/-/instances",
                items=lambda page: page.instances,
            )
        known = {tuple(instance.name.split("/")[3::2]): instance for instance in listing.items}
        readings: list[Reading] = []
        for resource in self.resources:
            place = resource.config.region or self._region
            instance = known.get((place, resource.config.name))
            readings += _absent(resource, place, listing, at) if instance is None else _readings(resource, instance, at)
        return PartHealth(readings=tuple(readings), warnings=listing.warnings(lit("Redis instances")))


def _absent(
    resource: Watched[MemorystoreResource], place: str, listing: Listing[Instance], at: datetime
) -> tuple[Reading, ...]:
    if not place:
        return resource.unknown(at, lit("names no region; set region of the resource or of its source"))
    if any(short(region) == place for region in listing.unreachable):
        return resource.unknown(at, fmt("{} did not answer", safe(place)))
    if listing.truncated:
        return resource.unknown(at, lit("is not among the instances that were read; raise max_items"))
    return resource.unknown(at, fmt("no Redis instance {} in {}", safe(resource.config.name), safe(place)))


def _readings(resource: Watched[MemorystoreResource], instance: Instance, at: datetime) -> tuple[Reading, ...]:
    if instance.state not in _STATES:
        said = fmt("Memorystore says {}", safe(instance.state)) if instance.state else lit("Memorystore tells no state")
        return resource.unknown(at, said)
    value, word = _STATES[instance.state]
    return (resource.state(at, value, join(" · ", _notes(instance, word, at))),)


def _notes(instance: Instance, word: SafeText, at: datetime) -> list[SafeText]:
    found = [word]
    found += [safe(reason) for reason in instance.suspension_reasons]
    if instance.status_message:
        found.append(safe(instance.status_message, 300))
    if instance.tier == STANDARD:
        found.append(_failover(instance))
    elif instance.tier:
        found.append(lit("basic, no replica") if instance.tier == "BASIC" else safe(instance.tier))
    if instance.memory_size_gb:
        found.append(fmt("{} GB", instance.memory_size_gb))
    if instance.redis_version:
        found.append(safe(instance.redis_version))
    if (schedule := instance.maintenance_schedule) is not None and schedule.start_time is not None:
        wait = age(schedule.start_time, at)
        found.append(fmt("maintenance in {}", span(wait)) if wait > 0 else lit("maintenance is due"))
    return found


def _failover(instance: Instance) -> SafeText:
    """Whether the primary is where it was made: it is elsewhere after a failover, and nothing brings it back."""
    now, first = safe(instance.current_location_id), safe(instance.location_id)
    if now and first and now != first:
        return fmt("standard, failed over from {} to {}", first, now)
    return fmt("standard, primary in {}", now or first or lit("an unknown zone"))
