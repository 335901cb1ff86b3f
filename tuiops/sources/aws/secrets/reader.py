"""Reads secrets' names, versions and stages. Nothing here can ask for a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit
from tuiops.sources.aws.secrets.wire import Secret, Version, Versions
from tuiops.sources.paging import Cursor

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.sources.aws.client import AwsClient

_PAGE = 100
_PAGES = 10


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

    async def _version(self, name: str, wanted: str) -> Version | None:
        cursor = Cursor(lit("secretsmanager ListSecretVersionIds"), _PAGES)
        while cursor.reads_on:
            params = {"SecretId": name, "MaxResults": _PAGE, "IncludeDeprecated": True}
            asked = {**params, "NextToken": cursor.token} if cursor.token else params
            page = await self._client.call("secretsmanager", "ListSecretVersionIds", asked, kind=Versions)
            for version in page.versions:
                if version.version_id == wanted:
                    return version
            cursor.turn(page.next_token)
        return None
