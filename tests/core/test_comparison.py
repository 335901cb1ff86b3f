"""Which of two revisions is worse off."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub.fakes import START
from tuiops.core.comparison import Compared, Worse, judge_side, worse
from tuiops.core.health import Indicator, Limit, State
from tuiops.core.text import lit
from tuiops.core.units import Unit


def indicator(limit: str | None) -> Indicator:
    parsed = Limit.parse(limit, Unit.RATIO) if limit else None
    return Indicator(
        system=lit("shop"), id=lit("errors"), heading=lit("ERR%"), unit=Unit.RATIO, source=lit("prom"), degraded=parsed
    )


def sides(new: float | None, old: float | None) -> Compared:
    return Compared(indicator=lit("errors"), new=new, old=old)


@pytest.mark.parametrize(
    ("limit", "new", "old", "verdict"),
    [
        ("> 1%", 0.02, 0.004, Worse.NEW),
        ("> 1%", 0.004, 0.02, Worse.OLD),
        ("< 98%", 0.9, 0.999, Worse.NEW),
        ("<= 98%", 0.999, 0.8, Worse.OLD),
        ("> 1%", 0.0105, 0.0100, Worse.ALIKE),
        ("> 1%", 0.0, 0.0, Worse.ALIKE),
        ("> 1%", 0.001, 0.0, Worse.NEW),
        ("> 1%", None, 0.1, Worse.UNKNOWN),
        ("> 1%", math.nan, 0.1, Worse.UNKNOWN),
        (None, 0.9, 0.1, Worse.UNKNOWN),
    ],
)
def test_the_limit_says_which_direction_is_worse(
    limit: str | None, new: float | None, old: float | None, verdict: Worse
) -> None:
    assert worse(indicator(limit), sides(new, old)) is verdict


values = st.one_of(st.none(), st.just(math.nan), st.floats(0, 1))


@given(values, values, st.sampled_from(["> 1%", "< 98%"]))
def test_exchanging_the_sides_exchanges_the_verdict(new: float | None, old: float | None, limit: str) -> None:
    mirrored = {Worse.NEW: Worse.OLD, Worse.OLD: Worse.NEW}
    found = worse(indicator(limit), sides(new, old))
    assert worse(indicator(limit), sides(old, new)) is mirrored.get(found, found)


def test_no_data_of_a_side_is_unknown_and_never_well() -> None:
    states = [judge_side(indicator("> 1%"), value, START).state for value in (None, math.nan, 0.0, 0.5)]
    assert states == [State.UNKNOWN, State.UNKNOWN, State.OK, State.DEGRADED]
