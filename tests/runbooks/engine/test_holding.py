"""Conditions: what counts as data, what counts as holding, and that nothing else lets a run go on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.worlds import SmallWorld
from tuiops.config.values import Duration
from tuiops.core.rollouts import Phase
from tuiops.core.text import lit
from tuiops.core.units import Unit
from tuiops.errors import TimedOut
from tuiops.runbooks.engine.holding import Gating, Passed
from tuiops.runbooks.format.model import AnyCheck, CommandCheck, HttpCheck, IndicatorCheck, QueryCheck, RolloutCheck
from tuiops.runbooks.gates import Look, Viewpoint, bare_limit, label, look, within

if TYPE_CHECKING:
    from tuiops.core.runs import Held

ERRORS = IndicatorCheck(
    service="api", indicator="errors", limit="<= 1%", hold=Duration(30), within=Duration(60), every=Duration(5)
)
QUERY = QueryCheck(source="prom", query="up", limit=">= 0.95")


@pytest.fixture
def world() -> SmallWorld:
    return SmallWorld()


async def asked(check: HttpCheck | CommandCheck) -> Look:
    return Look(holds=True, value=lit("asked"))


def viewpoint(world: SmallWorld) -> Viewpoint:
    return Viewpoint(world=world, system=lit("shop"), since=world.clock.now(), ask=asked)


async def seen(world: SmallWorld, check: AnyCheck = ERRORS) -> Look:
    return await look(check, viewpoint(world))


async def gated(world: SmallWorld, check: AnyCheck, shown: list[Held] | None = None) -> Passed:
    kept = shown if shown is not None else []
    return await Gating(check, viewpoint(world), world.pause, kept.append).wait()


class TestIndicator:
    """What an indicator proves."""

    async def test_a_fresh_value_within_the_limit_holds(self, world: SmallWorld) -> None:
        world.measured(0.004)
        found = await seen(world)

        assert (found.holds, found.value, found.number) == (True, "0.40%", 0.004)

    async def test_a_fresh_value_outside_does_not(self, world: SmallWorld) -> None:
        world.measured(0.062)

        assert await seen(world) == Look(holds=False, value=lit("6.20%"), number=0.062)

    @pytest.mark.parametrize("value", [None, math.nan])
    async def test_no_data_never_holds(self, world: SmallWorld, value: float | None) -> None:
        world.measured(value)
        found = await seen(world)

        assert not found.holds
        assert found.reason

    async def test_what_the_source_cannot_tell_does_not_hold(self, world: SmallWorld) -> None:
        world.measured(0.0, unknown=lit("permission denied"))

        assert await seen(world) == Look(holds=False, reason=lit("permission denied"))

    async def test_a_stale_source_proves_nothing(self, world: SmallWorld) -> None:
        world.measured(0.0)
        world.clock.advance(60)

        assert not (await seen(world)).holds

    async def test_what_was_measured_before_proves_nothing(self, world: SmallWorld) -> None:
        view = viewpoint(world)
        world.measured(0.0, late=1.0)
        before = await look(ERRORS, view)
        world.clock.advance(1)
        world.measured(0.0)

        assert (before.holds, before.reason) == (False, "measured before this step began")
        assert (await look(ERRORS, view)).holds

    async def test_an_indicator_that_is_not_there_is_named(self, world: SmallWorld) -> None:
        found = await seen(world, IndicatorCheck(service="api", indicator="latency", limit="< 1s"))

        assert (found.holds, found.reason) == (False, "api has no indicator latency")


class TestQuery:
    """What an expression proves."""

    async def test_every_series_must_be_within(self, world: SmallWorld) -> None:
        world.values["up"] = (1.0, 0.97)
        assert (await seen(world, QUERY)).holds

        world.values["up"] = (1.0, 0.9, 0.97)
        assert await seen(world, QUERY) == Look(holds=False, value=lit("0.9"), number=0.9)
        assert world.queried == [("prom", "up")] * 2

    async def test_no_series_and_nan_are_no_data(self, world: SmallWorld) -> None:
        assert (await seen(world, QUERY)).reason == "no data"

        world.values["up"] = (1.0, math.nan)
        assert not (await seen(world, QUERY)).holds

    async def test_a_source_that_fails_makes_it_false(self, world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        async def fail(source: str, promql: str) -> tuple[float, ...]:
            raise TimedOut("no answer within 5s")

        monkeypatch.setattr(world, "query", fail)

        assert await seen(world, QUERY) == Look(holds=False, reason=lit("no answer within 5s"))


class TestRollout:
    """What the rollouts pane proves."""

    async def test_one_under_way_does_not_hold(self, world: SmallWorld) -> None:
        world.rolled(Phase.RUNNING)
        found = await seen(world, RolloutCheck(service="api"))

        assert (found.holds, found.reason) == (False, "api-1 to api-2 is under way")

    @pytest.mark.parametrize(("phase", "holds"), [(Phase.SUCCEEDED, True), (Phase.FAILED, False)])
    async def test_how_the_last_one_ended_counts_where_it_is_asked(
        self, world: SmallWorld, phase: Phase, holds: bool
    ) -> None:
        world.rolled(phase)

        assert (await seen(world, RolloutCheck(service="api", ended="succeeded"))).holds is holds
        assert (await seen(world, RolloutCheck(service="api"))).holds

    @pytest.mark.parametrize(("phase", "holds"), [(Phase.WAITING, True), (Phase.RUNNING, False), (Phase.FAILED, True)])
    async def test_one_may_wait_for_its_first_traffic_where_that_is_right(
        self, world: SmallWorld, phase: Phase, holds: bool
    ) -> None:
        world.rolled(phase)

        assert (await seen(world, RolloutCheck(service="api", ended="waiting"))).holds is holds
        assert (await seen(world, RolloutCheck(service="api"))).holds is (phase is Phase.FAILED)

    async def test_only_a_live_feed_can_say_that_there_is_none(self, world: SmallWorld) -> None:
        assert not (await seen(world, RolloutCheck(service="api"))).holds

        world.rolled(Phase.SUCCEEDED)
        world.clock.advance(60)
        assert not (await seen(world, RolloutCheck(service="api"))).holds

    async def test_what_was_read_before_proves_nothing(self, world: SmallWorld) -> None:
        world.rolled(Phase.SUCCEEDED)
        world.clock.advance(1)

        assert (await seen(world, RolloutCheck(service="api"))).reason == "read before this step began"


async def test_what_only_an_effect_can_tell_is_asked(world: SmallWorld) -> None:
    for check in (HttpCheck(url="http://127.0.0.1/health"), CommandCheck(argv=("true",))):
        assert (await seen(world, check)).value == "asked"


class TestHolding:
    """A condition over time."""

    async def test_it_passes_when_it_has_held_without_a_break(self, world: SmallWorld) -> None:
        world.measured(0.0)
        world.meanwhile = lambda: world.measured(0.0)
        shown: list[Held] = []
        passed = await gated(world, ERRORS, shown)

        assert passed.held
        assert passed.text == "0.00% for 30s"
        assert [one.value for one in passed.evidence.facts] == ["api errors <= 1%", "0.00%"]
        assert len(shown) == 7
        assert {one.needed for one in shown} == {30.0}

    async def test_the_record_has_the_whole_condition_and_the_screen_a_caption(self, world: SmallWorld) -> None:
        check = QueryCheck(source="prom", query=f"{{job='{'a' * 200}'}}", limit=">= 1", within=Duration(1))
        shown: list[Held] = []
        passed = await gated(world, check, shown)
        assert passed.evidence.facts[0].value == f"{check.query} >= 1 at prom"
        assert shown[0].label == f"{check.query[:79]}… >= 1"

    async def test_a_break_begins_it_anew(self, world: SmallWorld) -> None:
        course = iter([0.0, 0.0, 0.5, *[0.0] * 20])
        world.measured(next(course))
        world.meanwhile = lambda: world.measured(next(course))
        shown: list[Held] = []
        await gated(world, ERRORS, shown)

        assert [one.holds for one in shown] == [True, True, False, *[True] * 7]

    async def test_it_fails_when_it_does_not_begin_to_hold_in_time(self, world: SmallWorld) -> None:
        world.measured(0.062)
        world.meanwhile = lambda: world.measured(0.062)
        passed = await gated(world, ERRORS)

        assert (passed.held, passed.text) == (False, "not within 1m: 6.20% is not within the limit")

    async def test_no_data_fails_in_time_too(self, world: SmallWorld) -> None:
        world.answered = None
        passed = await gated(world, ERRORS)

        assert not passed.held
        assert "waiting for first data" in passed.text

    async def test_it_may_finish_holding_after_the_time_to_begin(self, world: SmallWorld) -> None:
        course = iter([0.5] * 11 + [0.0] * 10)
        world.measured(next(course))
        world.meanwhile = lambda: world.measured(next(course))

        assert (await gated(world, ERRORS)).held

    async def test_a_time_without_a_look_is_a_break(self, world: SmallWorld) -> None:
        pauses = iter([5, 5, 3600, *[5] * 10])

        def asleep() -> None:
            world.clock.advance(next(pauses) - 5)
            world.measured(0.0)

        world.measured(0.0)
        world.meanwhile = asleep
        shown: list[Held] = []
        await gated(world, ERRORS, shown)

        assert len(shown) == 3 + 7


class TestLimits:
    """How limits are written."""

    def test_of_a_state(self) -> None:
        assert within("ok", Unit.STATE, 0.0)
        assert not within("ok", Unit.STATE, 1.0)
        assert within("degraded", Unit.STATE, 1.0)
        with pytest.raises(ValueError, match="write 'ok' or 'degraded'"):
            within("< 1", Unit.STATE, 0.0)

    def test_of_a_bare_number(self) -> None:
        assert bare_limit("<= 5%").crossed(0.05)
        assert not bare_limit(">= 0.95").crossed(0.9)
        with pytest.raises(ValueError, match="not a limit"):
            bare_limit("about 5")

    def test_every_condition_has_a_label(self) -> None:
        assert label(ERRORS) == "api errors <= 1%"
        assert label(QUERY) == "up >= 0.95"
        assert label(HttpCheck(url="https://x/health", status=(200, 204))) == "GET https://x/health answers 200 or 204"
        assert label(CommandCheck(argv=("check", "it"))) == "`check it` ends with 0"
        assert label(RolloutCheck(service="api")) == "no rollout of api under way"
        assert label(RolloutCheck(service="api", ended="succeeded")) == "last rollout of api succeeded"
        waiting = RolloutCheck(service="api", ended="waiting")
        assert label(waiting) == "no rollout of api beyond waiting for traffic"
