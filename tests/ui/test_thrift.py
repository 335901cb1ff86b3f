"""What is left out of a frame is only what the terminal shows already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tuiops.ui.thrift import SYNC_END, SYNC_START, Thrift

if TYPE_CHECKING:
    from collections.abc import Iterator

STYLES = (
    "", "1", "4;31", "48;2;4;5;6", "38;2;1;2;3", "38;2;1;2;3;48;2;4;5;6", "1;38;2;9;9;9;48;2;4;5;6", "31",
    "38;5;7;48;5;8", "7",
)  # fmt: skip
Cell = tuple[str, frozenset[str]]


def codes(style: str) -> Iterator[str]:
    """The parts of an SGR sequence, a colour in one piece."""
    yield from re.findall(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+", style)


class Screen:
    """A terminal of one-column characters."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], Cell] = {}
        self.cursor = (1, 1)
        self.style: dict[str, str] = {}

    def write(self, data: str) -> None:
        moves = r"\x1b\[(\d+);(\d+)H|\x1b\[(\d*)C|\x1b\[([\d;]*)m|([^\x1b\n]+)"
        for row, column, step, style, text in re.findall(moves, re.sub(r"\x1b\[C", "\x1b[1C", data)):
            if row:
                self.cursor = int(row), int(column)
            elif step:
                self.cursor = self.cursor[0], self.cursor[1] + int(step)
            elif text:
                for char in text:
                    self.cells[self.cursor] = (char, self._seen(char))
                    self.cursor = self.cursor[0], self.cursor[1] + 1
            else:
                self._select(style)

    def _seen(self, char: str) -> frozenset[str]:
        """What the style does to a character: a blank shows no colour but that of its ground, unless it is marked."""
        codes = frozenset(self.style.values())
        return codes if char != " " or codes & {"4", "7", "9"} else frozenset({self.style.get("bg", "")}) - {""}

    def _select(self, style: str) -> None:
        for code in codes(style) if style else ("0",):
            if code == "0":
                self.style = {}
            else:
                ground = "fg" if code.startswith("3") else "bg" if code.startswith("4") else code
                self.style[ground] = code


def frame(*runs: tuple[int, int, str, str]) -> str:
    """What Textual writes for runs at rows and columns."""
    return "".join(
        f"\x1b[{row};{column}H" + (f"\x1b[{style}m{text}\x1b[0m" if style else text) + "\n"
        for row, column, style, text in runs
    )


runs = st.tuples(
    st.integers(1, 4), st.integers(1, 12), st.sampled_from(STYLES), st.text("ab │…", min_size=1, max_size=10)
)


@given(st.lists(st.lists(runs, max_size=6), max_size=8))
def test_the_screen_is_the_same_as_without_it(frames: list[list[tuple[int, int, str, str]]]) -> None:
    thrift, plain, thrifty = Thrift(), Screen(), Screen()
    for drawn in frames:
        data = frame(*drawn) + "\x1b[1;1H"
        plain.write(data)
        thrifty.write(thrift.reduce(data))
        assert thrifty.cells == plain.cells
        assert thrifty.cursor == plain.cursor


def test_what_is_there_already_costs_nothing() -> None:
    thrift = Thrift()
    data = frame((1, 1, "1", "hello"), (2, 1, "31", "通知")) + "\x1b[1;1H"
    assert thrift.reduce(data)
    assert thrift.reduce(SYNC_START) == ""
    assert thrift.reduce(data) == ""
    assert thrift.reduce(SYNC_END) == ""


def test_a_clock_costs_its_last_digit() -> None:
    thrift = Thrift()
    thrift.reduce(frame((1, 1, "1", "14:02:11 JST")))
    thrift.reduce(SYNC_START)
    assert thrift.reduce(frame((1, 1, "1", "14:02:12 JST"))) == f"{SYNC_START}\x1b[1;8H\x1b[0;1m2\x1b[0m"
    assert thrift.reduce(SYNC_END) == SYNC_END


def test_a_row_with_wide_characters_is_written_whole() -> None:
    """Terminals disagree about their widths; what one of them shifted is put right by the next change."""
    thrift = Thrift()
    thrift.reduce(frame((1, 1, "", "通知 1 ok")))
    assert thrift.reduce(frame((1, 1, "", "通知 2 ok"))) == "\x1b[1;1H通知 2 ok"


def test_joined_characters_are_never_taken_for_known() -> None:
    thrift = Thrift()
    data = frame((1, 1, "", "e\u0301 x"))
    assert thrift.reduce(data)
    assert "e\u0301 x" in thrift.reduce(data)


def test_what_it_does_not_understand_passes_and_nothing_is_taken_for_granted() -> None:
    thrift = Thrift()
    data = frame((1, 1, "1", "hello"))
    thrift.reduce(data)
    assert thrift.reduce("\x1b[2J\x1b[?25l") == "\x1b[2J\x1b[?25l"
    assert "hello" in thrift.reduce(data)


def test_forgetting_writes_everything_again() -> None:
    thrift = Thrift()
    data = frame((1, 1, "1", "hello"))
    thrift.reduce(data)
    thrift.forget()
    assert "hello" in thrift.reduce(data)
