"""Two revisions side by side: every source that can tell is asked at once, and none hides another's failure."""

from __future__ import annotations

import pytest

from tests.hub.fakes import START, ScriptedSource
from tuiops.core.clock import FakeClock
from tuiops.core.comparison import Compared
from tuiops.core.text import lit
from tuiops.core.updates import HealthUpdate
from tuiops.errors import RateLimited, SourceError, Unreachable
from tuiops.hub.comparison import compare

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
    sources = [Comparing("a", (one,)), ScriptedSource("plain", HealthUpdate(at=START)), Comparing("b", (other,))]
    found = await compare(sources, ASKED, FakeClock(START))
    assert (found.at, found.compared, found.troubles) == (START, (one, other), ())
    assert sources[0].asked == [ASKED]  # type: ignore[attr-defined]  # the first one keeps what it was asked


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
