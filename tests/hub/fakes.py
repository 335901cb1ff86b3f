"""A source that says what a test tells it to say, and time that passes only when asked."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.health import Indicator, Limit, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.severity import Severity
from tuiops.core.text import SafeText, lit, safe
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from tuiops.core.clock import FakeClock
    from tuiops.core.updates import AlertsUpdate, HealthUpdate

START = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
ERRORS = Indicator(
    system=lit("shop"),
    id=lit("errors"),
    heading=lit("ERR%"),
    unit=Unit.RATIO,
    source=lit("prom"),
    degraded=Limit.parse("> 1%", Unit.RATIO),
    down=Limit.parse("> 20%", Unit.RATIO),
)


def shop(*services: str) -> SystemHealth:
    """A system whose services all have the one indicator."""
    return SystemHealth(
        system=lit("shop"),
        label=lit("Shop"),
        environment=lit("test"),
        services=tuple(
            ServiceHealth(
                system=lit("shop"),
                service=safe(name),
                label=safe(name),
                measures=(Measure(indicator=ERRORS, reading=None),),
            )
            for name in services
        ),
    )


def reading(service: str, value: float | None, at: datetime = START) -> Reading:
    return Reading(system=lit("shop"), service=safe(service), indicator=lit("errors"), at=at, value=value)


def alert(name: str, severity: Severity = Severity.P2, state: AlertState = AlertState.FIRING) -> Alert:
    return Alert(
        identity=name,
        name=safe(name),
        system=lit("shop"),
        service=lit("api"),
        severity=severity,
        state=state,
        started=START,
    )


class ScriptedSource:
    """Answers each read with the next of its script: an update, or an error to raise. The last one repeats."""

    kind = lit("scripted")
    interval = 10.0
    timeout = 5.0

    def __init__(self, name: str = "prom", *script: HealthUpdate | BaseException) -> None:
        self.name: SafeText = safe(name)
        self.script = deque(script)
        self.reads = 0
        self.closed = False

    async def read_health(self) -> HealthUpdate:
        self.reads += 1
        answer = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


class AlertSource:
    """Reads alerts only."""

    kind = lit("alerts")
    interval = 10.0
    timeout = 5.0

    def __init__(self, name: str, update: AlertsUpdate) -> None:
        self.name: SafeText = safe(name)
        self.update = update

    async def read_alerts(self) -> AlertsUpdate:
        return self.update

    async def close(self) -> None:
        return None


class FakeWait:
    """Stands in for waiting: lets the clock pass, notes the pauses, and blocks for good after `rounds` of them."""

    def __init__(self, clock: FakeClock, rounds: int) -> None:
        self.pauses: list[float] = []
        self.done = asyncio.Event()
        self._clock = clock
        self._rounds = rounds

    async def __call__(self, event: asyncio.Event, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= self._rounds:
            self.done.set()
            await asyncio.Event().wait()
        if not event.is_set():
            self._clock.advance(seconds)
        await asyncio.sleep(0)
