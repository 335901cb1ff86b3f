"""The machine that tuiops runs on as a source: it finds out itself what there is to watch."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, lit, safe
from tuiops.sources.daemon import DaemonWorker
from tuiops.sources.host.indicators import host_indicators
from tuiops.sources.host.machine import Machine
from tuiops.sources.host.report import Reporter
from tuiops.sources.host.units import look_at_units

if TYPE_CHECKING:
    from tuiops.config.sources import HostConfig
    from tuiops.core.clock import Clock
    from tuiops.core.updates import HealthUpdate
    from tuiops.sources.host.report import Seen


class HostSource:
    """CPU, memory, file systems, network, processes, listeners and units of the machine that tuiops runs on."""

    kind = lit("host")

    def __init__(self, name: str, config: HostConfig, *, environment: SafeText, clock: Clock) -> None:
        """ValueError when a limit of the configuration cannot be read."""
        self.name = safe(name)
        self.interval = float(config.interval)
        self.timeout = float(config.timeout)
        self._clock = clock
        self._units = config.units
        self._machine = Machine(config, clock)
        self._worker = DaemonWorker("host")
        self._reporter = Reporter(
            safe(config.system),
            safe(config.label or socket.gethostname()),
            environment,
            host_indicators(config, self.name),
        )

    async def read_health(self) -> HealthUpdate:
        """Everything that this system shows to this user; what it showed before and does not any more is a warning."""
        at = self._clock.now()
        look = self._worker.run(self._machine.look)
        units = look_at_units() if self._units else _nothing()
        seen, failed = await asyncio.gather(look, units)
        return self._reporter.update(at, (*seen, *failed), self._machine.happened())

    async def close(self) -> None:
        self._worker.close()


async def _nothing() -> tuple[Seen, ...]:
    return ()
