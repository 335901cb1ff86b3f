"""What a supervisor says when the machine has nothing to spare: never that a command was not begun that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.execution.places import lines_of

if TYPE_CHECKING:
    from pathlib import Path

EXECUTION = f"r{os.getpid()}.supervisor.1"
PROGRAM = """
import errno, json, os, sys
from tuiops.runbooks.execution import supervisor

def refused(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")

fork, opened, register = os.fork, os.open, supervisor.selectors.DefaultSelector.register

def forked():
    print("forked", flush=True)
    return fork()

os.fork = forked
match sys.argv[1]:
    case "to watch":
        supervisor.selectors.DefaultSelector.register = lambda self, descriptor, events, data=None: (
            refused() if data is not None else register(self, descriptor, events, data)
        )
    case "to set up":
        os.set_blocking = refused
    case "to let go":
        os.open = lambda file, flags, *mode: (
            refused() if (file, flags) == (os.devnull, os.O_RDWR) else opened(file, flags, *mode)
        )
    case _:
        pass
supervisor._supervise(json.loads(sys.argv[2]))
"""


def supervised(tmp_path: Path, lacking: str) -> tuple[list[str], dict[str, object], list[str]]:
    """What was said, the status that was written, and the effects; `lacking`: for what there is nothing left."""
    effects, base = tmp_path / "effects", tmp_path / "executions"
    order = {
        "base": str(base), "execution": EXECUTION, "shown": "{}", "argv": ["sh", "-c", f"echo done >>{effects}"],
        "folder": "/", "environment": {"PATH": os.defpath}, "stdin": None, "hidden": [], "timeout": 30.0, "grace": 1.0,
        "sec": False, "wants_stdout": False,
    }  # fmt: skip
    words = [sys.executable, "-c", PROGRAM, lacking, json.dumps(order)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=60)
    status = json.loads((base / EXECUTION / "status").read_bytes())
    return done.stdout.splitlines(), status, lines_of(effects)


@pytest.mark.parametrize("lacking", ["to watch", "to set up"])
def test_what_cannot_be_watched_is_not_begun(tmp_path: Path, lacking: str) -> None:
    said, status, effects = supervised(tmp_path, lacking)

    assert said == ["failed No space left on device"]
    assert status == {"kind": "not done", "text": "No space left on device"}
    assert effects == []


def test_what_cannot_be_let_go_of_is_watched_all_the_same(tmp_path: Path) -> None:
    said, status, effects = supervised(tmp_path, "to let go")

    assert said == ["forked", "begun"]
    assert (status["kind"], status["status"]) == ("ended", 0)
    assert effects == ["done"]
