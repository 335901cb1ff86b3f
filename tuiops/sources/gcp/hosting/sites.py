"""The releases of each site: what health has read serves rollouts a moment later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.sources.gcp.hosting.wire import Release, Releases

if TYPE_CHECKING:
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.client import GoogleClient

API = "firebasehosting"

MOST = 25
"""Releases that are read of a site."""


class Sites:
    """Reads the live channel of sites; preview channels are nobody's production."""

    def __init__(self, client: GoogleClient, clock: Clock, fresh: float) -> None:
        """`fresh`: how many seconds old releases may be that are used again."""
        self._client = client
        self._clock = clock
        self._fresh = fresh
        self._known: dict[str, tuple[float, tuple[Release, ...]]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def releases(self, site: str) -> tuple[Release, ...]:
        """The last releases of a site, the newest first, as they are now or were a moment ago."""
        async with self._locks.setdefault(site, asyncio.Lock()):
            known = self._known.get(site)
            now = self._clock.monotonic()
            if known is not None and now - known[0] <= self._fresh:
                return known[1]
            found = await self.ask(site)
            self._known[site] = (now, found)
            return found

    async def ask(self, site: str) -> tuple[Release, ...]:
        """The same, as they are now."""
        listing = await self._client.pages(
            Releases,
            API,
            f"v1beta1/sites/{site}/channels/live/releases",
            (("pageSize", str(MOST)),),
            items=lambda page: page.releases,
            most=MOST - 1,
        )
        return listing.items

    async def release(self, site: str, version: str, message: str) -> Release:
        """Make a version public. It is carried out at most once."""
        params = (("versionName", f"sites/{site}/versions/{version}"),)
        path = f"v1beta1/sites/{site}/channels/live/releases"
        found = await self._client.send(Release, API, "POST", path, {"message": message}, params)
        self._known.pop(site, None)
        return found
