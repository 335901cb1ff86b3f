"""Writes what happens in one run into the ledger, and reads it back as the run's history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.access import Principal
from tuiops.core.record import Entry
from tuiops.core.text import lit
from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.clock import Clock
    from tuiops.core.record import AnyEvent, Sealed
    from tuiops.ledger.base import Holder, Ledger
    from tuiops.runbooks.engine.locks import Fences
    from tuiops.runbooks.record.book import RunBook
    from tuiops.runbooks.record.history import History


def itself(holder: Holder) -> Principal:
    """Who is behind what a console does of its own accord: no person, and nobody who may do anything."""
    return Principal(person=lit("tuiops"), account=holder.name, session=holder.session)


class Scribe:
    """The record of one run while this console carries it out. All writes show all fences."""

    def __init__(
        self, ledger: Ledger, clock: Clock, book: RunBook, fences: Fences, run: str, wrote: Callable[[], None]
    ) -> None:
        """`wrote` is called after every entry."""
        self.fences = fences
        self.run = run
        self.owed: tuple[Entry, ...] = ()
        """What people have asked of the run here and what could not be recorded: the next write has it first."""
        self._ledger = ledger
        self._clock = clock
        self._book = book
        self._wrote = wrote
        self._turn = asyncio.Lock()

    @property
    def history(self) -> History:
        """All that has been recorded of the run."""
        history = self._book.history(self.run, carried=True)
        if history is None:
            raise AssertionError("a run that is carried out was requested before")
        return history

    async def write(self, by: Principal, *events: AnyEvent) -> None:
        """Record events together; durable when this returns. FencedOut when the run is somebody else's by now."""
        at = self._clock.now()
        entries = [Entry(at=at, by=by, event=event, run=self.run) for event in events]
        async with self._turn:
            self._take(await self._ledger.append([*self.owed, *entries], fences=self.fences.all))
            self.owed = ()

    async def ask(self, asked: Entry) -> None:
        """Record what a person asks of whoever carries the run out, in any hands. LedgerError: it is owed then."""
        # What follows from it comes behind it in the record.
        async with self._turn:
            try:
                self._take(await self._ledger.append([asked]))
            except LedgerError:
                self.owed = (*self.owed, asked)
                raise

    async def claim(self, by: Principal, event: AnyEvent, execution: str) -> None:
        """Record that an execution begins, which nobody can do twice. AlreadyClaimed, FencedOut."""
        entry = Entry(at=self._clock.now(), by=by, event=event, run=self.run)
        async with self._turn:
            self._take((await self._ledger.claim(execution, entry, self.fences.all),))

    async def reread(self) -> None:
        """Take in what others have said about the run."""
        self._take(tuple([sealed async for sealed in self._ledger.read(run=self.run)]))

    def _take(self, sealed: tuple[Sealed, ...]) -> None:
        for one in sealed:
            self._book.take(one)
        self._wrote()
