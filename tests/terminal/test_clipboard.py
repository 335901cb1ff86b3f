"""What `y` copies, as a terminal takes it: tmux keeps what OSC 52 brings in its paste buffer."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers.fixtures import program
from tests.terminal.terminal import environment
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PANES = ("1 Health", "2 Alerts", "3 Rollouts", "4 Logs")


class Tmux:
    """`tuiops --demo` in a tmux of its own, which nobody is attached to."""

    def __init__(self, folder: Path) -> None:
        found = program("tmux")
        (folder / "tmux.conf").write_text("set -g set-clipboard on\n", encoding="utf-8")
        self._tmux = [str(found.path), "-S", str(folder / "tmux"), "-f", str(folder / "tmux.conf")]
        self._environment = environment(folder) | dict(found.environment)
        # Libraries that were unpacked for tmux are not for the console.
        command = shlex.join(["env", "-u", "LD_LIBRARY_PATH", sys.executable, "-m", "tuiops", "--demo"])
        self.run("-u", "new-session", "-d", "-x", "120", "-y", "40", command)

    def run(self, *words: str) -> str:
        """What a tmux command prints."""
        return subprocess.run(
            [*self._tmux, *words], check=True, capture_output=True, text=True, encoding="utf-8", env=self._environment
        ).stdout

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    @property
    def copied(self) -> str:
        """The newest paste buffer; empty when there is none."""
        return self.run("show-buffer") if self.run("list-buffers") else ""

    def wait_for(self, *pieces: str) -> None:
        try:
            wait_until(lambda: all(piece in self.screen for piece in pieces), f"{pieces} on screen")
        except AssertionError as error:
            error.add_note(f"the screen:\n{self.screen}")
            raise

    def stop(self) -> None:
        """End the server, and with it the console."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True, env=self._environment)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    started = Tmux(tmp_path)
    yield started
    started.stop()


def test_what_is_copied_arrives_in_the_terminal_whole(tmux: Tmux) -> None:
    tmux.wait_for(*PANES, "live", "error rate")
    tmux.run("send-keys", "2", "g", "y")
    tmux.wait_for("Copied to the terminal's clipboard.")
    wait_until(lambda: bool(tmux.copied), "a paste buffer")
    alert = tmux.copied
    assert alert.startswith("P1 pricealert/api ErrorBudgetBurnFast ")

    tmux.run("send-keys", "Enter")
    tmux.wait_for("Alert · ")
    tmux.run("send-keys", "y")
    wait_until(lambda: tmux.copied != alert, "another paste buffer")
    assert 'service="api"' in tmux.copied

    tmux.run("send-keys", "q", ":", "logs manga", "Enter")
    tmux.wait_for("4 Logs ─ manga", "manga_generation_started")
    tmux.run("send-keys", "/", "漫画", "Enter")
    tmux.wait_for(" lines ─╮")
    tmux.run("send-keys", "y")
    wait_until(lambda: "漫画" in tmux.copied, "a third paste buffer")
    assert len(tmux.copied.splitlines()) == 1
