"""Ends what was aborted when the console that was to do so is gone: an abort that was recorded is carried out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY
from tuiops.errors import LedgerError, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from tuiops.core.text import SafeText
    from tuiops.runbooks.record.history import History
    from tuiops.runbooks.record.known import Known

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""How often one console tries to end what is under way for one abort, each time because more is known of it."""


class Winding:
    """Looks for runs that were aborted and that nobody carries out. Every console does; the locks let one at it."""

    def __init__(self, known: Known, busy: Callable[[str], bool], end: Callable[[str], Awaitable[None]]) -> None:
        """`busy`: whether a run is in the hands of this console; `end` takes a run up and ends it."""
        self._known = known
        self._busy = busy
        self._end = end
        self._at: set[str] = set()
        self._tried: dict[tuple[str, int], set[SafeText]] = {}
        """By execution that has not ended, and abort: what was known of it when this console tried to end it."""

    def begin(self, spawn: Callable[[Coroutine[None, None, None], str], object]) -> None:
        """Have what was aborted ended, each run once at a time."""
        for run, history in self._left():
            if run not in self._at and self._is_worth_it(history):
                self._at.add(run)
                spawn(self._wind_up(run, history), f"wind up {run}")

    def _left(self) -> Iterator[tuple[str, History]]:
        """Runs that are to end and that nobody carries out."""
        for run in {lock.run for lock in self._known.locks if lock.gone and not self._busy(lock.run)}:
            history = self._known.book.history(run)
            if history is not None and history.abort and history.view.live:
                yield run, history

    def _is_worth_it(self, history: History) -> bool:
        """Whether there is nothing left to end, or something else is known of it than when that was tried."""
        tried = self._tried.get((history.open, history.aborts), set())
        return not history.open or (_known_of(history) not in tried and len(tried) < ATTEMPTS)

    async def _wind_up(self, run: str, history: History) -> None:
        tried = self._tried.setdefault((history.open, history.aborts), set())
        tried.add(_known_of(history))
        try:
            await self._end(run)
        except (LedgerError, Refused) as error:
            # Another console is at it, or the ledger is away: the next look tells.
            log.info("run %s, which was aborted, was not ended from here: %s", run, error)
            tried.discard(_known_of(history))
        finally:
            self._at.discard(run)


def _known_of(history: History) -> SafeText:
    """What the record says of the step that has not ended; empty when there is none."""
    key = history.executions.get(history.open, "")
    return next((step.text for step in history.view.steps if step.key == key), EMPTY)
