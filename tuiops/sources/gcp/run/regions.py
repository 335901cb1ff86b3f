"""The services of each region: one listing serves health and rollouts, however many services are watched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import SourceError
from tuiops.sources.gcp.client import PAGE
from tuiops.sources.gcp.run.wire import Service, Services, short
from tuiops.sources.http import decode
from tuiops.sources.http_errors import deadline

if TYPE_CHECKING:
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.client import GoogleClient


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one region."""

    at: datetime
    """When it was asked."""
    services: Mapping[str, Service] = {}
    """By name."""
    missing: SafeText = EMPTY
    """Why a service may not be among them although it is there; empty when the listing is complete."""
    error: SourceError | None = None
    """Why the region could not be read; then there are no services."""
    warnings: tuple[SafeText, ...] = ()


class Regions:
    """Lists regions. Listings that are asked for together are made once."""

    def __init__(self, client: GoogleClient, clock: Clock, *, seconds: float, fresh: float) -> None:
        """`seconds`: deadline of one region; `fresh`: how old a listing may be that is used again."""
        self._client = client
        self._clock = clock
        self._seconds = seconds
        self._fresh = fresh
        self._known: dict[str, tuple[float, Region]] = {}
        self._decoded: dict[str, dict[bytes, Service]] = {}
        """By region, what the services of the last listing were sent as."""
        self._locks: dict[str, asyncio.Lock] = {}

    async def read(self, name: str) -> Region:
        """A region as it is now, or was a moment ago. Never raises: `error` says what went wrong."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            known = self._known.get(name)
            if known is not None and self._clock.monotonic() - known[0] <= self._fresh:
                return known[1]
            begun = self._clock.monotonic()
            region = await self._list(name)
            if region.error is None:
                self._known[name] = (begun, region)
            return region

    async def _list(self, name: str) -> Region:
        at = self._clock.now()
        path = f"v2/projects/{self._client.project}/locations/{name}/services"
        what = fmt("Cloud Run services in {}", safe(name))
        try:
            async with deadline(self._seconds, what):
                listing = await self._client.pages(
                    Services, "run", path, (("pageSize", str(PAGE)),), items=lambda page: page.services
                )
            services = self._decode(name, listing.items)
        except SourceError as error:
            return Region(at=at, error=error)
        warnings = listing.warnings(what)
        return Region(
            at=at,
            services={short(service.name): service for service in services},
            missing=warnings[0] if warnings else EMPTY,
            warnings=warnings,
        )

    def _decode(self, name: str, sent: Iterable[msgspec.Raw]) -> Iterable[Service]:
        """The services. One that was sent as it was the last time is the same object, so that whoever looks sees it."""
        before = self._decoded.get(name, {})
        now: dict[bytes, Service] = {}
        for raw in sent:
            body = bytes(raw)
            now[body] = before.get(body) or decode(body, Service, lit("run"))
        self._decoded[name] = now
        return now.values()


def absent(region: Region, name: str, place: str) -> SafeText:
    """Why there is no such service: the region's trouble, or that it does not exist."""
    if region.error is not None:
        return safe(str(region.error))
    return region.missing or fmt("no Cloud Run service {} in {}", safe(name), safe(place or "no region"))


UNPLACED = lit("names no region; set region of the resource or of its source")
