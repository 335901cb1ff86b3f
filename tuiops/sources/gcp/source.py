"""What a configuration wants to know of a Google Cloud project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit, safe
from tuiops.sources.assembled import AlertsToo, AssembledSource
from tuiops.sources.gcp.run.part import RunPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Prepared, Target
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.parts import Part


class GcpSource(AssembledSource):
    """Health of resources, rollouts, actions."""

    def __init__(
        self, name: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self._run = RunPart(name, config, systems, client, clock)
        parts = _parts(self._run)
        super().__init__((safe(name), lit("gcp")), config, parts, client, clock)

    async def prepare_shift(self, target: Target, percents: Mapping[str, int], token: str) -> Prepared:
        """Share the traffic of a Cloud Run service among its revisions."""
        return await self._run.actions.prepare_shift(target, percents, token)

    async def prepare_rollback(self, target: Target, revision: str, token: str) -> Prepared:
        """Send all traffic of a Cloud Run service to one of its revisions."""
        return await self._run.actions.prepare_rollback(target, revision, token)

    async def prepare_restart(self, target: Target, token: str) -> Prepared:
        """Make a new revision of a Cloud Run service from what serves."""
        return await self._run.actions.prepare_restart(target, token)

    async def prepare_scale(self, target: Target, least: int, most: int, token: str) -> Prepared:
        """Set the least and the most instances of a Cloud Run service."""
        return await self._run.actions.prepare_scale(target, least, most, token)


class GcpAlertsSource(GcpSource, AlertsToo):
    """Everything that a GcpSource reads, and the alerts of Cloud Monitoring."""


def gcp_source(
    name: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
) -> GcpSource:
    """The source that a configuration asks for. What it does not read, it has no method for."""
    kind = GcpAlertsSource if config.alerts else GcpSource
    return kind(name, config, systems, client, clock)


def _parts(run: RunPart) -> Iterator[Part]:
    """Those of which something is wanted."""
    if run.services:
        yield run
