"""Rows of a detail screen: headings, named values, wrapped text. Pure, so that tests read the rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from rich.cells import chop_cells

from tuiops.core.health import State
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.ui.format import Times, cut, fit, width_of
from tuiops.ui.theme import Look

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

    from tuiops.core.snapshot import Environment
    from tuiops.core.source import SourceStatus

Piece = tuple[SafeText, "Style"]
Row = tuple[Piece, ...]

BLANK: Row = ()
NAMES = 14
"""Columns of the names of named values."""
INDENT = lit("  ")


class Pen(msgspec.Struct, frozen=True, eq=False):
    """Everything that a builder of rows needs besides what it is about."""

    look: Look
    times: Times
    now: datetime
    width: int

    def text(self, text: SafeText) -> Piece:
        return (text, self.look.palette.text)

    def bold(self, text: SafeText) -> Piece:
        return (text, self.look.palette.bold)

    def muted(self, text: SafeText) -> Piece:
        return (text, self.look.palette.muted)

    def state(self, state: State, text: SafeText | None = None) -> Piece:
        """A state in its colour, as its own word unless another text is given."""
        return (state.word if text is None else text, self.look.palette.state[state])

    def moment(self, at: datetime | None) -> SafeText:
        """A moment in the chosen style; a dash when there is none."""
        return self.look.glyphs.dash if at is None else self.times.moment(at, self.now)

    def environment(self, environment: Environment) -> Piece:
        """The environment's name; production is marked by more than its name."""
        if environment.production:
            name = EMPTY if environment.name.casefold() == "production" else fmt("{} ", environment.name)
            return (fmt(" PRODUCTION {}", name), self.look.palette.production)
        return (environment.name, self.look.palette.other)

    def feed(self, status: SourceStatus | None) -> Piece:
        """How a feed stands: `prom live 3s`."""
        if status is None:
            return (lit("no source"), self.look.palette.state[State.UNKNOWN])
        text = fmt("{} {}", status.name, status.describe(self.now))
        return (text, self.look.palette.freshness(status.freshness(self.now)))

    def heading(self, title: SafeText, aside: SafeText = EMPTY) -> tuple[Row, ...]:
        """A blank line and a title, with a remark beside it."""
        rest = (self.muted(fmt("  {}", aside)),) if aside else ()
        return (BLANK, (self.bold(fmt(" {}", title)), *rest))

    def named(self, name: SafeText, *pieces: Piece) -> Row:
        """`name        value` on one row; cut at the width."""
        return (self.muted(fmt(" {}", fit(name, NAMES, mark=self.look.glyphs.cut))), *pieces)

    def paragraph(self, name: SafeText, text: SafeText, style: Style | None = None) -> tuple[Row, ...]:
        """`name        text`, as many rows as the text needs."""
        lines = wrap(text, self.width - NAMES - 2) or (EMPTY,)
        shown = style or self.look.palette.text
        return tuple(
            (self.muted(fmt(" {}", fit(name if not number else EMPTY, NAMES))), (line, shown))
            for number, line in enumerate(lines)
        )

    def sentence(self, text: SafeText, style: Style | None = None) -> tuple[Row, ...]:
        """A text of our own, wrapped and indented."""
        return tuple(
            ((INDENT, self.look.palette.text), (line, style or self.look.palette.muted))
            for line in wrap(text, self.width - 3)
        )

    def clip(self, row: Row) -> Row:
        """The row in the width at most; what is cut ends in the mark."""
        left = self.width
        kept: list[Piece] = []
        for text, style in row:
            columns = width_of(text)
            if columns > left:
                kept.append((cut(text, left, self.look.glyphs.cut), style))
                return tuple(kept)
            kept.append((text, style))
            left -= columns
        return tuple(kept)


def spread(pen: Pen, left: Row, right: Row) -> Row:
    """Two groups at both ends of a row; the left one gives way when there is no room."""
    taken = sum(width_of(text) for text, _ in right)
    narrow = msgspec.structs.replace(pen, width=max(0, pen.width - taken - 2))
    kept = narrow.clip(left)
    used = sum(width_of(text) for text, _ in kept)
    gap = SafeText(" " * max(1, pen.width - taken - used - 1))
    return (*kept, pen.text(gap), *right)


def wrap(text: SafeText, width: int) -> tuple[SafeText, ...]:
    """The text in lines of at most `width` columns, broken at blanks where there are any."""
    width = max(2, width)
    lines: list[SafeText] = []
    line: list[SafeText] = []
    used = 0
    for word in text.split(" "):
        for part in chop_cells(word, width) or [""]:
            piece = SafeText(part)
            columns = width_of(piece)
            if line and used + 1 + columns > width:
                lines.append(join(" ", line))
                line, used = [], 0
            used += columns + (1 if line else 0)
            line.append(piece)
    if any(line):
        lines.append(join(" ", line))
    return tuple(lines)


def columns_of(rows: Iterable[Row]) -> int:
    """The widest row, in columns."""
    return max((sum(width_of(text) for text, _ in row) for row in rows), default=0)
