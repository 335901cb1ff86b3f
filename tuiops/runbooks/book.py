"""The runs that this console knows of, by their entries in the ledger, each entry once however often it comes."""

from __future__ import annotations

import logging
from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from tuiops.runbooks.history import History, fold

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from tuiops.core.record import Sealed
    from tuiops.ledger.base import Lock

log = logging.getLogger(__name__)

_NUMBER = attrgetter("number")


class RunBook:
    """Entries by run. What belongs to no run is not kept."""

    def __init__(self) -> None:
        self._runs: dict[str, list[Sealed]] = {}
        self._folded: dict[str, tuple[object, History | None]] = {}

    def take(self, sealed: Sealed) -> bool:
        """Keep an entry; whether it was not known before."""
        run = sealed.entry.run
        if not run:
            return False
        entries = self._runs.setdefault(run, [])
        if any(known.number == sealed.number for known in reversed(entries)):
            return False
        insort(entries, sealed, key=_NUMBER)
        return True

    def last(self, run: str) -> int:
        """Number of the newest entry of a run that was taken; 0 when there is none."""
        entries = self._runs.get(run)
        return entries[-1].number if entries else 0

    def history(
        self, run: str, lock: Lock | None = None, session: str = "", *, carried: bool = False
    ) -> History | None:
        """What the entries of a run add up to; None when its request is not known or no run can be made of them.

        See `history.fold`.
        """
        entries = self._runs.get(run, [])
        asked = (len(entries), lock, session, carried)
        known = self._folded.get(run)
        if known is not None and known[0] == asked:
            return known[1]
        try:
            found = fold((one.entry for one in entries), lock, session, carried=carried)
        except (ValueError, msgspec.MsgspecError):
            log.exception("what the ledger says of run %s cannot be understood", run)
            found = None
        self._folded[run] = (asked, found)
        return found

    def histories(
        self, locks: Iterable[Lock] = (), session: str = "", carried: Container[str] = frozenset()
    ) -> list[History]:
        """All runs, newest first; `carried`: those that this console carries out."""
        held = {lock.run: lock for lock in locks}
        found = (self.history(run, held.get(run), session, carried=run in carried) for run in self._runs)
        return sorted((one for one in found if one is not None), key=lambda one: -one.view.number)
