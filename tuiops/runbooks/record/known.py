"""All that a console knows of runs: what the ledger says, who holds what, and what it sees beyond that."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY, SafeText, join
from tuiops.errors import LedgerError
from tuiops.runbooks.record.book import RunBook
from tuiops.runbooks.record.progress import Progress
from tuiops.runbooks.record.since import Since

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container

    from tuiops.core.runs import RunView
    from tuiops.ledger.base import Ledger, Lock
    from tuiops.runbooks.record.history import History

REMEMBERED = 20_000
"""Entries from the end of the ledger that are read first; runs that still hold locks are read whole."""

PUBLISH_DELAY = 0.1
"""Seconds in which changes are gathered into one publication."""


class Known:
    """What can be shown of runs, kept up to date by the engine."""

    def __init__(
        self,
        ledger: Ledger,
        session: str,
        carried: Container[str],
        published: Callable[[tuple[RunView, ...]], None],
        troubled: Callable[[SafeText], None],
    ) -> None:
        """`carried`: runs that this console, of that session, carries out at the moment."""
        self.book = RunBook()
        self.locks: tuple[Lock, ...] = ()
        self.ledger = ledger
        self._session = session
        self._carried = carried
        self._published = published
        self._troubled = troubled
        self._abandoned: dict[str, int] = {}
        """Runs that nobody carries out, each with the newest entry of whoever did."""
        self._progress: dict[str, Progress] = {}
        self._troubles: dict[str, SafeText] = {}
        self._dirty = asyncio.Event()
        self._since = Since(self.book, self._recorded)

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Live ones first, then the newest."""
        views = [self._shown(history) for run in self.book.runs if (history := self.find(run)) is not None]
        return tuple(sorted(views, key=lambda view: (not view.live, -view.number)))

    def find(self, run: str) -> History | None:
        """What is recorded of a run, and who has acted on the same since; None when nothing is."""
        return self.beside_others(self._recorded(run))

    def beside_others(self, history: History | None) -> History | None:
        """The same, with who has acted on the same since."""
        overtaken = self._since.overtaken(history.view.id) if history is not None else EMPTY
        if history is None or not overtaken:
            return history
        return msgspec.structs.replace(history, view=msgspec.structs.replace(history.view, overtaken=overtaken))

    def _recorded(self, run: str) -> History | None:
        lock = next((lock for lock in self.locks if lock.run == run), None)
        worked = self.book.worked(run)
        sure = not worked or self._abandoned.get(run) == worked
        return self.book.history(run, lock, self._session, carried=run in self._carried, sure=sure)

    def changed(self) -> None:
        """Have it published soon."""
        self._dirty.set()

    def progress(self, run: str) -> Progress:
        """A new account of what a run does beyond its record."""
        made = self._progress[run] = Progress(self.changed)
        return made

    def given_back(self, run: str) -> None:
        """It is not carried out here any more: its record is all that there is to know of it."""
        self._progress.pop(run, None)
        self.changed()

    async def read_about(self, run: str, after: int) -> None:
        """Bring the book up to date about a run, and about all others from an entry on. LedgerError."""
        async for sealed in self.ledger.read(after=after):
            self.book.take(sealed)
        unread = {known for known in self.book.runs if self._recorded(known) is None}
        for known in sorted(unread | {run}):
            await self.read_whole(known)

    async def read_whole(self, run: str) -> None:
        """Bring the book up to date about a run. LedgerError."""
        async for sealed in self.ledger.read(run=run):
            self.book.take(sealed)
        self.changed()

    @property
    def unsure(self) -> bool:
        """Whether a run was begun of which it is not known who carries it out."""
        held = {lock.run for lock in self.locks if self._holds(lock)}
        return any(run not in held and self._abandoned.get(run) != at for run, at in self.book.begun().items())

    async def look_at_locks(self) -> None:
        """Who holds what; the runs that do are read whole if they are older than what was read. LedgerError.

        A run counts as abandoned when it was begun before this look, nobody holds it, and it has not ended since:
        the end of a run is written before its locks are given back.
        """
        begun = self.book.begun()
        locks = await self.ledger.locks()
        held = {lock.run for lock in locks if self._holds(lock)}
        abandoned = {run: at for run, at in begun.items() if run not in held}
        doubtful = {run for run, at in abandoned.items() if self._abandoned.get(run) != at}
        unread = {lock.run for lock in locks if self.book.history(lock.run) is None}
        for run in sorted(doubtful | unread):
            await self.read_whole(run)
        if (locks, abandoned) != (self.locks, self._abandoned):
            self.locks, self._abandoned = locks, abandoned
            self.changed()

    def _holds(self, lock: Lock) -> bool:
        """Whether somebody carries the run of a lock out."""
        return not lock.gone and (lock.holder.session != self._session or lock.run in self._carried)

    def trouble(self, about: str, text: SafeText) -> None:
        """Say what is wrong with a run, or with something else; empty when nothing is any more.

        Of a run that is over, or in another console's hands, nothing is: it is not waited for here.
        """
        if self._is_past(about):
            text = EMPTY
        if text == self._troubles.get(about, EMPTY):
            return
        self._troubles.pop(about, None)
        if text:
            self._troubles[about] = text
        self._troubled(join("; ", self._troubles.values()))

    def _is_past(self, about: str) -> bool:
        """Whether what was wrong with a run is of no account any more."""
        history = self.find(about)
        return history is not None and (not history.view.live or bool(history.view.held_by and not history.view.mine))

    def troubled(self, about: str) -> SafeText:
        """What is wrong with a run, or with something else; empty when nothing is."""
        return self._troubles.get(about, EMPTY)

    def hush(self) -> None:
        """Say and show nothing any more: it is another's to do."""
        self._published = lambda _: None
        self._troubled = lambda _: None

    async def anchor(self) -> None:
        """Have what a killed console wrote last come under an anchor: nobody else may write for long."""
        with contextlib.suppress(LedgerError):
            await self.ledger.anchor()

    async def publish(self, pause: Callable[[float], Awaitable[None]], told: Callable[[], None]) -> None:
        """Tell of every change, for ever; `told` is called whenever that was done."""
        while True:
            await self._dirty.wait()
            for about in tuple(filter(self._is_past, self._troubles)):
                self.trouble(about, EMPTY)
            self._published(self.runs)
            self._dirty.clear()
            told()
            await pause(PUBLISH_DELAY)

    def _shown(self, history: History) -> RunView:
        progress = self._progress.get(history.view.id)
        return history.view if progress is None else progress.over(history.view)
