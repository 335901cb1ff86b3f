"""One connection to a ledger, used by one thread: opened when it is needed, and anew after it broke."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from tuiops.errors import LedgerError
from tuiops.ledger.database import Lost
from tuiops.ledger.migrate import bring_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ClauseElement

    from tuiops.ledger.database import Cursor, Database, Driver

_PATIENCE = 5.0
"""Seconds to wait for a server that went away in the middle of a write, to learn what became of it."""

_PAUSES = (0.05, 0.1, 0.2, 0.4)
_TRIES = 5

_Value = TypeVar("_Value")


class Session:
    """Executes statements. Every method raises LedgerError in place of what the driver raises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._driver: Driver | None = None
        self._dialect = database.dialect()
        self._compiled: dict[int, tuple[str, dict[str, object]]] = {}
        """Text of each statement, by its identity, and the values that it always has."""
        self._errors = database.errors

    def rows(self, statement: ClauseElement, **values: object) -> list[Any]:
        """The rows that a query finds."""
        return self._execute(statement, values).fetchall()

    def count(self, statement: ClauseElement, **values: object) -> int:
        """How many rows a change touched."""
        return self._execute(statement, values).rowcount

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""
        return float(self._open().execute(self._database.now).fetchall()[0][0])

    def notify(self) -> None:
        """Tell other consoles, when the write is done, that there is news."""
        if self._database.notify:
            self._open().execute(self._database.notify)

    def read(self, work: Callable[[], _Value]) -> _Value:
        """What `work` finds; done again on another connection when this one broke."""
        return self._lasting(work, self._reading)

    def write(self, work: Callable[[], _Value]) -> _Value:
        """What `work` returns once all that it wrote is durable; when it raises, nothing is written.

        When the connection breaks nobody knows whether the write was done: `work` is called again on another one,
        and has to look.
        """
        return self._lasting(work, self._writing)

    def close(self) -> None:
        """Let go of the connection; the next statement opens another one."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(*self._errors):
                driver.close()

    def _lasting(self, work: Callable[[], _Value], within: Callable[[], Any]) -> _Value:
        for left in reversed(range(_TRIES)):
            try:
                with within():
                    return work()
            except Lost:
                if not left:
                    raise
                self._reopen()
        raise AssertionError("unreachable")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            self.close()
            raise self._database.fault(error) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._reading():
            driver = self._open()
            self._database.check(driver)
            for statement in self._database.begin:
                driver.execute(statement)
            try:
                yield
                driver.execute("COMMIT")
            except self._errors:
                raise
            except BaseException:  # whatever it was goes on; nothing of the transaction does
                driver.execute("ROLLBACK")
                raise

    def _open(self) -> Driver:
        if self._driver is None:
            driver = self._database.connect()
            try:
                bring_up(self._database, driver)
            except BaseException:  # whatever it was goes on; the connection does not
                driver.close()
                raise
            self._driver = driver
        return self._driver

    def _reopen(self) -> None:
        """Open it again, waiting for a server that is being restarted."""
        deadline = time.monotonic() + _PATIENCE
        pauses = iter(_PAUSES)
        while self._driver is None:
            try:
                with self._reading():
                    self._open()
            except LedgerError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(next(pauses, _PAUSES[-1]))

    def _execute(self, statement: ClauseElement, values: dict[str, object]) -> Cursor:
        known = self._compiled.get(id(statement))
        if known is None:
            compiled = statement.compile(dialect=self._dialect)
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            known = self._compiled[id(statement)] = (str(compiled), fixed)
        sql, fixed = known
        return self._open().execute(sql, {**fixed, **values})
