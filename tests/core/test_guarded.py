"""No expression that a person can type holds the program up, and all others find what `re` finds."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.guarded import Guarded, occurs, repeats

TEXTS = st.text("ab.(|)[]^$\\*+?{1}", max_size=8)


@pytest.mark.parametrize("text", ["a+", "a*b", "a{2}", "colou?r", "(a|b)+", r"\d+", r"[+]*", "(?:a)?", "(?i:a+)"])
def test_repetitions_are_recognised(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize("text", ["", "error", r"a\+b", "[*+?{]x", "(?i)error", "(?:a|b)", "(?=a)b", "[]*]", r"\{"])
def test_what_repeats_nothing_is_left_to_re(text: str) -> None:
    assert not repeats(text)


@pytest.mark.parametrize("text", ["(a+)+$", "(x+x+)+y", "(a|aa)+$", "(a?){30}a{30}b", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_catastrophic_backtracking_is_cut_short(text: str) -> None:
    with pytest.raises(TimeoutError):
        Guarded(text).span(b"a" * 5000 + b"x" * 5000 + b"!", 0, 0.01)


@pytest.mark.parametrize("text", ["(", "a**", "[", "(?P<x", "a{99999999999999999999}", "(" * 5000])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(re.error):
        Guarded(text)


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning", "ignore:Possible set:FutureWarning")
@given(TEXTS, st.text("ab\n", max_size=30))
def test_it_finds_what_re_finds(text: str, data: str) -> None:
    try:
        plain = re.compile(text.encode(), re.MULTILINE)
        guarded = Guarded(text)
    except re.error:
        return
    found = plain.search(data.encode())
    assert guarded.span(data.encode(), 0, 5) == (found.span() if found else None)


def test_an_expression_that_never_ends_is_given_up_and_matches_nothing_more() -> None:
    guarded = Guarded("(a+)+$")
    for _ in range(100):
        assert not guarded.matches(b"a" * 5000 + b"!")
    assert guarded.gave_up
    assert not guarded.matches(b"aaa")


def test_one_hard_line_is_no_reason_to_give_up() -> None:
    guarded = Guarded("(a+)+$")
    assert not guarded.matches(b"a" * 5000 + b"!")
    assert guarded.matches(b"aaa")
    assert not guarded.gave_up


@given(TEXTS, st.text("ab\n", max_size=9))
def test_in_a_whole_text_it_finds_what_re_finds(expression: str, text: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = re.search(expression, text) is not None
    except re.error:
        with pytest.raises(re.error):
            occurs(expression, text, 1)
    else:
        assert occurs(expression, text, 1) is expected


def test_a_text_that_takes_forever_is_neither_a_match_nor_none() -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError):
            occurs("(a+)+$", "a" * 5000 + "!", 0.01)
