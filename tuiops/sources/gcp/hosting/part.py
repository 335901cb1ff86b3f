"""Firebase Hosting as a part of a Google source."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tuiops.config.resources import HostingResource
from tuiops.core.clock import age
from tuiops.core.rollouts import Phase, Rollout, Side
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import span
from tuiops.sources.gcp.hosting.actions import PART, HostingActions
from tuiops.sources.gcp.hosting.sites import Sites
from tuiops.sources.gcp.hosting.wire import DEPLOY, DISABLE, ROLLBACK, Release
from tuiops.sources.parts import DEGRADED, DOWN, WELL, PartHealth, PartRollouts, Watched, all_unknown, watched
from tuiops.sources.together import SHARE, raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.health import Reading
    from tuiops.errors import SourceError
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.gcp.client import GoogleClient

PAST = 10
"""Rollouts that are told of each site."""

_LONGEST = 3600.0
"""Seconds; a version that was released later than this was not being deployed all the time."""

_TOOL = "deployment-tool"
"""The label by which tools mark the versions that they upload."""

_STRATEGIES = {DEPLOY: lit("deploy"), ROLLBACK: lit("rollback"), DISABLE: lit("disable")}


class HostingPart:
    """The sites of a source: one request for each."""

    name = PART

    def __init__(
        self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self.resources = watched(source, systems, HostingResource)
        self._seconds = SHARE * float(config.timeout)
        self._sites = Sites(client, clock, float(config.rollout_interval) / 2)
        self.actions = HostingActions(self.resources, self._sites, client.project)

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """What is live on every site."""
        found, failed = await self._read()
        readings: list[Reading] = []
        for resource in self.resources:
            releases = found.get(resource.config.name)
            if releases is None:
                readings += resource.unknown(at, safe(str(failed[resource.config.name])))
            else:
                readings.append(resource.state(at, *_state(releases, at)))
        return PartHealth(readings=tuple(readings), warnings=_warnings(failed))

    async def read_rollouts(self, at: datetime) -> PartRollouts:
        """What was released. A release is public at once, so that none is ever under way."""
        del at
        found, failed = await self._read()
        rollouts = [rollout for one in self.resources for rollout in _rollouts(one, found.get(one.config.name, ()))]
        return PartRollouts(rollouts=tuple(rollouts), warnings=_warnings(failed))

    def able(self, target: Target) -> object | None:
        return self.actions if self.actions.has(target) else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

    async def _read(self) -> tuple[dict[str, tuple[Release, ...]], dict[str, SourceError]]:
        names = sorted({one.config.name for one in self.resources})
        jobs = {name: self._sites.releases(name) for name in names}
        found, failed = await together(jobs, self._seconds, lambda _: self.name)
        raise_if_all(found, failed)
        return found, failed


def _warnings(failed: Mapping[str, SourceError]) -> tuple[SafeText, ...]:
    return tuple(fmt("{} {}: {}", PART, safe(name), safe(str(error), 500)) for name, error in failed.items())


def _state(releases: tuple[Release, ...], at: datetime) -> tuple[float, SafeText]:
    if not releases:
        return DEGRADED, lit("nothing has been released yet")
    live = releases[0]
    when = fmt(" {} ago", span(age(at, live.release_time))) if live.release_time is not None else EMPTY
    by = fmt(" by {}", safe(live.release_user.email)) if live.release_user.email else EMPTY
    if live.type == DISABLE:
        return DOWN, fmt("was disabled{}{}", when, by)
    word = {DEPLOY: lit("deployed"), ROLLBACK: lit("rolled back to")}.get(live.type, lit("released"))
    return WELL, fmt("{} {}{}{}", safe(live.version.id or "a version"), word, when, by)


def _rollouts(resource: Watched[HostingResource], releases: tuple[Release, ...]) -> Iterator[Rollout]:
    for position, (release, before) in enumerate(pairwise((*releases, None))):
        if position == PAST:
            return
        if release is not None and release.release_time is not None:
            yield _rollout(resource, release, release.release_time, before, live=position == 0)


def _rollout(
    resource: Watched[HostingResource], release: Release, ended: datetime, before: Release | None, *, live: bool
) -> Rollout:
    disabled = release.type == DISABLE
    new = lit("disabled") if disabled else safe(release.version.id)
    old = _public(before)
    share = 1.0 if live else 0.0
    sides = [Side(revision=new, set=share, actual=share)]
    sides += [Side(revision=old, set=0.0, actual=0.0)] if old and old != new else []
    return Rollout(
        id=fmt("{}/{}/{}", resource.system, safe(resource.id), safe(release.name)),
        system=resource.system,
        service=resource.service,
        strategy=_STRATEGIES.get(release.type, lit("release")),
        old=old,
        new=new,
        by=safe(release.release_user.email),
        client=safe(release.version.labels.get(_TOOL, "")) if not disabled else EMPTY,
        phase=Phase.SUCCEEDED,
        started=_started(release, ended),
        ended=ended,
        weight=share,
        sides=tuple(sides),
        message=safe(release.message, 512),
        source=fmt("{}/rollouts", resource.source),
    )


def _public(release: Release | None) -> SafeText:
    """What a release has made public; empty when it is not known."""
    if release is None:
        return EMPTY
    return lit("disabled") if release.type == DISABLE else safe(release.version.id)


def _started(release: Release, ended: datetime) -> datetime:
    """When the deployment began: a version is made before its files are sent. Other releases take no time."""
    made = release.version.create_time
    if release.type == DEPLOY and made is not None and 0 <= (ended - made).total_seconds() <= _LONGEST:
        return made
    return ended
