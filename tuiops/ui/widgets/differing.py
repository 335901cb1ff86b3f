"""Which columns of a line look different, so that a clock that moves on does not draw the whole line again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip
    from textual.widget import Widget


def differing(old: Strip, new: Strip, y: int = 0) -> list[Region]:
    """The parts of line `y` that differ, in whole segments: where two strips of one length are not the same."""
    before, after = list(old), list(new)
    if [segment.cell_length for segment in before] != [segment.cell_length for segment in after]:
        return [Region(0, y, max(old.cell_length, new.cell_length), 1)]
    regions: list[Region] = []
    x = 0
    for had, has in zip(before, after, strict=True):
        width = has.cell_length
        if had != has:
            begin = regions.pop().x if regions and regions[-1].right == x else x
            regions.append(Region(begin, y, x + width - begin, 1))
        x += width
    return regions


def refresh_where(widget: Widget, before: Sequence[Strip], after: Sequence[Strip]) -> None:
    """Draw a widget again where its lines differ from those that it drew last; all of it where there is no saying."""
    if [strip.cell_length for strip in before] != [strip.cell_length for strip in after]:
        widget.refresh()
        return
    lines = enumerate(zip(before, after, strict=True))
    regions = [region for y, (old, new) in lines for region in differing(old, new, y)]
    if regions:
        widget.refresh(*regions)
