"""Reads what the configuration wants of ECS, in as few requests as that takes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import NotFound
from tuiops.sources.aws.ecs import wire
from tuiops.sources.aws.ecs.health import failing
from tuiops.sources.aws.ecs.naming import last_part
from tuiops.sources.aws.spare import Spare, Unread
from tuiops.sources.together import SHARE, raise_if_all, together
from tuiops.sources.unchanged import Unchanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tuiops.config.resources import EcsResource
    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.parts import Watched

_T = TypeVar("_T")

SERVICES = 10
"""Services that DescribeServices takes at once."""

DEPLOYMENTS = 20
"""Service deployments, or revisions, that their Describe operations take at once."""

DEFINITIONS = 100
"""Task definitions of a family that are offered: older ones have had their time."""

TARGETS = 50
"""Scalable targets that DescribeScalableTargets takes at once."""

FRESH = 1.0
"""Seconds that services are not asked for again: health and rollouts are often read together."""

EXPLAINED = 10
"""Failing services whose stopped tasks are looked at in one poll."""

_STOPPED = 100
"""Stopped tasks of a service among which the last one is looked for."""

_KEPT = 1000
"""Task definitions and revisions remembered; they never change."""

DIMENSION = "ecs:service:DesiredCount"


class Place(NamedTuple):
    """Where a service is."""

    cluster: str
    service: str

    @property
    def resource_id(self) -> str:
        """Its name for Application Auto Scaling."""
        return f"service/{self.cluster}/{self.service}"


def place_of(resource: Watched[EcsResource]) -> Place:
    """Where a resource of the configuration is."""
    return Place(resource.config.cluster, resource.config.name)


class Services(NamedTuple):
    """The services that could be read, and why others could not."""

    found: Mapping[Place, wire.Service]
    problems: Mapping[Place, SafeText]


class Kept(Generic[_T]):
    """A few things that never change, the ones used last."""

    def __init__(self) -> None:
        self._items: dict[str, _T] = {}

    def get(self, key: str) -> _T | None:
        found = self._items.pop(key, None)
        if found is not None:
            self._items[key] = found
        return found

    def put(self, key: str, item: _T) -> None:
        self._items[key] = item
        if len(self._items) > _KEPT:
            del self._items[next(iter(self._items))]


class EcsReader:
    """Asks ECS. All of it raises errors.SourceError and nothing else; what takes `said` adds warnings there instead."""

    def __init__(self, places: Iterable[Place], client: AwsClient, clock: Clock) -> None:
        self._places = tuple(dict.fromkeys(places))
        self._client = client
        self._clock = clock
        self._spare = Spare(clock, client.timeout)
        self._lock = asyncio.Lock()
        self._last: tuple[float, Services] | None = None
        self._answers: dict[tuple[str, ...], Unchanged[wire.ServicesAnswer]] = {}
        """By cluster and services, as they are asked for together."""
        self._definitions: Kept[wire.TaskDefinition] = Kept()
        self._revisions: Kept[wire.ServiceRevision] = Kept()

    async def services(self) -> Services:
        """All services that are wanted. Raises when none can be read."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._last is None or now - self._last[0] > FRESH:
                self._last = (now, await self._services())
            return self._last[1]

    def forget(self) -> None:
        """Ask again at the next call: something was changed."""
        self._last = None

    async def service(self, place: Place) -> wire.Service:
        """One service as it is at this moment. Raises errors.NotFound too."""
        found, problems = await self._batch(place.cluster, (place.service,))
        if place in problems:
            raise NotFound(problems[place])
        return found[place]

    async def stopped(self, services: Services, at: datetime, said: dict[SafeText, None]) -> Mapping[Place, wire.Task]:
        """Of services whose tasks may be failing, the task that stopped last, with its reason."""
        places = [place for place, service in services.found.items() if failing(service, at)][:EXPLAINED]
        found = await asyncio.gather(*(self._stopped(place, said) for place in places))
        return {place: task for place, task in zip(places, found, strict=True) if task is not None}

    async def definitions(
        self, arns: Iterable[str], said: dict[SafeText, None]
    ) -> Mapping[str, wire.TaskDefinition | Unread]:
        """Task definitions by ARN, or why one cannot be read."""
        names = sorted({*arns} - {""})

        async def known(arn: str) -> wire.TaskDefinition | Unread:
            kept = self._definitions.get(arn)
            if kept is not None:
                return kept
            return await self._spare.attempt(lit("task definitions"), partial(self.defined, arn), said)

        return dict(zip(names, await asyncio.gather(*map(known, names)), strict=True))

    async def defined(self, name: str) -> wire.TaskDefinition:
        """A task definition, read anew, by ARN or by `family:revision`. Raises errors.QueryRefused without one."""
        params = {"taskDefinition": name}
        answer = await self._client.call("ecs", "DescribeTaskDefinition", params, kind=wire.TaskDefinitionAnswer)
        found = answer.task_definition
        self._definitions.put(found.task_definition_arn, found)
        return found

    async def family(self, name: str) -> tuple[str, ...]:
        """ARNs of the task definitions of a family that can be deployed, the newest first."""
        params = {"familyPrefix": name, "status": "ACTIVE", "sort": "DESC"}
        listing = await self._client.pages(
            "ecs", "ListTaskDefinitions", params, result="taskDefinitionArns", most=DEFINITIONS
        )
        return tuple(arn for arn in listing.items if arn.rpartition("/")[2].rpartition(":")[0] == name)

    async def deployed(self, place: Place) -> tuple[str, ...]:
        """ARNs of the task definitions that were deployed well, the last one first; none where ECS does not tell."""
        unsaid: dict[SafeText, None] = {}
        arns = await self.listed(place, DEPLOYMENTS, unsaid)
        if isinstance(arns, Unread):
            return ()
        records = [one for one in (await self.deployments(arns, unsaid)).values() if not isinstance(one, Unread)]
        good = sorted((one for one in records if one.status == "SUCCESSFUL"), key=lambda one: one.created_at)
        revisions = await self.revisions((one.target_service_revision.arn for one in good), unsaid)
        wanted = (revisions.get(one.target_service_revision.arn) for one in reversed(good))
        known = (one for one in wanted if one is not None and not isinstance(one, Unread))
        return tuple(dict.fromkeys(one.task_definition for one in known if one.task_definition))

    async def listed(self, place: Place, most: int, said: dict[SafeText, None]) -> tuple[str, ...] | Unread:
        """ARNs of a service's last deployments, newest first."""
        params = {"cluster": place.cluster, "service": place.service, "maxResults": most}

        async def ask() -> tuple[str, ...]:
            answer = await self._client.call(
                "ecs", "ListServiceDeployments", params, kind=wire.ServiceDeploymentsListed
            )
            return tuple(found.service_deployment_arn for found in answer.service_deployments)

        return await self._spare.attempt(lit("past deployments"), ask, said)

    async def deployments(
        self, arns: Sequence[str], said: dict[SafeText, None]
    ) -> Mapping[str, wire.ServiceDeployment | Unread]:
        """Service deployments by ARN, or why one cannot be read; those that ECS does not know are left out."""

        async def ask(batch: Sequence[str]) -> tuple[wire.ServiceDeployment, ...]:
            params = {"serviceDeploymentArns": list(batch)}
            kind = wire.ServiceDeploymentsAnswer
            return (await self._client.call("ecs", "DescribeServiceDeployments", params, kind=kind)).service_deployments

        batches = tuple(_batches(arns, DEPLOYMENTS))
        answers = await asyncio.gather(
            *(self._spare.attempt(lit("past deployments"), partial(ask, part), said) for part in batches)
        )
        found: dict[str, wire.ServiceDeployment | Unread] = {}
        for part, answer in zip(batches, answers, strict=True):
            if isinstance(answer, Unread):
                found |= dict.fromkeys(part, answer)
            else:
                found |= {one.service_deployment_arn: one for one in answer}
        return found

    async def revisions(
        self, arns: Iterable[str], said: dict[SafeText, None]
    ) -> Mapping[str, wire.ServiceRevision | Unread]:
        """Service revisions by ARN, or why one cannot be read; those that ECS does not know are left out."""
        known: dict[str, wire.ServiceRevision | Unread | None]
        known = {arn: self._revisions.get(arn) for arn in dict.fromkeys(arns) if arn}
        missing = [arn for arn, found in known.items() if found is None]

        async def ask(batch: Sequence[str]) -> tuple[wire.ServiceRevision, ...]:
            params = {"serviceRevisionArns": list(batch)}
            kind = wire.ServiceRevisionsAnswer
            return (await self._client.call("ecs", "DescribeServiceRevisions", params, kind=kind)).service_revisions

        for part in _batches(missing, DEPLOYMENTS):
            answer = await self._spare.attempt(lit("service revisions"), partial(ask, part), said)
            if isinstance(answer, Unread):
                known |= dict.fromkeys(part, answer)
                continue
            for one in answer:
                self._revisions.put(one.service_revision_arn, one)
                known[one.service_revision_arn] = one
        return {arn: found for arn, found in known.items() if found is not None}

    async def targets(
        self, places: Iterable[Place], said: dict[SafeText, None]
    ) -> Mapping[Place, wire.ScalableTarget | None] | None:
        """What scales each service, None for those that nothing scales; None when that cannot be told."""
        wanted = tuple(dict.fromkeys(places))
        if not wanted:
            return {}
        return await self._spare.read(lit("scaling bounds"), lambda: self.scaled(wanted), said)

    async def scaled(self, places: Sequence[Place]) -> Mapping[Place, wire.ScalableTarget | None]:
        """The same, and raises when it cannot be told."""
        found: dict[str, wire.ScalableTarget] = {}
        for part in _batches(places, TARGETS):
            params = {
                "ServiceNamespace": "ecs",
                "ScalableDimension": DIMENSION,
                "ResourceIds": [place.resource_id for place in part],
            }
            listing = await self._client.pages(
                "application-autoscaling",
                "DescribeScalableTargets",
                params,
                result="ScalableTargets",
                kind=wire.ScalableTarget,
            )
            found |= {target.resource_id: target for target in listing.items}
        return {place: found.get(place.resource_id) for place in places}

    async def _stopped(self, place: Place, said: dict[SafeText, None]) -> wire.Task | None:
        params = {"cluster": place.cluster, "serviceName": place.service, "desiredStatus": "STOPPED"}

        async def ask() -> tuple[wire.Task, ...]:
            listed = await self._client.call("ecs", "ListTasks", {**params, "maxResults": _STOPPED})
            tasks = listed.get("taskArns", [])
            if not tasks:
                return ()
            asked = {"cluster": place.cluster, "tasks": tasks}
            return (await self._client.call("ecs", "DescribeTasks", asked, kind=wire.TasksAnswer)).tasks

        found = await self._spare.read(lit("reasons of stopped tasks"), ask, said)
        stopped = [(task.stopped_at, task) for task in found or () if task.stopped_at is not None]
        return max(stopped, key=lambda pair: pair[0])[1] if stopped else None

    async def _services(self) -> Services:
        clusters: dict[str, list[str]] = {}
        for place in self._places:
            clusters.setdefault(place.cluster, []).append(place.service)
        batches = [(cluster, tuple(part)) for cluster, names in clusters.items() for part in _batches(names, SERVICES)]
        jobs = {(cluster, names): self._batch(cluster, names) for cluster, names in batches}
        answers, failed = await together(jobs, SHARE * self._client.timeout, lambda _: lit("ECS"))
        raise_if_all(answers, failed)
        found: dict[Place, wire.Service] = {}
        problems: dict[Place, SafeText] = {}
        for answer in answers.values():
            found |= answer.found
            problems |= answer.problems
        for (cluster, names), error in failed.items():
            problems |= dict.fromkeys((Place(cluster, name) for name in names), safe(str(error), 300))
        return Services(found, problems)

    async def _batch(self, cluster: str, names: Sequence[str]) -> Services:
        params = {"cluster": cluster, "services": list(names)}
        last = self._answers.setdefault((cluster, *names), Unchanged())
        answer = await self._client.poll("ecs", "DescribeServices", params, kind=wire.ServicesAnswer, last=last)
        found = {Place(cluster, one.service_name): one for one in answer.services}
        reasons = {last_part(failure.arn): safe(failure.reason) for failure in answer.failures}
        problems = {
            Place(cluster, name): fmt(
                "no service {} in cluster {} ({})", safe(name), safe(cluster), reasons.get(safe(name), lit("MISSING"))
            )
            for name in names
            if Place(cluster, name) not in found
        }
        return Services(found, problems)


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
