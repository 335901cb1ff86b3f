"""Cloud SQL as a part of a Google source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.config.resources import CloudSqlResource
from tuiops.core.text import SafeText, fmt, safe
from tuiops.errors import SourceError
from tuiops.sources.gcp.sql.actions import PART, SqlActions
from tuiops.sources.gcp.sql.reader import Fleet, Kept, SqlReader
from tuiops.sources.gcp.sql.state import backup_age, state_of
from tuiops.sources.gcp.sql.wire import Operation
from tuiops.sources.http_errors import deadline
from tuiops.sources.parts import PartHealth, Watched, all_unknown, watched
from tuiops.sources.together import SHARE, together

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.health import Reading
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.gcp.sql.wire import Instance


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one instance beside itself; what was refused has an error instead."""

    operations: tuple[Operation, ...] | None = None
    kept: Kept | None = None
    errors: tuple[SourceError, ...] = ()


class SqlPart:
    """The instances of a source."""

    name = PART

    def __init__(
        self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self.resources = watched(source, systems, CloudSqlResource)
        self._seconds = SHARE * float(config.timeout) / 2
        """For the listing, and for what is asked of each instance afterwards."""
        self._reader = SqlReader(client, clock)
        self.actions = SqlActions(self.resources, self._reader, clock)

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of every instance, and the age of its last good backup."""
        async with deadline(self._seconds, self.name):
            fleet = await self._reader.fleet()
        there = {one.config.name for one in self.resources} & fleet.instances.keys()
        jobs = {name: self._look(fleet.instances[name]) for name in sorted(there)}
        seen, late = await together(jobs, self._seconds, lambda _: self.name)
        seen |= {name: _Seen(errors=(error,)) for name, error in late.items()}
        readings = [reading for one in self.resources for reading in _readings(one, fleet, seen, at)]
        warnings = [
            fmt("{} {}: {}", self.name, safe(name), safe(str(error), 500))
            for name, one in seen.items()
            for error in one.errors
        ]
        return PartHealth(readings=tuple(readings), warnings=(*fleet.warnings, *dict.fromkeys(warnings)))

    def able(self, target: Target) -> object | None:
        return self.actions if self.actions.has(target) else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

    async def _look(self, instance: Instance) -> _Seen:
        errors: list[SourceError] = []
        operations: tuple[Operation, ...] | None = None
        kept: Kept | None = None
        try:
            operations = await self._reader.operations(instance.name)
        except SourceError as error:
            errors.append(error)
        try:
            kept = await self._reader.kept(instance, operations or ())
        except SourceError as error:
            errors.append(error)
        return _Seen(operations=operations, kept=kept, errors=tuple(errors))


def _readings(
    resource: Watched[CloudSqlResource], fleet: Fleet, seen: Mapping[str, _Seen], at: datetime
) -> tuple[Reading, ...]:
    instance = fleet.instances.get(resource.config.name)
    if instance is None:
        return resource.unknown(at, fleet.missing or fmt("no Cloud SQL instance {}", safe(resource.config.name)))
    known = seen[instance.name]
    value, note = state_of(instance, known.operations, known.kept, at)
    unread = {reading.indicator: reading for reading in resource.unknown(at, note)}
    found = [resource.state(at, value, note)] if value is not None else []
    if resource.config.backup is not None:
        if known.kept is not None:
            found.append(resource.age(at, *backup_age(instance, known.kept, at)))
        else:
            why = safe(str(known.errors[-1])) if known.errors else note
            unread |= {reading.indicator: reading for reading in resource.unknown(at, why)[1:]}
    for reading in found:
        unread.pop(reading.indicator)
    return (*found, *unread.values())
