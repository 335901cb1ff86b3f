"""Two revisions side by side: every source that can tell is asked at once, and none hides another's failure."""

from __future__ import annotations

import pytest

from tests.hub.fakes import START, ScriptedSource, shop
from tuiops.core.clock import FakeClock
from tuiops.core.comparison import Compared
from tuiops.core.snapshot import Environment
from tuiops.core.text import lit
from tuiops.core.updates import HealthUpdate
from tuiops.errors import RateLimited, SourceError, Unreachable
from tuiops.hub.comparison import compare, measuring
from tuiops.hub.hub import Hub, Plan
from tuiops.hub.logbook import LogBook
from tuiops.hub.tail import LogPump

ASKED = ("shop", "api", "v2", "v1")


class Comparing(ScriptedSource):
    """Answers a comparison with what it is given, or raises it."""

    def __init__(self, name: str, answer: tuple[Compared, ...] | SourceError) -> None:
        super().__init__(name)
        self.answer = answer
        self.asked: list[tuple[str, ...]] = []

    async def read_comparison(self, *asked: str) -> tuple[Compared, ...]:
        self.asked.append(asked)
        if isinstance(self.answer, SourceError):
            raise self.answer
        return self.answer


async def test_the_answers_of_all_sources_stand_together() -> None:
    one, other = Compared(indicator=lit("errors"), new=0.1, old=0.0), Compared(indicator=lit("p95"), new=1.0)
    first = Comparing("a", (one,))
    sources = [first, ScriptedSource("plain", HealthUpdate(at=START)), Comparing("b", (other,))]
    found = await compare(sources, ASKED, FakeClock(START))
    assert (found.at, found.compared, found.troubles) == (START, (one, other), ())
    assert first.asked == [ASKED]


def test_only_those_are_asked_that_measure_the_service() -> None:
    systems = (shop("api", "web"),)
    assert measuring(systems, "shop", "api") == {"prom"}
    assert measuring(systems, "shop", "nobody") == measuring(systems, "other", "api") == frozenset()


async def test_a_hub_asks_nobody_else() -> None:
    asked, other = Comparing("prom", ()), Comparing("other", Unreachable("gone"))
    plan = Plan(environment=Environment(lit("test")), declared=(shop("api"),), sources=(asked, other))
    clock = FakeClock(START)
    hub = Hub(plan, clock, LogBook(), LogPump(LogBook(), clock))
    assert (await hub.comparison(*ASKED)).troubles == ()
    assert (len(asked.asked), len(other.asked)) == (1, 0)


async def test_a_source_that_fails_is_named_and_hides_no_other() -> None:
    one = Compared(indicator=lit("errors"), new=0.1, old=0.0)
    found = await compare([Comparing("a", (one,)), Comparing("b", RateLimited("wait"))], ASKED, FakeClock(START))
    assert found.compared == (one,)
    assert found.troubles == ("b: rate limited: wait",)


async def test_when_all_fail_it_fails_and_without_any_there_is_nothing_to_compare() -> None:
    with pytest.raises(Unreachable):
        await compare([Comparing("a", Unreachable("gone"))], ASKED, FakeClock(START))
    found = await compare([ScriptedSource("plain", HealthUpdate(at=START))], ASKED, FakeClock(START))
    assert (found.compared, found.troubles) == ((), ())
