"""A system of the examples on the fake of Google, with an engine, a ledger and somebody who sits at it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.examples.answers import Answers
from tests.examples.gcloud import Gcloud
from tests.examples.stages import Stage
from tests.examples.worlds import ExampleWorld
from tests.ledger.homes import FileHome, opened
from tests.runbooks.playing import Playing
from tuiops.core.health import Indicator, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit, safe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tuiops.core.units import Unit
    from tuiops.runbooks.execution.effects import Executions

FEED = lit("all")


class PlayedWorld(ExampleWorld):
    """The world around what is acted on: everything is told at once, as the test says it is."""

    good: float | None = 1.0
    """The share of good requests, as Cloud Monitoring tells it; None while it tells nothing."""
    requests: float | None = 500.0
    """How many there were."""
    rolls: tuple[tuple[str, Phase], ...] = ()
    """The last rollout of each service."""
    levels: dict[tuple[str, str], tuple[Unit, float]]
    """By service and indicator: what is measured."""
    measure: Callable[[], None]
    """Brings the levels up to date."""

    async def query(self, source: str, promql: str) -> tuple[float, ...]:
        self.queried.append((source, promql))
        told = self.good if "/" in promql else self.requests
        return () if told is None else (told,)

    @property
    def snapshot(self) -> Snapshot:
        self.measure()
        now, name = self.clock.now(), safe(self._about)
        rollouts = tuple(
            Rollout(
                id=safe(service), system=name, service=safe(service), strategy=lit("canary"), new=lit("new"),
                phase=phase, started=now, ended=now if phase.ended else None, source=FEED,
            )
            for service, phase in self.rolls
        )  # fmt: skip
        services = tuple(
            ServiceHealth(
                system=name,
                service=safe(service),
                label=safe(service),
                measures=(
                    Measure(
                        indicator=Indicator(
                            system=name, id=safe(indicator), heading=lit("X"), unit=unit, source=FEED
                        ),
                        reading=Reading(
                            system=name, service=safe(service), indicator=safe(indicator), at=now, value=value
                        ),
                    ),
                ),
            )
            for (service, indicator), (unit, value) in self.levels.items()
        )  # fmt: skip
        status = SourceStatus(name=FEED, kind=lit("gcp"), interval=30.0, answered=now)
        system = SystemHealth(system=name, label=name, environment=lit("production"), services=services)
        return Snapshot(
            version=1,
            at=now,
            environment=Environment(lit("production"), production=True),
            systems=(system,),
            rollouts=rollouts,
            feeds=MappingProxyType({FEED: Feed(topic=Topic.HEALTH, status=status)}),
        )

    def about(self, system: str) -> None:
        """Which system all of this is about."""
        self._about = system
        self.levels = {}
        self.measure = lambda: None


class Play(Playing):
    """A system at work. Arrange Cloud Run first (`run`), then `begin`."""

    def __init__(self, google: GoogleStage, folder: Path, system: str) -> None:
        super().__init__(system)
        self.stage = Stage(google, folder, system)
        self.folder = folder
        self.run = self.stage.run
        self.gcloud = Gcloud(self.stage)

    async def begin(self) -> None:
        planner = self.stage.begin(PlayedWorld)
        world = planner._world
        assert isinstance(world, PlayedWorld)
        self.world = world
        world.about(self.system)
        await self.sit_down(planner, world, self._effects(), opened(FileHome(self.folder)))

    def _effects(self) -> Executions:
        self.answers = Answers(self.folder / "executions", self.gcloud.command)
        return self.answers

    async def passes(self, seconds: float) -> None:
        self.stage.google.clock.advance(seconds)
        self.world.meanwhile()

    def traffic(self, *services: str) -> dict[str, dict[str, int]]:
        """What flows where, by the names of Cloud Run's services."""
        found = {}
        for service in services:
            statuses = self.run.service(service)["trafficStatuses"]
            found[service] = {one["revision"]: one["percent"] for one in statuses if one.get("percent")}
        return found

    async def close(self) -> None:
        await self.stand_up()
        await self.stage.close()
