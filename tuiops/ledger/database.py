"""What differs between the databases that can keep a ledger. All else is the same code for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sqlalchemy import Dialect

BUSY_SECONDS = 10
"""How long a write waits for others to end theirs."""


VERSIONS = "ledger_version"
"""The table that says which version a ledger has."""

CHANGED = ": somebody has changed the ledger → `tuiops ledger verify`; restore a backup, or begin another ledger"
"""The end of an error about something that no console writes."""


class Lost(LedgerError):
    """The connection broke: what was under way may have been done or not."""


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int: ...

    def fetchall(self) -> list[Any]: ...


class Driver(Protocol):
    """A connection of a database's own driver, each statement of which stands for itself unless one says BEGIN.

    Statements are compiled by SQLAlchemy once and handed to the driver: an intent waits for the disk, and should
    not wait as long again for the layers above it.
    """

    def execute(self, sql: str, parameters: Mapping[str, object] = ..., /) -> Cursor: ...

    def close(self) -> None: ...


class Database(Protocol):
    """One place that keeps a ledger."""

    @property
    def place(self) -> str:
        """Names it in messages; without passwords."""
        ...

    @property
    def begin(self) -> tuple[str, ...]:
        """Begins a write that no other one overlaps."""
        ...

    @property
    def now(self) -> str:
        """Asks for the seconds since 1970 by the clock that all of its consoles share."""
        ...

    @property
    def machine(self) -> bool:
        """Whether all of its consoles are processes of one machine, and so share a clock that nobody sets."""
        ...

    @property
    def known(self) -> str:
        """Asks whether it has the table `schema.VERSIONS`."""
        ...

    @property
    def notify(self) -> str:
        """Tells other consoles that entries were added, when the write is done; empty where that cannot be."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What its driver raises."""
        ...

    def dialect(self) -> Dialect:
        """How SQLAlchemy writes for it."""
        ...

    def connect(self) -> Driver:
        """Open it. Raises LedgerError, or one of `errors`."""
        ...

    def check(self, driver: Driver) -> None:
        """Raises LedgerError when what is written would not come to where the ledger is."""
        ...

    def fault(self, error: Exception) -> LedgerError:
        """One of `errors` in words: place, cause, remedy. `Lost` when the connection is gone."""
        ...

    def hints(self, seconds: float) -> AsyncIterator[None]:
        """Yields when entries may have been added, and every `seconds` anyway."""
        ...
