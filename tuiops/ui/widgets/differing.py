"""Which columns of a line look different, so that a clock that moves on does not draw the whole line again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip
    from textual.widget import Widget


def differing(
    before: Sequence[tuple[object, ...]], after: Sequence[tuple[object, ...]], y: int, width: int
) -> list[Region]:
    """The parts of line `y` in which pieces of styled text differ, whole pieces; all `width` columns if any moved."""
    if len(before) != len(after):
        return [Region(0, y, width, 1)]
    regions: list[Region] = []
    x = 0
    for had, has in zip(before, after, strict=True):
        columns = _columns(has)
        if had != has:
            if _columns(had) != columns:
                return [Region(0, y, width, 1)]
            begin = regions.pop().x if regions and regions[-1].right == x else x
            regions.append(Region(begin, y, x + columns - begin, 1))
        x += columns
    return regions


def _columns(piece: tuple[object, ...]) -> int:
    text = str(piece[0])
    return len(text) if text.isascii() else cell_len(text)


def refresh_where(widget: Widget, before: Sequence[Strip], after: Sequence[Strip]) -> None:
    """Draw a widget again where its lines differ from those that it drew last; all of it where there is no saying."""
    if [strip.cell_length for strip in before] != [strip.cell_length for strip in after]:
        widget.refresh()
        return
    regions = [
        region
        for y, (old, new) in enumerate(zip(before, after, strict=True))
        for region in differing(list(old), list(new), y, new.cell_length)
    ]
    if regions:
        widget.refresh(*regions)
