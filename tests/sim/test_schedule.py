"""Occurrences are the same whoever asks, and effects rise and fall between nothing and their peak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.sim.model import Recurrence
from tuiops.sim.schedule import between, latest, occurrence, strength

KEYS = st.integers(0, 2**64 - 1)
TIMES = st.floats(-1e5, 1e6)
HOURLY = Recurrence(first=-100, every=3600, spread=0.3, past=2)


@given(KEYS, TIMES)
def test_latest_is_the_last_one_that_began(key: int, t: float) -> None:
    found = latest(HOURLY, key, t)
    following = occurrence(HOURLY, key, found.number + 1)
    assert following.start > t
    assert found.start <= t or found.number == -HOURLY.past


@given(KEYS, TIMES, st.floats(0, 5e4))
def test_between_agrees_with_latest(key: int, start: float, length: float) -> None:
    found = list(between(HOURLY, key, start, start + length))
    assert all(start <= each.start <= start + length for each in found)
    assert [each.number for each in found] == sorted({each.number for each in found})
    if found:
        assert latest(HOURLY, key, start + length) == found[-1]


@given(KEYS)
def test_opening_occurrence_is_exactly_on_time(key: int) -> None:
    assert occurrence(HOURLY, key, 0).start == HOURLY.first


def test_nothing_happens_before_the_first_occurrence() -> None:
    assert list(between(HOURLY, 1, -1e6, -3 * 3600)) == []
    assert latest(HOURLY, 1, -1e6).number == -2


@pytest.mark.parametrize(
    ("since", "expected"),
    [(-50, 0.0), (10, 0.0), (60, 0.5), (110, 1.0), (1000, 1.0), (1050, 0.5), (1100, 0.0), (5000, 0.0)],
)
def test_strength(since: float, expected: float) -> None:
    assert strength(since, delay=10, ramp=100, lasts=1000, fade=100) == pytest.approx(expected)
