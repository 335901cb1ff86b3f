"""A demonstration at work under a clock of the test's: its own people and rules, its sources, an engine, its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tests.runbooks.playing import Playing
from tests.sim.acted import Acted
from tests.watched import Watched
from tuiops import wiring
from tuiops.acting import HubWorld, Settings
from tuiops.config.load import Loaded
from tuiops.config.model import Config
from tuiops.config.people import local_account, principal
from tuiops.config.secrets import resolve_secret
from tuiops.core.snapshot import Environment
from tuiops.core.subject import Subject
from tuiops.core.text import safe
from tuiops.ledger.opening import open_ledger, usual_name
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.planning.planner import Planner
from tuiops.sources.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.alerts import Alert
    from tuiops.core.clock import FakeClock
    from tuiops.hub.hub import Hub
    from tuiops.sources.base import Source

QUIET = 3500.0
"""Seconds into the world when nothing that happens by itself is in the way."""


class Onlooker(Watched):
    """What a `HubWorld` asks of a hub."""

    def __init__(self, sources: list[Source], clock: FakeClock, environment: Environment) -> None:
        super().__init__(sources, clock, environment)
        self.clock = clock
        self.sources = tuple(sources)

    def poke(self, feed: str | None = None) -> None:
        """Everything is read again after every moment that passes."""


class Drill(Playing):
    """Somebody who tries the demonstration out."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.acted = Acted()
        self.clock = self.acted.clock
        self.clock.advance(QUIET)
        self._settings = Settings(Loaded(wiring.demonstration(Config()), ()), self.clock, Shared())
        environment = Environment(safe(self._settings.config.environment), production=True)
        self.hub = Onlooker(self.acted.sources, self.clock, environment)
        self.world = HubWorld(cast("Hub", self.hub), self._settings)
        self.meanwhile: list[tuple[float, Callable[[], object]]] = []
        """What happens after so many seconds of a run, in this order."""

    async def begin(self) -> None:
        config = self._settings.config
        await self.hub.read()
        await self.sit_down(
            Planner(self._settings.library, self.world, drill=self._settings.drill),
            self.world,
            Executions(resolve_secret, lambda: self.world.connector, self.world.bastion),
            open_ledger(config.ledger, name=usual_name(config)),
            principal(config, local_account(), "drill"),
            self._settings.rules(),
        )

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for left, happens in tuple(self.meanwhile):
            self.meanwhile.remove((left, happens))
            if left > seconds:
                self.meanwhile.append((left - seconds, happens))
            else:
                happens()
        await self.hub.read()

    def alerts(self, service: str, name: str) -> list[Alert]:
        """What fires of a service."""
        found = self.hub.snapshot.alerts
        return [one for one in found if (one.system, one.service, one.name) == (self.system, service, name)]

    def errors(self, service: str) -> float:
        """The share of requests that fail, as the console has it."""
        (reading,) = (
            measure.reading
            for system in self.hub.snapshot.systems
            if system.system == self.system
            for one in system.services
            if one.service == service
            for measure in one.measures
            if measure.indicator.id == "errors"
        )
        assert reading is not None
        assert reading.value is not None
        return reading.value


def subject(alert: Alert) -> Subject:
    """The row of an alert."""
    return Subject(
        system=alert.system, service=alert.service, alert=safe(alert.identity), alert_name=alert.name
    )  # fmt: skip
