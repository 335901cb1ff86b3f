"""Elasticsearch and OpenSearch as a log stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, lit
from tuiops.sources.logs.form import line_format

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.config.clouds import ElasticsearchConfig
    from tuiops.config.logs import ElasticsearchLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat
    from tuiops.core.updates import LogChunk
    from tuiops.sources.http import HttpConnector


class ElasticsearchLogSource:
    """Tails one stream."""

    kind = lit("elasticsearch")
    timeout = 10.0

    def __init__(
        self,
        name: SafeText,
        system: SafeText,
        service: SafeText,
        config: ElasticsearchLog,
        server: ElasticsearchConfig,
        connector: HttpConnector,
        clock: Clock,
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
