"""Signals, a terminal that goes away, and terminals of every size."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.terminal.sequences import left_on, text
from tests.terminal.terminal import CTRL_C, Terminal

if TYPE_CHECKING:
    from pathlib import Path

PANES = ("1 Health", "2 Alerts", "3 Rollouts", "4 Logs")


def wrote_since(terminal: Terminal, seen: int) -> bool:
    return len(terminal.output) > seen


ENDS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=str
)


@ENDS
def test_a_signal_ends_it_with_a_clean_terminal(number: signal.Signals, code: int, tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.wait_for(*PANES, "live")

        terminal.signal(number)

        assert terminal.wait() == code
        assert left_on(terminal.output) == []
        assert terminal.line_settings == terminal.settings
        assert text(terminal.output.rpartition(b"\x1b[?1049l")[2]) == b""


@ENDS
def test_a_signal_before_the_first_frame_gives_the_terminal_back(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.until(lambda: not terminal.cooked, "the terminal to be taken")

        terminal.signal(number)

        assert terminal.wait() == code
        assert left_on(terminal.output) == []
        assert terminal.line_settings == terminal.settings


def test_two_interrupts_in_a_row_end_line_mode_once(tmp_path: Path) -> None:
    with Terminal("--demo", "--plain", home=tmp_path) as terminal:
        terminal.wait_for("P1")

        terminal.press(CTRL_C, CTRL_C)

        assert terminal.wait() == 130


def test_it_ends_when_the_terminal_goes_away(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.wait_for(*PANES, "live")

        terminal.hang_up()

        assert terminal.process.wait(10) == 129


def test_a_stopped_console_gives_the_terminal_back_and_returns(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.wait_for(*PANES, "live")

        terminal.signal(signal.SIGTSTP)
        terminal.until(lambda: terminal.stopped, "it to stop")
        terminal.until(lambda: not left_on(terminal.output), "a clean terminal")
        assert terminal.line_settings == terminal.settings

        terminal.resize(120, 40)
        terminal.signal(signal.SIGCONT)
        terminal.wait_for(*PANES, "live")
        terminal.press("?")
        terminal.wait_for("Help · alerts")
        terminal.press("q")
        terminal.wait_for(*PANES)
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
        assert left_on(terminal.output) == []


def test_a_storm_of_sizes_leaves_it_drawn_right(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.wait_for(*PANES, "live")
        for columns, rows in [(1, 1), (500, 200), (0, 0), (3, 2), (1, 60), (300, 1), (80, 24)] * 4:
            terminal.resize(columns, rows)
        terminal.wait_for("2 Alerts", "1 Health", ": command")
        assert all(len(line) <= 80 for line in terminal.lines)
        assert terminal.lines[-1].lstrip().startswith("x act"), "the footer is on the last line"

        for columns, rows in [(1, 1), (500, 200), (0, 0)]:
            seen = len(terminal.output)
            terminal.resize(columns, rows)
            terminal.until(partial(wrote_since, terminal, seen), f"something at {columns}×{rows}")
        terminal.resize(132, 38)
        terminal.wait_for(*PANES)
        terminal.press("4")
        terminal.wait_for("F follow")
