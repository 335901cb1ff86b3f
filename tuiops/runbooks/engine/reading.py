"""What a ledger tells of all runs, for whoever looks at them. Nothing here writes there, or acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, safe
from tuiops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.record import Sealed
    from tuiops.core.runs import RunView
    from tuiops.runbooks.engine.permits import Permits
    from tuiops.runbooks.engine.step import Means
    from tuiops.runbooks.record.history import History
    from tuiops.runbooks.record.known import Known

LOOK_AT_LOCKS = 2.0
"""Seconds between two looks at who holds what: the ledger does not tell when a holder dies."""


class Reader:
    """All runs, with what is needed to say what could be done about them, and who may."""

    def __init__(self, known: Known, means: Means, permits: Permits) -> None:
        self.means = means
        self.permits = permits
        self._known = known
        self._book = known.book
        self._heard_until = 0
        """Number of the last entry that was read in its turn."""

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Live ones first, then the newest."""
        return self._known.runs

    def find(self, run: str) -> History | None:
        """What is recorded of a run; None when nothing is."""
        return self._known.find(run)

    def history(self, run: str) -> History:
        """The same. Refused when there is none of that identity."""
        found = self.find(run)
        if found is None:
            raise Refused(f"there is no run {safe(run)}")
        return found

    def troubles(self, run: str) -> tuple[SafeText, SafeText]:
        """What is wrong with a run, and with the console itself, at the moment; empty when nothing is."""
        return self._known.troubled(run), EMPTY

    async def _listen(self, well: Callable[[], None]) -> None:
        """Follow what is written, from what was read on, for ever; `well` is called whenever all was. LedgerError."""
        await self._hear(well)
        async for _ in self._known.ledger.news():
            await self._hear(well)

    async def _hear(self, well: Callable[[], None]) -> None:
        await self._catch_up(self._heard_until)
        if self._known.unsure:
            await self._look_at_locks()
        well()

    async def _watch_locks(self, well: Callable[[], None]) -> None:
        """Follow who holds what, for ever; `well` is called after every look. LedgerError."""
        while True:
            await self._look_at_locks()
            well()
            await self.means.pause(LOOK_AT_LOCKS)

    async def _look_at_locks(self) -> None:
        await self._known.look_at_locks()

    async def _catch_up(self, after: int) -> None:
        """Take in all entries behind one. LedgerError."""
        async for sealed in self._known.ledger.read(after=after):
            self._take(sealed)
            self._heard_until = sealed.number

    def _take(self, sealed: Sealed) -> None:
        if self._book.take(sealed):
            self._known.changed()
