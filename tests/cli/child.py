"""`tuiops` in processes of their own, forked from one that has imported what takes long.

`python -m tests.cli.child` reads a line of JSON for each: the words, the variables of the environment, the folder that
takes what it prints (`out`, `err`), its number (`pid`) and its exit code (`code`), the user whom the system says that
it runs as, and how many seconds its clock is ahead. Only root may become another user, so it is the system's answer
that is another one. SIGUSR1 sets a clock forward by as many seconds as an approval stands, and some more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.cli.shop import CONFIG
from tests.runbooks.engine.stage import HEAD, step
from tuiops.config.load import load
from tuiops.core.clock import SystemClock
from tuiops.runbooks.format.load import library
from tuiops.runbooks.record.history import APPROVAL_STANDS

_LATER = APPROVAL_STANDS + timedelta(minutes=1)
_FAULT = 99
_HEAVY = (
    "psycopg", "psutil", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "tuiops.acting",
    "tuiops.cli.commands.ledger", "tuiops.cli.commands.runbook", "tuiops.cli.logfile", "tuiops.cli.main",
    "tuiops.config.check", "tuiops.hub.declare", "tuiops.hub.hub", "tuiops.hub.tail",
    "tuiops.ledger.postgresql", "tuiops.ledger.sqlite", "tuiops.ledger.store", "tuiops.sources.daemon", "tuiops.wiring",
)  # fmt: skip


def prepare() -> None:
    """Do once what every command would do again: import, and take the types apart that files are converted to."""
    for name in _HEAVY:
        import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(CONFIG, encoding="utf-8")
        (Path(folder) / "runbooks").mkdir()
        text = HEAD + step("look", '{ kind = "command", argv = ["true"] }', danger="S")
        (Path(folder) / "runbooks" / "mend.toml").write_text(text, encoding="utf-8")
        assert library(load(file, environ={})).runbooks


def main() -> None:
    prepare()
    children: dict[int, Path] = {}

    def bury(*_: object) -> None:
        for pid, folder in list(children.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del children[pid]
                _write(folder / "code", os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, bury)
    for line in iter(sys.stdin.readline, ""):
        wanted = json.loads(line)
        folder = Path(wanted["folder"])
        # One that ends at once must be known by then.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            # Whoever runs the tests may ignore hang-ups, as under nohup.
            for number in (signal.SIGCHLD, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _become(folder, wanted)
        children[pid] = folder
        _write(folder / "pid", pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _become(folder: Path, wanted: dict[str, Any]) -> None:
    """Run the command and end; never returns."""
    code = _FAULT
    try:
        for number, name in enumerate((Path("/dev/null"), folder / "out", folder / "err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
        os.environ.clear()
        os.environ.update(wanted["environment"])
        os.getuid = lambda: int(wanted["user"])
        _set_clock(timedelta(seconds=wanted["ahead"]))
        signal.signal(signal.SIGUSR1, lambda *_: _set_clock(_LATER))
        from tuiops.cli.main import main

        code = main(wanted["words"])
    except BaseException:  # noqa: BLE001 - nobody else would tell of it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _set_clock(ahead: timedelta) -> None:
    SystemClock.now = lambda self: datetime.now(UTC) + ahead  # type: ignore[method-assign] # somebody set it


def _write(path: Path, value: int) -> None:
    """All of it at once."""
    half = path.with_suffix(".half")
    half.write_text(str(value), encoding="ascii")
    half.rename(path)


if __name__ == "__main__":
    main()
