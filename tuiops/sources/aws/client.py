"""Requests to Amazon's APIs: signed, bounded, paged, within their quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuiops.config.clouds import AwsConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.aws.auth import AwsAuth
    from tuiops.sources.http import HttpConnector


class AwsClient:
    """What everything that asks one source shares."""

    def __init__(self, config: AwsConfig, auth: AwsAuth, connector: HttpConnector, clock: Clock) -> None:
        self._config = config
        self._auth = auth
        self._connector = connector
        self._clock = clock

    async def close(self) -> None:
        """Close all connections. The client can be used again."""
