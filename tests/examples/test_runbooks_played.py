"""The runbooks of manga, carried out on the fake of Google: what the traffic does, and what goes back."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import pytest

from tests.examples.test_runbooks_planned import Stage
from tests.examples.worlds import ExampleWorld
from tests.ledger.homes import FileHome, opened
from tests.runbooks.engine.stage import RESTS
from tests.runbooks.records import KIM
from tuiops.config.secrets import resolve_secret
from tuiops.core.access import Danger, Rule
from tuiops.core.rollouts import Phase, Rollout
from tuiops.core.runs import RunState, StepState
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit, safe
from tuiops.ledger.holders import this_process
from tuiops.runbooks.doing import Means
from tuiops.runbooks.engine import Engine
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.gates import Look
from tuiops.runbooks.model import HttpCheck
from tuiops.runbooks.permits import Permits
from tuiops.runbooks.sitting import Sitting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tuiops.core.runs import RunView
    from tuiops.runbooks.model import CommandCheck
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector

PHASES = tuple(f"phase{number}" for number in range(1, 9))
RULES = (Rule(danger=Danger.DESTROYS, place=lit("test")),)


class PlayedWorld(ExampleWorld):
    """The world around the phases: candidates wait, and Cloud Monitoring answers what the test says."""

    good = 1.0
    """The share of good requests."""

    async def query(self, source: str, promql: str) -> tuple[float, ...]:
        self.queried.append((source, promql))
        return (self.good,) if "/" in promql else (500.0,)

    @property
    def snapshot(self) -> Snapshot:
        now = self.clock.now()
        waiting = (
            Rollout(
                id=safe(f"{phase}/new"), system=lit("manga"), service=safe(phase), strategy=lit("canary"),
                new=lit("new"), phase=Phase.WAITING, started=now, source=lit("manga/rollouts"),
            )
            for phase in PHASES
        )  # fmt: skip
        status = SourceStatus(name=lit("manga/rollouts"), kind=lit("gcp"), interval=30.0, answered=now)
        return Snapshot(
            version=1,
            at=now,
            environment=Environment(lit("production"), production=True),
            rollouts=tuple(waiting),
            feeds=MappingProxyType({"manga/rollouts": Feed(topic=Topic.ROLLOUTS, status=status)}),
        )


class Answers(Executions):
    """Effects of a world in which every address answers."""

    down = ""
    """What stands in the address that does not answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(resolve_secret, lambda: cast("HttpConnector", None), _no_bastion, base=folder)
        self.asked: list[str] = []

    async def look(self, check: HttpCheck | CommandCheck) -> Look:
        assert isinstance(check, HttpCheck)
        self.asked.append(check.url)
        return Look(holds=not self.down or self.down not in check.url, value=lit("asked"))


def _no_bastion(name: str) -> Bastion:
    raise KeyError(name)


