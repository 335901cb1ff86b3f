"""The rollouts of all ECS services of a source, however each of them deploys."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

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
from tuiops.sources.aws.spare import Unread

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

_T = TypeVar("_T")


class _Told(NamedTuple):
    """What there was to tell of a service with which nothing was under way, and what it was told from."""

    service: Service
    records: tuple[ServiceDeployment, ...]
    rollouts: tuple[Rollout, ...]


class _Described(NamedTuple):
    """What deployments are described with, by ARN."""

    revisions: Mapping[str, ServiceRevision]
    definitions: Mapping[str, TaskDefinition]
    unread: frozenset[Place]
    """Services of which a part cannot be read at present."""


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
        described = await self._describe(unsettled, past.records, said)
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
                looked = Looked(at, described.definitions, reason(service, at, stopped.get(place)) if fails else EMPTY)
                records = past.records.get(place, ())
                memory = self._memory(place, recorded=bool(records))
                found[place] = _rollouts(service, records, described.revisions, looked, memory)
                if not (fails or memory.live or place in described.unread):
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

    async def _describe(
        self,
        services: Mapping[Place, Service],
        records: Mapping[Place, tuple[ServiceDeployment, ...]],
        said: dict[SafeText, None],
    ) -> _Described:
        named = {place: frozenset(_revisions_of(records.get(place, ()))) for place in services}
        revisions = await self._reader.revisions(chain.from_iterable(named.values()), said)
        known = _readable(revisions)
        defined = {
            place: frozenset(known[arn].task_definition for arn in named[place] if arn in known)
            if records.get(place)
            else _definitions_of(service, self._memories[place])
            for place, service in services.items()
        }
        definitions = await self._reader.definitions(chain.from_iterable(defined.values()), said)
        later = _later(revisions) | _later(definitions)
        unread = frozenset(place for place in services if later & (named[place] | defined[place]))
        return _Described(known, _readable(definitions), unread)


def _readable(found: Mapping[str, _T | Unread]) -> dict[str, _T]:
    return {arn: one for arn, one in found.items() if not isinstance(one, Unread)}


def _later(found: Mapping[str, object]) -> set[str]:
    """What may be read when it is asked for again."""
    return {arn for arn, one in found.items() if isinstance(one, Unread) and not one.lasts}


def _definitions_of(service: Service, memory: Memory) -> frozenset[str]:
    """Those of whatever is not over yet, or lacks its description."""
    parts: tuple[Deployment | TaskSet, ...] = (*service.deployments, *service.task_sets)
    told = all(memory.whole(one.id) for one in parts)
    return frozenset() if told else frozenset(one.task_definition for one in parts)


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


def _revisions_of(records: Iterable[ServiceDeployment]) -> Iterable[str]:
    for one in records:
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
