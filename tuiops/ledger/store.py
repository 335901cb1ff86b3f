"""What a ledger does, step by step, on one connection. Blocks; `sql.SqlLedger` calls it in a thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tuiops.core.record import NO_DIGEST
from tuiops.core.text import EMPTY, LINE, safe
from tuiops.errors import LedgerError
from tuiops.ledger import statements
from tuiops.ledger.base import AlreadyClaimed, Fence, FencedOut, Taken
from tuiops.ledger.chain import Row, identity, seal, storable
from tuiops.ledger.database import CHANGED
from tuiops.ledger.leases import PARKED, LockRow, Moment
from tuiops.ledger.session import Session
from tuiops.ledger.verify import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ClauseElement

    from tuiops.core.record import Entry, Sealed
    from tuiops.core.text import SafeText
    from tuiops.ledger.anchors import Anchors
    from tuiops.ledger.base import Holder, Lock
    from tuiops.ledger.database import Database

PAGE = 1_000
"""Rows that are read at once."""

_LOOK = 10_000
"""Rows that are verified at once: a deal between memory and turns of threads."""

_FARTHEST = 2**63 - 1


class Store:
    """The operations of `base.Ledger`, on one connection."""

    def __init__(self, database: Database, anchors: Anchors) -> None:
        self.database = database
        self._anchors = anchors
        self._session = Session(database)

    def close(self) -> None:
        self._session.close()

    def append(self, entries: Sequence[Entry], fences: Sequence[Fence], execution: str = "") -> tuple[Sealed, ...]:
        """Add entries, and with them the claim of an execution when one is named."""
        session = self._session
        execution = identity(execution)
        sealed: list[Sealed] = []

        def write() -> None:
            # Whoever lost the lock while it lost the connection must not go on, even if its last word is there.
            self._check(fences)
            # Digests are of the whole chain: what is there with the one that a lost write had is that write.
            if sealed and session.rows(statements.DIGEST, of_number=sealed[-1].number) == [(sealed[-1].digest,)]:
                return
            sealed.clear()
            if execution and session.rows(statements.CLAIMED, of_execution=execution):
                raise AlreadyClaimed(f"{execution} was claimed before; it must not be carried out again")
            tail = session.rows(statements.LAST)
            rows, made = seal(entries, *(tail[0] if tail else (0, NO_DIGEST)))
            for row in rows:
                session.count(statements.ADD, **row._asdict())
            if execution:
                session.count(statements.CLAIM, execution=execution, number=rows[-1].number)
            session.notify()
            sealed.extend(made)

        if entries:
            session.write(write)
        return tuple(sealed)

    def next_run_number(self) -> int:
        return self._session.write(lambda: self._counted(1))

    def probe(self) -> None:
        """Write what leaves everything as it was."""

        def write() -> None:
            # SQLite writes no page that a statement has left as it was.
            self._counted(1)
            self._counted(-1)

        self._session.write(write)

    def _counted(self, more: int) -> int:
        if not self._session.count(statements.COUNT, more=more):
            raise LedgerError(f"{self.database.place}: the number of the last run is missing{CHANGED}")
        return int(self._session.rows(statements.COUNTED)[0][0])

    def end(self) -> tuple[int, str]:
        """Number and digest of the last entry."""
        found = self._session.read(lambda: self._session.rows(statements.LAST))
        return found[0] if found else (0, NO_DIGEST)

    def anchor(self, at: datetime) -> None:
        """Note the end of the chain beside the database."""
        number, digest = self.end()
        if number:
            self._anchors.add(number, digest, at)

    def verification(self) -> Verification:
        """The beginning of a look at all entries."""
        return Verification(*self._anchors.read())

    def verify(self, verification: Verification, after: int | None) -> int | None:
        """Look at the entries after one, `_LOOK` at most; the number of the last of them, None when that was all."""
        after = -_FARTHEST if after is None else after
        rows = self.page(after, most=_LOOK)
        if not rows:
            verification.end(self._claims(statements.STRAY_CLAIMS, of_number=after))
            return None
        # After the entries: what is claimed with one of them is there by then.
        verification.take(rows, self._claims(statements.CLAIMS, after=after, until=rows[-1].number))
        return rows[-1].number

    def _claims(self, statement: ClauseElement, **values: int) -> dict[int, str]:
        return dict(self._session.read(lambda: self._session.rows(statement, **values)))

    def page(self, after: int, until: int | None = None, run: str | None = None, *, most: int = PAGE) -> list[Row]:
        """The next rows after a number, `most` at most; those of one run when it is named."""
        bounds = {"after": after, "until": _FARTHEST if until is None else until, "most": most}
        if run is None:
            return self._rows(statements.PAGE, bounds)
        return self._rows(statements.RUN_PAGE, {**bounds, "of_run": storable(run)})

    def requests(self, after: int) -> list[Row]:
        """The next requests of runs after a number, `PAGE` at most."""
        return self._rows(statements.REQUESTS, {"after": after, "most": PAGE})

    def _rows(self, statement: ClauseElement, values: dict[str, Any]) -> list[Row]:
        return [Row._make(row) for row in self._session.read(lambda: self._session.rows(statement, **values))]

    def acquire(self, key: str, holder: Holder, run: str, purpose: SafeText, seconds: float) -> Fence:
        def write() -> Fence:
            row = self._lock(key)
            if row is not None and row.held and not (row.run == storable(run) and row.is_of(holder)):
                raise Taken(row.lock(self._moment()))
            return self._take(row, key, holder, run, purpose, seconds)

        return self._session.write(write)

    def take_over(self, key: str, holder: Holder, run: str, seconds: float) -> Fence:
        def write() -> Fence:
            row = self._lock(key)
            if row is not None and row.held:
                lock = row.lock(self._moment())
                if row.run != storable(run) or not (lock.gone or row.is_of(holder)):
                    raise Taken(lock)
            return self._take(row, key, holder, run, safe(row.purpose, LINE) if row else EMPTY, seconds)

        return self._session.write(write)

    def renew(self, fence: Fence, seconds: float) -> None:
        def write() -> None:
            self._lease(fence, self._moment().clock + seconds)

        self._session.write(write)

    def park(self, fence: Fence) -> None:
        self._session.write(lambda: self._lease(fence, PARKED))

    def _lease(self, fence: Fence, until: float) -> None:
        values = {"of_key": storable(fence.key), "of_token": fence.token, "until": until}
        if not self._session.count(statements.RENEW, **values):
            raise FencedOut(f"{fence.key} was given up, or is held by somebody else by now")

    def release(self, fence: Fence) -> None:
        values = {"of_key": storable(fence.key), "of_token": fence.token}
        self._session.write(lambda: self._session.count(statements.RELEASE, **values))

    def locks(self) -> tuple[Lock, ...]:
        def look() -> tuple[Lock, ...]:
            moment = self._moment()
            return tuple(LockRow.of(row).lock(moment) for row in self._session.rows(statements.LOCKS))

        return self._session.read(look)

    def _lock(self, key: str) -> LockRow | None:
        rows = self._session.rows(statements.LOCK, of_key=identity(key))
        return LockRow.of(rows[0]) if rows else None

    def _take(
        self, row: LockRow | None, key: str, holder: Holder, run: str, purpose: SafeText, seconds: float
    ) -> Fence:
        moment = self._moment()
        taken = LockRow(
            key=identity(key), token=row.token + 1 if row else 1, held=True,
            name=storable(holder.name), session=storable(holder.session), host=storable(holder.host),
            boot=storable(holder.boot), pid=holder.pid, born=float(holder.born),
            run=identity(run), purpose=storable(purpose), since=moment.day, expires=moment.clock + seconds,
        )  # fmt: skip
        if row is None:
            self._session.count(statements.FIRST_LOCK, **taken._asdict())
        else:
            self._session.count(statements.NEXT_LOCK, of_key=taken.key, **taken._asdict())
        return Fence(key=key, token=taken.token)

    def _moment(self) -> Moment:
        now = self._session.now()
        if self.database.machine:
            return Moment(day=now, clock=time.monotonic(), machine=True)
        return Moment(day=now, clock=now, machine=False)

    def _check(self, fences: Sequence[Fence]) -> None:
        for fence in fences:
            if self._session.rows(statements.TOKEN, of_key=storable(fence.key)) != [(fence.token,)]:
                raise FencedOut(f"{fence.key} was given up, or taken over; nothing was recorded")