class Play:
    """Manga with a candidate in every phase, and somebody at an engine."""

    def __init__(self, google: GoogleStage, folder: Path) -> None:
        self.stage = Stage(google, folder, "manga")
        run = self.stage.run
        self.old = {phase: run.deploy(f"{phase}-service", f"manga/{phase}:1") for phase in PHASES}
        google.clock.advance(60)
        self.new = {
            phase: run.deploy(f"{phase}-service", f"manga/{phase}:2", traffic=False, tag="cand") for phase in PHASES
        }
        google.clock.advance(60)
        self.playing = False
        self.planner = self.stage.begin(PlayedWorld)
        world = self.planner._world
        assert isinstance(world, PlayedWorld)
        self.world = world
        self.answers = Answers(folder / "executions")
        self.engine = Engine(
            opened(FileHome(folder)),
            Means(world=world, effects=self.answers, resolve=resolve_secret, pause=self._pause),
            this_process(lit("kim"), KIM.session),
            Permits(lambda: RULES),
        )
        self.sitting = Sitting(self.engine, self.planner, lambda: KIM)

    async def _pause(self, seconds: float) -> None:
        """Time passes while something is carried out; while somebody looks at a card, it does not."""
        if self.playing:
            self.stage.google.clock.advance(seconds)
        await asyncio.sleep(0.001)

    def traffic(self) -> dict[str, dict[str, int]]:
        """What flows where, by phase."""
        found = {}
        for phase in PHASES:
            statuses = self.stage.run.service(f"{phase}-service")["trafficStatuses"]
            found[phase] = {one["revision"]: one["percent"] for one in statuses if one.get("percent")}
        return found

    async def played(self, runbook: str, **values: tuple[str, ...]) -> str:
        """A run, when it has come to rest."""
        card = await self.sitting.plan(runbook, "manga", values)
        run = await self.sitting.confirm(card)
        await self.rests(run)
        return run

    async def rests(self, run: str) -> None:
        """Until nobody carries it out any more."""
        self.playing = True
        async with asyncio.timeout(60):
            while True:
                if self._rests(run):
                    break
                await asyncio.sleep(0.01)
        self.playing = False

    def _rests(self, run: str) -> bool:
        return self.engine.find(run) is not None and self.view(run).state in RESTS and self.engine.carrier(run) is None

    def view(self, run: str) -> RunView:
        return self.engine.history(run).view

    async def close(self) -> None:
        await self.engine.stop()
        await self.stage.close()


@pytest.fixture
async def play(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Play]:
    made = Play(google, tmp_path)
    await made.engine.start()
    yield made
    await made.close()


async def test_the_update_ends_with_every_phase_at_its_newest_revision(play: Play) -> None:
    run = await play.played("manga-rolling-update")
    view = play.view(run)
    assert (view.state, [step.text for step in view.steps if step.state is not StepState.SUCCEEDED]) == (
        RunState.SUCCEEDED, [],
    )  # fmt: skip
    assert play.traffic() == {phase: {name: 100} for phase, name in play.new.items()}
    assert [url.rpartition("/")[2] for url in play.answers.asked] == ["health", *PHASES]
    assert {source for source, _ in play.world.queried} == {"manga-metrics"}


async def test_a_canary_that_does_badly_stays_at_a_tenth_and_goes_back_when_it_is_undone(play: Play) -> None:
    play.world.good = 0.9
    run = await play.played("manga-rolling-update")
    view = play.view(run)
    failed = next(step for step in view.steps if step.state is StepState.FAILED)
    assert (view.state, failed.key) == (RunState.FAILED, "good_at_tenth")
    assert play.traffic()["phase1"] == {play.new["phase1"]: 10, play.old["phase1"]: 90}
    assert play.traffic()["phase2"] == {play.old["phase2"]: 100}

    await play.sitting.undo(run)
    await play.rests(run)
    assert play.view(run).state is RunState.UNDONE
    assert play.traffic() == {phase: {name: 100} for phase, name in play.old.items()}


async def test_a_phase_that_does_not_answer_stops_the_ones_after_it_and_all_go_back(play: Play) -> None:
    play.answers.down = "phase3"
    run = await play.played("manga-rolling-update")
    view = play.view(run)
    assert (view.state, [step.key for step in view.steps if step.state is StepState.FAILED]) == (
        RunState.FAILED, ["roll[phase3].well"],
    )  # fmt: skip
    assert play.traffic()["phase3"] == {play.new["phase3"]: 100}
    assert play.traffic()["phase4"] == {play.old["phase4"]: 100}

    await play.sitting.undo(run)
    await play.rests(run)
    assert play.view(run).state is RunState.UNDONE
    assert play.traffic() == {phase: {name: 100} for phase, name in play.old.items()}


async def test_the_rollback_takes_back_what_the_update_did(play: Play) -> None:
    await play.played("manga-rolling-update")
    run = await play.played("manga-rollback", phases=PHASES)
    assert play.view(run).state is RunState.SUCCEEDED
    assert play.traffic() == {phase: {name: 100} for phase, name in play.old.items()}
    assert [step.key for step in play.view(run).steps][:2] == ["back[phase8].shift", "back[phase8].well"]
