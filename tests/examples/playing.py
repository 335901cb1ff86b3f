"""A system of the examples on the fake of Google, with an engine, a ledger and somebody who sits at it."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from tests.examples.gcloud import Gcloud, GcloudError
from tests.examples.stages import Stage
from tests.examples.worlds import ExampleWorld
from tests.ledger.homes import FileHome, opened
from tests.runbooks.engine.stage import RESTS
from tests.runbooks.records import KIM
from tuiops.config.secrets import resolve_secret
from tuiops.core.access import Danger, Rule
from tuiops.core.health import Indicator, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit, safe
from tuiops.errors import Refused
from tuiops.ledger.holders import this_process
from tuiops.runbooks.captures import captured
from tuiops.runbooks.doing import Means
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.engine import Engine
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.gates import Look
from tuiops.runbooks.model import CommandAction, HttpCheck
from tuiops.runbooks.permits import Permits
from tuiops.runbooks.sitting import Sitting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tuiops.core.runs import RunView, StepView
    from tuiops.core.units import Unit
    from tuiops.runbooks.model import CommandCheck
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector

RULES = (Rule(danger=Danger.DESTROYS, place=lit("test")),)
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


class Answers(Executions):
    """Effects of a world in which every address answers and every command is gcloud's."""

    down = ""
    """What stands in the address that does not answer."""

    def __init__(self, folder: Path, play: Play) -> None:
        super().__init__(resolve_secret, lambda: cast("HttpConnector", None), _no_bastion, base=folder)
        self._play = play
        self.asked: list[str] = []

    async def look(self, check: HttpCheck | CommandCheck) -> Look:
        assert isinstance(check, HttpCheck)
        self.asked.append(check.url)
        return Look(holds=not self.down or self.down not in check.url, value=lit("asked"))

    async def command(self, execution: str, do: CommandAction, **_: object) -> Outcome:
        try:
            printed = self._play.gcloud(do.argv)
        except GcloudError as error:
            return Outcome(end=End.FAILED, text=safe(str(error)))
        try:
            return Outcome(end=End.SUCCEEDED, captured=captured(do.capture, printed))
        except Refused as error:
            return Outcome(end=End.FAILED, text=safe(str(error)))


def _no_bastion(name: str) -> Bastion:
    raise KeyError(name)


class Play:
    """A system at work. Arrange Cloud Run first (`run`), then `begin`."""

    def __init__(self, google: GoogleStage, folder: Path, system: str) -> None:
        self.stage = Stage(google, folder, system)
        self.system, self.folder = system, folder
        self.run = self.stage.run
        self.gcloud = Gcloud(self.stage)
        self.playing = False

    async def begin(self) -> None:
        planner = self.stage.begin(PlayedWorld)
        world = planner._world
        assert isinstance(world, PlayedWorld)
        self.world = world
        world.about(self.system)
        self.engine = Engine(
            opened(FileHome(self.folder)),
            Means(world=world, effects=self._effects(), resolve=resolve_secret, pause=self._pause),
            this_process(lit("kim"), KIM.session),
            Permits(lambda: RULES),
            self._published,
        )
        self.sitting = Sitting(self.engine, planner, lambda: KIM)
        await self.engine.start()

    def _effects(self) -> Executions:
        self.answers = Answers(self.folder / "executions", self)
        return self.answers

    def _published(self, runs: tuple[RunView, ...]) -> None:
        """All that a console would show of runs, whenever that changes."""

    def by_hand(self, asking: StepView) -> None:
        """What somebody does who is asked to."""

    async def _pause(self, seconds: float) -> None:
        """Time passes while something is carried out; while somebody looks at a card, it does not."""
        if self.playing:
            self.stage.google.clock.advance(seconds)
            self.world.meanwhile()
        await asyncio.sleep(0)

    def traffic(self, *services: str) -> dict[str, dict[str, int]]:
        """What flows where, by the names of Cloud Run's services."""
        found = {}
        for service in services:
            statuses = self.run.service(service)["trafficStatuses"]
            found[service] = {one["revision"]: one["percent"] for one in statuses if one.get("percent")}
        return found

    async def played(self, runbook: str, *, attested: bool = False, **values: tuple[str, ...]) -> str:
        """A run, when it has come to rest; `attested`: whoever is asked says that it is done."""
        card = await self.sitting.plan(runbook, self.system, values)
        run = await self.sitting.confirm(card, card.must_type)
        await self.rests(run, attested=attested)
        return run

    async def rests(self, run: str, *, attested: bool = False) -> None:
        """Until nobody carries it out any more."""
        self.playing = True
        async with asyncio.timeout(60):
            while True:
                if self._rests(run):
                    break
                if attested and (asking := self._asking(run)) is not None:
                    self.by_hand(asking)
                    await self.sitting.settle(run, asking.key, succeeded=True, note="done by hand")
                await asyncio.sleep(0.01)
        self.playing = False

    def _asking(self, run: str) -> StepView | None:
        steps = self.view(run).steps if self.engine.find(run) is not None else ()
        return next((step for step in steps if step.state.value == "waits for a person"), None)

    def _rests(self, run: str) -> bool:
        return self.engine.find(run) is not None and self.view(run).state in RESTS and self.engine.carrier(run) is None

    def view(self, run: str) -> RunView:
        return self.engine.history(run).view

    async def close(self) -> None:
        await self.engine.stop()
        await self.stage.close()
