"""TCP: whether somebody accepts a connection, and how long that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sources.probe.base import Answer
from tuiops.sources.probe.connect import connection

if TYPE_CHECKING:
    from tuiops.config.systems import TcpProbe
    from tuiops.core.clock import Clock
    from tuiops.sources.probe.base import Opener


class TcpKnock:
    """Connects and hangs up; not a byte is sent."""

    def __init__(self, config: TcpProbe, *, clock: Clock, opener: Opener | None = None) -> None:
        self._config = config
        self._clock = clock
        self._opener = opener

    async def prepare(self) -> None:
        if self._opener is not None:
            await self._opener.connect()

    async def __call__(self) -> Answer:
        started = self._clock.monotonic()
        async with connection(self._config.host, self._config.port, self._opener):
            return Answer(self._clock.monotonic() - started)

    async def close(self) -> None:
        """Nothing is kept."""
