"""Fewer bytes to the terminal: of what Textual writes, only the cells that look different on the screen.

Textual writes every dirty line whole, and each piece of it with its full style: a clock that moves on by a second
costs a kilobyte. Over SSH that is what people wait for. `Thrift` keeps what is on the screen and lets through what
differs, all that has one style together: to name a colour costs more than to move the cursor. It understands what a
frame consists of (moves, styles, text, line feeds); whatever else comes is passed on as it is, and then everything
known is forgotten, so that a mistake can never outlive the next full repaint.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.driver import Driver

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: what is between them appears at once."""
RESET = "\x1b[0m"

_TOKEN = re.compile(r"\x1b\[([\d;]*)([Hm])([^\x1b\x00-\x1f]*)(\n?)")
"""A move or a style, the text that follows it, and the end of a row."""
_LONGEST_SWITCH = 64
"""Characters of the longest sequence that only turns something on or off: what is longer is a frame."""
_TOO_LONG = 1000
"""Rows and columns beyond which no terminal goes: a guard against a model without bounds."""
_GAP = 5
"""Cells that are rather written again than jumped over: a jump costs as many bytes."""
_MARKS_BLANKS = frozenset({"4", "5", "6", "7", "9", "21", "53"})
"""Attributes that are seen where there is no character: lines, blinking, reversal."""


class _Run(NamedTuple):
    """Text of one style at one place; rows and columns count from 1."""

    row: int
    column: int
    style: str
    text: str


class _Row:
    """What a row of the screen is known to show; a cell that is not known holds None."""

    def __init__(self) -> None:
        self.cells: list[str | None] = []
        self.styles: list[str] = []
        """Of a blank only what is seen of it: most have no colour but their ground."""
        self.joined = False
        """Whether characters that join each other were written here."""

    @property
    def uneven(self) -> bool:
        """Whether a character is not one column wide, about which terminals disagree."""
        return self.joined or "" in self.cells

    def draw(self, runs: Sequence[_Run]) -> tuple[bool, Iterator[_Run]]:
        """Show the runs: whether they have to be written as they are, and else the pieces of them that differ."""
        uneven = self.uneven
        drawn = [(run.column - 1, _cells(run.text), run.style) for run in runs]
        columns = slice(min(begin for begin, _, _ in drawn), max(begin + len(cells) for begin, cells, _ in drawn))
        self._reach(columns.stop)
        cells_before, styles_before = self.cells.copy(), self.styles.copy()
        for begin, cells, style in drawn:
            end = begin + len(cells)
            self.joined = self.joined or None in cells
            self.cells[begin:end] = cells
            self.styles[begin:end] = _seen(cells, style)
        known = not any(None in cells for _, cells, _ in drawn)
        if known and self.cells == cells_before and self.styles == styles_before:
            return False, iter(())
        if uneven or self.uneven:
            return True, iter(())
        if not any(cells_before[columns]) and all(a[0] + len(a[1]) <= b[0] for a, b in pairwise(drawn)):
            # Nothing is known here, so all of it differs: as in the first frame of all.
            return False, iter(runs)
        return False, self._pieces(runs[0].row, columns, cells_before, styles_before)

    def _reach(self, width: int) -> None:
        """Be at least so many columns long."""
        missing = width - len(self.cells)
        if missing > 0:
            self.cells += [None] * missing
            self.styles += [""] * missing

    def _pieces(self, row: int, columns: slice, cells: Sequence[str | None], styles: Sequence[str]) -> Iterator[_Run]:
        """What differs from how the row was, in some of its columns, in pieces of one style."""
        compared = zip(self.cells[columns], cells[columns], self.styles[columns], styles[columns], strict=True)
        differing = [
            at
            for at, (char, was, style, had) in enumerate(compared, columns.start)
            if char is not None and (char != was or style != had)
        ]
        begin = end = -_GAP
        style, text = "", ""
        for at in differing:
            if at == end and self.styles[at] == style:
                text += self.cells[at] or ""
                end += 1
                continue
            if text and at - end <= _GAP:
                common, added = _one_style(style, text, self.cells[end : at + 1], self.styles[end : at + 1])
                if added:
                    style, text, end = common, text + added, at + 1
                    continue
            if text:
                yield _Run(row, begin + 1, style, text)
            begin, end, style, text = at, at + 1, self.styles[at], self.cells[at] or ""
        if text:
            yield _Run(row, begin + 1, style, text)


