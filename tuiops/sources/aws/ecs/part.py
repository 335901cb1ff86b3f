"""ECS as a part of an AWS source: the state of services, their rollouts, and what can be done to them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from tuiops.config.resources import EcsResource
from tuiops.core.text import lit
from tuiops.sources.aws.ecs.actions import EcsActions
from tuiops.sources.aws.ecs.drift import bound_drifts, drifts, wants_bounds
from tuiops.sources.aws.ecs.health import standing
from tuiops.sources.aws.ecs.reader import EcsReader, Place, place_of
from tuiops.sources.aws.ecs.rollouts import EcsRollouts
from tuiops.sources.parts import WELL, PartHealth, PartRollouts, all_unknown, watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.drift import Drift
    from tuiops.core.health import Reading
    from tuiops.core.text import SafeText
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.ecs.reader import Services
    from tuiops.sources.aws.ecs.wire import Service, Task
    from tuiops.sources.parts import Watched


class EcsPart(EcsActions):
    """All ECS services that the configuration names."""

    name = lit("ECS")

    def __init__(self, source: str, systems: Mapping[str, System], client: AwsClient, clock: Clock) -> None:
        self.resources = watched(source, systems, EcsResource)
        self._reader = EcsReader((place_of(resource) for resource in self.resources), client, clock)
        self._rollouts = EcsRollouts(self.resources, self._reader)
        self._drifted: dict[tuple[str, str, bool], tuple[Drift, ...]] = {}
        """Drifts as they were last read, by system and resource; those of the bounds of its scaling by themselves."""
        self._well: dict[tuple[str, str], tuple[Service, Reading]] = {}
        """Of those that were well, by system and resource: the service as it was told, and what was read of it."""
        super().__init__(self.resources, self._reader, client)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of every service."""
        services = await self._reader.services()
        said: dict[SafeText, None] = {}
        stopped = await self._reader.stopped(services, at, said)
        readings: list[Reading] = []
        for resource in self.resources:
            place = place_of(resource)
            service = services.found.get(place)
            if service is None:
                readings += resource.unknown(at, services.problems[place])
            else:
                readings.append(self._state(resource, service, at, stopped.get(place)))
        return PartHealth(readings=tuple(readings), warnings=(*services.problems.values(), *said))

    def _state(self, resource: Watched[EcsResource], service: Service, at: datetime, stopped: Task | None) -> Reading:
        key = (resource.system_id, resource.id)
        known = self._well.get(key)
        if known is not None and known[0] is service and stopped is None:
            return msgspec.structs.replace(known[1], at=at)
        found = standing(service, at, stopped)
        reading = resource.state(at, found.value, found.note)
        if found.value == WELL:
            # That time passes makes trouble old, never a service that is well unwell.
            self._well[key] = (service, reading)
        return reading

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_rollouts(self, at: datetime) -> PartRollouts:
        """The rollouts of every service, and where services are not as expected."""
        services = await self._reader.services()
        said: dict[SafeText, None] = {}
        rollouts = await self._rollouts.read(services, at, said)
        return PartRollouts(
            rollouts=rollouts,
            drifts=tuple(await self._drifts(services, said)),
            moving=self._rollouts.moving,
            warnings=(*services.problems.values(), *said),
        )

    async def _drifts(self, services: Services, said: dict[SafeText, None]) -> Iterable[Drift]:
        """Where services are not as expected; what cannot be read is as it was."""
        bounded = {place_of(resource): None for resource in self.resources if wants_bounds(resource)}
        targets = await self._reader.targets([place for place in bounded if place in services.found], said) or {}
        for resource in self.resources:
            place: Place = place_of(resource)
            if place in services.found:
                found = tuple(drifts(resource, services.found[place]))
                self._drifted[resource.system_id, resource.id, False] = found
            if place in targets:
                found = tuple(bound_drifts(resource, targets[place]))
                self._drifted[resource.system_id, resource.id, True] = found
        return chain.from_iterable(
            self._drifted.get((resource.system_id, resource.id, bounds), ())
            for resource in self.resources
            for bounds in (False, True)
        )
