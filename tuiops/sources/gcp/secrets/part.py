"""Secret Manager as a part of a Google source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tuiops.config.resources import SecretResource
from tuiops.core.clock import age
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.sources.gcp.secrets.actions import PART, SecretActions, versions_of
from tuiops.sources.gcp.secrets.wire import ENABLED, Secret, Version
from tuiops.sources.paging import Listing
from tuiops.sources.parts import DEGRADED, DOWN, WELL, PartHealth, Watched, all_unknown, watched
from tuiops.sources.together import SHARE, raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.health import Reading
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.gcp.client import GoogleClient

EXPIRES_SOON = 7 * 86_400.0
"""Seconds before a secret expires, and takes all its versions with it, from which on that is a defect."""

_Found = tuple[Secret, Listing[Version]]


class SecretPart:
    """The secrets of a source: two requests for each, because rights are commonly given secret by secret."""

    name = PART

    def __init__(self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient) -> None:
        self.resources = watched(source, systems, SecretResource)
        self._seconds = SHARE * float(config.timeout)
        self._client = client
        self.actions = SecretActions(self.resources, client)

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of every secret, and the age of its newest enabled version."""
        names = {one.config.name for one in self.resources}
        jobs = {name: self._read(name) for name in sorted(names)}
        found, failed = await together(jobs, self._seconds, lambda _: self.name)
        raise_if_all(found, failed)
        readings: list[Reading] = []
        for resource in self.resources:
            known = found.get(resource.config.name)
            if known is None:
                readings += resource.unknown(at, safe(str(failed[resource.config.name])))
            else:
                readings += _readings(resource, known, at)
        warnings = [fmt("{} {}: {}", self.name, safe(name), safe(str(error), 500)) for name, error in failed.items()]
        return PartHealth(readings=tuple(readings), warnings=tuple(warnings))

    def able(self, target: Target) -> object | None:
        return self.actions if self.actions.has(target) else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

    async def _read(self, name: str) -> _Found:
        path = f"v1/projects/{self._client.project}/secrets/{name}"
        secret = await self._client.get(Secret, "secretmanager", path)
        return secret, await versions_of(self._client, path)


def _readings(resource: Watched[SecretResource], found: _Found, at: datetime) -> list[Reading]:
    secret, listing = found
    if listing.truncated and _newest(listing.items) is None:
        why = fmt("none of the newest {} versions is enabled; older ones not read", len(listing.items))
        return list(resource.unknown(at, why))
    value, note = _state(secret, listing, at)
    readings = [resource.state(at, value, note)]
    if resource.config.rotate is not None:
        newest = _newest(listing.items)
        seconds = age(at, newest.create_time) if newest is not None and newest.create_time is not None else None
        readings.append(resource.age(at, seconds, fmt("version {}", safe(newest.id)) if newest else EMPTY))
    return readings


def _newest(versions: tuple[Version, ...]) -> Version | None:
    """The newest version that can be used."""
    return next((one for one in versions if one.state == ENABLED), None)


def _state(secret: Secret, listing: Listing[Version], at: datetime) -> tuple[float, SafeText]:
    versions = listing.items
    newest = _newest(versions)
    notes = [_counts(listing)]
    notes += [
        fmt("version {} will be destroyed in {}", safe(one.id), span(age(one.scheduled_destroy_time, at)))
        for one in versions
        if one.scheduled_destroy_time is not None and one.state != "DESTROYED"
    ]
    due = secret.rotation.next_rotation_time
    if due is not None and due <= at:
        notes.append(fmt("rotation is overdue by {}", span(age(at, due))))
    if newest is None:
        return DOWN, join(" · ", [lit("no enabled version"), *(note for note in notes if note)])
    value = WELL
    if secret.expire_time is not None:
        left = age(secret.expire_time, at)
        value = DEGRADED if left < EXPIRES_SOON else value
        notes.insert(0, fmt("expires in {}", span(left)))
    if versions[0] is not newest:
        value = DEGRADED
        latest = fmt(
            "version {}, the latest, is {}", safe(versions[0].id), safe(versions[0].state.lower() or "unknown")
        )
        notes.insert(0, latest)
    return value, join(" · ", [fmt("version {} enabled", safe(newest.id)), *(note for note in notes if note)])


def _counts(listing: Listing[Version]) -> SafeText:
    """How many versions there are in other states than the usual one: `2 disabled, 1 destroyed`."""
    counts = Counter(one.state or "UNKNOWN" for one in listing.items)
    usual = counts.pop(ENABLED, 0)
    words = [fmt("{} {}", count, safe(state.lower())) for state, count in sorted(counts.items())]
    words += [fmt("{} enabled in all", usual)] if usual > 1 else []
    words += [lit("older ones not read")] if listing.truncated else []
    return join(", ", words)
