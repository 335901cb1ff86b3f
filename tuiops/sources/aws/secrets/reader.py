"""Reads secrets' names, versions and stages. Nothing here can ask for a value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuiops.core.text import lit
from tuiops.sources.aws.secrets.wire import CURRENT, Secret, Version, Versions
from tuiops.sources.paging import Cursor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.sources.aws.client import AwsClient

_PAGE = 100
_PAGES = 10
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SecretReader:
    """Asks Secrets Manager, and remembers what does not change."""

    def __init__(self, client: AwsClient) -> None:
        self._client = client
        self._created: dict[str, tuple[str, datetime]] = {}
        """By secret: its current version, and when that was made."""

    async def secret(self, name: str) -> Secret:
        """A secret by its name. Raises NotFound when there is none."""
        return await self._client.call("secretsmanager", "DescribeSecret", {"SecretId": name}, kind=Secret)

    async def created(self, secret: Secret) -> datetime | None:
        """When the current version was made, which is asked for when it becomes the current one."""
        known = self._created.get(secret.name)
        if known is not None and known[0] == secret.current:
            return known[1]
        found = await self._version(secret.name, secret.current)
        created = found.created_date if found is not None else None
        if created is not None:
            # A version may be listed later than it becomes the current one.
            self._created[secret.name] = (secret.current, created)
        return created

    async def has(self, name: str, version: str) -> bool:
        """Whether there is a version, be it that no stage names it any more."""
        return await self._version(name, version) is not None

    async def staged(self, name: str) -> tuple[str, ...]:
        """IDs of the versions that a stage names: the current one first, then the others, the newest first."""
        found = [one async for one in self._versions(name, deprecated=False) if one.version_stages]
        found.sort(key=lambda one: (CURRENT in one.version_stages, one.created_date or _LONG_AGO), reverse=True)
        return tuple(one.version_id for one in found)

    async def _version(self, name: str, wanted: str) -> Version | None:
        async for version in self._versions(name, deprecated=True):
            if version.version_id == wanted:
                return version
        return None

    async def _versions(self, name: str, *, deprecated: bool) -> AsyncIterator[Version]:
        """As they are listed, which is in no order; `deprecated`: also those that no stage names."""
        cursor = Cursor(lit("secretsmanager ListSecretVersionIds"), _PAGES)
        params = {"SecretId": name, "MaxResults": _PAGE, "IncludeDeprecated": deprecated}
        while cursor.reads_on:
            asked = {**params, "NextToken": cursor.token} if cursor.token else params
            page = await self._client.call("secretsmanager", "ListSecretVersionIds", asked, kind=Versions)
            for version in page.versions:
                yield version
            cursor.turn(page.next_token)
