"""Which columns of a line are drawn again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from tuiops.ui.widgets.differing import differing

PIECES = st.lists(st.text("ab ▁東", min_size=1, max_size=4).map(Segment), max_size=5)


def columns(pieces: list[Segment], width: int) -> list[str]:
    """What each column shows; a character of two columns stands in both."""
    cells = [char for piece in pieces for char in piece.text for _ in range(Segment(char).cell_length)]
    return [*cells, *[" "] * (width - len(cells))]


@given(PIECES, PIECES)
def test_what_is_not_drawn_again_looks_the_same(before: list[Segment], after: list[Segment]) -> None:
    width = max(Strip(before).cell_length, Strip(after).cell_length)
    drawn = {x for region in differing(before, after, 0, width) for x in range(*region.column_span)}
    had, has = columns(before, width), columns(after, width)
    assert all(had[x] == has[x] for x in range(width) if x not in drawn)


def test_a_clock_that_moves_on_is_drawn_alone() -> None:
    before = [Segment("東京 "), Segment("12:31"), Segment(" left "), Segment("14:02:11")]
    after = [before[0], Segment("12:30"), before[2], Segment("14:02:12")]
    assert differing(before, after, 3, 24) == [Region(5, 3, 5, 1), Region(16, 3, 8, 1)]


def test_pieces_that_touch_are_drawn_as_one() -> None:
    assert differing([Segment("ab"), Segment("cd")], [Segment("xy"), Segment("zz")], 0, 4) == [Region(0, 0, 4, 1)]


def test_all_of_a_line_is_drawn_where_pieces_moved() -> None:
    assert differing([Segment("9"), Segment("s")], [Segment("10"), Segment("s")], 1, 80) == [Region(0, 1, 80, 1)]
