"""Which lines of the book a reader sees: those of the filter, and hidden neighbours where context is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tuiops.hub.logindex import LogIndex

if TYPE_CHECKING:
    from tuiops.hub.logbook import LogBook
    from tuiops.hub.logfilter import LogFilter

NEIGHBOURS: Final = 5
"""Hidden lines shown on either side of a line, for context."""


class Seen(NamedTuple):
    """A line, and whether the filter shows it: context lines it does not."""

    seq: int
    shown: bool


class LogLines:
    """The index of a filter with context over it."""

    def __init__(self, book: LogBook, log_filter: LogFilter | None = None) -> None:
        self.index = LogIndex(book, log_filter)
        self.context: range | None = None
        """Lines shown whatever the filter says."""

    def open_context(self, seq: int) -> int:
        """Show the neighbours of a line; the first of them."""
        self.context = range(seq - NEIGHBOURS, seq + NEIGHBOURS + 1)
        return self.context.start

    def before(self, seq: int, count: int) -> list[Seen]:
        """The last `count` lines before `seq`, ascending."""
        shown = self.index.before(seq, count)
        return self._with_context(shown, range(self.index.book.first, seq))[-count:] if count > 0 else []

    def after(self, seq: int, count: int) -> list[Seen]:
        """The first `count` lines from `seq` on, ascending."""
        shown = self.index.after(seq, count)
        return self._with_context(shown, range(seq, self.index.book.end))[:count]

    def _with_context(self, shown: list[int], within: range) -> list[Seen]:
        if self.context is None:
            return [Seen(seq, True) for seq in shown]
        known = set(shown)
        first = self.index.book.first
        extra = {seq for seq in self.context if seq in within and seq >= first}
        return [Seen(seq, seq in known) for seq in sorted(known | extra)]