class Thrift:
    """The screen of one terminal."""

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._cursor: tuple[int, int] | None = None
        self._style: str | None = None
        self._held = ""
        self.drawn = False
        """Whether anything was written that can be seen."""

    def forget(self) -> None:
        """Know nothing: the next frame is written whole."""
        self._rows.clear()
        self._cursor = None
        self._style = None

    def reduce(self, data: str) -> str:
        """What has to be written so that the terminal looks as if `data` had been."""
        if data == SYNC_START:
            self._held = data
            return ""
        if data == SYNC_END:
            begun, self._held = not self._held, ""
            return data if begun else ""
        parsed = self._parse(data)
        if parsed is None:
            self.forget()
            wanted = data
        else:
            runs, last = parsed
            self.drawn = self.drawn or bool(runs)
            wanted = self._changes(runs)
            if self._style:
                wanted += RESET
                self._style = ""
            if last is not None and last != self._cursor:
                wanted += f"\x1b[{last[0]};{last[1]}H"
                self._cursor = last
        if not wanted:
            return ""
        held, self._held = self._held, ""
        return held + wanted

    def _parse(self, data: str) -> tuple[list[_Run], tuple[int, int] | None] | None:
        """The runs of a frame and where it leaves the cursor; None when it is not only that."""
        tokens = _TOKEN.findall(data)
        # Each has two characters that are in none of its parts.
        if len("".join(map("".join, tokens))) + 2 * len(tokens) != len(data):
            return None
        runs: list[_Run] = []
        place, style = self._cursor, ""
        for codes, kind, text, feed in tokens:
            if kind == "H":
                row, _, column = codes.partition(";")
                if not (row.isdigit() and column.isdigit()):
                    return None
                place = int(row), int(column)
            else:
                style = "" if codes == "0" else codes
            if text:
                if place is None or place[0] > _TOO_LONG or place[1] > _TOO_LONG:
                    return None
                runs.append(_Run(*place, style, text))
                place = place[0], place[1] + (len(text) if text.isascii() else cell_len(text))
            if feed:
                # Textual ends rows with line feeds, and moves to where it goes on.
                place = None
        return runs, place

    def _changes(self, runs: list[_Run]) -> str:
        rows: dict[int, list[_Run]] = {}
        for run in runs:
            rows.setdefault(run.row, []).append(run)
        whole: list[_Run] = []
        pieces: list[_Run] = []
        for number, drawn in rows.items():
            as_they_are, differing = self._rows.setdefault(number, _Row()).draw(drawn)
            whole += drawn if as_they_are else ()
            pieces += differing
        pieces.sort(key=_order)
        return "".join([self._write(piece) for piece in pieces] + [self._write(run, sure=False) for run in whole])

    def _write(self, run: _Run, *, sure: bool = True) -> str:
        """The run at its place, in its style; not `sure` where terminals disagree about what is before it."""
        out = ""
        if not sure or self._cursor is None or self._cursor[0] != run.row or self._cursor[1] > run.column:
            out = f"\x1b[{run.row};{run.column}H"
        elif self._cursor[1] < run.column:
            step = run.column - self._cursor[1]
            out = f"\x1b[{step}C" if step > 1 else "\x1b[C"
        blank = sure and self._style is not None and _ground(self._style) == run.style and not run.text.strip(" ")
        if run.style != self._style and not blank:
            out += _transition(self._style, run.style)
            self._style = run.style
        after = run.column + len(run.text)
        # After the last column a terminal's cursor is in no certain place.
        self._cursor = (run.row, after) if sure and after <= len(self._rows[run.row].cells) else None
        return out + run.text


