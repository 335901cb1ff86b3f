"""Aborting, which waits for no record: what cannot be recorded then is recorded when the ledger answers again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import LedgerError, Refused, SourceError, Unrecorded
from tuiops.runbooks.effects import End
from tuiops.runbooks.engine.outcomes import known_to_be_done, open_action
from tuiops.runbooks.engine.preconditions import is_live
from tuiops.runbooks.format.model import CommandAction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from tuiops.core.record import Entry
    from tuiops.runbooks.effects import Effects
    from tuiops.runbooks.engine.carrier import Carrier
    from tuiops.runbooks.record.history import History
    from tuiops.runbooks.record.known import Known

    Fits = Callable[[History | None], None]
    Spawn = Callable[[Coroutine[None, None, None], str], object]

log = logging.getLogger(__name__)

AGAIN = 2.0
"""Seconds between two attempts to record it."""


class Late:
    """What people want ended, from the moment that they say so until the record does."""

    def __init__(
        self,
        known: Known,
        pause: Callable[[float], Awaitable[None]],
        effects: Effects,
        carriers: Mapping[str, Carrier],
        add: Callable[[Entry], Awaitable[None]],
        record: Callable[[Entry, Fits], Awaitable[None]],
        spawn: Spawn,
    ) -> None:
        """`add` writes an entry; `record` takes the run up for that if it fits, and ends it. LedgerError, Refused."""
        self._known = known
        self._pause = pause
        self._effects = effects
        self._carriers = carriers
        self._add = add
        self._record = record
        self._spawn = spawn
        self._owed: set[str] = set()

    async def abort(self, asked: Entry) -> None:
        """Have a run ended, at once when it is carried out here. Unrecorded when that is being done without a record.

        LedgerError when nothing of it can be ended here.
        """
        run = asked.run
        carrier = self._carriers.get(run)
        try:
            if carrier is None:
                await self._add(asked)
            else:
                carrier.abort()
                await carrier.scribe.ask(asked)
        except LedgerError as error:
            history = self._known.find(run)
            if history is None or not history.started or (carrier is None and history.view.held_by):
                # Nothing of it is under way, or another console has to hear of it.
                raise
            became = lit("it is being ended") if carrier is not None else await self._cut_short(history)
            if run not in self._carriers:
                self.owe(asked)
            number, why = history.view.number, safe(str(error), 500)
            said = fmt("run #{} was aborted here ({}), which is not recorded yet: {}", number, became, why)
            self._known.trouble(run, said)
            raise Unrecorded(said) from None

    async def _cut_short(self, history: History) -> SafeText:
        """End what was cut off, as far as that can be done from here; what became of it, in a sentence's part."""
        if not history.open or known_to_be_done(history) is not None:
            return lit("nothing of it is under way")
        try:
            do = open_action(history)
            if not isinstance(do, CommandAction):
                return lit("what was sent cannot be called back")
            outcome = await self._effects.abort(history.open, do)
        except (Refused, SourceError) as error:
            return fmt("it could not be ended: {}", safe(str(error), 500))
        return lit("it was ended") if outcome.end is End.ABORTED else outcome.text

    def owe(self, *asked: Entry) -> None:
        """Have it recorded; of one run the first is enough."""
        for entry in asked:
            if entry.run not in self._owed:
                self._owed.add(entry.run)
                self._spawn(self._pay(entry, self._known.book.last(entry.run)), f"late {entry.run}")

    async def _pay(self, entry: Entry, known: int) -> None:
        def fits(history: History | None) -> None:
            is_live(history)
            if self._known.book.started_after(entry.run, known):
                # What was meant for another moment must not end what somebody has decided since.
                raise Refused("somebody has taken the run up since")

        try:
            while not await self._is_paid(entry, fits):
                await self._pause(AGAIN)
        finally:
            self._owed.discard(entry.run)

    async def _is_paid(self, entry: Entry, fits: Fits) -> bool:
        try:
            await self._record(entry, fits)
        except Refused as error:
            log.warning("that %s aborted run %s is not recorded: %s", entry.by.person, entry.run, error)
        except LedgerError:
            return False
        return True
