"""A probe as a source: it knocks, and reports one reading."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.health import Reading
from tuiops.core.text import EMPTY, fmt, safe
from tuiops.core.updates import HealthUpdate
from tuiops.errors import TimedOut
from tuiops.sources.probe.base import ProbeFailed
from tuiops.sources.probe.naming import probe_indicator, probe_name

if TYPE_CHECKING:
    from tuiops.config.systems import ProbeConfig
    from tuiops.core.clock import Clock
    from tuiops.core.text import SafeText
    from tuiops.sources.probe.base import Knock

_PREPARE = 10.0
"""Seconds for what comes before the knock, such as connecting to a bastion."""
_SLACK = 1.0
"""Seconds between the probe's own deadlines and the hub's: the probe is the one that can say what was slow."""


class ProbeSource:
    """One door and what is expected behind it."""

    def __init__(
        self, system_id: str, probe_id: str, config: ProbeConfig, knock: Knock, *, kind: SafeText, clock: Clock
    ) -> None:
        """ValueError when a limit of the configuration cannot be read."""
        self.name = probe_name(system_id, probe_id)
        self.kind = fmt("{} probe", kind)
        self.interval = float(config.interval)
        self.timeout = float(config.timeout) + _PREPARE + _SLACK
        self.indicator = probe_indicator(system_id, probe_id, config, self.name)
        self._service = safe(config.service)
        self._deadline = float(config.timeout)
        self._knock = knock
        self._clock = clock

    async def read_health(self) -> HealthUpdate:
        """One reading: seconds, or the problem that was met. Raises SourceError for trouble on our own side."""
        at = self._clock.now()
        value: float | None = None
        problem, note = EMPTY, EMPTY
        try:
            async with asyncio.timeout(_PREPARE):
                await self._knock.prepare()
        except TimeoutError as error:
            raise TimedOut(f"not ready to knock after {_PREPARE:g} s") from error
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._knock()
            value, note = answer.seconds, answer.note
        except ProbeFailed as failure:
            value, problem = failure.value, failure.reason
        except TimeoutError:
            problem = fmt("timed out after {}s", safe(f"{self._deadline:g}"))
        reading = Reading(
            system=self.indicator.system,
            service=self._service,
            indicator=self.indicator.id,
            at=at,
            value=value,
            problem=problem,
            note=note,
        )
        return HealthUpdate(at=at, readings=(reading,))

    async def close(self) -> None:
        await self._knock.close()
