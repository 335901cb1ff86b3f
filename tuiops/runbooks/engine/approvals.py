"""Runs that were asked for here and wait for a second person: begun as soon as there is one, wherever that happens."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from tuiops.core.record import AnyEvent, Entry, RunApproved, RunPaused
from tuiops.core.text import fmt, lit, safe
from tuiops.errors import LedgerError, Refused, TuiopsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tuiops.runbooks.record.known import Known

    Begin = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class Approvals:
    """What is begun here when it is approved."""

    def __init__(self, known: Known, write: Callable[[str, AnyEvent], Awaitable[None]]) -> None:
        """`write` records, of a run, what this console itself has to say."""
        self._known = known
        self._write = write
        self._waiting: dict[str, Begin] = {}

    def wait(self, run: str, begin: Begin) -> None:
        """Have a run begun when it is approved."""
        self._waiting[run] = begin

    def heard(self, entry: Entry) -> Coroutine[None, None, None] | None:
        """What is to be done about an entry; None when that is nothing."""
        if not isinstance(entry.event, RunApproved) or entry.run not in self._waiting:
            return None
        history = self._known.find(entry.run)
        if history is None or not history.view.approved_by:
            return None
        return self._begin(entry, self._waiting.pop(entry.run))

    async def _begin(self, entry: Entry, begin: Begin) -> None:
        """Begin what was approved, or say why not: who asked for it may be looking elsewhere."""
        try:
            await begin()
        except TuiopsError as error:
            said = safe(str(error), 500)
        except Exception:  # it was to begin, and did not: that must not be lost, whatever the reason
            log.exception("run %s, which was approved, could not be begun", entry.run)
            said = lit("the console failed at it, see its log")
        else:
            return
        with contextlib.suppress(LedgerError, Refused):
            await self._known.read_whole(entry.run)
            history = self._known.find(entry.run)
            if history is not None and not history.started:
                # No lock is held for this: what holds it may be the very reason.
                await self._write(entry.run, RunPaused(reason=said, unbegun=True))
        # Not before: whoever follows the run would take it for one that was begun, and broke off.
        self._known.trouble(entry.run, fmt("run approved by {}, but {}", entry.by.person, said))
