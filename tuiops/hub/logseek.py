"""Time in the log: where a moment is, and how many lines of which level came when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tuiops.core.logs import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from tuiops.hub.logbook import Block, LogBook

_NEARBY: Final = 50
"""Lines around one without a time that are asked for theirs."""


class Bucket(NamedTuple):
    """One column of a histogram."""

    lines: int = 0
    warnings: int = 0
    errors: int = 0


def time_of(book: LogBook, seq: int) -> datetime | None:
    """When a line was written, by itself or by the nearest line before it that says so."""
    from tuiops.core.logformat import parse

    for near in range(seq, max(seq - _NEARBY, book.first - 1), -1):
        line = book.line(near)
        if line is None or line.raw is None:
            return None
        if not line.note:
            at = parse(line.raw, line.stream.format, line.at).at
            if at is not None:
                return at
    line = book.line(seq)
    return line.at if line is not None else None


def seek(book: LogBook, target: datetime) -> int:
    """The first line that was not written before `target`, as if times only grew; some twenty lines are parsed."""
    low, high = book.first, book.end
    while low < high:
        middle = (low + high) // 2
        at = time_of(book, middle)
        if at is not None and at < target:
            low = middle + 1
        else:
            high = middle
    return low


class Histogram:
    """How many lines came when. What a block contributes is found once and kept."""

    def __init__(self, book: LogBook, system: str = "", service: str = "") -> None:
        self._book = book
        self._system = system
        self._service = service
        self._known: dict[int, tuple[int, float, float, Bucket]] = {}

    def buckets(self, end: datetime, width: timedelta, count: int, expired: Callable[[], bool]) -> list[Bucket]:
        """`count` buckets of `width` up to `end`, oldest first, from blocks looked at before `expired`.

        The lines of a block are taken to be spread evenly between its first and its last time.
        """
        step = width.total_seconds()
        start = end.timestamp() - step * count
        sums = [[0.0, 0.0, 0.0] for _ in range(count)]
        blocks = self._book.blocks()
        first = blocks[0].first if blocks else 0
        for gone in [key for key in self._known if key < first]:
            del self._known[gone]
        for block in reversed(blocks):
            if block.note or (self._system and block.stream.system != self._system):
                continue
            if self._service and block.stream.service not in {"", self._service}:
                continue
            if (known := self._look(block, expired)) is None:
                break
            _spread(sums, known[1] - start, known[2] - start, step, known[3])
            if known[2] < start:
                break
        return [Bucket(*(round(value) for value in values)) for values in sums]

    def _look(self, block: Block, expired: Callable[[], bool]) -> tuple[int, float, float, Bucket] | None:
        known = self._known.get(block.first)
        count = len(block.starts)
        if known is not None and known[0] == count:
            return known
        if expired():
            return known
        data = self._book.bytes_of(block)
        if data is None:
            return None
        levels = block.levels(data)
        fatal, errors = levels.count(Level.FATAL), levels.count(Level.ERROR)
        began = self._time(block, data, range(min(count, _NEARBY)))
        ended = self._time(block, data, range(count - 1, max(-1, count - 1 - _NEARBY), -1))
        known = (
            count,
            min(began, ended),
            max(began, ended),
            Bucket(count, levels.count(Level.WARNING), errors + fatal),
        )
        self._known[block.first] = known
        return known

    def _time(self, block: Block, data: bytes, numbers: range) -> float:
        """The first time that one of the lines states; without any, when the block arrived."""
        from tuiops.core.logformat import parse

        for number in numbers:
            start, stop = block.span(number)
            at = parse(data[start:stop], block.stream.format, block.at).at
            if at is not None:
                return at.timestamp()
        return block.at.timestamp()


def _spread(sums: list[list[float]], since: float, until: float, step: float, bucket: Bucket) -> None:
    """Add a block's counts to the buckets that its time lies in; seconds are counted from the first bucket."""
    low, high = int(since // step), int(until // step)
    length = max(until - since, 1e-9)
    for number in range(max(low, 0), min(high, len(sums) - 1) + 1):
        begin, finish = max(since, number * step), min(until, (number + 1) * step)
        share = 1.0 if low == high else (finish - begin) / length
        for kind, value in enumerate(bucket):
            sums[number][kind] += value * share
