"""The last error records of a service in the log book, found by their bytes before anything is parsed."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from tuiops.core.logformat import parse
from tuiops.core.logs import Level, LogRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.hub.logbook import Block, LogBook

SEARCHED = 4 * 1024 * 1024
"""Bytes that are looked at, the last ones: about two thousandths of a second."""
HITS = 2_000
"""Places that are looked at: a canary that writes its name into every line must not stop the screen."""
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
"""Bytes that a name does not end before."""


def errors_naming(book: LogBook, system: str, service: str, name: SafeText, most: int) -> tuple[LogRecord, ...]:
    """The last `most` records at error level or graver that carry a name, such as a revision's; oldest first."""
    needle = name.encode()
    found: list[LogRecord] = []
    bytes_left, hits_left = SEARCHED, HITS
    for block in reversed(book.blocks() if needle else []):
        stream = block.stream
        if block.note or stream.system != system or stream.service not in {"", service}:
            continue
        data = book.bytes_of(block)
        if bytes_left <= 0 or data is None:
            continue
        bytes_left -= len(data)
        for number in _heads(block, data, needle):
            hits_left -= 1
            if number >= 0 and block.levels(data)[number] >= Level.ERROR:
                start, stop = block.span(number)
                record = parse(data[start:stop], stream.format, block.at)
                if service in {stream.service, record.service}:
                    found.append(record)
            if len(found) == most or hits_left <= 0:
                return tuple(reversed(found))
    return tuple(reversed(found))


def _heads(block: Block, data: bytes, needle: bytes) -> Iterator[int]:
    """The first lines of the records of a block that carry the name, last one first; -1 for a part of another word."""
    end = len(data)
    while (at := data.rfind(needle, 0, end)) >= 0:
        if _whole(data, at, at + len(needle)):
            number = block.head(data, bisect_right(block.starts, at) - 1)
            yield number
            end = block.starts[number]
        else:
            yield -1
            end = at + len(needle) - 1


def _whole(data: bytes, start: int, stop: int) -> bool:
    before = start > 0 and data[start - 1] in _WORD
    return not before and not (stop < len(data) and data[stop] in _WORD)
