"""SQLite: one file on this machine, for all consoles of one user."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from tuiops.core.text import LINE, safe
from tuiops.errors import Fault, LedgerError
from tuiops.ledger.base import NoLedger
from tuiops.ledger.database import BUSY_SECONDS, VERSIONS, Lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy import Dialect

    from tuiops.ledger.database import Driver

_SETTINGS = (
    # FULL: a commit is on the disk when it returns. With NORMAL a power cut takes acknowledged entries.
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",
    "PRAGMA checkpoint_fullfsync=ON",
    "PRAGMA foreign_keys=ON",
    # The file may have been edited: nothing in it is to be run, no page to be believed unseen.
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
)

_BACKUP = "keep the file as it is and restore a backup; docs/ledger.md says how"
_FAULTS = {
    "SQLITE_FULL": ("cannot be written: there is no room", "make room on its disk; what failed was not recorded"),
    "SQLITE_READONLY": ("cannot be written", "give the file and its folder back to the user that runs tuiops"),
    "SQLITE_BUSY": (
        f"another process has kept it locked for {BUSY_SECONDS} s",
        "find it with `fuser`, and let it go on or end it",
    ),
    "SQLITE_CORRUPT": ("is damaged", _BACKUP),
    "SQLITE_NOTADB": ("is not a ledger: it is damaged, or something else", _BACKUP),
    "SQLITE_CANTOPEN": ("cannot be opened", "check that the file and its folder belong to the user that runs tuiops"),
    "SQLITE_IOERR": (
        "cannot be written or read: the disk, or a limit on files, refuses",
        "check free room, `ulimit -f` and the system's log; what failed was not recorded",
    ),
    "SQLITE_PERM": ("access is denied", "give the file and its folder back to the user that runs tuiops"),
}

_NOT_UTF_8 = "Could not decode to UTF-8"
"""How Python's module says it; SQLite itself has no word for it."""


class _Connection(sqlite3.Connection):
    identity: tuple[int, int] = (0, 0)
    """Device and inode of the file when it was opened."""


class SqliteDatabase:
    """A file of mode 0600 in a folder of mode 0700, made when it is needed."""

    begin = ("BEGIN IMMEDIATE",)
    now = "SELECT (julianday('now') - 2440587.5) * 86400.0"
    machine = True
    known = f"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{VERSIONS}'"  # noqa: S608 - a name of our own
    notify = ""
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """With `create` False, a file that is not there is an error."""
        self.path = path
        self.place = safe(str(path), LINE)
        self._create = create
        self._strange = False
        """Whether something in it is not UTF-8: a hand has been there, and digests will tell where."""
        self._seen = False
        """Whether it was there once: one that has gone is not begun anew."""

    def dialect(self) -> Dialect:
        from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

        return SQLiteDialect_pysqlite(paramstyle="named")

    def connect(self) -> Driver:
        self._prepare()
        name = f"file:{quote(str(self.path))}?mode=rw"
        connection = sqlite3.connect(name, uri=True, isolation_level=None, timeout=BUSY_SECONDS, factory=_Connection)
        try:
            connection.identity = _identity(self.path)
            if self._strange:
                connection.text_factory = partial(str, encoding="utf-8", errors="replace")
            for setting in _SETTINGS:
                connection.execute(setting)
            self._keep_write_ahead_log(connection)
            self._seen = True
        except BaseException:  # whatever it was goes on; the connection does not
            connection.close()
            raise
        return connection

    def check(self, driver: Driver) -> None:
        """A file that was moved away or replaced would take entries along that nobody finds again."""
        if isinstance(driver, _Connection) and _identity(self.path) != driver.identity:
            raise self._gone()

    def fault(self, error: Exception) -> LedgerError:
        name: str = getattr(error, "sqlite_errorname", "")
        if not name and _NOT_UTF_8 in str(error):
            # To read text leniently takes twice as long: only where it is needed.
            self._strange = True
            return Lost(f"{self.place}: {_NOT_UTF_8}")
        for prefix, (problem, remedy) in _FAULTS.items():
            if name.startswith(prefix):
                return self._error(f"{problem} ({name})", remedy)
        return self._error(f"fails: {safe(str(error))}", "see docs/ledger.md")

    async def hints(self, seconds: float) -> AsyncIterator[None]:
        while True:
            await asyncio.sleep(seconds)
            yield

    def _prepare(self) -> None:
        """Make the file as nobody else may see it. SQLite gives the files beside it the same mode."""
        if self._seen or not self._create:
            if not self.path.exists():
                if self._seen:
                    raise self._gone()
                remedy = "it is made when the first runbook is run; drills have their own (--demo)"
                raise NoLedger(str(Fault(self.place, "", "there is no ledger", remedy)))
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
            if self.path.stat().st_mode & 0o077 and self.path.stat().st_uid == os.geteuid():
                self.path.chmod(0o600)
        except OSError as error:
            said = f"cannot be made: {safe(error.strerror or str(error))}"
            raise self._error(said, "name another place in `ledger.path`, or make the folder writable") from error

    def _keep_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        """The file remembers; to switch, it must be nobody else's, and SQLite does not wait for that."""
        deadline = time.monotonic() + BUSY_SECONDS
        mode = ""
        while not mode:
            try:
                mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        if mode != "wal":
            raise self._error("its disk takes no write-ahead log", "name a place on a local disk in `ledger.path`")

    def _gone(self) -> LedgerError:
        return self._error(
            "was moved, removed or replaced while in use", "put it back, or end tuiops and start it again"
        )

    def _error(self, problem: str, remedy: str) -> LedgerError:
        return LedgerError(str(Fault(self.place, "", problem, remedy)))


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_dev, status.st_ino
