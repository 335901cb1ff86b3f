"""Which service deployments there were: listed once for each service, and again when one begins or ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from tuiops.sources.aws.ecs.memory import KEPT
from tuiops.sources.aws.spare import Unread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.text import SafeText
    from tuiops.sources.aws.ecs.reader import EcsReader, Place
    from tuiops.sources.aws.ecs.wire import Service, ServiceDeployment

LISTED = 20
"""Services whose past is listed in one poll: with many of them it comes in over the first few polls."""

_OVER = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_FAILED", "ROLLBACK_SUCCESSFUL"})


class Past(NamedTuple):
    """What ECS' own account tells of each service."""

    records: Mapping[Place, tuple[ServiceDeployment, ...]]
    """Newest first; none of those that ECS keeps no record of, or that it forbids to read."""
    problems: Mapping[Place, SafeText]
    """Why an account, or a part of it, cannot be read at present: what is missing in it may well be there."""


class History:
    """The service deployments of all services of a source."""

    def __init__(self, reader: EcsReader) -> None:
        self._reader = reader
        self._listed: dict[Place, tuple[object, tuple[str, ...]]] = {}
        """By service: what it looked like then, and the ARNs, newest first."""
        self._over: dict[str, ServiceDeployment] = {}
        """By ARN, those that do not change any more."""

    async def read(self, services: Mapping[Place, Service], said: dict[SafeText, None]) -> Past:
        """The account of every service."""
        stale = [place for place, one in services.items() if self._looks(place) != _look(one)][:LISTED]
        answers = await asyncio.gather(*(self._reader.listed(place, KEPT, said) for place in stale))
        problems: dict[Place, SafeText] = {}
        for place, arns in zip(stale, answers, strict=True):
            if not isinstance(arns, Unread):
                self._listed[place] = (_look(services[place]), arns)
            elif not arns.lasts and place not in self._listed:
                problems[place] = arns.reason
        wanted = {place: self._arns(place, one) for place, one in services.items()}
        asked = [arn for arns in wanted.values() for arn in arns if arn not in self._over]
        found = await self._reader.deployments(asked, said)
        named = {arn for arns in wanted.values() for arn in arns}
        read = {arn: one for arn, one in found.items() if not isinstance(one, Unread)}
        over = {arn: one for arn, one in read.items() if one.status in _OVER}
        self._over = {arn: one for arn, one in {**self._over, **over}.items() if arn in named}
        known = {**read, **self._over}
        records = {place: tuple(known[arn] for arn in arns if arn in known) for place, arns in wanted.items() if arns}
        for place, arns in wanted.items():
            for one in (found.get(arn) for arn in arns):
                if isinstance(one, Unread) and (records[place] or not one.lasts):
                    problems[place] = one.reason
        return Past(records, problems)

    def _looks(self, place: Place) -> object:
        return self._listed[place][0] if place in self._listed else None

    def _arns(self, place: Place, service: Service) -> tuple[str, ...]:
        current = service.current_service_deployment
        listed = self._listed[place][1] if place in self._listed else ()
        return listed if current is None or current in listed else (current, *listed)


def _look(service: Service) -> object:
    """What changes whenever a deployment begins or ends."""
    deployments = frozenset((one.id, one.status, one.rollout_state) for one in service.deployments)
    return (service.current_service_deployment, deployments)
