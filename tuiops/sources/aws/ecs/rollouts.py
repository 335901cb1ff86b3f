"""The rollouts of all ECS services of a source, however each of them deploys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.rollouts import Phase
from tuiops.core.text import EMPTY, fmt, safe
from tuiops.sources.aws.ecs.health import failing, reason
from tuiops.sources.aws.ecs.history import History
from tuiops.sources.aws.ecs.memory import Memory
from tuiops.sources.aws.ecs.reader import place_of
from tuiops.sources.aws.ecs.recorded import recorded
from tuiops.sources.aws.ecs.rolling import rolling
from tuiops.sources.aws.ecs.sides import Looked
from tuiops.sources.aws.ecs.task_sets import task_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tuiops.config.resources import EcsResource
    from tuiops.core.rollouts import Rollout
    from tuiops.core.text import SafeText
    from tuiops.sources.aws.ecs.reader import EcsReader, Place, Services
    from tuiops.sources.aws.ecs.wire import (
        Deployment,
        Service,
        ServiceDeployment,
        ServiceRevision,
        TaskDefinition,
        TaskSet,
    )
    from tuiops.sources.parts import Watched


class EcsRollouts:
    """Reads them, and remembers what ECS forgets."""

    def __init__(self, resources: tuple[Watched[EcsResource], ...], reader: EcsReader) -> None:
        self._resources = resources
        self._reader = reader
        self._history = History(reader)
        self._memories = {place_of(resource): Memory() for resource in resources}

    @property
    def moving(self) -> bool:
        """Whether something was under way at the last look."""
        return any(memory.moving for memory in self._memories.values())

    async def read(self, services: Services, at: datetime, said: dict[SafeText, None]) -> tuple[Rollout, ...]:
        """Those of every service; of one that cannot be read, what was known of it."""
        stopped = await self._reader.stopped(services, at, said)
        records = await self._history.read(services.found, said)
        revisions = await self._reader.revisions(_revisions_of(records), said)
        definitions = await self._definitions(services, records, revisions, said)
        found: dict[Place, tuple[Rollout, ...]] = {}
        for place, memory in self._memories.items():
            service = services.found.get(place)
            if service is None:
                found[place] = memory.unread(services.problems[place])
                continue
            why = reason(service, at, stopped.get(place)) if failing(service, at) else EMPTY
            looked = Looked(at, definitions, why)
            if records.get(place):
                # One that the listing has no room for any more has newer ones above it.
                found[place] = memory.keep(recorded(records[place], revisions, looked), Phase.SUPERSEDED, at)
            elif service.deployment_controller.type == "ECS":
                found[place] = rolling(service, looked, memory)
            else:
                found[place] = task_sets(service, looked, memory)
        return tuple(_of(resource, one) for resource in self._resources for one in found[place_of(resource)])

    async def _definitions(
        self,
        services: Services,
        records: Mapping[Place, tuple[ServiceDeployment, ...]],
        revisions: Mapping[str, ServiceRevision],
        said: dict[SafeText, None],
    ) -> Mapping[str, TaskDefinition]:
        """The task definitions that rollouts are described with, by ARN."""
        wanted = {one.task_definition for one in revisions.values()}
        for place, service in services.found.items():
            if not records.get(place):
                wanted |= set(_definitions_of(service, self._memories[place]))
        names = sorted(wanted - {""})
        read = await asyncio.gather(*(self._reader.definition(name, said) for name in names))
        return {name: found for name, found in zip(names, read, strict=True) if found is not None}


def _definitions_of(service: Service, memory: Memory) -> Iterable[str]:
    """Those of whatever is not over yet."""
    parts: tuple[Deployment | TaskSet, ...] = (*service.deployments, *service.task_sets)
    return (one.task_definition for one in parts) if any(memory.ended(one.id) is None for one in parts) else ()


def _revisions_of(records: Mapping[Place, tuple[ServiceDeployment, ...]]) -> Iterable[str]:
    for deployments in records.values():
        for one in deployments:
            yield one.target_service_revision.arn
            yield from (source.arn for source in one.source_service_revisions)


def _of(resource: Watched[EcsResource], one: Rollout) -> Rollout:
    """A rollout of a service as one of a resource: two may be the same service."""
    return msgspec.structs.replace(
        one,
        id=fmt("{}/{}/{}", resource.system, safe(resource.id), one.id),
        system=resource.system,
        service=resource.service,
        source=resource.feed,
    )
