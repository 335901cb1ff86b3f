"""TCP: whether somebody accepts a connection, and how long that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.sources.probe.base import Answer
from tuiops.sources.probe.connect import connection

if TYPE_CHECKING:
    from tuiops.config.systems import TcpProbe
    from tuiops.core.clock import Clock
    from tuiops.sources.bastion import Bastion


class TcpKnock:
    """Connects and hangs up; not a byte is sent."""

    def __init__(self, config: TcpProbe, *, clock: Clock, bastion: Bastion | None = None) -> None:
        self._config = config
        self._clock = clock
        self._bastion = bastion

    async def prepare(self) -> None:
        if self._bastion is not None:
            await self._bastion.connect()

    async def __call__(self) -> Answer:
        started = self._clock.monotonic()
        async with connection(self._config.host, self._config.port, self._bastion):
            return Answer(self._clock.monotonic() - started)

    async def close(self) -> None:
        """Nothing is kept."""
