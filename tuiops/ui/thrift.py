"""Fewer bytes to the terminal: of what Textual writes, only the cells that look different on the screen.

Textual writes every dirty line whole, and each piece of it with its full style: a clock that moves on by a second
costs a kilobyte. Over SSH that is what people wait for. `Thrift` keeps what is on the screen and lets through what
differs. It understands what a frame consists of (moves, styles, text, line feeds); whatever else comes is passed on
as it is, and then everything known is forgotten, so that a mistake can never outlive the next full repaint.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.driver import Driver

SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: what is between them appears at once."""
RESET = "\x1b[0m"

_TOKEN = re.compile(
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|\x1b\[(?P<style>[\d;]*)m|(?P<text>[^\x1b\x00-\x1f]+)|(?P<feed>\n)"
)
_TOO_LONG = 1000
"""Rows and columns beyond which no terminal goes: a guard against a model without bounds."""


class _Run(NamedTuple):
    """Text of one style at one place."""

    row: int
    column: int
    style: str
    text: str


class _Row:
    """What a row of the screen is known to show; a cell that is not known holds None."""

    def __init__(self) -> None:
        self.cells: list[str | None] = []
        self.styles: list[str] = []
        self.joined = False
        """Whether characters that join each other were written here."""

    def reach(self, width: int) -> None:
        """Be at least so many columns long."""
        missing = width - len(self.cells)
        if missing > 0:
            self.cells += [None] * missing
            self.styles += [""] * missing

    @property
    def uneven(self) -> bool:
        """Whether a character is not one column wide, about which terminals disagree."""
        return self.joined or "" in self.cells


class Thrift:
    """The screen of one terminal."""

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._cursor: tuple[int, int] | None = None
        self._style: str | None = None
        self._held = ""

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
            wanted = "".join(self._changes(runs))
            if self._style not in {None, ""}:
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
        runs: list[_Run] = []
        place, style, at = self._cursor, "", 0
        for token in _TOKEN.finditer(data):
            if token.start() != at:
                return None
            at = token.end()
            match token.lastgroup:
                case "column":
                    place = int(token["row"]), int(token["column"])
                case "style":
                    style = "" if token["style"] in {"", "0"} else token["style"]
                case "text":
                    if place is None or max(place) > _TOO_LONG:
                        return None
                    runs.append(_Run(*place, style, token["text"]))
                    place = place[0], place[1] + cell_len(token["text"])
                case _:
                    # Textual ends rows with line feeds, and moves to where it goes on.
                    place = None
        return None if at != len(data) else (runs, place)

    def _changes(self, runs: list[_Run]) -> Iterator[str]:
        first = 0
        while first < len(runs):
            last = first
            while last < len(runs) and runs[last].row == runs[first].row:
                last += 1
            yield from self._row_changes(runs[first:last])
            first = last

    def _row_changes(self, runs: list[_Run]) -> Iterator[str]:
        row = self._rows.setdefault(runs[0].row, _Row())
        uneven = row.uneven
        differing: list[tuple[_Run, int, int]] = []
        for run in runs:
            cells, even = _cells(run.text)
            uneven = uneven or not even
            row.joined = row.joined or None in cells
            begin, end = run.column - 1, run.column - 1 + len(cells)
            row.reach(end)
            styles = [run.style] * len(cells)
            if None in cells or row.cells[begin:end] != cells or row.styles[begin:end] != styles:
                differing.append((run, *_difference(row, begin, cells, run.style)))
            row.cells[begin:end], row.styles[begin:end] = cells, styles
        if not differing:
            return
        for run, begin, end in [(run, 0, len(run.text)) for run in runs] if uneven else differing:
            yield self._write(run, begin, end, uneven=uneven)

    def _write(self, run: _Run, begin: int, end: int, *, uneven: bool) -> str:
        out = ""
        start = (run.row, run.column + begin)
        if start != self._cursor or uneven:
            out += f"\x1b[{start[0]};{start[1]}H"
        if run.style != self._style:
            out += _transition(self._style, run.style)
            self._style = run.style
        text = run.text[begin:end]
        # After the last column a terminal's cursor is in no certain place.
        self._cursor = None if uneven or end == len(run.text) else (run.row, start[1] + len(text))
        return out + text


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


def _parts(style: str) -> tuple[str, str, str]:
    """Attributes, foreground and background of an SGR sequence."""
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
    return ";".join(attributes), colours["3"], colours["4"]


def _cells(text: str) -> tuple[list[str | None], bool]:
    """One entry a column: a wide character is followed by an empty one. Whether every character has one column."""
    if text.isascii():
        return [*text], True
    widths = [cell_len(char) for char in text]
    if all(width == 1 for width in widths):
        return [*text], True
    whole = cell_len(text)
    if 0 in widths or sum(widths) != whole:
        # Joined characters: what each column shows cannot be told, so none of them is ever taken for known.
        return [None] * whole, False
    return [cell for char, width in zip(text, widths, strict=True) for cell in (char, *[""] * (width - 1))], False


def _difference(row: _Row, begin: int, cells: list[str | None], style: str) -> tuple[int, int]:
    """The first and the last cell that differ, the last one exclusive."""
    first, last = 0, len(cells)
    while first < last and row.cells[begin + first] == cells[first] and row.styles[begin + first] == style:
        first += 1
    while last > first and row.cells[begin + last - 1] == cells[last - 1] and row.styles[begin + last - 1] == style:
        last -= 1
    return first, last


def thrifty(driver: type[Driver]) -> type[Driver]:
    """The driver class with a `Thrift` between it and its terminal."""

    class ThriftyDriver(driver):  # type: ignore[valid-type,misc]  # the platform's own driver, known when the app starts
        """Writes what differs."""

        thrift = Thrift()

        def write(self, data: str) -> None:
            reduced = self.thrift.reduce(data)
            if reduced:
                super().write(reduced)

        def start_application_mode(self) -> None:
            self.thrift = Thrift()
            super().start_application_mode()

    return ThriftyDriver
