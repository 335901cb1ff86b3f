"""Who has the mouse: the program, which then gets clicks, or the terminal, in which people then select text."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.terminal.sequences import left_on
from tests.terminal.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

PANES = ("1 Health", "2 Alerts", "3 Rollouts", "4 Logs")
F2 = "\x1bOQ"
BUTTONS = re.compile(rb"\x1b\[\?1000([hl])")
"""DEC private mode 1000: the terminal reports when a button goes down or up."""
TAKEN, LEFT = "The console takes the mouse.", "The terminal has the mouse"


def switched(terminal: Terminal) -> list[bytes]:
    """`h` for each time that the mouse was taken, `l` for each time that it was given back."""
    return BUTTONS.findall(terminal.output)


@pytest.mark.parametrize("variables", [{"TUIOPS_MOUSE": "off"}, {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}])
def test_f2_takes_the_mouse_that_was_left_to_the_terminal(variables: dict[str, str], tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path, variables=variables) as terminal:
        terminal.wait_for(*PANES, "live")
        assert switched(terminal) == []

        terminal.press(F2)
        terminal.wait_for(TAKEN)
        assert switched(terminal) == [b"h"]
        terminal.press(F2)
        terminal.wait_for(LEFT)
        assert switched(terminal) == [b"h", b"l"]

        terminal.press(F2)
        terminal.until(lambda: switched(terminal)[-1] == b"h", "the mouse to be taken")
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
        assert left_on(terminal.output) == []


def test_f2_gives_the_mouse_back_and_it_stays_so_when_the_console_is_stopped_and_goes_on(tmp_path: Path) -> None:
    with Terminal("--demo", home=tmp_path, variables={"TUIOPS_MOUSE": "on"}) as terminal:
        terminal.wait_for(*PANES, "live")
        assert set(switched(terminal)) == {b"h"}

        terminal.press(F2)
        terminal.wait_for(LEFT)
        assert switched(terminal)[-1] == b"l"
        terminal.signal(signal.SIGTSTP)
        terminal.until(lambda: terminal.stopped, "it to stop")
        terminal.signal(signal.SIGCONT)
        terminal.press("?")
        terminal.wait_for("Help · alerts")
        assert switched(terminal)[-1] == b"l"
