"""Cloud Run as a part of a Google source."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.resources import CloudRunResource
from tuiops.core.text import fmt, safe
from tuiops.sources.gcp.run.actions import PART, RunActions
from tuiops.sources.gcp.run.regions import UNPLACED, Regions, absent
from tuiops.sources.gcp.run.rollouts import RunRollouts
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
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.gcp.run.regions import Region
    from tuiops.sources.gcp.run.wire import Service

_REGIONS, _REVISIONS = 0.6, 0.3
"""Of the time of a poll, what listing regions and revisions may take: one that is late must not take the rest along."""


class RunPart:
    """The Cloud Run services of a source."""

    name = PART

    def __init__(
        self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self.services = watched(source, systems, CloudRunResource)
        self._region = config.region or ""
        seconds = float(config.timeout)
        self._regions = Regions(client, clock, seconds=_REGIONS * seconds, fresh=float(config.rollout_interval) / 2)
        self._told: dict[tuple[str, str], tuple[Service, tuple[Reading, ...]]] = {}
        """By resource, what was read of it last: a service that was sent as before says the same."""
        self._rollouts = RunRollouts(self.services, self._place, client, _REVISIONS * seconds)
        self.actions = RunActions(self.services, self._place, client, self._rollouts.before)

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
        key = (resource.system_id, resource.id)
        known = self._told.get(key)
        if known is None or known[0] is not service:
            value, note = state_of(service)
            told = resource.unknown(at, note) if value is None else (resource.state(at, value, note),)
            known = self._told[key] = (service, told)
        return tuple(msgspec.structs.replace(reading, at=region.at) for reading in known[1])

    async def read_rollouts(self, at: datetime) -> PartRollouts:
        """What rolls, what has rolled, and where services are not as expected."""
        regions = await self._read()
        found = await self._rollouts.read(regions, at)
        return msgspec.structs.replace(found, warnings=(*_warnings(regions), *found.warnings))

    def able(self, target: Target) -> object | None:
        return self.actions if self.actions.has(target) else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

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
