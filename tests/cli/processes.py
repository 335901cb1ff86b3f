"""Commands in processes of their own: begun, listened to, interrupted, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]


class Command:
    """One process."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self._folder = folder
        self._words = " ".join(words)
        wait_until((folder / "pid").exists, f"the beginning of {self._words}")
        self.pid = int((folder / "pid").read_text())

    @property
    def out(self) -> str:
        return self._read("out")

    @property
    def err(self) -> str:
        return self._read("err")

    @property
    def over(self) -> bool:
        return (self._folder / "code").exists()

    @property
    def code(self) -> int:
        """How it exited, once it has."""
        wait_until(lambda: self.over, f"the end of {self._words}")
        return int((self._folder / "code").read_text())

    def says(self, words: str) -> None:
        """Wait until it has said so, on standard output or standard error."""
        wait_until(lambda: words in self.out + self.err or self.over, f"{words!r} of {self._words}")
        assert words in self.out + self.err, self.out + self.err

    def tell(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a crash does."""
        with suppress(ProcessLookupError):
            self.tell(signal.SIGKILL)
        assert self.code is not None

    def _read(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


class Commands:
    """Begins them, and ends what is left of them."""

    def __init__(self) -> None:
        self._forks = subprocess.Popen([sys.executable, "-m", "tests.cli.child"], cwd=ROOT, stdin=subprocess.PIPE)
        self._begun: list[Command] = []

    def begin(
        self, folder: Path, words: Sequence[str], environment: Mapping[str, str], *, user: int, ahead: float = 0.0
    ) -> Command:
        """`folder` takes what it prints; `user` is whom it runs as, and `ahead`, in seconds, how far its clock is."""
        folder.mkdir(parents=True)
        wanted = {
            "folder": str(folder), "words": list(words), "environment": dict(environment), "user": user, "ahead": ahead,
        }  # fmt: skip
        assert self._forks.stdin is not None
        self._forks.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._forks.stdin.flush()
        made = Command(folder, words)
        self._begun.append(made)
        return made

    def end_all(self) -> None:
        for command in self._begun:
            if not command.over:
                command.kill()
        self._begun.clear()

    def close(self) -> None:
        self.end_all()
        assert self._forks.stdin is not None
        self._forks.stdin.close()
        self._forks.wait()
