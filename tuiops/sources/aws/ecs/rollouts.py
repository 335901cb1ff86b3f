"""The rollouts of all ECS services of a source, however each of them deploys."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

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


class _Told(NamedTuple):
    """What there was to tell of a service with which nothing was under way, and what it was told from."""

    service: Service
    records: tuple[ServiceDeployment, ...]
    rollouts: tuple[Rollout, ...]


class EcsRollouts:
    """Reads them, and remembers what ECS forgets."""

    def __init__(self, resources: tuple[Watched[EcsResource], ...], reader: EcsReader) -> None:
        self._resources = resources
        self._reader = reader
        self._history = History(reader)
        self._memories = {place_of(resource): Memory() for resource in resources}
        self._settled: dict[Place, _Told] = {}
        """Most services: as long as ECS tells the same of them, there is nothing else to tell."""
        self._shown: dict[tuple[str, str], tuple[tuple[Rollout, ...], tuple[Rollout, ...]]] = {}
        """By system and resource, the rollouts of its service, and the same as rollouts of the resource."""

    @property
    def moving(self) -> bool:
        """Whether something was under way at the last look."""
        return any(memory.moving for memory in self._memories.values())

    async def read(self, services: Services, at: datetime, said: dict[SafeText, None]) -> tuple[Rollout, ...]:
        """Those of every service; of one that cannot be read, what was known of it."""
        stopped = await self._reader.stopped(services, at, said)
        past = await self._history.read(services.found, said)
        self._settled = {
            place: told
            for place, told in self._settled.items()
            if services.found.get(place) is told.service
            and (place in past.problems or past.records.get(place, ()) == told.records)
        }
        unsettled = {place: one for place, one in services.found.items() if place not in self._settled}
        revisions = await self._reader.revisions(
            _revisions_of(past.records.get(place, ()) for place in unsettled), said
        )
        definitions = await self._definitions(unsettled, past.records, revisions, said)
        found = {place: told.rollouts for place, told in self._settled.items()}
        for place in self._memories:
            service = services.found.get(place)
            if service is None:
                found[place] = self._memories[place].unread(services.problems[place])
            elif place not in unsettled:
                continue
            elif place in past.problems:
                found[place] = self._memories[place].unread(past.problems[place])
            else:
                fails = failing(service, at)
                looked = Looked(at, definitions, reason(service, at, stopped.get(place)) if fails else EMPTY)
                records = past.records.get(place, ())
                memory = self._memory(place, recorded=bool(records))
                found[place] = _rollouts(service, records, revisions, looked, memory)
                if not fails and not memory.live:
                    self._settled[place] = _Told(service, records, found[place])
        return tuple(chain.from_iterable(self._show(one, found[place_of(one)]) for one in self._resources))

    def _memory(self, place: Place, *, recorded: bool) -> Memory:
        """That of a service; another account has other names for the same rollouts, and a memory of its own."""
        if self._memories[place].recorded is not recorded:
            self._memories[place] = Memory(recorded=recorded)
        return self._memories[place]

    def _show(self, resource: Watched[EcsResource], rollouts: tuple[Rollout, ...]) -> tuple[Rollout, ...]:
        key = (resource.system_id, resource.id)
        shown = self._shown.get(key)
        if shown is None or shown[0] is not rollouts:
            shown = self._shown[key] = (rollouts, tuple(_of(resource, one) for one in rollouts))
        return shown[1]

    async def _definitions(
        self,
        services: Mapping[Place, Service],
        records: Mapping[Place, tuple[ServiceDeployment, ...]],
        revisions: Mapping[str, ServiceRevision],
        said: dict[SafeText, None],
    ) -> Mapping[str, TaskDefinition]:
        """The task definitions that rollouts are described with, by ARN."""
        wanted = {one.task_definition for one in revisions.values()}
        for place, service in services.items():
            if not records.get(place):
                wanted |= set(_definitions_of(service, self._memories[place]))
        names = sorted(wanted - {""})
        read = await asyncio.gather(*(self._reader.definition(name, said) for name in names))
        return {name: found for name, found in zip(names, read, strict=True) if found is not None}


def _definitions_of(service: Service, memory: Memory) -> Iterable[str]:
    """Those of whatever is not over yet."""
    parts: tuple[Deployment | TaskSet, ...] = (*service.deployments, *service.task_sets)
    return (one.task_definition for one in parts) if any(memory.ended(one.id) is None for one in parts) else ()


def _rollouts(
    service: Service,
    records: tuple[ServiceDeployment, ...],
    revisions: Mapping[str, ServiceRevision],
    looked: Looked,
    memory: Memory,
) -> tuple[Rollout, ...]:
    """The rollouts of a service, by the best account of them that there is."""
    if records:
        return memory.keep(recorded(records, revisions, looked), Phase.UNKNOWN, looked.at)
    if service.deployment_controller.type == "ECS":
        return rolling(service, looked, memory)
    return task_sets(service, looked, memory)


def _revisions_of(records: Iterable[tuple[ServiceDeployment, ...]]) -> Iterable[str]:
    for deployments in records:
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
