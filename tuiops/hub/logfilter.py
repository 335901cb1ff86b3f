"""What a reader of the log wants to see: words in, words out, a level, one service; and how a block is asked for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuiops.core.logformat import parse
from tuiops.core.logs import Level

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Sequence

    from tuiops.hub.logbook import Block

_ESCAPED = re.compile(r"\\.", re.DOTALL)
_AT_LEAST = {level: re.compile(b"[" + bytes([level]) + rb"-\xff]") for level in Level}
"""Finds the lines of a level or graver in a block's levels, one byte a line."""


class Pattern:
    """A regular expression over the bytes of lines. Without capitals it matches either case.

    The case is folded by lowering the data: a case-blind `re` takes thirteen times as long, because it
    cannot look for literals.
    """

    __slots__ = ("_fold", "_regex", "text")

    def __init__(self, text: str) -> None:
        """Raises `re.error` when the text is no regular expression."""
        self.text = text
        self._fold = not any(char.isupper() for char in _ESCAPED.sub("", text))
        self._regex = re.compile(text.encode("utf-8", "replace"), re.MULTILINE)

    def spans(self, line: bytes) -> list[tuple[int, int]]:
        """Where it matches in a line; empty matches are left out."""
        found = self._regex.finditer(line.lower() if self._fold else line)
        return [match.span() for match in found if match.end() > match.start()]

    def matches(self, line: bytes) -> bool:
        return self._regex.search(line.lower() if self._fold else line) is not None

    def lines(self, data: bytes, starts: Sequence[int], first: int = 0) -> Iterator[int]:
        """The numbers, from `first` on, of the lines of a block that it matches, ascending."""
        if first >= len(starts):
            return
        if self._fold:
            data = data.lower()
        search = self._regex.search
        size = len(data)
        count = len(starts)
        number = first
        at = starts[number]
        while (found := search(data, at)) is not None:
            where = found.start()
            number = _line_at(starts, where, number, count)
            stop = starts[number + 1] - 1 if number + 1 < count else size - 1
            # A match that runs over the line's end is none unless the line matches by itself.
            if found.end() <= stop or search(data[starts[number] : stop]) is not None:
                yield number
            number += 1
            if number >= count:
                return
            at = starts[number]


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


@dataclass(frozen=True)
class LogFilter:
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
                shown = [found.start() for found in _AT_LEAST[least].finditer(levels, first)]
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
