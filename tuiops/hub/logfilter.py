"""What a reader of the log wants to see: words in, words out, a level, one service; and how a block is asked for it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from tuiops.core.guarded import Guarded
from tuiops.core.logs import Level

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Sequence

    from tuiops.hub.logbook import Block

_BLOCK_TIMEOUT: Final = 0.05
"""Seconds for one search of a block: a megabyte takes most expressions one or two thousandths."""
_ESCAPED = re.compile(r"\\.", re.DOTALL)


class Pattern:
    """A regular expression over the bytes of lines. Without capitals it matches either case.

    The case is folded by lowering the data: a case-blind `re` takes thirteen times as long, because it
    cannot look for literals. One that takes forever is given up within a fraction of a second: see `Guarded`.
    """

    __slots__ = ("_fold", "_regex", "text")

    def __init__(self, text: str) -> None:
        """Raises `re.error` when the text is no regular expression."""
        self.text = text
        self._fold = not any(char.isupper() for char in _ESCAPED.sub("", text))
        self._regex = Guarded(text)

    @property
    def gave_up(self) -> bool:
        """Whether it took so long that it matches nothing any more."""
        return self._regex.gave_up

    def spans(self, line: bytes) -> list[tuple[int, int]]:
        """Where it matches in a line; empty matches are left out."""
        found = self._regex.spans(line.lower() if self._fold else line)
        return [(start, stop) for start, stop in found if stop > start]

    def matches(self, line: bytes) -> bool:
        """False also when it could not be decided in time."""
        return self._regex.matches(line.lower() if self._fold else line)

    def lines(self, data: bytes, starts: Sequence[int], first: int = 0) -> Iterator[int]:
        """The numbers, from `first` on, of the lines of a block that it matches, ascending."""
        if self._fold:
            data = data.lower()
        try:
            yield from self._lines(data, starts, first)
        except _Stuck as stuck:
            # A line among them is too hard; each of them is asked by itself.
            for number in range(stuck.number, len(starts)):
                stop = starts[number + 1] if number + 1 < len(starts) else len(data)
                if self._regex.matches(data[starts[number] : stop - 1]):
                    yield number

    def _lines(self, data: bytes, starts: Sequence[int], first: int) -> Iterator[int]:
        size = len(data)
        count = len(starts)
        number = first
        while number < count and not self.gave_up:
            try:
                found = self._regex.span(data, starts[number], _BLOCK_TIMEOUT)
            except TimeoutError:
                raise _Stuck(number) from None
            if found is None:
                return
            number = _line_at(starts, found[0], number, count)
            stop = starts[number + 1] - 1 if number + 1 < count else size - 1
            # A match that runs over the line's end is none unless the line matches by itself.
            if found[1] <= stop or self._regex.matches(data[starts[number] : stop]):
                yield number
            number += 1


class _Stuck(Exception):
    """A search of a block took too long."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _line_at(starts: Sequence[int], offset: int, low: int, count: int) -> int:
    """The number of the line that `offset` is in: nearly always close to `low`, so look there in doubling steps."""
    step = 1
    high = low + 1
    while high < count and starts[high] <= offset:
        low = high
        step *= 2
        high = low + step
    high = min(high, count)
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= offset:
            low = middle
        else:
            high = middle
    return low


class LogFilter(msgspec.Struct, frozen=True):
    """Lines that match any of `include` (all do when it is empty) and none of `exclude`, of `level` or graver.

    Empty `system` or `service` mean any. A record is shown or hidden whole, its continuation lines with it;
    `fold` leaves only first lines.
    """

    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    level: Level = Level.NONE
    system: str = ""
    service: str = ""
    fold: bool = False

    @property
    def shows_all(self) -> bool:
        """Whether nothing is hidden."""
        return not (self.include or self.exclude or self.level or self.system or self.service or self.fold)

    def lines(self, block: Block, data: bytes, first: int = 0) -> Sequence[int]:
        """The numbers, from `first` on, of the lines of a block that are shown, ascending."""
        count = len(block.starts)
        everything = range(first, count)
        if block.note:
            return everything
        stream = block.stream
        if self.system and stream.system != self.system:
            return ()
        continued = block.continued(data)
        shown: Sequence[int] = everything
        if self.include:
            found = {number for pattern in self.include for number in pattern.lines(data, block.starts, first)}
            shown = sorted(_whole(found, continued, first, count))
        if self.level:
            levels = block.levels(data)
            least = self.level
            if shown is everything:
                shown = [found.start() for found in _at_least(least).finditer(levels, first)]
            else:
                shown = [number for number in shown if levels[number] >= least]
        if self.exclude and shown:
            out = {number for pattern in self.exclude for number in pattern.lines(data, block.starts, first)}
            out = _whole(out, continued, first, count)
            shown = [number for number in shown if number not in out] if out else shown
        if self.service and stream.service != self.service:
            shown = self._of_service(block, data, shown, continued)
        if self.fold and continued:
            hidden = set(continued)
            shown = [number for number in shown if number not in hidden]
        return shown

    def _of_service(self, block: Block, data: bytes, shown: Sequence[int], continued: array[int]) -> Sequence[int]:
        """Of a stream that serves many, the lines whose record names the service."""
        if block.stream.service:
            return ()
        from tuiops.core.logformat import parse

        wanted = self.service.encode()
        form = block.stream.format
        kept: list[int] = []
        follows = set(continued)
        for number in shown:
            start, stop = block.span(number)
            if number in follows:
                if kept and kept[-1] == number - 1:
                    kept.append(number)
            # A look at the bytes spares the parse of nearly all lines that are not its.
            elif wanted in data[start:stop] and parse(data[start:stop], form, block.at).service == self.service:
                kept.append(number)
        return kept


@cache
def _at_least(level: Level) -> re.Pattern[bytes]:
    """Finds the lines of a level or graver in a block's levels, one byte a line."""
    return re.compile(b"[" + bytes([level]) + rb"-\xff]")


def _whole(found: set[int], continued: Sequence[int], first: int, count: int) -> set[int]:
    """The lines of all records that have one of the lines."""
    if not continued or not found:
        return found
    follows = set(continued)
    whole: set[int] = set()
    for number in found:
        head = number
        while head in follows and head > first:
            head -= 1
        whole.add(head)
        head += 1
        while head in follows and head < count:
            whole.add(head)
            head += 1
    return whole
