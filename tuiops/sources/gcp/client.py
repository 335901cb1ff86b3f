"""Requests to Google's APIs: signed, bounded, paged, within their quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuiops.config.clouds import GcpConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.auth import GoogleAuth
    from tuiops.sources.http import HttpConnector


class GoogleClient:
    """What everything that asks one source shares."""

    def __init__(self, config: GcpConfig, auth: GoogleAuth, connector: HttpConnector, clock: Clock) -> None:
        self._config = config
        self._auth = auth
        self._connector = connector
        self._clock = clock

    async def close(self) -> None:
        """Close all connections. The client can be used again."""
