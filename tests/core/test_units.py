"""Quantities, read and shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.units import (
    Unit,
    countdown,
    exact_span,
    parse_duration,
    parse_quantity,
    parse_size,
    short_span,
    show,
    show_size,
    span,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("15s", 15), ("5m", 300), ("1h30m", 5400), (" 30d ", 2_592_000), ("2w", 1_209_600)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "s", "15 s", "1.h", "-5s", "5x", "٣s", "1_000s", "nan", "1h 30m", "5s,"])
def test_durations_need_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(ValueError, match="such as 500ms, 15s"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("512KB", 512_000), ("64MB", 64_000_000), ("2GiB", 2**31), ("7B", 7)])
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "64", "-1MB", "1 mb", "MB", "1e3B", "٣MB"])
def test_sizes_need_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(ValueError, match="such as 512KB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1%", Unit.RATIO, 0.01),
        ("91%", Unit.PERCENT, 0.91),
        ("500ms", Unit.SECONDS, 0.5),
        ("21d", Unit.SECONDS, 21 * 86400),
        ("2GiB", Unit.BYTES, 2**31),
        ("20", Unit.COUNT, 20),
        ("-3", Unit.COUNT, -3),
        ("100", Unit.PER_SECOND, 100),
    ],
)
def test_limits_are_read_in_the_unit_of_their_indicator(text: str, unit: Unit, value: float) -> None:
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1", Unit.RATIO),
        ("1s", Unit.PERCENT),
        ("3", Unit.SECONDS),
        ("3", Unit.BYTES),
        ("1%", Unit.COUNT),
        ("x", Unit.COUNT),
    ],
)
def test_limits_without_their_unit_are_refused(text: str, unit: Unit) -> None:
    with pytest.raises(ValueError, match=r"needs|has a unit|not a number"):
        parse_quantity(text, unit)


@given(
    st.just(0.0) | st.floats(1e-99, 999e9),
    st.sampled_from([unit for unit in Unit if unit not in {Unit.SECONDS, Unit.STATE}]),
)
def test_values_fit_their_cells(value: float, unit: Unit) -> None:
    assert len(show(value, unit)) <= 7


def test_states_are_words() -> None:
    assert [show(value, Unit.STATE) for value in (0.0, 1.0, 2.0)] == ["ok", "degraded", "DOWN"]


@given(st.floats(), st.sampled_from(Unit))
def test_every_value_can_be_shown(value: float, unit: Unit) -> None:
    assert show(value, unit).isprintable()


@given(st.floats(0.001, 1e9), st.sampled_from([Unit.COUNT, Unit.RATIO]))
def test_negative_values_say_so(value: float, unit: Unit) -> None:
    assert show(-value, unit) == f"-{show(value, unit)}"


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0623, Unit.RATIO, "6.23%"),
        (0.91, Unit.PERCENT, "91.0%"),
        (0.25, Unit.SECONDS, "250ms"),
        (2.406, Unit.SECONDS, "2.41s"),
        (-86400.0 * 3, Unit.SECONDS, "-3d0h"),
        (9999.7, Unit.COUNT, "10000"),
        (999_960, Unit.PER_SECOND, "1000k/s"),
        (1023.97 * 2**20, Unit.BYTES, "1024MiB"),
        (0, Unit.COUNT, "0"),
        (math.nan, Unit.COUNT, "no data"),
        (-math.inf, Unit.SECONDS, "-Inf"),
    ],
)
def test_values_are_shown_without_waste(value: float, unit: Unit, shown: str) -> None:
    assert show(value, unit) == shown


def test_sizes_are_shown_in_binary_multiples() -> None:
    assert show_size(1.4 * 2**30) == "1.4GiB"
    assert show_size(5000 * 2**40) == "5000TiB"


@given(st.floats(-1e9, 1e9))
def test_times_are_never_negative(seconds: float) -> None:
    assert "-" not in span(seconds)
    assert "-" not in countdown(seconds)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3900, "1h05"), (183_600, "2d3h"), (864_000, "10d")]
)
def test_spans_have_at_most_two_parts(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0, "now"), (-1, "now"), (751, "12:31"), (13_260, "3h41"), (9, "0:09")])
def test_countdowns_look_like_clocks(seconds: float, shown: str) -> None:
    assert countdown(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "500ms"), (1.5, "1500ms"), (90, "90s"), (900, "15m"), (5400, "90m"), (2_592_000, "30d")]
)
def test_an_exact_span_is_what_a_file_would_say(seconds: float, text: str) -> None:
    assert exact_span(seconds) == text
    assert parse_duration(exact_span(seconds)) == seconds


def test_a_short_span_has_four_columns() -> None:
    hour, day = 3600.0, 86400.0
    spans = (59, 31 * 60, hour + 300, 10 * hour, 24 * hour - 1, 2 * day + 3 * hour, 9 * day + 23 * hour, 999 * day)
    shown = ["59s", "31m", "1h05", "10h", "23h", "2d3h", "9d", "999d"]
    assert [short_span(seconds) for seconds in spans] == shown
