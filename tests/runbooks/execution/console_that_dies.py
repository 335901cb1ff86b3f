"""A console that carries out one command and kills itself at the point that its arguments name.

python -m … FOLDER EXECUTION POINT WORD…
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from tuiops.runbooks.execution import local
from tuiops.runbooks.execution.base import Command, Tail
from tuiops.runbooks.execution.local import LocalCommands


def die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit


class _Dying(subprocess.Popen[bytes]):
    """Starts a supervisor and dies before, in the middle of, or right after telling it what to do."""

    part = 0.0

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        write = self.stdin.write if self.stdin else die

        def half(order: bytes) -> None:
            write(order[: int(len(order) * self.part)])
            if self.stdin:
                self.stdin.close() if self.part == 1 else self.stdin.flush()
            die()

        if self.stdin:
            self.stdin = type("Half", (), {"write": staticmethod(half), "close": staticmethod(die)})()


def arrange(point: str) -> None:
    """See that this process dies at a point."""
    if point == "before the supervisor":
        local.subprocess.Popen = die  # type: ignore[attr-defined] # what only this process sees
    elif point.startswith("order "):
        _Dying.part = float(point.removeprefix("order "))
        local.subprocess.Popen = _Dying  # type: ignore[attr-defined] # what only this process sees
    elif point == "after the answer":
        LocalCommands.follow = die  # type: ignore[method-assign] # what only this process sees


async def main(folder: str, execution: str, point: str, *argv: str) -> None:
    arrange(point)

    def tell(batch: Tail) -> None:
        if point == "at the first output" and batch.lines:
            die()

    command = Command(execution=execution, argv=argv, timeout=60, grace=0.5)
    await LocalCommands(lambda _: "", Path(folder)).run(command, tell)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
