"""Big numerals, as they are drawn."""

from __future__ import annotations

import pytest

from tuiops.ui.widgets import digits


def test_the_smallest_size() -> None:
    assert digits.draw("12?", 0) == ("▄█  ▀▀█ ▀▀█", " █  █▀▀  ▀▀", "▀▀▀ ▀▀▀  ▀ ")


def test_scale_one_in_ascii() -> None:
    assert digits.draw("1", 1, ascii_only=True) == ("  ##  ", "####  ", "  ##  ", "  ##  ", "######")


def test_ascii_has_no_half_rows() -> None:
    assert digits.draw("7", 0, ascii_only=True) == (" 7 ",)


@pytest.mark.parametrize("scale", [0, 1, 2, 5])
@pytest.mark.parametrize("text", ["0", "12:31", "3h41", "99%", "?"])
def test_the_size_is_what_was_promised(text: str, scale: int) -> None:
    drawn = digits.draw(text, scale)
    assert len(drawn) == digits.height(scale)
    assert {len(row) for row in drawn} == {digits.width(text, scale)}


def test_the_largest_that_fits() -> None:
    assert digits.largest("12", 80, 24) == 4
    assert digits.largest("12", 7, 3) == 0
    assert digits.largest("12", 6, 3) is None


def test_what_has_no_shape_is_a_question_mark() -> None:
    assert not digits.drawable("x")
    assert digits.draw("x", 1) == digits.draw("?", 1)
