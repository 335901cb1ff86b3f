"""Cloud Run as a part of a Google source."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.config.resources import CloudRunResource
from tuiops.core.text import fmt, lit, safe
from tuiops.sources.gcp.run.regions import UNPLACED, Regions, absent
from tuiops.sources.gcp.run.state import state_of
from tuiops.sources.parts import PartHealth, PartRollouts, Watched, all_unknown, watched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.health import Reading
    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Prepared, Receipt
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.gcp.run.regions import Region

_SHARE = 0.8
"""Of the time of a poll, what one region may take: one that does not answer must not keep the others back."""


class RunPart:
    """The Cloud Run services of a source."""

    name = lit("Cloud Run")

    def __init__(
        self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self.services = watched(source, systems, CloudRunResource)
        self._region = config.region or ""
        self._client = client
        self._clock = clock
        self._regions = Regions(
            client, clock, seconds=_SHARE * float(config.timeout), fresh=float(config.rollout_interval) / 2
        )

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.services, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of every service."""
        regions = await self._read()
        return PartHealth(
            readings=tuple(reading for resource in self.services for reading in self._readings(resource, regions, at)),
            warnings=_warnings(regions),
        )

    def _readings(
        self, resource: Watched[CloudRunResource], regions: Mapping[str, Region], at: datetime
    ) -> tuple[Reading, ...]:
        place = self._place(resource)
        region = regions.get(place)
        if region is None:
            return resource.unknown(at, UNPLACED)
        service = region.services.get(resource.config.name)
        if service is None:
            return resource.unknown(region.at, absent(region, resource.config.name, place))
        value, note = state_of(service)
        return resource.unknown(region.at, note) if value is None else (resource.state(region.at, value, note),)

    async def read_rollouts(self, at: datetime) -> PartRollouts:
        del at
        return PartRollouts(warnings=_warnings(await self._read()))

    async def perform(self, prepared: Prepared) -> Receipt:
        raise NotImplementedError

    async def look_up(self, receipt: Receipt) -> Receipt:
        raise NotImplementedError

    def _place(self, resource: Watched[CloudRunResource]) -> str:
        return resource.config.region or self._region

    async def _read(self) -> Mapping[str, Region]:
        """Every region in which something is watched. Raises when none of them can be read."""
        names = sorted({self._place(resource) for resource in self.services} - {""})
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(self._regions.read(name)) for name in names}
        found = {name: task.result() for name, task in tasks.items()}
        errors = [region.error for region in found.values() if region.error is not None]
        if errors and len(errors) == len(found):
            raise errors[0]
        return found


def _warnings(regions: Mapping[str, Region]) -> tuple[SafeText, ...]:
    found: list[SafeText] = []
    for name, region in regions.items():
        found += region.warnings
        if region.error is not None:
            found.append(fmt("Cloud Run in {}: {}", safe(name), safe(str(region.error), 500)))
    return tuple(found)
