"""A configuration with one runbook whose steps add words to a file, and people who use the command line on it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.runbooks.engine.stage import HEAD
from tests.waiting import wait_until
from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.processes import Command, Commands

CONFIG = """
environment = "staging"
[environments.staging]
production = false
[environments.live]
production = true
[systems.shop]
label = "Shop"
"""

KIM, LEE, SAM = 64001, 64002, 64003
"""Users of the machine, whom it has no names for."""

_APPEND = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')"
_HOLD = """
import os, sys, time
open(sys.argv[1] + ".watched", "w").write(f"{os.getpid()} {os.getppid()}")
open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
end = time.monotonic() + 120
while not os.path.exists(sys.argv[3]) and time.monotonic() < end:
    time.sleep(0.02)
"""


class Ended(NamedTuple):
    """A command that is over."""

    code: int
    out: str
    err: str


class Shop:
    """The shop."""

    def __init__(self, folder: Path, commands: Commands) -> None:
        self.folder = folder
        self.effects = folder / "effects"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TUIOPS")},
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "none"),
        }
        self._commands = commands
        self._count = 0
        self.configure(CONFIG)
        self.add = self._step("append", _APPEND)
        self.hold = self._step("hold", _HOLD, str(self._gate))
        """Like `add`, but it goes on until it is released."""

    @property
    def done(self) -> list[str]:
        """Words that steps have added, in their order."""
        return self.effects.read_text().split() if self.effects.exists() else []

    @property
    def held(self) -> tuple[int, int]:
        """The process of the step that is held, and the one that watches it."""
        process, watcher = (self.folder / "effects.watched").read_text().split()
        return int(process), int(watcher)

    def configure(self, text: str) -> None:
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    def write(self, *steps: str) -> None:
        (self.folder / "runbooks").mkdir(exist_ok=True)
        (self.folder / "runbooks" / "mend.toml").write_text(HEAD + "".join(steps), encoding="utf-8")

    def begin(self, *words: str, by: int = KIM, ahead: float = 0.0) -> Command:
        """A command at work, of somebody whose clock is so many seconds ahead."""
        self._count += 1
        folder = self.folder / "commands" / str(self._count)
        words = (*words, "--config", str(self.folder / "config.toml"))
        return self._commands.begin(folder, words, self.environment, user=by, ahead=ahead)

    def tuiops(self, *words: str, by: int = KIM, ahead: float = 0.0) -> Ended:
        """A command that came to its end."""
        command = self.begin(*words, by=by, ahead=ahead)
        return Ended(command.code, command.out, command.err)

    def run(self, *words: str, by: int = KIM, ahead: float = 0.0) -> Ended:
        """`tuiops runbook`."""
        return self.tuiops("runbook", *words, by=by, ahead=ahead)

    def go(self, word: str, *words: str, by: int = KIM, ahead: float = 0.0) -> Ended:
        """`resume` or `undo` of run #1, confirmed by the hash that `--dry-run` prints where it takes one."""
        shown = self.run(word, "1", "--dry-run", "-o", "json", *words, by=by, ahead=ahead)
        if shown.code != Exit.OK:
            return shown
        confirm = json.loads(shown.out)["confirm"]
        return self.run(word, "1", "--confirm", confirm, *words, by=by, ahead=ahead)

    def document(self, *words: str, by: int = KIM) -> Any:
        """What `tuiops runbook` prints as JSON."""
        return json.loads(self.run(*words, "-o", "json", by=by).out)

    def hash(self, by: int = KIM) -> str:
        """What confirms the runbook as it would be run at this moment."""
        return str(self.document("plan", "mend", by=by)["confirm"])

    def begun(self, by: int = KIM) -> Command:
        """The runbook being carried out."""
        return self.begin("runbook", "run", "mend", "--confirm", self.hash(by), by=by)

    def until_done(self, *words: str) -> None:
        """Wait until steps have added these words."""
        wait_until(lambda: self.done == list(words), f"effects {words}")

    def release(self) -> None:
        """Let the held step end."""
        self._gate.touch()

    def close(self) -> None:
        self._commands.end_all()
        self.release()

    @property
    def _gate(self) -> Path:
        return self.folder / "go"

    def _step(self, name: str, program: str, *more: str) -> str:
        script = self.folder / f"{name}.py"
        script.write_text(program, encoding="utf-8")
        words = ", ".join(f'"{word}"' for word in (sys.executable, script, self.effects, "%s", *more))
        return f'{{ kind = "command", argv = [{words}] }}'
