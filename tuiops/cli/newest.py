"""The newest lines of a log book over all its streams, by the times that the lines state."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.logformat import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tuiops.hub.logbook import Block, LogBook
    from tuiops.hub.logfilter import LogFilter


class Dated(NamedTuple):
    """A line by its number, and when it was written: a line that states no time was written with the one before it."""

    seq: int
    at: datetime


class _Found(NamedTuple):
    seq: int
    at: datetime | None
    arrived: datetime


def newest(book: LogBook, wanted: LogFilter, count: int, now: datetime) -> list[Dated]:
    """The newest `count` lines that a filter shows, oldest first; lines of one time stay in the order of their stream.

    The lines of a stream are taken to be in order but for those that came late, so that no more than `count` of each
    stream are parsed, and all late ones among them.
    """
    left: dict[str, int] = {}
    found: dict[str, list[list[_Found]]] = {}
    for block in reversed(book.blocks()):
        name = block.stream.name
        room = left.setdefault(name, count)
        data = book.bytes_of(block) if room > 0 else None
        if data is None:
            continue
        numbers = wanted.lines(block, data)
        if not block.late:
            numbers = numbers[-room:]
            left[name] -= len(numbers)
        if numbers:
            found.setdefault(name, []).append(list(_read(block, data, numbers, now)))
    lines = [
        line
        for parts in reversed(found.values())
        for line in _dated([each for part in reversed(parts) for each in part])
    ]
    lines.sort(key=attrgetter("at"))
    return lines[max(0, len(lines) - count) :]


def _read(block: Block, data: bytes, numbers: Sequence[int], now: datetime) -> Iterator[_Found]:
    """The lines with the times they state, or that a line above them in the block does, shown or not."""
    at: datetime | None = None
    examined = 0
    for number in numbers:
        for above in range(number, examined - 1, -1):
            stated = _stated(block, data, above, now)
            if stated is not None:
                at = stated
                break
        examined = number + 1
        yield _Found(block.first + number, at, block.at)


def _stated(block: Block, data: bytes, number: int, now: datetime) -> datetime | None:
    if block.note:
        return block.at
    start, stop = block.span(number)
    return parse(data[start:stop], block.stream.format, now).at


def _dated(lines: Sequence[_Found]) -> Iterator[Dated]:
    """The lines of one stream: before the first time that is stated, that time stands; in a stream without any, the
    time of arrival does.
    """
    at = next((line.at for line in lines if line.at is not None), None)
    for line in lines:
        at = line.at or at
        yield Dated(line.seq, at or line.arrived)
