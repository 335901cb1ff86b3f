"""Secrets Manager as a part of an AWS source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.resources import SecretsManagerResource
from tuiops.core.clock import age
from tuiops.core.health import Reading
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.errors import SourceError
from tuiops.sources.aws.secrets.actions import PART, SecretActions
from tuiops.sources.aws.secrets.reader import SecretReader
from tuiops.sources.parts import DEGRADED, DOWN, WELL, PartHealth, Watched, all_unknown, watched
from tuiops.sources.resource_naming import age_id
from tuiops.sources.together import SHARE, raise_if_all, together

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.config.systems import System
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.secrets.wire import Secret

_Found = tuple["Secret", "datetime | SourceError | None"]
"""A secret, and when its current version was made, or why that is not told."""


class SecretsPart:
    """The secrets of a source: a request for each, because rights are commonly given secret by secret."""

    name = PART

    def __init__(self, source: str, systems: Mapping[str, System], client: AwsClient) -> None:
        self.resources = watched(source, systems, SecretsManagerResource)
        self._aging = {resource.config.name for resource in self.resources if resource.config.rotate is not None}
        """Names of the secrets whose age is asked for."""
        self._seconds = SHARE * client.timeout
        self._reader = SecretReader(client)
        self.actions = SecretActions(self.resources, self._reader, client)

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """The state of every secret, and the age of its current version."""
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
        unaged = {name: error for name, (_, error) in found.items() if isinstance(error, SourceError)}
        warnings = [
            fmt("{} {}: {}", self.name, safe(name), safe(str(error), 500)) for name, error in (failed | unaged).items()
        ]
        return PartHealth(readings=tuple(readings), warnings=tuple(warnings))

    def able(self, target: Target) -> object | None:
        return self.actions if self.actions.has(target) else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

    async def _read(self, name: str) -> _Found:
        secret = await self._reader.secret(name)
        if not secret.current or name not in self._aging:
            return secret, None
        try:
            return secret, await self._reader.created(secret)
        except SourceError as error:
            # The list of versions takes a right of its own; what was read without it stands.
            return secret, error


def _readings(resource: Watched[SecretsManagerResource], found: _Found, at: datetime) -> list[Reading]:
    secret, created = found
    value, note = _state(secret, at)
    readings = [resource.state(at, value, note)]
    if isinstance(created, SourceError):
        indicator = age_id(resource.id)
        reason = safe(str(created))
        readings.append(
            Reading(system=resource.system, service=resource.service, indicator=indicator, at=at, unknown=reason)
        )
    elif resource.config.rotate is not None:
        told = fmt("version {}", safe(secret.current[:8])) if secret.current else EMPTY
        readings.append(resource.age(at, age(at, created) if created is not None else None, told))
    return readings


def _state(secret: Secret, at: datetime) -> tuple[float, SafeText]:
    if secret.deleted_date is not None:
        return DOWN, fmt("is to be deleted, and cannot be read: {}", safe(f"{secret.deleted_date:%F}"))
    if not secret.current:
        return DOWN, lit("no version is the current one")
    notes = [fmt("version {} is current", safe(secret.current[:8]))]
    broken = [safe(one.region) for one in secret.replication_status if one.status == "Failed"]
    due = secret.next_rotation_date
    if secret.rotation_enabled and due is not None and due <= at:
        notes.insert(0, fmt("rotation is overdue by {}", span(age(at, due))))
    if broken:
        notes.insert(0, fmt("not replicated to {}", join(", ", broken)))
    return (DEGRADED if len(notes) > 1 else WELL), join(" · ", notes)
