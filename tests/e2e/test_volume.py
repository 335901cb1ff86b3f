"""Far too much of everything: the console answers its keys, stays small, and says what it left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.e2e import stage
from tests.terminal.terminal import ENTER, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers

MOST_BYTES = 250e6
HUGE = 100_000_000


def answers(terminal: Terminal) -> None:
    """The keys do what they always do."""
    terminal.press("?")
    terminal.wait_for("Help")
    terminal.press("q")
    terminal.wait_gone("Help")


def test_ten_thousand_alerts(servers: Servers, tmp_path: Path) -> None:
    alertmanager = servers.alertmanager()
    now = datetime.now(UTC)
    span = {"startsAt": (now - timedelta(minutes=1)).isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat()}
    for first in range(0, 10_000, 1000):
        alertmanager.post(
            *(
                {
                    "labels": {"alertname": f"Storm{number:05}", "severity": "warning", "system": "shop"},
                    "annotations": {"summary": f"storm number {number:05}"},
                    **span,
                }
                for number in range(first, first + 1000)
            )
        )
    config = tmp_path / "config.toml"
    config.write_text(
        stage.HEAD
        + stage.source("am", "alertmanager", alertmanager.url, "max_items = 9000", interval="5s", timeout="20s")
        + stage.source("all", "alertmanager", alertmanager.url, interval="5s", timeout="20s")
        + "[systems.shop]\n",
        encoding="utf-8",
    )
    with Terminal("--config", config, home=tmp_path) as terminal:
        terminal.wait_for("10,000 firing")
        answers(terminal)
        terminal.press("G", ENTER)
        terminal.wait_for("Alert · Storm", "storm number")
        terminal.press("q")
        terminal.prompt("/", "05555")
        terminal.wait_for("storm number 05555")
        terminal.press("q")
        terminal.prompt(":", "sources")
        terminal.wait_for("1,000 items left out")
        assert terminal.memory < MOST_BYTES
        terminal.press("q")
        terminal.prompt(":", "q")
        assert terminal.wait() == 0


def test_a_line_of_a_hundred_megabytes_and_a_binary_log(tmp_path: Path) -> None:
    huge, binary = tmp_path / "huge.log", tmp_path / "binary.log"
    huge.write_text("before\n", encoding="utf-8")
    binary.write_bytes(b"first\n" + bytes(range(256)) * 2000 + b"\nlast of the binary\n")
    config = tmp_path / "config.toml"
    config.write_text(
        stage.HEAD
        + f'[systems.shop]\n[systems.shop.services.api]\n[systems.shop.logs.all]\nkind = "file"\nservice = "api"\n'
        f'paths = ["{huge}", "{binary}"]\n',
        encoding="utf-8",
    )
    with Terminal("--config", config, home=tmp_path) as terminal:
        terminal.wait_for("before", "last of the binary")
        with huge.open("ab") as file:
            for _ in range(100):
                file.write(b"x" * (HUGE // 100))
            file.write(b"\nafter the huge line\n")
        answers(terminal)
        terminal.press("4", "G")
        terminal.wait_for("after the huge line")
        answers(terminal)
        assert terminal.memory < MOST_BYTES
        terminal.prompt(":", "sources")
        terminal.wait_for("Log streams")
        terminal.press("q")
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
