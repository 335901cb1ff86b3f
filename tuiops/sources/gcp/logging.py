"""Google Cloud Logging as a log stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, lit
from tuiops.sources.line_form import line_format

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.config.logs import CloudLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat
    from tuiops.core.updates import LogChunk
    from tuiops.sources.gcp.client import GoogleClient


class CloudLogSource:
    """Tails one stream."""

    kind = lit("cloud_logging")
    timeout = 10.0

    def __init__(
        self, name: SafeText, system: SafeText, service: SafeText, config: CloudLog, client: GoogleClient, clock: Clock
    ) -> None:
        self.name = name
        self.system = system
        self.service = service
        self.interval = float(config.interval)
        self.format: LineFormat = line_format(config)

    async def tail(self) -> AsyncIterator[LogChunk]:
        raise NotImplementedError
        yield

    async def close(self) -> None:
        """Nothing is open."""
