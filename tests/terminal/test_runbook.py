"""Questions before something is done: a person at a real terminal answers them, or leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import CONFIG
from tests.runbooks.engine.stage import HEAD, step
from tests.terminal.terminal import CTRL_C, ENTER, Terminal
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path


class Place:
    """A configuration with one runbook, whose step makes a file."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.made = folder / "made"
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "runbooks").mkdir()

    def asks(self, danger: str) -> Terminal:
        """The runbook, with a step of this danger, at the question whether to run it."""
        text = HEAD + step("one", f'{{ kind = "command", argv = ["touch", "{self.made}"] }}', danger=danger)
        (self.home / "runbooks" / "mend.toml").write_text(text, encoding="utf-8")
        terminal = Terminal("runbook", "run", "mend", "--config", self.home / "config.toml", home=self.home)
        terminal.wait_for("confirm  ", "run it" if danger == "X" else "Run it?")
        return terminal


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    ("danger", "answer", "code"),
    [
        ("C", "yes", Exit.OK),
        ("C", "y", Exit.REFUSED),
        ("X", "staging", Exit.OK),
        ("X", "yes", Exit.REFUSED),
    ],
)
def test_it_takes_the_right_word(place: Place, danger: str, answer: str, code: Exit) -> None:
    with place.asks(danger) as terminal:
        terminal.press(answer, ENTER)
        assert terminal.wait() == code
        assert place.made.exists() == (code == Exit.OK)


def test_ctrl_c_leaves(place: Place) -> None:
    with place.asks("C") as terminal:
        terminal.press(CTRL_C)
        assert terminal.wait() == Exit.INTERRUPTED
        assert not place.made.exists()


def test_a_terminal_that_goes_away_says_no(place: Place) -> None:
    with place.asks("C") as terminal:
        terminal.hang_up()
        assert terminal.wait() in {Exit.HANGUP, Exit.REFUSED}
        assert not place.made.exists()
