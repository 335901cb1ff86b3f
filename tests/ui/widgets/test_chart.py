"""Plots, row by row, as they are drawn."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.health import Limit
from tuiops.core.text import lit
from tuiops.core.units import Unit
from tuiops.core.updates import Series, SeriesPoint
from tuiops.ui.widgets.chart import Ink, Plot, draw
from tuiops.ui.widgets.ticks import value_ticks

END = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
START = END - timedelta(minutes=20)


def plot(*values: float | None, unit: Unit = Unit.RATIO, zone: ZoneInfo | None = None) -> Plot:
    """One value a minute from the start on; None is no point."""
    points = tuple(
        SeriesPoint(START.timestamp() + 60 * minute, value) for minute, value in enumerate(values) if value is not None
    )
    return Plot(
        series=(Series(label=lit("api"), points=points),),
        unit=unit, degraded=Limit.parse("> 1%", unit) if unit is Unit.RATIO else None,
        start=START, end=END, now=END, step=60.0, zone=zone,
    )  # fmt: skip


def text(drawn: tuple[tuple[tuple[str, Ink], ...], ...]) -> list[str]:
    return ["".join(piece for piece, _ in row).rstrip() for row in drawn]


def test_a_rise_over_the_limit() -> None:
    values = [0.002] * 10 + [0.002 + 0.0038 * step for step in range(1, 11)]
    drawn = draw(plot(*values, zone=ZoneInfo("Asia/Tokyo")), 40, 8)
    assert text(drawn) == [
        "4.00% ┤                            ⣀⠤⠊⠁",
        "      │                          ⡠⠊",
        "      │                      ⢀⡠⠔⠉",
        "2.00% ┤                   ⢀⠤⠒⠁",
        "1.00% ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌⢀⠤⠊⠁╌╌╌╌╌╌╌╌╌╌╌╌╌",
        "0.00% ┤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠒⠁",
        "      └┴───────────────┴───────────────▲",
        "     13:40           13:50           now",
    ]


def test_a_gap_is_a_gap() -> None:
    drawn = draw(plot(*[0.005] * 4, *[None] * 12, *[0.005] * 5), 40, 6)
    assert "no data" in text(drawn)[2]
    curve = [row for row in text(drawn)[:4] if "⠒" in row or "⠤" in row or "⠉" in row or "⣀" in row]
    assert len(curve) == 1
    assert "╌╌╌" in text(drawn)[-2], "the floor is broken where there is no data"


def test_a_single_point_between_gaps_is_seen() -> None:
    drawn = draw(plot(*[None] * 10, 0.005), 40, 6)
    drawn_dots = [char for row in text(drawn) for char in row if 0x2800 <= ord(char) < 0x2900]
    assert sum((ord(char) - 0x2800).bit_count() for char in drawn_dots) == 1


def test_nan_is_no_value() -> None:
    assert text(draw(plot(math.nan, math.nan), 40, 6)) == text(draw(plot(), 40, 6))


def test_no_data_says_so() -> None:
    rows = text(draw(plot(), 40, 6))
    assert any("no data" in row for row in rows)
    assert "1.00%" in rows[0]


def test_what_crossed_a_limit_is_in_its_colour() -> None:
    drawn = draw(plot(0.001, 0.001, 0.03, 0.03), 40, 8)
    inks = {ink for row in drawn for piece, ink in row if any(0x2800 < ord(c) < 0x2900 for c in piece)}
    assert inks == {Ink.LINE, Ink.DEGRADED}


def test_ascii_uses_nothing_else() -> None:
    rows = text(draw(msgspec.structs.replace(plot(0.001, 0.02, 0.03), ascii=True), 40, 8))
    assert all(row.isascii() for row in rows)
    assert any("*" in row for row in rows)


def test_ages_label_the_axis_without_a_zone() -> None:
    assert text(draw(plot(0.001), 60, 6))[-1].split() == ["-20m", "-15m", "-10m", "-5m", "now"]


@pytest.mark.parametrize(("width", "height"), [(0, 0), (1, 1), (10, 3), (13, 2), (200, 1)])
def test_no_room_is_said(width: int, height: int) -> None:
    rows = text(draw(plot(0.1), width, height))
    assert len(rows) == 1
    assert len(rows[0]) <= width


@given(
    values=st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=21),
    width=st.integers(0, 120),
    height=st.integers(0, 30),
    unit=st.sampled_from(Unit),
)
def test_nothing_that_a_source_may_say_breaks_the_frame(
    values: list[float | None], width: int, height: int, unit: Unit
) -> None:
    rows = draw(plot(*values, unit=unit), width, height)
    assert len(rows) <= max(1, height)
    assert all(len("".join(piece for piece, _ in row)) <= max(width, 0) for row in rows)


def test_the_axis_of_states_has_the_states_and_nothing_between_them() -> None:
    assert [label for _, label in value_ticks(0.0, 1.0, Unit.STATE, 4)] == ["ok", "degraded", "DOWN"]
