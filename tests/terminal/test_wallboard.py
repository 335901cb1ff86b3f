"""The wallboard in a terminal: it turns by itself, and nobody can do anything to it."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from tests.terminal.sequences import left_on
from tests.terminal.terminal import CTRL_C, CTRL_L, ENTER, ESCAPE, TAB, Terminal

if TYPE_CHECKING:
    from pathlib import Path

QUIET = """
environment = "quiet"
[environments.quiet]
[wallboard]
dwell = "1h"
pages = ["alerts"]
[sources.host]
type = "host"
interval = "1h"
"""
SPECIAL = (ENTER, TAB, ESCAPE, CTRL_L, "\x1b[A", "\x1b[B", "\x1b[Z", "\x1bOP", "\x1b[12~", *"\x04\x10\x11\x15")


def steady(terminal: Terminal) -> str:
    """The screen without what time alone changes: clock, ages and measured values."""
    return re.sub(r"\d+", "0", terminal.text)


def test_only_help_and_two_ctrl_c_do_anything(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(QUIET, encoding="utf-8")
    with Terminal("wallboard", "--config", config, home=tmp_path) as terminal:
        terminal.wait_for("quiet", "alerts", "? help", "1/1")
        before = steady(terminal)
        keys = [*(key for key in string.printable if key != "?" and key.isprintable()), *SPECIAL]

        terminal.press(*keys, "?")
        terminal.wait_for("This wallboard only reads.")
        assert terminal.process.poll() is None
        terminal.press("?")
        terminal.wait_gone("This wallboard only reads.")
        terminal.until(lambda: steady(terminal) == before, "the same page as before all the keys")

        terminal.press(CTRL_C)
        terminal.wait_for("Press Ctrl-c once more to leave.")
        terminal.wait_gone("Press Ctrl-c once more to leave.")
        assert terminal.process.poll() is None
        terminal.press(CTRL_C)
        terminal.wait_for("Press Ctrl-c once more to leave.")
        terminal.press(CTRL_C)
        assert terminal.wait() == 0
        assert left_on(terminal.output) == []
        assert terminal.line_settings == terminal.settings


def test_a_p1_takes_the_wall(tmp_path: Path) -> None:
    with Terminal("wallboard", "--demo", home=tmp_path) as terminal:
        terminal.wait_for("incident", "pricealert", "left to respond", "! 2", "last 1h")
