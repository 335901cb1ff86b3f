"""The runs that this console knows of, by their entries in the ledger, each entry once however often it comes."""

from __future__ import annotations

import logging
from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import RunEnded, RunStarted, StepClaimed, StepIntended, StepReceipt
from tuiops.runbooks.record.history import History, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tuiops.core.record import Sealed
    from tuiops.ledger.base import Lock

log = logging.getLogger(__name__)

_NUMBER = attrgetter("number")


class RunBook:
    """Entries by run. What belongs to no run is not kept."""

    def __init__(self) -> None:
        self._runs: dict[str, list[Sealed]] = {}
        self._folded: dict[str, tuple[object, History | None]] = {}
        self._intents: dict[str, dict[str, tuple[int, datetime]]] = {}
        self.entries = 0
        """How many there are of all runs."""

    def take(self, sealed: Sealed) -> bool:
        """Keep an entry; whether it was not known before."""
        run = sealed.entry.run
        if not run:
            return False
        entries = self._runs.setdefault(run, [])
        if any(known.number == sealed.number for known in reversed(entries)):
            return False
        insort(entries, sealed, key=_NUMBER)
        self.entries += 1
        event = sealed.entry.event
        if isinstance(event, StepIntended):
            self._intents.setdefault(run, {})[event.execution] = (sealed.number, sealed.entry.at)
        return True

    def intents(self, run: str) -> Mapping[str, tuple[int, datetime]]:
        """By execution of a run: the number of the entry in which it was about to begin, and when that was."""
        return self._intents.get(run, {})

    @property
    def runs(self) -> Iterable[str]:
        """The identities of all."""
        return self._runs.keys()

    def last(self, run: str) -> int:
        """Number of the newest entry of a run that was taken; 0 when there is none."""
        entries = self._runs.get(run)
        return entries[-1].number if entries else 0

    def begun(self) -> dict[str, int]:
        """Runs that were begun and are not over, each with the number of the newest entry of somebody at work on it."""
        return {run: number for run in self._runs if (number := self.worked(run))}

    def worked(self, run: str) -> int:
        """Number of the newest entry of somebody at work on a run; 0 when it is over, or was never begun."""
        for sealed in reversed(self._runs.get(run, [])):
            match sealed.entry.event:
                case RunEnded():
                    return 0
                case RunStarted() | StepIntended() | StepClaimed() | StepReceipt():
                    return sealed.number
                case _:
                    pass
        return 0

    def started_after(self, run: str, number: int) -> bool:
        """Whether somebody has begun or taken up a run since that entry."""
        later = (sealed for sealed in self._runs.get(run, []) if sealed.number > number)
        return any(isinstance(sealed.entry.event, RunStarted) for sealed in later)

    def history(
        self, run: str, lock: Lock | None = None, session: str = "", *, carried: bool = False, sure: bool = True
    ) -> History | None:
        """What the entries of a run add up to; None when its request is not known or no run can be made of them.

        See `history.fold`.
        """
        entries = self._runs.get(run, [])
        asked = (len(entries), lock, session, carried, sure)
        known = self._folded.get(run)
        if known is not None and known[0] == asked:
            return known[1]
        try:
            found = fold((one.entry for one in entries), lock, session, carried=carried, sure=sure)
        except (ValueError, msgspec.MsgspecError):
            log.exception("what the ledger says of run %s cannot be understood", run)
            found = None
        if found is not None:
            view = msgspec.structs.replace(found.view, entry=self.last(run))
            found = msgspec.structs.replace(found, view=view)
        self._folded[run] = (asked, found)
        return found
