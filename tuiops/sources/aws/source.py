"""What a configuration wants to know of an AWS account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import lit, safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.clouds import AwsConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient


class AwsSource:
    """Health of resources, alerts and rollouts."""

    def __init__(
        self, name: str, config: AwsConfig, systems: Mapping[str, System], client: AwsClient, clock: Clock
    ) -> None:
        self.name = safe(name)
        self.kind = lit("aws")
        self.interval = float(config.interval)
        self.timeout = float(config.timeout)
        self._config = config
        self._systems = systems
        self._client = client
        self._clock = clock

    async def close(self) -> None:
        await self._client.close()
