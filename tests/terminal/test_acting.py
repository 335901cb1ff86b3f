"""From an alert to a confirmed way back in a real terminal, and the story of it in the ledger afterwards.

The simulated world runs five times as fast as the clock: what takes a minute there is over in a dozen seconds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.terminal.terminal import ENTER, TAB, Terminal, environment
from tuiops.config.people import local_account

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = f"""
environment = "sim"
[environments.sim]
production = true
[people.kim]
accounts = ["{local_account()}"]
role = "operator"
[[permissions]]
danger = "C"
[sources.simulation]
type = "simulation"
interval = "1s"
speed = 5
"""
MOST_KEYS = 6


def row(terminal: Terminal, pane: str) -> str:
    """The row about phase1 in the health pane, on the left, or in that of alerts on the right; empty without one."""
    halves = [line.split("││") for line in terminal.lines if "││" in line]
    if pane == "health":
        return next((left for left, _ in halves if " phase1 " in left), "")
    return next((right for _, right in halves if " manga/phase1 " in right), "")


def state(terminal: Terminal) -> str:
    """How the health pane has the service."""
    return next(iter(re.findall(r"phase1 +(\w+)", row(terminal, "health"))), "")


def open_menu(terminal: Terminal) -> None:
    """What can be done about the selected row, as soon as the console can do anything."""
    starting = "the console is still starting"
    while not terminal.shows("Act on", "WHAT"):
        terminal.press("x")
        terminal.until(lambda: terminal.shows("Act on", "WHAT") or terminal.shows(starting), "the menu")
        if terminal.shows(starting):
            terminal.press("q")
            terminal.wait_gone("Act on")


def test_from_an_alert_a_few_keys_mend_what_was_broken_and_the_ledger_tells_who_did_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, encoding="utf-8")
    with Terminal("--config", file, home=tmp_path, columns=140, rows=50) as terminal:
        terminal.wait_for("1 Health", "live", "error rate")
        terminal.press("1")
        terminal.prompt("/", "phase1")
        terminal.until(lambda: state(terminal) == "ok", "phase1 to be well")
        terminal.press("g", "j")
        open_menu(terminal)
        terminal.wait_for("Act on manga/phase1", "a  C  Break phase1")
        terminal.press("a")
        terminal.wait_for("Break phase1 (drill)", "[ Cancel ]")
        terminal.press(TAB, ENTER)
        terminal.wait_for("Run #1", "✓ succeeded")
        terminal.press("q")
        terminal.wait_for("1 Health", "2 Alerts")

        terminal.press("2")
        terminal.prompt("/", "phase1")
        terminal.until(lambda: "error rate" in row(terminal, "alerts"), "the alert")
        terminal.until(lambda: state(terminal) in {"degraded", "DOWN"}, "phase1 to be unwell")
        terminal.press("g")

        keys = ["x", "a", TAB, ENTER]
        assert len(keys) <= MOST_KEYS
        terminal.press(keys[0])
        terminal.wait_for("Act on manga/phase1", "a  C  Roll back phase1", "error rate")
        terminal.press(keys[1])
        terminal.wait_for("Roll back phase1", "phase1 from phase1-00042 to phase1-00041", "[ Cancel ]")
        terminal.press(*keys[2:])
        terminal.wait_for("Run #2", "✓ succeeded")
        terminal.press("q")
        terminal.until(lambda: state(terminal) == "ok", "phase1 to be well again")
        terminal.until(lambda: not row(terminal, "alerts"), "the end of the alert")
        terminal.prompt(":", "q")
        assert terminal.wait() == 0

    told = subprocess.run(
        [sys.executable, "-m", "tuiops", "ledger", "show", "2", "--config", file],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    head, people, _, *entries = told.splitlines()
    assert head == "#2 Roll back phase1  manga phase1 sim  succeeded"
    assert people == f"by  kim ({local_account()})"
    said = [entry for entry in entries if not entry.startswith(" ")]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00  kim  ", entry) for entry in said)
    for what in (
        "confirmed roll-back on phase1 in sim (changes), in a drill",
        "is about to do `gcloud run services update-traffic manga-phase1",
        "phase1 from phase1-00042 to phase1-00041: succeeded",
        "phase1 answers well again: succeeded",
        "the run ended: succeeded",
    ):
        assert any(what in entry for entry in said), told
    assert any("because of alert " in entry for entry in entries), told
