"""What a configuration wants to know of a Google Cloud project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit, safe
from tuiops.sources.assembled import AlertsToo, AssembledSource
from tuiops.sources.gcp.hosting.part import HostingPart
from tuiops.sources.gcp.memorystore import MemorystorePart
from tuiops.sources.gcp.monitoring.alerting import AlertingPart
from tuiops.sources.gcp.monitoring.uptime import UptimePart
from tuiops.sources.gcp.run.part import RunPart
from tuiops.sources.gcp.secrets.part import SecretPart
from tuiops.sources.gcp.sql.part import SqlPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.parts import Part


class GcpSource(AssembledSource):
    """Health of resources, rollouts, actions."""

    def __init__(
        self, name: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self._run = RunPart(name, config, systems, client, clock)
        self._sql = SqlPart(name, config, systems, client, clock)
        self._secrets = SecretPart(name, config, systems, client)
        self._hosting = HostingPart(name, config, systems, client, clock)
        self._alerting = AlertingPart(name, config, systems, client, clock)
        memorystore = MemorystorePart(name, config, systems, client)
        uptime = UptimePart(name, config, systems, client, clock)
        watching = (self._sql, memorystore, self._secrets, self._hosting, uptime)
        # Alerts and actions may be wanted where no resource is watched.
        parts = (*self._run_part(), *(part for part in watching if part.resources), self._alerting)
        super().__init__((safe(name), lit("gcp")), config, parts, client, clock)

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        """Share the traffic of a Cloud Run service among its revisions."""
        return await self._run.actions.prepare_shift(target, percents, token)

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        """Send all traffic of a Cloud Run service to one of its revisions, or release a version of a site again."""
        if self._hosting.actions.has(target):
            return await self._hosting.actions.prepare_rollback(target, revision, token)
        return await self._run.actions.prepare_rollback(target, revision, token)

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        """Make a new revision of a Cloud Run service from what serves."""
        return await self._run.actions.prepare_restart(target, token)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        """Set the least and the most instances of a Cloud Run service."""
        return await self._run.actions.prepare_scale(target, least, most, token)

    async def prepare_backup(self, target: Target, note: str, token: str) -> Prepared:
        """Back up a Cloud SQL instance."""
        return await self._sql.actions.prepare_backup(target, note, token)

    async def prepare_restore(self, target: Target, backup: str | datetime, instance: str, token: str) -> Prepared:
        """Restore a Cloud SQL instance, as of a backup or a moment, into one that is made for it."""
        return await self._sql.actions.prepare_restore(target, backup, instance, token)

    async def prepare_secret_version(self, target: Target, token: str) -> Prepared:
        """Add a version to a secret of Secret Manager."""
        return await self._secrets.actions.prepare_secret_version(target, token)

    async def perform_secret(self, prepared: Prepared, value: bytes) -> Receipt:
        """Add the version that was prepared, with this value."""
        return await self._secrets.actions.perform_secret(prepared, value)

    async def prepare_snooze(
        self, policies: tuple[str, ...], start: datetime, end: datetime, comment: str, token: str
    ) -> Prepared:
        """Keep alert policies of Cloud Monitoring quiet."""
        return await self._alerting.actions.prepare_snooze(policies, start, end, comment, token)

    def _run_part(self) -> Iterator[Part]:
        if self._run.services:
            yield self._run


class GcpAlertsSource(GcpSource, AlertsToo):
    """Everything that a GcpSource reads, and the alerts of Cloud Monitoring."""


def gcp_source(
    name: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
) -> GcpSource:
    """The source that a configuration asks for. What it does not read, it has no method for."""
    kind = GcpAlertsSource if config.alerts else GcpSource
    return kind(name, config, systems, client, clock)
