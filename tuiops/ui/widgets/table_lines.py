"""The lines of a table: what each of them says, and how it is drawn. Equal descriptions look the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.style import Style
from textual.strip import Strip

from tuiops.core.text import EMPTY, SafeText, join, lit
from tuiops.ui.format import cut, fit, width_of
from tuiops.ui.widgets.safe import blanks, segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from rich.segment import Segment

    from tuiops.ui.format import Times
    from tuiops.ui.theme import Look, Palette
    from tuiops.ui.widgets.columns import Column, Layout

MARK_WIDTH = 2
"""Columns that a table's mark and its margin take."""


class Cell(NamedTuple):
    """What stands in one column of one row."""

    text: SafeText
    style: Style


class Free(tuple[Cell, ...]):
    """Cells that stand one after the other and keep to no columns, for rows that explain the one above."""

    __slots__ = ()


class Drawing(NamedTuple):
    """What cells are drawn with."""

    look: Look
    times: Times
    now: datetime
    room: Mapping[str, int]
    """Columns that each column of the table has, by its id; those that folded away are missing."""
    width: int
    """Columns of the whole row."""


class Line(NamedTuple):
    """All that a line of the screen shows."""

    cells: tuple[Cell, ...]
    selected: bool = False
    marked: bool = False
    glowing: bool = False
    stale: bool = False
    kind: Literal["row", "sentence"] = "row"


BLANK = Line(())


def heading_line(columns: tuple[Column, ...], palette: Palette) -> Line:
    """The headings of the columns."""
    return Line(tuple(Cell(column.heading, palette.faint) for column in columns))


def sentence_lines(sentences: Iterable[SafeText], width: int, palette: Palette) -> Iterable[Line]:
    """What an empty table says: the first sentence plain, those that advise muted."""
    for position, sentence in enumerate(sentences):
        style = palette.text if position == 0 else palette.muted
        for piece in wrap(sentence, max(10, width - 4)):
            yield Line((Cell(piece, style),), kind="sentence")


def paint(line: Line, layout: Layout, width: int, look: Look) -> Strip:
    """The line as a strip of exactly `width` columns."""
    palette = look.palette
    overlay = _overlay(line, palette)
    ground = palette.text + overlay
    if not line.cells:
        return Strip.blank(width, ground)
    if line.kind == "sentence":
        cell = line.cells[0]
        pieces = [blanks(2, ground), segment(cut(cell.text, width - 2, look.glyphs.cut), cell.style)]
    elif isinstance(line.cells, Free):
        pieces = [blanks(MARK_WIDTH, ground), *_free(line.cells, width - MARK_WIDTH - 1, overlay, look)]
    else:
        pieces = [segment(look.glyphs.marked if line.marked else lit(" "), palette.accent + overlay)]
        for place in layout:
            cell = line.cells[place.column]
            text = fit(cell.text, place.width, right=place.right, mark=look.glyphs.cut)
            pieces += [blanks(place.gap, ground), segment(text, _lit_up(cell.style, overlay, palette))]
    return Strip(pieces).adjust_cell_length(width, ground)


def _free(cells: Free, room: int, overlay: Style, look: Look) -> Iterable[Segment]:
    for position, cell in enumerate(cells):
        # The blanks at a cell's end only part it from the next one: they may be lost without a mark.
        last = position == len(cells) - 1 or not any(after.text.strip() for after in cells[position + 1 :])
        text = cut(cell.text, room if last else room - 1, look.glyphs.cut)
        style = _lit_up(cell.style, overlay, look.palette)
        if text != cell.text:
            yield segment(text or look.glyphs.cut, style)
            return
        yield segment(text, style)
        room -= width_of(text)


def _overlay(line: Line, palette: Palette) -> Style:
    overlay = Style.null()
    if line.stale:
        overlay += palette.dimmed
    if line.glowing:
        overlay += palette.glow
    if line.selected:
        overlay += palette.selection
    return overlay


def _lit_up(style: Style, overlay: Style, palette: Palette) -> Style:
    """A cell under an overlay. A block of colour, such as P1, keeps its colours: what it says matters more."""
    return style if style.bgcolor != palette.text.bgcolor else style + overlay


def wrap(text: SafeText, width: int) -> list[SafeText]:
    """The text broken at blanks into lines of at most `width` columns."""
    lines: list[SafeText] = []
    line = EMPTY
    for part in text.split(" "):
        word = SafeText(part)
        longer = join(" ", (line, word)) if line else word
        if line and width_of(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]
