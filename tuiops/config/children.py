"""Short commands that tuiops starts; none of them, nor what it has started itself, outlives the program."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Child = subprocess.Popen[bytes]

_running: set[Child] = set()


def start(command: Sequence[str], output: int | IO[bytes], environ: Mapping[str, str] | None = None) -> Child:
    """The command in a session of its own, without input; its errors are not read. OSError or ValueError if it is none.

    Whoever starts one calls `end` in every case.
    """
    child = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.DEVNULL,
        env=environ,
        start_new_session=True,
    )
    _running.add(child)
    return child


def end(child: Child) -> None:
    """Leave no process of the command's session behind. Idempotent."""
    _kill(child)
    child.wait()
    _running.discard(child)
    if child.stdout is not None:
        child.stdout.close()


def _kill(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


@atexit.register
def _end_all() -> None:
    """The threads that wait for commands do not get to it when the program ends before them."""
    for child in list(_running):
        _kill(child)
