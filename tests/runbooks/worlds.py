"""A small world: one shop with a service, its error rate and its rollouts, under a clock that the test moves."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from tests.runbooks.records import START
from tuiops.config.model import Config
from tuiops.core.clock import FakeClock
from tuiops.core.health import Indicator, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import EMPTY, SafeText, lit
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tuiops.sources.abilities import Acts, Told
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector

ERRORS = Indicator(
    system=lit("shop"), id=lit("errors"), heading=lit("ERR%"), unit=Unit.RATIO, source=lit("prom")
)  # fmt: skip


class SmallWorld:
    """A `runbooks.world.World` that the test arranges. `pause` lets its time pass, and `meanwhile` happens then."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.interval = 5.0
        self.reading: Reading | None = None
        self.answered: datetime | None = START
        self.rollouts: tuple[Rollout, ...] = ()
        self.values: dict[str, tuple[float, ...]] = {}
        self.queried: list[tuple[str, str]] = []
        self.acts: dict[tuple[str, str], Acts] = {}
        self.bastions: dict[str, Bastion] = {}
        self.configured = Config()
        self.tells: dict[tuple[str, str], tuple[SafeText, ...]] = {}
        self.poked: list[str | None] = []
        self.said: list[tuple[str, str]] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def measured(self, value: float | None, *, unknown: SafeText = EMPTY, late: float = 0.0) -> None:
        """The source answers at this moment."""
        now = self.clock.now()
        self.answered = now
        self.reading = Reading(
            system=lit("shop"),
            service=lit("api"),
            indicator=lit("errors"),
            at=now - timedelta(seconds=late),
            value=value,
            unknown=unknown,
        )

    def rolled(self, phase: Phase) -> None:
        """The rollouts feed answers at this moment."""
        self.answered = self.clock.now()
        self.rollouts = (
            Rollout(
                id=lit("api/api-2"),
                system=lit("shop"),
                service=lit("api"),
                strategy=lit("canary"),
                old=lit("api-1"),
                new=lit("api-2"),
                phase=phase,
                started=START,
                ended=self.answered if phase.ended else None,
                source=lit("prom"),
            ),
        )

    @property
    def snapshot(self) -> Snapshot:
        measure = Measure(indicator=ERRORS, reading=self.reading)
        service = ServiceHealth(system=lit("shop"), service=lit("api"), label=lit("api"), measures=(measure,))
        system = SystemHealth(
            system=lit("shop"), label=lit("shop"), environment=lit("staging"), services=(service,)
        )  # fmt: skip
        status = SourceStatus(
            name=lit("prom"), kind=lit("prometheus"), interval=self.interval, answered=self.answered
        )  # fmt: skip
        return Snapshot(
            version=1,
            at=self.clock.now(),
            environment=Environment(lit("staging")),
            systems=(system,),
            rollouts=self.rollouts,
            feeds=MappingProxyType({"prom": Feed(topic=Topic.HEALTH, status=status)}),
        )

    @property
    def connector(self) -> HttpConnector:
        return cast("HttpConnector", None)

    def acting(self, system: str, resource: str) -> Acts | None:
        return self.acts.get((system, resource))

    def bastion(self, name: str) -> Bastion:
        return self.bastions[name]

    async def query(self, source: str, promql: str) -> tuple[float, ...]:
        self.queried.append((source, promql))
        return self.values.get(promql, ())

    @property
    def config(self) -> Config:
        return self.configured

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        return self.tells.get((of, resource), ())

    def poke(self, feed: str | None = None) -> None:
        self.poked.append(feed)

    async def notify(self, channel: str, message: SafeText) -> SafeText:
        self.said.append((channel, message))
        return lit("recorded only")

    async def pause(self, seconds: float) -> None:
        """What the engine waits with."""
        self.clock.advance(seconds)
        self.meanwhile()
