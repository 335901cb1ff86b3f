"""Listings that come in pages: read to their end, as far as they may be, and never in a circle."""

from __future__ import annotations

import pytest

from tuiops.core.text import lit
from tuiops.errors import BadAnswer
from tuiops.sources.paging import Cursor, Listing, cut_off

WHAT = lit("services")


def read(tokens: list[str | None], most: int | None = None) -> tuple[list[str], bool]:
    """The tokens that pages are asked for with, and whether there are more; `tokens` are what the pages name."""
    cursor, asked = Cursor(WHAT, most), list[str]()
    while cursor.reads_on:
        asked.append(cursor.token)
        cursor.turn(tokens[len(asked) - 1])
    return asked, cursor.more


@pytest.mark.parametrize("last", ["", None])
def test_pages_are_read_until_none_is_named(last: str | None) -> None:
    assert read([last]) == ([""], False)
    assert read(["a", "b", last]) == (["", "a", "b"], False)


def test_no_more_pages_are_read_than_may_be() -> None:
    assert read(["a", "b", "c"], 2) == (["", "a"], True)
    assert read(["a", ""], 2) == (["", "a"], False)
    assert read([], 0) == ([], True)


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]])
def test_a_listing_that_leads_in_a_circle_is_no_answer(tokens: list[str | None]) -> None:
    with pytest.raises(BadAnswer, match=r"^services names a page twice as the next one$"):
        read(tokens)


def test_what_makes_a_listing_incomplete_is_told() -> None:
    whole: Listing[int] = Listing(items=(1, 2))
    part = Listing(items=(1, 2), truncated=True, unreachable=(lit("kobe"), lit("nara")))

    assert whole.warnings(WHAT) == ()
    assert part.warnings(WHAT) == (
        "services: kobe did not answer",
        "services: nara did not answer",
        "services: only the first 2 were read; raise max_items",
    )
    assert cut_off(WHAT, 2) == part.warnings(WHAT)[-1]
