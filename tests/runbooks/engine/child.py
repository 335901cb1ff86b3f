"""Consoles in processes of their own, which stop or end where they are told to.

`python -m tests.runbooks.engine.child` reads lines `FOLDER HOW POINT` and forks a process for each: it confirms the
runbook that is in the folder and, when its engine comes to that point, kills itself (`kill`), stands still (`stop`), or
does nothing (`-`). Each process says its number; the one that reads says `dead NUMBER` when it is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from tests.ledger.homes import FileHome
from tests.runbooks.engine.stage import Stage
from tests.runbooks.records import KIM
from tuiops.ledger import store
from tuiops.runbooks import locks

SHORT = (2.0, 0.3, 0.7)
"""Lease, time between two words, and margin where somebody waits for a lease to run out."""

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def shorten() -> None:
    """Have leases run out soon."""
    locks.LEASE, locks.RENEW, locks._MARGIN = SHORT


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def work(folder: Path, how: str, point: str) -> None:
    def fault(where: str) -> None:
        if where == point and how in _SIGNALS:
            say("there", os.getpid())
            os.kill(os.getpid(), _SIGNALS[how])

    (folder / "victim").write_text(str(os.getpid()), encoding="ascii")
    stage = Stage(folder, FileHome(folder))
    console = await stage.console(KIM, fault=fault)
    run = await console.begun()
    say("begun", run)
    await console.until(lambda: console.engine.carrier(run) is None)
    say("over", console.view(run).state.value)


def main() -> None:
    # Imported once, for all of them.
    assert store.PAGE
    for line in iter(sys.stdin.readline, ""):
        folder, how, point = line.rstrip("\n").split(" ", 2)
        child = os.fork()
        if child == 0:
            if how == "stop":
                shorten()
            try:
                asyncio.run(work(Path(folder), how, point))
            finally:
                os._exit(0)
        say("child", child)
        threading.Thread(target=_bury, args=(child,), daemon=True).start()


def _bury(child: int) -> None:
    os.waitpid(child, 0)
    say("dead", child)


if __name__ == "__main__":
    main()
