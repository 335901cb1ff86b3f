"""Places for ledgers under test: the same tests on a SQLite file and in a database of a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from tuiops.config.model import LedgerConfig
from tuiops.config.values import Secret
from tuiops.ledger.opening import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.postgresql import Postgresql
    from tuiops.core.clock import Clock
    from tuiops.ledger.sql import SqlLedger


class Home(Protocol):
    """Where one ledger lives."""

    @property
    def name(self) -> str: ...

    @property
    def config(self) -> LedgerConfig: ...

    @property
    def anchors(self) -> Path: ...

    @property
    def place(self) -> str:
        """How errors call it."""
        ...

    def by_hand(self, *statements: str) -> list[Any]:
        """What somebody with access to the database can do to it; the rows of the last statement.

        The triggers are taken out of the way first.
        """
        ...

    def plainly(self, statement: str) -> None:
        """A statement with the triggers in place."""
        ...


def opened(home: Home, clock: Clock | None = None) -> SqlLedger:
    return open_ledger(home.config, clock)


class FileHome:
    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state" / "ledger.db"
        self.place = str(self.path)
        self.anchors = folder / "anchors"
        self.config = LedgerConfig(path=str(self.path), anchors=str(self.anchors))

    def by_hand(self, *statements: str) -> list[Any]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            rows: list[Any] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows

    def plainly(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(statement)


class ServerHome:
    name = "postgresql"

    def __init__(self, folder: Path, server: Postgresql, monkeypatch: Any) -> None:
        self.server = server
        self.url = server.schema()
        self.place = f"postgresql://{server.host}:{server.port}/postgres"
        self.anchors = folder / "anchors"
        monkeypatch.setenv("TEST_LEDGER_URL", self.url)
        self.config = LedgerConfig(url=Secret(env="TEST_LEDGER_URL"), anchors=str(self.anchors))

    def by_hand(self, *statements: str) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            rows: list[Any] = []
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
            return rows

    def plainly(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())
