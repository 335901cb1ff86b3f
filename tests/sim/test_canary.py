"""The simulated canary: shares that lag, values that add up, lines that name their revision, drift."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tuiops.config.sources import SimulationConfig
from tuiops.core.clock import FakeClock
from tuiops.core.rollouts import GateResult, Phase, Rollout, StepKind
from tuiops.sim.logs import LogStream
from tuiops.sim.simulation import Simulation, build_simulation
from tuiops.sim.sources import Cloud, Rollouts

if TYPE_CHECKING:
    from tuiops.core.comparison import Compared

START = datetime(2026, 5, 4, tzinfo=UTC)
CHAT = "tokyo"
BAD_CANARY = 7500.0
"""Seconds until the release begins whose canary fails."""


class World:
    """A simulation at a moment."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.simulation: Simulation = build_simulation(SimulationConfig(), self.clock)

    def source(self, system: str) -> Cloud:
        found = next(source for source in self.simulation.sources() if source.name == f"sim-{system}")
        assert isinstance(found, Cloud)
        return found

    async def live(self, system: str, service: str) -> Rollout:
        found = (await self.source(system).read_rollouts()).rollouts
        return next(one for one in found if one.live and one.service == service)

    async def compared(self, rollout: Rollout) -> dict[str, Compared]:
        asked = (rollout.system, rollout.service, rollout.new, rollout.old)
        return {one.indicator: one for one in await self.source(rollout.system).read_comparison(*asked)}

    def lines(self, seconds: float) -> list[dict[str, str]]:
        """What the chat service writes next."""
        stream = next(s for s in self.simulation.sources() if s.name == f"sim-log-{CHAT}-chat")
        assert isinstance(stream, LogStream)
        before = self.clock.now()
        self.clock.advance(seconds)
        return [json.loads(line) for line in stream.lines(before, self.clock.now()).splitlines()]


@pytest.fixture
def world() -> World:
    return World()


async def test_traffic_follows_what_is_set_and_instances_follow_traffic(world: World) -> None:
    world.clock.advance(300)
    seen: list[tuple[float, float]] = []
    for _ in range(100):
        world.clock.advance(10)
        found = (await world.source("manga").read_rollouts()).rollouts
        for rollout in found:
            if rollout.live:
                meant, real = rollout.share_set, rollout.share_actual
                assert meant is not None
                assert real is not None
                seen.append((meant, real))
                new, old = rollout.sides
                assert (new.set or 0) + (old.set or 0) == pytest.approx(1)
                assert (new.actual or 0) + (old.actual or 0) == pytest.approx(1)
                assert (new.running or 0) + (old.running or 0) >= 20
    assert all(0 <= real <= meant for meant, real in seen)
    assert [real for _, real in seen] == sorted(real for _, real in seen)
    assert any(meant - real > 0.01 for meant, real in seen)


async def test_only_timers_have_an_end_that_is_known(world: World) -> None:
    world.clock.advance(310)
    for _ in range(90):
        world.clock.advance(10)
        for rollout in (await world.source("manga").read_rollouts()).rollouts:
            for step in rollout.steps:
                assert (step.ends is not None) == (step.phase is Phase.RUNNING and step.kind is StepKind.WAIT)


async def test_instances_that_are_replaced_in_place_have_no_share_of_traffic(world: World) -> None:
    source = next(s for s in world.simulation.sources() if s.name == "sim-ecs")
    assert isinstance(source, Rollouts)
    past = (await source.read_rollouts()).rollouts
    sides = [side for rollout in past for side in rollout.sides]
    assert sides
    assert all(side.set is None and side.actual is None for side in sides)
    assert {rollout.client for rollout in past} >= {"GitHub Actions", "AWS console"}


async def test_a_bad_canary_is_worse_than_the_old_one_which_is_as_well_as_ever(world: World) -> None:
    world.clock.advance(BAD_CANARY + 400)
    rollout = await world.live(CHAT, "chat")
    errors = (await world.compared(rollout))["errors"]
    assert errors.new is not None
    assert errors.old is not None
    assert errors.new > 0.3
    assert errors.old < 0.01
    share = rollout.share_actual or 0
    shown = [one for one in (await world.source(CHAT).read_health()).readings if one.service == "chat"]
    (whole,) = [one.value for one in shown if one.indicator == "errors"]
    assert share * errors.new + (1 - share) * errors.old == pytest.approx(whole, rel=0.01)
    assert rollout.gates[0].result is GateResult.FAIL


async def test_its_lines_name_the_revision_and_the_errors_are_the_canarys(world: World) -> None:
    world.clock.advance(BAD_CANARY + 400)
    rollout = await world.live(CHAT, "chat")
    lines = world.lines(160)
    assert {line["revision"] for line in lines} == {rollout.new, rollout.old}
    failed = [line["level"] == "error" for line in lines if line["revision"] == rollout.new]
    others = [line["level"] == "error" for line in lines if line["revision"] == rollout.old]
    assert sum(failed) / len(failed) > 5 * max(1, sum(others)) / len(others)


async def test_lines_of_quiet_times_name_no_revision(world: World) -> None:
    world.clock.advance(3000)
    assert all("revision" not in line for line in world.lines(30))


async def test_nothing_is_compared_but_the_revisions_that_serve(world: World) -> None:
    rollout = await world.live(CHAT, "chat")
    source = world.source(CHAT)
    assert await source.read_comparison(CHAT, "chat", rollout.old, rollout.new) == ()
    assert await source.read_comparison(CHAT, "redis", rollout.new, rollout.old) == ()
    assert await source.read_comparison("manga", "chat", rollout.new, rollout.old) == ()


async def test_one_service_has_drifted_and_stays_so(world: World) -> None:
    for seconds in (0, 3600):
        world.clock.advance(seconds)
        update = await world.source("manga").read_rollouts()
        assert {(one.service, one.text()) for one in update.drifts} == {
            ("phase6", "max instances 10, expected 20"), ("phase6", "env IMAGEN_CACHE on, expected off"),
        }  # fmt: skip


async def test_it_wants_to_be_asked_again_soon_while_something_rolls(world: World) -> None:
    assert (await world.source(CHAT).read_rollouts()).again_in == 5.0
    assert (await world.source("omniy").read_rollouts()).again_in is None
