"""What a configuration wants to know of a Google Cloud project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit, safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.gcp.client import GoogleClient


class GcpSource:
    """Health of resources, alerts and rollouts."""

    def __init__(
        self, name: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self.name = safe(name)
        self.kind = lit("gcp")
        self.interval = float(config.interval)
        self.timeout = float(config.timeout)
        self._config = config
        self._systems = systems
        self._client = client
        self._clock = clock

    async def close(self) -> None:
        await self._client.close()
