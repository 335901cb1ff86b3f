"""Values are checked by type, and nothing that is no word gets through (PROMISES 6)."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiops.config.values import Duration
from tuiops.errors import Refused
from tuiops.runbooks.format.model import (
    AnyParameter,
    EnumParameter,
    IntegerParameter,
    ListedParameter,
    NotifyAction,
    Runbook,
    Step,
    TextParameter,
    TimestampParameter,
)
from tuiops.runbooks.format.parameters import LONGEST, MOST, checked, matches, objection, word_objection

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
NAME = TextParameter(pattern="[a-z][a-z0-9-]{0,20}")
ANYTHING = TextParameter(pattern=r"(?s:.)*")
COUNT = IntegerParameter(least=0, most=100)
MOMENT = TimestampParameter(earliest=Duration(7 * 86400))
LISTED = ListedParameter(of="revisions", resource="api")


def wrong(parameter: AnyParameter, value: str, listed: tuple[str, ...] | None = None) -> str:
    return objection(parameter, value, now=NOW, listed=listed)


def runbook(**parameters: AnyParameter) -> Runbook:
    done = Step(id="done", title="Done", do=NotifyAction(message="done"))
    return Runbook(version=1, id="r", title="r", systems=("s",), target="t", parameters=parameters, steps=(done,))


# --- Words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "-rf", "--help", "-", "", " a", "a ", "\u3000a", "a\nb", "a\r\nb", "a\0b", "a\tb", "a\x1b[31mb", "a\x9bb",
        "a\u202eb", "a\u2066b", "a\u200bb", "a\u00adb", "a\ufeffb", "a\ud800b", "a\u2028b", "a\u00a0b", "x" * 1025,
    ],
)  # fmt: skip
def test_what_no_place_could_take_is_refused_whatever_the_pattern_says(value: str) -> None:
    assert wrong(ANYTHING, value)


@pytest.mark.parametrize(
    "value", ["$(id)", "a;id", "`id`", "../a", "{{a}}", "{a}", "[bold]a", "🦀漢字", "é", "e\u0301"]
)
def test_what_stays_one_word_is_left_to_the_pattern(value: str) -> None:
    assert not wrong(ANYTHING, value)
    assert wrong(NAME, value) == "does not match [a-z][a-z0-9-]{0,20}"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_value_that_passes_is_printable_bounded_and_no_option(value: str) -> None:
    if not word_objection(value):
        assert value.isprintable()
        assert not value.startswith("-")
        assert 0 < len(value) <= LONGEST
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in value)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_an_objection_never_repeats_what_cannot_be_shown(value: str) -> None:
    for parameter in (NAME, EnumParameter(options=("a",)), COUNT, MOMENT, LISTED):
        assert wrong(parameter, value).isprintable()
        with pytest.raises(Refused) as refused:
            checked(runbook(x=parameter), {"x": (value, value)}, now=NOW, lists={})
        assert str(refused.value).isprintable()


# --- Types --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("[a-z]+", "abc", True),
        ("[a-z]+", "abc1", False),
        ("^[a-z]+$", "abc", True),
        ("a|b", "ab", False),
        (r"\d+", "12", True),
        (r"\d+", "١٢", False),
        (r"\w+", "é", False),
    ],
)
def test_a_pattern_matches_all_of_a_value_in_ascii(pattern: str, value: str, *, fits: bool) -> None:
    assert matches(pattern, value) is fits
    assert (not wrong(TextParameter(pattern=pattern), value)) is fits


@pytest.mark.parametrize("value", ["0", "7", "100"])
def test_whole_numbers(value: str) -> None:
    assert not wrong(COUNT, value)


@pytest.mark.parametrize(
    "value", ["101", "-1", "+1", "1.0", "1e2", "1_0", "01", "٣", "१", "¹", "0x1", " 1", "1\n", "9" * 19, "nan", ""]
)
def test_what_is_no_whole_number_within_bounds(value: str) -> None:
    assert wrong(COUNT, value)


@settings(deadline=None)
@given(st.integers())
def test_every_integer_within_bounds_and_no_other(number: int) -> None:
    assert (not wrong(COUNT, str(number))) is (0 <= number <= 100)


@pytest.mark.parametrize(
    "value", ["2026-05-01T12:00:00Z", "2026-05-01T21:00:00+09:00", "2026-04-30T23:59:59.123456-00:30"]
)
def test_moments(value: str) -> None:
    assert not wrong(MOMENT, value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("2026-05-01T12:00:01Z", "lies in the future"),
        ("2026-05-01T21:00:01+09:00", "lies in the future"),
        ("2026-04-24T11:59:59Z", "lies further back than 7d"),
        ("0001-01-01T00:00:00+23:59", "lies further back"),
        ("9999-12-31T23:59:59-23:59", "lies in the future"),
        ("2026-05-01T12:00:00", "is no moment"),
        ("2026-05-01 12:00:00Z", "is no moment"),
        ("2026-05-01T12:00Z", "is no moment"),
        ("2026-05-01", "is no moment"),
        ("2026-02-30T12:00:00Z", "is no moment"),
        ("2026-05-01T24:00:00Z", "is no moment"),
        ("2026-05-01T12:00:60Z", "is no moment"),
        ("2026-05-01T12:00:00+24:00", "is no moment"),
        ("2026-05-01T12:00:00+0900", "is no moment"),
        ("2026-05-01t12:00:00z", "is no moment"),
        ("２０２６-05-01T12:00:00Z", "is no moment"),
        ("2026-W18-5T12:00:00Z", "is no moment"),
        ("0000-05-01T12:00:00Z", "is no moment"),
        ("now", "is no moment"),
    ],
)
def test_what_is_no_moment_of_the_past(value: str, problem: str) -> None:
    assert problem in wrong(MOMENT, value)


def test_a_moment_ahead_where_it_may_lie_there() -> None:
    assert not wrong(TimestampParameter(future=True), "2026-06-01T00:00:00Z")


@settings(deadline=None)
@given(st.datetimes(), st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
def test_no_moment_is_too_strange_to_be_judged(when: datetime, offset: timedelta) -> None:
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    text = f"{when:%Y-%m-%dT%H:%M:%S}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    assert wrong(MOMENT, text.zfill(25)).isprintable()


def test_a_listed_value_is_in_the_list() -> None:
    assert not wrong(LISTED, "api-2", ("api-1", "api-2"))
    assert wrong(LISTED, "api-3", ("api-1", "api-2")) == "is not among the revisions that there are: api-1, api-2"
    assert wrong(LISTED, "api-3", ()) == "is not among the revisions that there are: none"
    assert "cannot be listed" in wrong(LISTED, "api-2", None)


@pytest.mark.parametrize("value", ["-x", "a\nb", "\x1b[0m"])
def test_being_listed_makes_no_word_of_what_is_none(value: str) -> None:
    assert wrong(LISTED, value, (value,))


def test_a_pattern_that_takes_for_ever_keeps_nobody_waiting() -> None:
    assert "takes too long to be compared with" in wrong(TextParameter(pattern="(a|aa)+"), "a" * 36 + "_")
    assert not wrong(TextParameter(pattern="(a|aa)+"), "a" * 36)


# --- All of a runbook ---------------------------------------------------------------------------------------------

NAMES = TextParameter(pattern="[a-z]+", many=True, defaults=("a", "b"))


def test_all_are_checked_in_the_order_of_the_runbook_with_their_defaults() -> None:
    one = TextParameter(pattern="[a-z]+", default="x")
    found = checked(runbook(one=one, names=NAMES, count=COUNT), {"count": ("5",)}, now=NOW, lists={})
    assert found == {"one": ("x",), "names": ("a", "b"), "count": ("5",)}
    assert list(found) == ["one", "names", "count"]


def test_a_list_keeps_its_order() -> None:
    assert checked(runbook(names=NAMES), {"names": ("c", "a", "b")}, now=NOW, lists={}) == {"names": ("c", "a", "b")}


@pytest.mark.parametrize(
    ("given_values", "problem"),
    [
        ({}, "one: is missing"),
        ({"one": ()}, "one: is missing"),
        ({"one": ("a", "b")}, "one: is one value, not a list"),
        ({"one": ("A",)}, "one: 'A' does not match [a-z]+"),
        ({"one": ("a",), "on": ("b",)}, "on is no parameter of r: did you mean one?"),
        ({"one": ("a",), "names": ("a", "a")}, "names: a is named twice"),
        ({"one": ("a",), "names": ("a", "-b")}, "names: '-b' begins with -, like an option"),
        ({"one": ("a",), "names": tuple("x" * n for n in range(1, MOST + 2))}, f"names: has more than {MOST} values"),
    ],
)
def test_what_is_wrong_with_all_together(given_values: dict[str, tuple[str, ...]], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(runbook(one=TextParameter(pattern="[a-z]+"), names=NAMES), given_values, now=NOW, lists={})
    assert problem in str(refused.value)


def test_a_listed_parameter_is_checked_against_its_list() -> None:
    book = runbook(revision=LISTED)
    assert checked(book, {"revision": ("v1",)}, now=NOW, lists={"revision": ("v1",)}) == {"revision": ("v1",)}
    for lists in ({}, {"revision": ("v2",)}):
        with pytest.raises(Refused):
            checked(book, {"revision": ("v1",)}, now=NOW, lists=lists)
