"""The rollouts of all watched Cloud Run services, in few requests: revisions are asked for when something changed."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, safe
from tuiops.errors import SourceError
from tuiops.sources.gcp.client import PAGE
from tuiops.sources.gcp.run.drift import drifts
from tuiops.sources.gcp.run.regions import UNPLACED, absent
from tuiops.sources.gcp.run.track import Track
from tuiops.sources.gcp.run.wire import FAILED, Revisions, short
from tuiops.sources.http_errors import deadline
from tuiops.sources.parts import PartRollouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tuiops.config.resources import CloudRunResource
    from tuiops.core.drift import Drift
    from tuiops.sources.abilities import Target
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.gcp.run.regions import Region
    from tuiops.sources.gcp.run.wire import Revision, Service
    from tuiops.sources.parts import Watched

MOST_LOOKS = 20
"""Services whose revisions are asked for in one poll; the others' turn comes with the next ones."""


class RunRollouts:
    """A track for each watched service, and the revisions that are known of it."""

    def __init__(
        self,
        services: Sequence[Watched[CloudRunResource]],
        place: Callable[[Watched[CloudRunResource]], str],
        client: GoogleClient,
        seconds: float,
    ) -> None:
        """`seconds`: what all requests for revisions may take together."""
        self._services = services
        self._place = place
        self._client = client
        self._seconds = seconds
        self._tracks = {
            (one.system_id, one.id): Track(one.system, one.service, safe(one.id), fmt("{}/rollouts", one.source))
            for one in services
        }
        self._drifted: dict[tuple[str, str], tuple[Service, tuple[Drift, ...]]] = {}
        """Where each was not as expected when it was last read, with the service as it was."""
        self._revisions: dict[str, tuple[Service, tuple[Revision, ...]]] = {}
        """By the service's full name, with the service as it stood when they were asked for."""
        self._unready: set[str] = set()
        """Names of services of which a revision was on its way then."""

    async def read(self, regions: Mapping[str, Region], at: datetime) -> PartRollouts:
        """What rolls, what has rolled, and where a service is not as expected."""
        there = [(one, service) for one in self._services if (service := self._found(one, regions, at)) is not None]
        warnings = await self._look(there)
        for resource, service in there:
            self._compare(resource, service)
            known = self._revisions.get(service.name)
            # Without the revisions of just this state its rollouts stay as they were told last.
            if known is not None and _key(known[0]) == _key(service):
                self._track(resource).observe(service, known[1], at)
        return PartRollouts(
            rollouts=tuple(chain.from_iterable(track.rollouts() for track in self._tracks.values())),
            drifts=tuple(chain.from_iterable(self._known_drifts())),
            moving=any(track.moving(at) for track in self._tracks.values()),
            warnings=warnings,
        )

    def before(self, target: Target, serving: str) -> str:
        """The revision that served before another one, as far as that was seen; empty when it was not."""
        track = self._tracks.get((target.system, target.resource))
        rollouts = sorted(track.rollouts() if track is not None else (), key=lambda one: one.started, reverse=True)
        return next((one.old for one in rollouts if one.new == serving and one.old not in {"", serving}), "")

    def _compare(self, resource: Watched[CloudRunResource], service: Service) -> None:
        """Where it is not as expected; looked at again when it has changed."""
        key = (resource.system_id, resource.id)
        known = self._drifted.get(key)
        if known is None or known[0] is not service:
            self._drifted[key] = (service, tuple(drifts(resource, service)))

    def _known_drifts(self) -> Iterator[tuple[Drift, ...]]:
        """Of each service in the order of the configuration; of one that cannot be read, as it was."""
        for one in self._services:
            if (known := self._drifted.get((one.system_id, one.id))) is not None:
                yield known[1]

    def _track(self, resource: Watched[CloudRunResource]) -> Track:
        return self._tracks[resource.system_id, resource.id]

    def _found(
        self, resource: Watched[CloudRunResource], regions: Mapping[str, Region], at: datetime
    ) -> Service | None:
        place, track = self._place(resource), self._track(resource)
        region = regions.get(place)
        if region is None:
            track.lose(UNPLACED)
            return None
        service = region.services.get(resource.config.name)
        if service is None and region.error is None and not region.missing:
            track.gone(at)
            self._drifted.pop((resource.system_id, resource.id), None)
        elif service is None:
            track.lose(absent(region, resource.config.name, place))
        return service

    async def _look(self, there: Iterable[tuple[Watched[CloudRunResource], Service]]) -> tuple[SafeText, ...]:
        """Ask for the revisions of services that stand otherwise than when they were asked for last."""
        changed = {
            f"v2/projects/{self._client.project}/locations/{self._place(one)}/services/{one.config.name}": service
            for one, service in there
            if self._stands_otherwise(service)
        }
        first = sorted(changed.items(), key=lambda pair: (not _at_work(pair[1]), pair[0]))[:MOST_LOOKS]
        if not first:
            return ()
        warnings: list[SafeText] = []
        try:
            async with deadline(self._seconds, safe("Cloud Run")), asyncio.TaskGroup() as group:
                for path, service in first:
                    group.create_task(self._read(path, service, warnings))
        except* SourceError as errors:
            warnings += [fmt("Cloud Run revisions: {}", safe(str(error), 500)) for error in errors.exceptions]
        return tuple(dict.fromkeys(warnings))

    def _stands_otherwise(self, service: Service) -> bool:
        known = self._revisions.get(service.name)
        if known is None or service.name in self._unready:
            return True
        return known[0] is not service and _key(known[0]) != _key(service)

    async def _read(self, path: str, service: Service, warnings: list[SafeText]) -> None:
        what = fmt("Cloud Run revisions of {}", safe(short(service.name)))
        try:
            listing = await self._client.pages(
                Revisions,
                "run",
                f"{path}/revisions",
                (("pageSize", str(PAGE)),),
                items=lambda page: page.revisions,
                most=PAGE,
            )
        except SourceError as error:
            warnings.append(fmt("{}: {}", what, safe(str(error), 500)))
            return
        if listing.truncated and not _holds(listing.items, service.latest_created_revision):
            warnings += listing.warnings(what)
        self._revisions[service.name] = (service, listing.items)
        unready = any(revision.reconciling for revision in listing.items)
        (self._unready.add if unready else self._unready.discard)(service.name)


def _holds(revisions: Iterable[Revision], name: str) -> bool:
    return any(short(revision.name) == short(name) for revision in revisions)


def _at_work(service: Service) -> bool:
    """Whether something rolls, as far as the service itself tells."""
    return service.reconciling or len([one for one in service.traffic if one.percent]) > 1


def _key(service: Service) -> tuple[object, ...]:
    """What changes when there may be more to know of the revisions; that traffic moves does nothing to them."""
    failed = service.terminal_condition.state == FAILED
    return (failed, service.latest_created_revision, service.latest_ready_revision)
