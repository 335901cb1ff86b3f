"""RDS as a part of an AWS source."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.resources import RdsResource
from tuiops.core.clock import age
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.sources.aws.rds.actions import PART, RdsActions
from tuiops.sources.aws.rds.reader import RdsReader
from tuiops.sources.aws.rds.state import backup_note, newest, standing, telling
from tuiops.sources.parts import PartHealth, Watched, all_unknown, watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.health import Reading
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.rds.reader import Instances
    from tuiops.sources.aws.rds.wire import Snapshot

_UNREAD = lit("the snapshots could not be read")
_NONE = lit("no snapshot can be restored")
_CLUSTER = lit("backups of a cluster are the cluster's, which is not read")


class RdsPart:
    """The database instances of a source."""

    name = PART

    def __init__(self, source: str, systems: Mapping[str, System], client: AwsClient, clock: Clock) -> None:
        self.resources = watched(source, systems, RdsResource)
        self._reader = RdsReader(client, clock)
        self.actions = RdsActions(self.resources, self._reader, client, clock)

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """States and ages of backups."""
        said: dict[SafeText, None] = {}
        # RDS refuses all when it refuses the instances: nothing else is asked before that is known.
        instances = await self._reader.instances()
        aged = [
            one.config.name
            for one in self.resources
            if one.config.backup is not None and one.config.name in instances.found
        ]
        events, snapshots = await asyncio.gather(self._reader.events(said), self._reader.snapshots(aged, said))
        readings: list[Reading] = []
        for resource in self.resources:
            instance = instances.found.get(resource.config.name)
            if instance is None:
                readings += resource.unknown(at, _absent(resource, instances))
                continue
            value, note = standing(instance, telling(events, resource.config.name), at)
            if value is None:
                readings.append(msgspec.structs.replace(resource.state(at, 0.0), value=None, unknown=note))
            else:
                readings.append(resource.state(at, value, note))
            if resource.config.backup is not None:
                note = backup_note(instance, newest(snapshots.get(resource.config.name, ())), at)
                readings += _aged(
                    resource,
                    snapshots.get(resource.config.name),
                    at,
                    note,
                    clustered=bool(instance.db_cluster_identifier),
                )
        return PartHealth(readings=tuple(readings), warnings=(*instances.warnings, *said))

    def able(self, target: Target) -> object | None:
        return self.actions if self.actions.has(target) else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)


def _absent(resource: Watched[RdsResource], instances: Instances) -> SafeText:
    if not instances.complete:
        return fmt("{} is not among the first {} instances", safe(resource.config.name), len(instances.found))
    return fmt("there is no database instance {} in this region", safe(resource.config.name))


def _aged(
    resource: Watched[RdsResource],
    snapshots: Sequence[Snapshot] | None,
    at: datetime,
    note: SafeText,
    *,
    clustered: bool,
) -> Iterator[Reading]:
    best = newest(snapshots or ())
    if best is not None and best.snapshot_create_time is not None:
        yield resource.age(at, age(at, best.snapshot_create_time), note)
        return
    why = _CLUSTER if clustered else _UNREAD if snapshots is None else fmt("{} · {}", _NONE, note) if note else _NONE
    yield msgspec.structs.replace(resource.age(at, None), unknown=why)
