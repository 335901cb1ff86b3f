"""What commands print, on its way to people: cut into lines, cleaned, bounded, in few batches."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from tuiops.core.record import NO_DIGEST, Digest
from tuiops.core.text import EMPTY, SafeText, safe
from tuiops.runbooks.execution.base import Output, Tail

BATCH_LINES: Final = 200
"""Lines of a batch, at most: more than a screen has."""
INTERVAL: Final = 0.1
"""Seconds between two batches, at least."""
HEAD_LINES: Final = 50
TAIL_LINES: Final = 150
LINE_CHARACTERS: Final = 512
"""Characters kept of a line."""
LONGEST: Final = 8 * 1024
"""Bytes without a line end after which a line ends all the same."""

_SEQUENCE: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
"""Colours, movements of the cursor, titles (ECMA-48): they mean nothing in a list of lines."""


def clean(line: bytes) -> SafeText:
    """A line as a terminal would leave it: what a carriage return overwrote and what only moves or paints is gone."""
    line = line[: 4 * LONGEST].rstrip(b"\r")
    if b"\r" in line:
        line = line.rpartition(b"\r")[2]
    if b"\x1b" in line:
        line = _SEQUENCE.sub(b"", line)
    return safe(line, LINE_CHARACTERS)


class Lines:
    """Takes a stream in and gives batches and, at the end, its head and tail. Memory does not grow with the stream."""

    def __init__(self) -> None:
        self._rest = b""
        self._head: list[SafeText] = []
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._batch: deque[bytes] = deque(maxlen=BATCH_LINES)
        self._new = 0
        self._lines = 0
        self._missing = 0
        self._shown = b""

    @property
    def count(self) -> int:
        """Lines so far, those that are gone included."""
        return self._lines + self._missing

    def missing(self, lines: int) -> None:
        """Note that so many lines of the stream are gone."""
        self._missing += lines
        self._new += lines
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take more of the stream in."""
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > LONGEST:
            if b"\r" in rest:
                rest = rest.rstrip(b"\r").rpartition(b"\r")[2]
            while len(rest) > LONGEST:
                lines.append(rest[:LONGEST])
                rest = rest[LONGEST:]
        self._rest = rest
        self._add(lines)

    def batch(self) -> Tail | None:
        """What is new since the last time; None when nothing is."""
        if not self._new and self._rest == self._shown:
            return None
        lines = tuple(clean(line) for line in self._batch)
        tail = Tail(lines=lines, skipped=self._new - len(lines), partial=clean(self._rest) if self._rest else EMPTY)
        self._batch.clear()
        self._new, self._shown = 0, self._rest
        return tail

    def finish(self) -> None:
        """Take what is left as a line."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self._add([rest])

    def output(self, size: int, digest: Digest = NO_DIGEST) -> Output:
        """The head and the tail of all that was taken in. `size`: bytes that were printed, missing ones included."""
        tail = tuple(clean(line) for line in self._tail)
        left_out = self._lines + self._missing - len(self._head) - len(tail)
        return Output(head=tuple(self._head), tail=tail, left_out=left_out, size=size, digest=digest)

    def _add(self, lines: list[bytes]) -> None:
        room = max(0, HEAD_LINES - len(self._head))
        self._head += map(clean, lines[:room])
        self._tail.extend(lines[max(room, len(lines) - TAIL_LINES) :])
        self._batch.extend(lines[-BATCH_LINES:])
        self._new += len(lines)
        self._lines += len(lines)
