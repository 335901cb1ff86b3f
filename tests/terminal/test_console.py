"""The console in a terminal: the first frame, its keys, and how it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.terminal.sequences import left_on, text
from tests.terminal.terminal import CTRL_C, CTRL_L, ENTER, ESCAPE, TAB, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PANES = ("1 Health", "2 Alerts", "3 Rollouts", "4 Logs")
FIRST_ALERT = "Alert · ErrorBudgetBurnFast"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with Terminal("--demo", home=tmp_path_factory.mktemp("home")) as terminal:
        terminal.wait_for(*PANES, "live", "error rate")
        yield terminal


@pytest.fixture
def console(running: Terminal) -> Terminal:
    """The console at its main view, with the alerts selected."""
    running.press("2", "g")
    running.wait_for(*PANES, "group   Tab pane")
    return running


def test_the_first_frame_is_whole_and_needs_no_source(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.wait_for(*PANES)
        before, _, after = terminal.output.partition(b"\x1b[?1049h")
        assert before == b"", "nothing flashes by before the console has the screen"
        frame = after[: after.index(b"4 Logs")]
        assert b"live " not in frame, "the first frame did not wait for a source"


def test_what_is_typed_before_it_has_the_terminal_is_carried_out(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        assert terminal.cooked
        terminal.press(":", "q", ENTER)
        assert terminal.wait() == 0
        assert terminal.line_settings == terminal.settings


def test_what_is_typed_before_the_first_frame_is_carried_out(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.until(lambda: not terminal.cooked, "the terminal to be taken")
        terminal.press(":q\r")
        assert terminal.wait() == 0
        assert left_on(terminal.output) == []


def test_enter_opens_the_detail_of_the_row_that_j_and_k_chose(console: Terminal) -> None:
    console.press(ENTER)
    console.wait_for(FIRST_ALERT)
    console.press("q")
    console.wait_for(*PANES)
    console.press("j")
    console.press("d")
    console.wait_for("Alert · ")
    assert not console.shows(FIRST_ALERT)
    console.press("q")
    console.wait_for(*PANES)
    console.press("k")
    console.press(ENTER)
    console.wait_for(FIRST_ALERT)
    console.press("q")
    console.wait_for(*PANES)


def test_the_help_lists_the_keys_and_is_searched(console: Terminal) -> None:
    console.press("?")
    console.wait_for("Help · alerts", "Show the log lines of the row's service.")
    console.press("q")
    console.wait_for(*PANES)


def test_the_filter_hides_rows_until_it_is_left(console: Terminal) -> None:
    assert "AI quota" in console.text
    console.prompt("/", "sev>=P1")
    console.wait_gone("AI quota")
    assert console.shows("error rate")
    console.press(ESCAPE)
    console.wait_for("AI quota")


def test_digits_and_tab_move_between_the_panes(console: Terminal) -> None:
    for key, only_there in (("1", "! unhealthy"), ("3", "h history"), ("4", "F follow"), ("2", "z group")):
        console.press(key)
        console.wait_for(only_there)
    for only_there in ("h history", "F follow", "! unhealthy", "z group"):
        console.press(TAB)
        console.wait_for(only_there)


def test_f_gives_a_pane_the_whole_screen(console: Terminal) -> None:
    console.press("f")
    console.wait_gone("1 Health", "3 Rollouts", "4 Logs")
    console.press("f")
    console.wait_for(*PANES)


def test_p_holds_the_screen_still(console: Terminal) -> None:
    console.press("p")
    console.wait_for("PAUSED +1")
    console.press("p")
    console.wait_gone("PAUSED")


def test_big_t_changes_how_times_are_shown(console: Terminal) -> None:
    for style in ("utc", "relative", "local"):
        console.press("T")
        console.wait_for(f"Times: {style}.")


def test_a_theme_is_switched_while_it_runs(console: Terminal) -> None:
    dark = console.background("SERVICE")
    console.prompt(":", "theme light")
    console.until(lambda: console.background("SERVICE") != dark, "the light theme")
    assert min(int(console.background("SERVICE")[at : at + 2], 16) for at in (0, 2, 4)) > 0xC0
    console.prompt(":", "theme dark")
    console.until(lambda: console.background("SERVICE") == dark, "the dark theme")


def test_a_wrong_command_is_answered(console: Terminal) -> None:
    console.prompt(":", "no-such-thing")
    console.wait_for("There is no command no-such-thing")


def test_ctrl_c_and_q_never_quit(console: Terminal) -> None:
    for _ in range(3):
        console.press(CTRL_C)
    console.wait_for("Ctrl-c never quits")
    console.press("q")
    console.wait_for(":q quits")
    console.press(CTRL_L)
    console.wait_for(*PANES)


def test_quitting_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path) as terminal:
        terminal.wait_for(*PANES, "live")
        assert terminal.line_settings != terminal.settings
        assert left_on(terminal.output)

        terminal.prompt(":", "q")

        assert terminal.wait() == 0
        assert left_on(terminal.output) == []
        assert terminal.line_settings == terminal.settings
        after = terminal.output.rpartition(b"\x1b[?1049l")[2]
        assert text(after) == b""
