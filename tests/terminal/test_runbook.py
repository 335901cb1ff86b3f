"""Questions before something is done: a person at a real terminal answers them, or leaves."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.shop import CONFIG
from tests.runbooks.engine.stage import HEAD, step
from tests.terminal.terminal import CTRL_C, ENTER, Terminal, environment
from tests.waiting import wait_until
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

    def write(self, danger: str) -> None:
        """The runbook, with a step of this danger."""
        do, undo = (f'{{ kind = "command", argv = ["{word}", "{self.made}"] }}' for word in ("touch", "rm"))
        text = HEAD + step("one", do, danger=danger, undo=undo)
        (self.home / "runbooks" / "mend.toml").write_text(text, encoding="utf-8")

    def asks(self, danger: str) -> Terminal:
        """The runbook at the question whether to run it."""
        self.write(danger)
        terminal = Terminal("runbook", "run", "mend", "--config", self.home / "config.toml", home=self.home)
        terminal.wait_for("confirm  ", "run it" if danger == "X" else "Run it?")
        return terminal

    def command(self, *words: str, ahead: str = "", answer: str = "") -> tuple[int, str, str]:
        """A command whose standard output is a file: its exit code, what the file has, what the terminal has.

        `ahead` is typed before it begins, `answer` when it asks for `yes`.
        """
        master, slave = pty.openpty()
        program = [sys.executable, "-m", "tuiops", "runbook", *words, "--config", str(self.home / "config.toml")]
        shown = b""
        os.write(master, ahead.encode())
        with (self.home / "out").open("wb") as out:
            process = subprocess.Popen(program, stdin=slave, stdout=out, stderr=slave, env=environment(self.home))
        os.close(slave)

        def read(seconds: float) -> bytes:
            try:
                return os.read(master, 4096) if select.select([master], [], [], seconds)[0] else b""
            except OSError:
                return b""

        def asked() -> bool:
            nonlocal shown
            shown += read(0.02)
            return b"Type yes:" in shown or process.poll() is not None

        try:
            wait_until(asked, "the question")
            assert process.poll() is not None or not (self.home / "out").read_text(), "what it prints comes afterwards"
            if process.poll() is None:
                os.write(master, f"{answer}\n".encode())
            wait_until(lambda: process.poll() is not None, "its end")
            while more := read(0):
                shown += more
        finally:
            process.kill()
            os.close(master)
        return process.wait(), (self.home / "out").read_text(encoding="utf-8"), shown.decode()


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


def test_beside_a_document_it_is_shown_and_asked_on_the_terminal_and_nothing_typed_before_answers(place: Place) -> None:
    place.write("C")
    for words, call, exists in ((("run", "mend"), "touch", True), (("undo", "1"), "rm", False)):
        code, document, _ = place.command(*words, "-o", "json", ahead="yes\nyes\n", answer="no")
        assert (code, document, place.made.exists()) == (Exit.REFUSED, "", not exists)
        code, document, shown = place.command(*words, "-o", "json", ahead="no\n", answer="yes")
        assert (code, place.made.exists()) == (Exit.OK, exists)
        before = shown.partition("Type yes:")[0]
        assert f"{call} {place.made}" in before
        assert "confirm  " in before
        assert json.loads(document)["state"] == ("succeeded" if exists else "undone")


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
