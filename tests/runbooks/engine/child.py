"""Consoles in processes of their own, which stop or end where they are told to.

`python -m tests.runbooks.engine.child` reads lines `FOLDER HOW POINT` and forks a process for each: it confirms the
runbook that is in the folder and, when its engine comes to that point, kills itself (`kill`), stands still (`stop`), or
does nothing (`-`). In the folder it also finds where the ledger is, and the vendor if there is one. Each process says
its number; the one that reads says `dead NUMBER` when it is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tests.runbooks.engine.stage import Stage
from tests.runbooks.engine.vendor import Distant
from tests.runbooks.records import KIM
from tuiops.config.model import LedgerConfig
from tuiops.config.values import Secret
from tuiops.ledger import store
from tuiops.runbooks.engine import locks

if TYPE_CHECKING:
    from tests.ledger.homes import Home

_HOME, _VENDOR, _URL = "home.json", "vendor", "TEST_LEDGER_URL"

SHORT = (2.0, 0.3, 0.7)
"""Lease, time between two words, and margin where somebody waits for a lease to run out."""

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def hand_over(folder: Path, home: Home, vendor: int = 0) -> None:
    """Have the processes of a folder use this ledger, and the vendor at this port."""
    config = home.config
    said = {"path": config.path, "anchors": config.anchors, "url": os.environ[_URL] if config.url else ""}
    (folder / _HOME).write_text(json.dumps(said), encoding="utf-8")
    if vendor:
        (folder / _VENDOR).write_text(str(vendor), encoding="ascii")


class HandedOver:
    """A home of which nothing but its configuration is used."""

    def __init__(self, folder: Path) -> None:
        said = json.loads((folder / _HOME).read_text(encoding="utf-8"))
        os.environ[_URL] = said["url"]
        where = {"url": Secret(env=_URL)} if said["url"] else {"path": said["path"]}
        self.config = LedgerConfig(anchors=said["anchors"], **where)


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
    stage = Stage(folder, cast("Home", HandedOver(folder)))
    if (folder / _VENDOR).exists():
        stage.service = Distant(int((folder / _VENDOR).read_text(encoding="ascii")), fault)
    console = await stage.console(KIM, fault=fault)
    run = await console.begun()
    say("begun", run)
    await console.until(lambda: not console.engine.in_hand(run))
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
