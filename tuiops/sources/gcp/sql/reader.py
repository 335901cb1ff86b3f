"""Asks the Cloud SQL Admin API: one listing for all instances, three requests for each one that is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import NotFound, QueryRefused
from tuiops.sources.gcp.sql.wire import (
    DONE,
    Backup,
    BackupRun,
    BackupRuns,
    Backups,
    Instance,
    Instances,
    Operation,
    Operations,
    RecoveryWindow,
)

if TYPE_CHECKING:
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.paging import Listing

API = "sqladmin"

RUNS = 50
"""Backup runs that are looked through for a good one."""

OPERATIONS = 20
"""Operations that are looked through for those under way."""

FRESH = 300.0
"""Seconds that backups and the recovery window are not asked for again, unless something was done meanwhile."""


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The instances of a project."""

    instances: Mapping[str, Instance]
    missing: SafeText = EMPTY
    """Why an instance may not be among them although it is there; empty when the listing is complete."""
    warnings: tuple[SafeText, ...] = ()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What can be restored of an instance."""

    runs: tuple[BackupRun, ...]
    all_read: bool
    """Whether these are all that there are."""
    window: RecoveryWindow | None = None
    """The moments that can be restored; None when logs are not kept, or when it is not told."""


class SqlReader:
    """Requests about instances of one project."""

    def __init__(self, client: GoogleClient, clock: Clock) -> None:
        self.project = client.project
        self._client = client
        self._clock = clock
        self._kept: dict[str, tuple[float, object, Kept]] = {}
        """By instance, with the time that it was asked and how the instance stood then."""

    async def fleet(self) -> Fleet:
        """All instances."""
        notes: dict[SafeText, None] = {}

        def items(page: Instances) -> tuple[Instance, ...]:
            notes.update(dict.fromkeys(_warning(one.code, one.region, one.message) for one in page.warnings))
            return page.items

        listing = await self._client.pages(Instances, API, self._path("instances"), items=items)
        warnings = (*notes, *listing.warnings(lit("Cloud SQL instances")))
        return Fleet(
            instances={one.name: one for one in listing.items},
            missing=warnings[0] if warnings else EMPTY,
            warnings=warnings,
        )

    async def instance(self, name: str) -> Instance:
        """One instance."""
        return await self._client.get(Instance, API, self._path(f"instances/{name}"))

    async def operations(self, name: str) -> tuple[Operation, ...]:
        """What was done to an instance last, the newest first."""
        listing = await self._client.pages(
            Operations,
            API,
            self._path("operations"),
            (("instance", name), ("maxResults", str(OPERATIONS))),
            items=lambda page: page.items,
            most=OPERATIONS - 1,
        )
        return listing.items

    async def operation(self, name: str) -> Operation | None:
        """One operation; None when it is not known any more."""
        try:
            return await self._client.get(Operation, API, self._path(f"operations/{name}"))
        except NotFound:
            return None

    async def kept(self, instance: Instance, operations: tuple[Operation, ...]) -> Kept:
        """Backups and the recovery window, asked for now and then, and when something was done."""
        state = [(one.name, one.status) for one in operations]
        known = self._kept.get(instance.name)
        now = self._clock.monotonic()
        if known is not None and now - known[0] < FRESH and known[1] == state:
            return known[2]
        listing = await self.runs(instance.name)
        logs_kept = instance.settings.backup_configuration.logs_kept
        window = await self.window(instance.name) if logs_kept else None
        found = Kept(runs=listing.items, all_read=not listing.truncated, window=window)
        self._kept[instance.name] = (now, state, found)
        return found

    async def runs(self, name: str) -> Listing[BackupRun]:
        """The last attempts at backups, the newest first."""
        return await self._client.pages(
            BackupRuns,
            API,
            self._path(f"instances/{name}/backupRuns"),
            (("maxResults", str(RUNS)),),
            items=lambda page: page.items,
            most=RUNS - 1,
        )

    async def window(self, name: str) -> RecoveryWindow | None:
        """The moments that can be restored; None when Cloud SQL does not tell."""
        try:
            return await self._client.get(RecoveryWindow, API, self._path(f"instances/{name}/getLatestRecoveryTime"))
        except QueryRefused:
            return None

    async def backup(self, instance: str, run: str) -> Backup | None:
        """The backup that a run took, by the run's ID or the backup's own name."""
        listing = await self._client.pages(
            Backups,
            API,
            self._path("backups"),
            (("filter", f"instance:{instance}"), ("pageSize", "100")),
            items=lambda page: page.backups,
        )
        return next(
            (one for one in listing.items if run in {one.name, one.name.rpartition("/")[2]} or _taken_by(one, run)),
            None,
        )

    async def send(self, path: str, body: object) -> Operation:
        """Begin a change. It is carried out at most once."""
        return await self._client.send(Operation, API, "POST", self._path(path), body)

    def _path(self, rest: str) -> str:
        return f"v1/projects/{self.project}/{rest}"


def running(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Those that have not ended."""
    return tuple(one for one in operations if one.status != DONE)


def _taken_by(backup: Backup, run: str) -> bool:
    return backup.backup_run.rpartition("/")[2] == run


def _warning(code: str, region: str, message: str) -> SafeText:
    if code == "REGION_UNREACHABLE":
        return fmt("Cloud SQL instances: {} did not answer", safe(region or "a region"))
    return fmt("Cloud SQL instances: {}", safe(message or code, 300))
