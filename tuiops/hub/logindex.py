"""A reader's view of the log book under a filter: which lines are shown, how many are not, where the next match is.

Blocks are looked at newest first, a little at a time, and what was found is kept: a frame costs what arrived
since the last one, however long the log is.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from tuiops.hub.logbook import Block, LogBook, find_block
from tuiops.hub.logfilter import LogFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tuiops.core.logs import Level
    from tuiops.hub.logfilter import Pattern

_PATIENCE: Final = 64
"""Blocks that one call looks through before it lets the caller breathe."""

Deadline = "Callable[[], bool]"


class _Found:
    """What was found in a block so far: the shown lines among its first `scanned` ones."""

    __slots__ = ("scanned", "shown")

    def __init__(self) -> None:
        self.scanned = 0
        self.shown: array[int] = array("I")


class LogIndex:
    """One filter over one book, for one reader."""

    def __init__(self, book: LogBook, log_filter: LogFilter | None = None) -> None:
        self.book = book
        self.filter = log_filter or LogFilter()
        self._found: dict[int, _Found] = {}
        self._scanned = 0
        self._shown = 0
        self._oldest = 0
        self._pending: list[Block] = []
        self._version = -1

    @property
    def complete(self) -> bool:
        """Whether every line in the book has been looked at."""
        return self.filter.shows_all or (self._version == self.book.version and not self._pending)

    @property
    def shown(self) -> int:
        """Lines shown, of those looked at so far."""
        return self.book.end - self.book.first if self.filter.shows_all else self._shown

    @property
    def hidden(self) -> int:
        """Lines that the filter keeps back, of those looked at so far."""
        return 0 if self.filter.shows_all else self._scanned - self._shown

    def advance(self, expired: Callable[[], bool]) -> bool:
        """Look at what has not been looked at, newest first, until done or `expired`; whether anything changed."""
        if self.filter.shows_all:
            return False
        blocks = self._sync()
        before = (self._scanned, self._shown)
        while self._pending and not expired():
            self._scan(self._pending.pop())
        if not self._pending:
            self._oldest = blocks[0].first if blocks else 0
        return (self._scanned, self._shown) != before

    def before(self, seq: int, count: int) -> list[int]:
        """The last `count` shown lines before `seq`, ascending; fewer when the rest has not been looked at yet."""
        blocks = self.book.blocks()
        if not blocks or count <= 0:
            return []
        if self.filter.shows_all:
            stop = min(seq, blocks[-1].end)
            return list(range(max(blocks[0].first, stop - count), max(stop, blocks[0].first)))
        parts: list[Sequence[int]] = []
        patience = _PATIENCE
        for number in range(find_block(blocks, seq - 1), -1, -1):
            block = blocks[number]
            shown, fresh = self._shown_in(block)
            patience -= fresh
            cut = bisect_left(shown, seq - block.first)
            piece = shown[max(0, cut - count) : cut]
            parts.append([block.first + line for line in piece])
            count -= len(piece)
            if count <= 0 or patience <= 0:
                break
        return [line for part in reversed(parts) for line in part]

    def after(self, seq: int, count: int) -> list[int]:
        """The first `count` shown lines from `seq` on, ascending; fewer when the rest has not been looked at yet."""
        blocks = self.book.blocks()
        if not blocks or count <= 0:
            return []
        if self.filter.shows_all:
            start = max(seq, blocks[0].first)
            return list(range(start, min(start + count, blocks[-1].end)))
        lines: list[int] = []
        patience = _PATIENCE
        for number in range(max(0, find_block(blocks, seq)), len(blocks)):
            block = blocks[number]
            shown, fresh = self._shown_in(block)
            patience -= fresh
            cut = bisect_left(shown, max(0, seq - block.first))
            lines.extend(block.first + line for line in shown[cut : cut + count - len(lines)])
            if len(lines) >= count or patience <= 0:
                break
        return lines

    def search(self, pattern: Pattern, seq: int, *, forward: bool) -> Iterator[int | None]:
        """Shown lines that match, going away from `seq`; None after every block, so that the caller can breathe."""
        return self._walk(lambda block, data: pattern.lines(data, block.starts), seq, forward=forward)

    def grave(self, level: Level, seq: int, *, forward: bool, exact: bool = False) -> Iterator[int | None]:
        """Shown lines of `level` or graver (of just that level when `exact`), going away from `seq`, as `search`."""

        def find(block: Block, data: bytes) -> Iterator[int]:
            if block.note:
                return
            continued = set(block.continued(data))
            for number, found in enumerate(block.levels(data)):
                if (found == level if exact else found >= level) and number not in continued:
                    yield number

        return self._walk(find, seq, forward=forward)

    def _walk(self, find: Callable[[Block, bytes], Iterator[int]], seq: int, *, forward: bool) -> Iterator[int | None]:
        blocks = self.book.blocks()
        at = find_block(blocks, seq)
        order = range(max(at, 0), len(blocks)) if forward else range(at, -1, -1)
        for number in order:
            block = blocks[number]
            data = self.book.bytes_of(block)
            if data is None:
                continue
            hits = [
                line
                for line in find(block, data)
                if (block.first + line > seq if forward else block.first + line < seq)
            ]
            if hits and not self.filter.shows_all:
                shown = set(self._shown_in(block)[0])
                hits = [line for line in hits if line in shown]
            for line in hits if forward else reversed(hits):
                yield block.first + line
            yield None

    def _shown_in(self, block: Block) -> tuple[Sequence[int], int]:
        """The shown lines of a block and 1 if it had to be looked at for that."""
        known = self._found.get(block.first)
        if known is None or known.scanned < len(block.starts):
            self._scan(block)
            return self._found[block.first].shown, 1
        return known.shown, 0

    def _scan(self, block: Block) -> None:
        found = self._found.setdefault(block.first, _Found())
        count = len(block.starts)
        if found.scanned >= count:
            return
        data = self.book.bytes_of(block)
        if data is not None:
            # The last record may have got more lines since, and they decide about all of it.
            first = block.head(data, found.scanned)
            keep = bisect_left(found.shown, first)
            fresh = self.filter.lines(block, data, first)
            self._shown += keep + len(fresh) - len(found.shown)
            del found.shown[keep:]
            found.shown.extend(fresh)
        self._scanned += count - found.scanned
        found.scanned = count

    def _sync(self) -> list[Block]:
        """Take note of what came to the book and what was dropped from it."""
        if self._version == self.book.version:
            return self.book.blocks()
        self._version = self.book.version
        blocks = self.book.blocks()
        first = blocks[0].first if blocks else 0
        for gone in [key for key in self._found if key < first]:
            found = self._found.pop(gone)
            self._scanned -= found.scanned
            self._shown -= len(found.shown)
        known = self._found
        # Oldest first, so that the newest is taken from the end.
        self._pending = [
            block
            for block in blocks
            if (found_ := known.get(block.first)) is None or found_.scanned < len(block.starts)
        ]
        return blocks
