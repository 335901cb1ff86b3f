"""From settings to a ledger: which database, which file of anchors."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.config import paths
from tuiops.core.clock import SystemClock
from tuiops.errors import ConfigError, LedgerError
from tuiops.ledger.anchors import Anchors
from tuiops.ledger.sql import POLL, SqlLedger

if TYPE_CHECKING:
    from tuiops.config.model import Config, LedgerConfig
    from tuiops.core.clock import Clock
    from tuiops.ledger.database import Database
    from tuiops.ledger.store import Store

NAME, DRILLS = "ledger", "drills"
"""What files are called in the state folder unless they are named; nobody shall take drills for the real thing."""


def usual_name(config: Config) -> str:
    """What the ledger of a configuration is called where its place is not set."""
    return DRILLS if config.simulated else NAME


def open_ledger(
    config: LedgerConfig,
    clock: Clock | None = None,
    *,
    name: str = NAME,
    create: bool = True,
    poll: float = POLL,
) -> SqlLedger:
    """The ledger that settings name. Nothing is opened, nor any secret looked up, before it is used.

    `name` tells ledgers apart whose place is not set. With `create` False, one that does not exist is an error.
    `poll` is in seconds, between two looks for what others have added.
    """
    return SqlLedger(Opening(config, name=name, create=create), clock or SystemClock(), poll=poll)


def begun(config: LedgerConfig, name: str = NAME) -> bool:
    """Whether there may be something to read: a file has to be there, a server can be asked at any time."""
    return config.url is not None or _file(config, name).exists()


class Opening:
    """Finds the database, once, in whichever thread needs it first."""

    def __init__(self, config: LedgerConfig, *, name: str = NAME, create: bool = True) -> None:
        self._config = config
        self._name = name
        self._create = create
        self._lock = threading.Lock()
        self._found: tuple[Database, Anchors] | None = None

    def store(self) -> Store:
        """A connection of one's own. Raises LedgerError. Blocks."""
        from tuiops.ledger.store import Store

        with self._lock:
            if self._found is None:
                self._found = self._find()
            return Store(*self._found)

    def _find(self) -> tuple[Database, Anchors]:
        config = self._config
        if config.url is not None:
            from tuiops.config.secrets import resolve_secret
            from tuiops.ledger.postgresql import PostgresDatabase

            try:
                shared = PostgresDatabase(resolve_secret(config.url))
            except ConfigError as error:
                raise LedgerError(f"ledger.url: {error}") from None
            return shared, self._anchors(paths.state_dir() / f"{self._name}-{shared.name}.anchors")
        from tuiops.ledger.sqlite import SqliteDatabase

        path = _file(config, self._name)
        return SqliteDatabase(path, create=self._create), self._anchors(path.with_name(f"{path.name}.anchors"))

    def _anchors(self, usual: Path) -> Anchors:
        return Anchors(Path(self._config.anchors) if self._config.anchors else usual)


def _file(config: LedgerConfig, name: str) -> Path:
    """Where a ledger in a file is."""
    return Path(config.path) if config.path else paths.state_dir() / f"{name}.db"
