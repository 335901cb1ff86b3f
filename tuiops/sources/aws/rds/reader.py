"""Reads what the configuration wants of RDS, in as few requests as that takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.text import SafeText, lit, safe
from tuiops.errors import NotFound
from tuiops.sources.aws.rds import wire
from tuiops.sources.aws.spare import Spare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.paging import Listing

EVENTS = 30
"""Minutes of events that are looked at."""

SNAPSHOTS_KEPT = 300.0
"""Seconds that the snapshots of an instance are not asked for again: they are made daily."""

_PAGE = 100


class Instances(NamedTuple):
    """The instances of a region by name, and what makes them incomplete."""

    found: Mapping[str, wire.Instance]
    warnings: tuple[SafeText, ...]
    complete: bool


class RdsReader:
    """Asks RDS. All of it raises errors.SourceError and nothing else; what takes `said` adds warnings there instead."""

    def __init__(self, client: AwsClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._spare = Spare(clock, client.timeout)
        self._snapshots: dict[str, tuple[Sequence[wire.Snapshot], float]] = {}

    async def instances(self) -> Instances:
        """All of the region: asking for one that is not there would fail for all."""
        listing = await self._client.pages(
            "rds", "DescribeDBInstances", {"MaxRecords": _PAGE}, result="DBInstances", kind=wire.Instance
        )
        found = {one.db_instance_identifier: one for one in listing.items}
        return Instances(found, listing.warnings(lit("database instances")), not listing.truncated)

    async def instance(self, name: str) -> wire.Instance:
        """One as it is at this moment. Raises errors.NotFound too."""
        listing: Listing[wire.Instance] = await self._client.pages(
            "rds", "DescribeDBInstances", {"DBInstanceIdentifier": name}, result="DBInstances", kind=wire.Instance
        )
        for one in listing.items:
            if one.db_instance_identifier == name:
                return one
        raise NotFound(f"rds: there is no instance {safe(name)}")

    async def events(self, said: dict[SafeText, None]) -> Sequence[wire.Event]:
        """What happened lately to all instances."""
        params = {"SourceType": "db-instance", "Duration": EVENTS, "MaxRecords": _PAGE}

        async def ask() -> Listing[wire.Event]:
            return await self._client.pages("rds", "DescribeEvents", params, result="Events", kind=wire.Event)

        found = await self._spare.read(lit("events of database instances"), ask, said)
        return found.items if found is not None else ()

    async def snapshots(
        self, names: Iterable[str], said: dict[SafeText, None]
    ) -> Mapping[str, Sequence[wire.Snapshot]]:
        """The snapshots of each instance; none of those that cannot be read."""
        wanted = list(dict.fromkeys(names))
        now = self._clock.monotonic()
        self._snapshots = {
            name: kept for name, kept in self._snapshots.items() if name in wanted and now - kept[1] < SNAPSHOTS_KEPT
        }
        await asyncio.gather(*(self._read(name, now, said) for name in wanted if name not in self._snapshots))
        return {name: kept[0] for name, kept in self._snapshots.items()}

    async def snapshot(self, name: str) -> wire.Snapshot:
        """One snapshot as it is at this moment. Raises errors.NotFound too."""
        listing: Listing[wire.Snapshot] = await self._client.pages(
            "rds", "DescribeDBSnapshots", {"DBSnapshotIdentifier": name}, result="DBSnapshots", kind=wire.Snapshot
        )
        for one in listing.items:
            if name in {one.db_snapshot_identifier, one.db_snapshot_arn}:
                return one
        raise NotFound(f"rds: there is no snapshot {safe(name)}")

    def forget(self) -> None:
        """Ask for snapshots again at the next call: one is being made."""
        self._snapshots = {}

    async def listed(self, name: str) -> Sequence[wire.Snapshot]:
        """The snapshots of an instance as they are at this moment."""
        return (await self._listing(name)).items

    async def _listing(self, name: str) -> Listing[wire.Snapshot]:
        params = {"DBInstanceIdentifier": name, "MaxRecords": _PAGE}
        return await self._client.pages("rds", "DescribeDBSnapshots", params, result="DBSnapshots", kind=wire.Snapshot)

    async def _read(self, name: str, now: float, said: dict[SafeText, None]) -> None:
        found = await self._spare.read(lit("snapshots of databases"), lambda: self._listing(name), said)
        if found is not None:
            self._snapshots[name] = (found.items, now)
