"""Terminals with few colours or none, without Unicode, and those that are no terminals at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.terminal.sequences import colours, left_on, text
from tests.terminal.terminal import ENTER, TAB, Terminal

if TYPE_CHECKING:
    from pathlib import Path

PANES = ("1 Health", "2 Alerts", "3 Rollouts", "4 Logs")


def look_around(terminal: Terminal) -> None:
    """Visit every pane, a detail, the help and the themes, so that all of it is drawn."""
    terminal.wait_for(*PANES, "live")
    for key, there in ((TAB, "h history"), (TAB, "F follow"), (TAB, "! unhealthy"), ("2", "z group")):
        terminal.press(key)
        terminal.wait_for(there)
    for key, there in ((ENTER, "firing"), ("?", "Help")):
        terminal.press(key)
        terminal.wait_gone(*PANES)
        terminal.wait_for(there)
        terminal.press("q")
        terminal.wait_for(*PANES)


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path, variables={"NO_COLOR": "1"}) as terminal:
        look_around(terminal)
        assert colours(terminal.output) == set()
        assert terminal.shows("DOWN", "degraded")


@pytest.mark.parametrize("theme", ["dark", "light", "colour-blind", "high-contrast", "mono"])
def test_sixteen_colours_are_all_that_is_used(theme: str, tmp_path: Path) -> None:
    variables = {"TERM": "xterm", "COLORTERM": None, "TEXTUAL_COLOR_SYSTEM": None, "TUIOPS_THEME": theme}
    with Terminal("--demo", home=tmp_path, variables=variables) as terminal:
        terminal.wait_for(*PANES, "live")
        assert colours(terminal.output) <= {"basic", "bright"}


@pytest.mark.parametrize("surroundings", [{"TUIOPS_ASCII": "1"}, {"TUIOPS_ASCII": "1", "LANG": "C", "LC_ALL": "C"}])
def test_ascii_means_ascii(surroundings: dict[str, str], tmp_path: Path) -> None:
    with Terminal("--demo", "--theme", "dark", home=tmp_path, variables=surroundings) as terminal:
        look_around(terminal)
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
        # Texts from outside keep their characters; the simulated fleet speaks Japanese in its log lines.
        drawn = text(terminal.output).decode()
        assert set("╭╮╰╯─│▁▂▃▄▅▆▇█✓◷▾▸●—·→…≤≥") & set(drawn) == set()


def test_the_c_locale_shows_everything_too(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path, variables={"LANG": "C", "LC_ALL": "C"}) as terminal:
        look_around(terminal)
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
        assert left_on(terminal.output) == []


@pytest.mark.parametrize("words", [("--demo",), ("wallboard", "--demo")], ids=["console", "wallboard"])
def test_a_theme_that_does_not_exist_is_named_before_anything_is_drawn(words: tuple[str, ...], tmp_path: Path) -> None:
    with Terminal(*words, "--theme", "lihgt", home=tmp_path) as terminal:
        assert terminal.wait() == 78
        assert b"there is no theme 'lihgt'" in terminal.output
        assert b"did you mean light?" in terminal.output
        assert b"\x1b[?1049h" not in terminal.output


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_terminal_that_cannot_be_drawn_on_gets_the_plain_status(term: str | None, tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path, variables={"TERM": term}) as terminal:
        assert terminal.wait() == 0
        assert b"pricealert" in terminal.output
        assert b"Run tuiops in one for the console" in terminal.output
        assert b"\x1b[?1049h" not in terminal.output
        if term == "dumb":
            assert b"\x1b" not in terminal.output