@lru_cache(maxsize=4096)
def _transition(old: str | None, new: str) -> str:
    """The shortest sequence from one style to another; the old one is None when it is not known."""
    if not new:
        return RESET
    if old:
        before, after = _parts(old), _parts(new)
        same_attributes = before[0] == after[0]
        # A colour can be replaced but not taken away.
        if same_attributes and all(colour or not was for was, colour in zip(before[1:], after[1:], strict=True)):
            return f"\x1b[{';'.join(c for was, c in zip(before[1:], after[1:], strict=True) if c != was)}m"
    return f"\x1b[0;{new}m"


@lru_cache(maxsize=4096)
def _parts(style: str) -> tuple[str, str, str]:
    """Attributes, background and foreground of an SGR sequence."""
    attributes: list[str] = []
    colours = {"3": "", "4": ""}
    codes = style.split(";")
    while codes:
        code = codes.pop(0)
        if code in {"38", "48"}:
            length = 4 if codes[:1] == ["2"] else 2
            colours[code[0]] = ";".join((code, *codes[:length]))
            del codes[:length]
        elif len(code) > 1 and code.startswith(("3", "4", "9", "10")):
            colours["4" if code.startswith(("4", "10")) else "3"] = code
        else:
            attributes.append(code)
    return ";".join(attributes), colours["4"], colours["3"]


@lru_cache(maxsize=4096)
def _ground(style: str) -> str | None:
    """The part of a style that a blank shows; None when it shows more than a background."""
    attributes, ground, _ = _parts(style)
    return None if _MARKS_BLANKS.intersection(attributes.split(";")) else ground


def _order(run: _Run) -> tuple[str, str, bool, str, int, int]:
    """By style, and blanks after the text that they can share one with."""
    attributes, ground, colour = _parts(run.style)
    return attributes, ground, not colour, colour, run.row, run.column


def _seen(cells: list[str | None], style: str) -> list[str]:
    """The style of each cell, as far as it is seen."""
    ground = _ground(style)
    if ground is None or ground == style or " " not in cells:
        return [style] * len(cells)
    return [ground if char == " " else style for char in cells]


def _one_style(style: str, text: str, cells: Sequence[str | None], styles: Sequence[str]) -> tuple[str, str]:
    """A style that the text and further cells can both be written in, and those cells' text; empty when there is none.

    A blank takes any style that has its ground.
    """
    added = ""
    blank = not text.strip(" ")
    for char, own in zip(cells, styles, strict=True):
        if not char:
            return style, ""
        if own != style and not (char == " " and own == _ground(style)):
            if not (blank and style == _ground(own)):
                return style, ""
            style = own
        blank = blank and char == " "
        added += char
    return style, added


@lru_cache(maxsize=4096)
def _cells(text: str) -> list[str | None]:
    """One entry a column: a wide character is followed by an empty one."""
    if text.isascii():
        return [*text]
    widths = [cell_len(char) for char in text]
    if widths.count(1) == len(widths):
        return [*text]
    whole = cell_len(text)
    if 0 in widths or sum(widths) != whole:
        # Joined characters: what each column shows cannot be told, so none of them is ever taken for known.
        return [None] * whole
    return [cell for char, width in zip(text, widths, strict=True) for cell in (char, *[""] * (width - 1))]


def thrifty(driver: type[Driver]) -> type[Driver]:
    """The driver class with a `Thrift` between it and its terminal."""

    class ThriftyDriver(driver):  # type: ignore[valid-type,misc]  # the platform's own driver, known when the app starts
        """Writes what differs. The terminal keeps what it shows until there is a first frame to show instead."""

        thrift = Thrift()
        _waiting: list[str] | None = None

        def write(self, data: str) -> None:
            reduced = self.thrift.reduce(data)
            if self._waiting is not None:
                self._waiting.append(reduced)
                if self.thrift.drawn or len(reduced) > _LONGEST_SWITCH:
                    self.release()
            elif reduced:
                super().write(reduced)

        def release(self) -> None:
            """Write what has waited for a frame."""
            waiting, self._waiting = self._waiting, None
            if waiting:
                super().write("".join(waiting))

        def start_application_mode(self) -> None:
            self.thrift = Thrift()
            self._waiting = []
            super().start_application_mode()

        def stop_application_mode(self) -> None:
            self.release()
            super().stop_application_mode()

    return ThriftyDriver
