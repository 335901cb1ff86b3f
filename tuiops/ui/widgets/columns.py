"""How columns share a table's width: fixed ones stand still, flexible ones grow, the least important fold away."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tuiops.core.text import SafeText

GAP = 2
"""Blanks between columns."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. `width` is exact, or the least when `grow` is above zero."""

    id: str
    heading: SafeText
    width: int
    right: bool = False
    grow: int = 0
    """Share of the width that is left over, relative to other columns."""
    enough: int = 0
    """Columns that what stands here needs: those that grow get them in the order of their shares, before any width is
    left over. 0: the column only shares what is left over."""
    filled: bool = False
    """Whether more than `enough` would stay blank, so that the column leaves all further width to others."""
    rank: int = 0
    """Columns of the highest rank fold away first; those of rank 0 stay."""
    wide: bool = False
    """Whether it is shown only when everything is asked for."""
    tight: bool = False
    """Whether it stands close to the column before it, as a glyph does to its word."""


class Place(NamedTuple):
    """Where a column went."""

    column: int
    gap: int
    width: int
    right: bool


Layout = tuple[Place, ...]


def arrange(columns: tuple[Column, ...], width: int, *, wide: bool = False) -> Layout:
    """The columns that fit into `width`, each with its gap and its width."""
    kept = [(index, column) for index, column in enumerate(columns) if wide or not column.wide]
    while kept and _least(kept) > width:
        lowest = max(kept, key=lambda entry: (entry[1].rank, entry[0]))
        if lowest[1].rank == 0:
            break
        kept.remove(lowest)
    widths = {index: column.width for index, column in kept}
    spare = max(0, width - _least(kept))
    for index, column in sorted(kept, key=lambda entry: -entry[1].grow):
        if column.grow:
            extra = min(spare, max(0, column.enough - column.width))
            widths[index] += extra
            spare -= extra
    growing = [(index, column) for index, column in kept if column.grow and not column.filled]
    shares = sum(column.grow for _, column in growing)
    for index, column in growing:
        extra = spare * column.grow // shares
        widths[index] += extra
        spare -= extra
        shares -= column.grow
    return tuple(
        Place(index, _gap(column, position), widths[index], column.right)
        for position, (index, column) in enumerate(kept)
    )


def _gap(column: Column, position: int) -> int:
    return 0 if position == 0 else 1 if column.tight else GAP


def _least(kept: list[tuple[int, Column]]) -> int:
    return sum(column.width + _gap(column, position) for position, (_, column) in enumerate(kept))
