"""The store of log lines: raw bytes in blocks with the offsets of their lines, bounded in memory.

One thread writes (the hub's), one reads (the user interface's). A line is addressed by its sequence number:
0 is the first line that came live, lines from before have negative ones; a number stays a line's own while
older lines are dropped. Blocks that can be read again from a file give up their bytes before any is dropped,
so that a log much larger than the memory can still be scrolled and searched.
"""

from __future__ import annotations

import re
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple

import msgspec

from tuiops.core.lineformat import LineFormat
from tuiops.core.logs import Backing, StreamStatus
from tuiops.core.text import EMPTY, SafeText

DEFAULT_LIMIT: Final = 64_000_000
"""Bytes."""
_MERGE: Final = 128 * 1024
"""Bytes up to which small pieces of one stream become one block."""
_LONGEST_BLOCK: Final = 1024 * 1024
"""Bytes up to which a block takes what belongs to its last record, so that the record is judged as one."""
_OVERHEAD: Final = 800
"""Bytes that a block costs beside its lines; a line costs five."""
_LONGEST_RECORD: Final = 2000
"""Lines of one record that are counted."""
_WARM: Final = 12
"""Blocks read again from files that are kept, the least recently used leaving first."""
_NEWLINE = re.compile(b"\n")


class Stream(msgspec.Struct, eq=False):
    """One log stream; the counters are the hub's to write."""

    name: SafeText
    system: SafeText = EMPTY
    service: SafeText = EMPTY
    kind: SafeText = EMPTY
    format: LineFormat = msgspec.field(default_factory=LineFormat)
    lines: int = 0
    dropped: int = 0
    uncounted: bool = False
    late: float | None = None
    thinned: SafeText = EMPTY
    last: datetime | None = None
    opened: bool = False
    error: SafeText = EMPTY

    def status(self) -> StreamStatus:
        return StreamStatus(
            name=self.name, system=self.system, service=self.service, kind=self.kind, lines=self.lines,
            dropped=self.dropped, uncounted=self.uncounted, late=self.late, thinned=self.thinned, last=self.last,
            opened=self.opened, error=self.error,
        )  # fmt: skip


class Block:
    """Consecutive lines of one stream. Its bytes may have to be read again; all else is in memory."""

    __slots__ = (
        "_continued", "_levels", "at", "backing", "data", "first", "late", "note", "offset", "size", "starts", "stream",
        "sum",
    )  # fmt: skip

    def __init__(self, first: int, stream: Stream, data: bytes, starts: array[int], at: datetime) -> None:
        self.first = first
        self.stream = stream
        self.data: bytes | None = data
        self.starts = starts
        self.size = len(data)
        self.at = at
        self.note = False
        self.late = False
        self.backing: Backing | None = None
        self.offset = 0
        self.sum = 0
        self._levels = bytearray()
        self._continued: array[int] | None = None

    @property
    def end(self) -> int:
        """The sequence number after the last line's."""
        return self.first + len(self.starts)

    @property
    def cost(self) -> int:
        """Bytes of memory, its data included if it is there."""
        return (self.size if self.data is not None else 0) + 5 * len(self.starts) + _OVERHEAD

    def span(self, number: int) -> tuple[int, int]:
        """Where in the data a line is, its newline excluded."""
        stop = self.starts[number + 1] if number + 1 < len(self.starts) else self.size
        return self.starts[number], stop - 1

    def levels(self, data: bytes) -> bytearray:
        """The levels of the lines, one byte each; a continuation has the level of its record."""
        from tuiops.core.logformat import classify_block

        done = len(self._levels)
        if done < len(self.starts):
            base = self.starts[done]
            fresh = classify_block(data[base:], [start - base for start in self.starts[done:]], self.stream.format)
            levels = self._levels + fresh
            for number in self.continued(data):
                if number >= max(done, 1):
                    levels[number] = levels[number - 1]
            self._levels = levels
        return self._levels

    def continued(self, data: bytes) -> array[int]:
        """The numbers of the lines that continue the record above them."""
        if self._continued is None:
            from tuiops.core.logformat import continuations

            self._continued = array("I") if self.note else continuations(data, self.starts, self.stream.format)
        return self._continued

    def head(self, data: bytes, number: int) -> int:
        """The number of the line that the record of a line begins with, as far as it is in this block."""
        continued = self.continued(data)
        above = bisect_right(continued, number)
        while number and above and continued[above - 1] == number:
            number -= 1
            above -= 1
        return number

    def grown(self, data: bytes, starts: array[int], at: datetime) -> Block:
        """The block with more lines at its end. What is known of the first lines stays known."""
        shifted = self.starts + array("I", [start + self.size for start in starts])
        block = Block(self.first, self.stream, (self.data or b"") + data, shifted, at)
        block.backing, block.offset, block.late = self.backing, self.offset, self.late
        block._levels = self._levels
        return block


class Line(NamedTuple):
    """One line as it came; `raw` is None when its file no longer has it. A note is tuiops' own remark."""

    seq: int
    stream: Stream
    raw: bytes | None
    note: bool
    at: datetime
    """When it arrived."""
    late: bool = False
    """Whether it came after lines that were written after it."""


class LogBook:
    """See the module. `limit` is in bytes."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = max(limit, 1_000_000)
        self.version = 0
        """Grows with every change."""
        self.dropped = 0
        """Lines forgotten to keep the bound."""
        self._lock = Lock()
        self._blocks: list[Block] = []
        self._streams: dict[str, Stream] = {}
        self._cost = 0
        self._cold = 0
        self._warm: OrderedDict[int, bytes] = OrderedDict()
        self._seen: tuple[int, list[Block]] = (-1, [])

    # The writer's side.

    def register(
        self,
        name: SafeText,
        *,
        system: SafeText = EMPTY,
        service: SafeText = EMPTY,
        kind: SafeText = EMPTY,
        form: LineFormat | None = None,
    ) -> Stream:
        """The stream of that name, made when there is none; what is known of it is brought up to date."""
        with self._lock:
            stream = self._streams.setdefault(name, Stream(name))
            stream.system, stream.service, stream.kind = system, service, kind
            stream.format = form or LineFormat()
            self.version += 1
        return stream

    def retire(self, name: str) -> None:
        """Forget a stream that is no longer configured; its lines stay until they are dropped."""
        with self._lock:
            self._streams.pop(name, None)
            self.version += 1

    def append(
        self,
        stream: Stream,
        data: bytes,
        at: datetime,
        *,
        backing: Backing | None = None,
        offset: int = 0,
        late: bool = False,
    ) -> None:
        """Whole lines at the end of the book. `offset` is where `backing` has them; `late` ones are marked."""
        if not data:
            return
        with self._lock:
            last = self._blocks[-1] if self._blocks else None
            rest = 0
            if last is not None and last.late is late and _follows(last, stream, backing, offset):
                rest = len(data) if last.size + len(data) <= _MERGE else _belonging(last, data)
            if last is not None and rest:
                block = last.grown(data[:rest], _line_starts(data[:rest]), at)
                self._cost += block.cost - last.cost
                stream.lines += len(block.starts) - len(last.starts)
                self._blocks[-1] = last = block
            if rest < len(data):
                data, offset = data[rest:], offset + rest
                block = Block(last.end if last is not None else 0, stream, data, _line_starts(data), at)
                block.backing, block.offset, block.late = backing, offset, late
                self._blocks.append(block)
                self._cost += block.cost
                stream.lines += len(block.starts)
            stream.last = at
            self._make_room()
            self.version += 1

    def prepend(
        self, stream: Stream, data: bytes, at: datetime, *, backing: Backing | None = None, offset: int = 0
    ) -> bool:
        """Whole lines from before all that is in the book; False when there is no room for them.

        Nor is there once lines were dropped: their numbers would be given out a second time.
        """
        if not data:
            return True
        starts = _line_starts(data)
        with self._lock:
            if self.dropped:
                return False
            first = (self._blocks[0].first if self._blocks else 0) - len(starts)
            block = Block(first, stream, data, starts, at)
            block.backing, block.offset = backing, offset
            if backing is not None:
                _cool(block)
            if self._cost + block.cost > self.limit or (backing is None and self._cold):
                return False
            self._blocks.insert(0, block)
            self._cold += backing is not None
            self._cost += block.cost
            stream.lines += len(starts)
            self.version += 1
        return True

    def note(self, stream: Stream, text: SafeText, at: datetime) -> None:
        """A remark of our own between the lines, such as `file was truncated`."""
        data = text.encode() + b"\n"
        with self._lock:
            block = Block(self._blocks[-1].end if self._blocks else 0, stream, data, array("I", [0]), at)
            block.note = True
            self._blocks.append(block)
            self._cost += block.cost
            self._make_room()
            self.version += 1

    def lost(self, stream: Stream, lines: int, *, uncounted: bool = False) -> None:
        """Lines of the stream that never reached the book; `uncounted`: there may be more of them."""
        with self._lock:
            stream.dropped += lines
            stream.uncounted |= uncounted
            self.version += 1

    def delay(self, stream: Stream, seconds: float) -> None:
        """How long after it was written the stream's newest line came."""
        with self._lock:
            stream.late = max(0.0, seconds)

    def thin(self, stream: Stream, why: SafeText) -> None:
        """Why the stream's sender leaves out lines; empty when it does no more."""
        with self._lock:
            if stream.thinned != why:
                stream.thinned = why
                self.version += 1

    def mark(self, stream: Stream, *, opened: bool, error: SafeText = EMPTY) -> None:
        """How the stream stands."""
        with self._lock:
            if (stream.opened, stream.error) != (opened, error):
                stream.opened, stream.error = opened, error
                self.version += 1

    # The reader's side.

    @property
    def first(self) -> int:
        """The oldest line's number."""
        with self._lock:
            return self._blocks[0].first if self._blocks else 0

    @property
    def end(self) -> int:
        """The number that the next line will have."""
        with self._lock:
            return self._blocks[-1].end if self._blocks else 0

    def statuses(self) -> tuple[StreamStatus, ...]:
        """For the snapshot."""
        with self._lock:
            return tuple(stream.status() for stream in self._streams.values())

    def blocks(self) -> list[Block]:
        """All blocks, oldest first: a copy that does not change under the reader; must not be changed by it."""
        with self._lock:
            if self._seen[0] != self.version:
                self._seen = (self.version, self._blocks.copy())
            return self._seen[1]

    def bytes_of(self, block: Block) -> bytes | None:
        """The block's bytes, read again if need be; None when their file no longer has them."""
        data = block.data
        if data is not None:
            return data
        data = self._warm.get(block.first)
        if data is not None:
            self._warm.move_to_end(block.first)
            return data
        data = block.backing.read(block.offset, block.size) if block.backing else None
        if data is None or len(data) != block.size or zlib.adler32(data) != block.sum:
            return None
        self._warm[block.first] = data
        if len(self._warm) > _WARM:
            self._warm.popitem(last=False)
        return data

    def block_at(self, seq: int) -> Block | None:
        """The block that holds the line; None when it was dropped or is yet to come."""
        blocks = self.blocks()
        number = find_block(blocks, seq)
        return blocks[number] if number >= 0 and seq < blocks[number].end else None

    def line(self, seq: int) -> Line | None:
        """A line; None when it was dropped or is yet to come."""
        block = self.block_at(seq)
        if block is None:
            return None
        data = self.bytes_of(block)
        start, stop = block.span(seq - block.first)
        return Line(seq, block.stream, None if data is None else data[start:stop], block.note, block.at, block.late)

    def continues(self, seq: int) -> bool:
        """Whether the line continues the record above it."""
        block = self.block_at(seq)
        data = self.bytes_of(block) if block is not None else None
        if block is None or data is None:
            return False
        continued = block.continued(data)
        number = bisect_left(continued, seq - block.first)
        return number < len(continued) and continued[number] == seq - block.first

    def followers(self, seq: int) -> int:
        """How many lines continue the record that begins with this one."""
        count = 0
        while self.continues(seq + count + 1) and count < _LONGEST_RECORD:
            count += 1
        return count

    def record(self, seq: int) -> range:
        """The lines of the record that a line is part of."""
        head = seq
        while self.continues(head) and seq - head < _LONGEST_RECORD:
            head -= 1
        return range(head, head + 1 + self.followers(head))

    # Keeping the bound; the lock is held.

    def _make_room(self) -> None:
        while self._cost > self.limit and len(self._blocks) > 1:
            if self._cold < len(self._blocks) - 1:
                block = self._blocks[self._cold]
                before = block.cost
                if block.note or (block.backing is not None and _cool(block)):
                    self._cold += 1
                    self._cost += block.cost - before
                    continue
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        block = self._blocks.pop(0)
        self._cold = max(0, self._cold - 1)
        self._cost -= block.cost
        self.dropped += len(block.starts)


def find_block(blocks: list[Block], seq: int) -> int:
    """The index of the last block that begins at or before `seq`; -1 when there is none."""
    return bisect_right(blocks, seq, key=_first) - 1


def _first(block: Block) -> int:
    return block.first


def _line_starts(data: bytes) -> array[int]:
    starts = array("I", [0])
    starts.extend([found.end() for found in _NEWLINE.finditer(data)])
    starts.pop()
    return starts


def _follows(last: Block, stream: Stream, backing: Backing | None, offset: int) -> bool:
    """Whether data may become a part of the block, as to where it comes from."""
    return (
        last.stream is stream
        and not last.note
        and last.data is not None
        and last.backing is backing
        and (backing is None or last.offset + last.size == offset)
    )


def _belonging(last: Block, data: bytes) -> int:
    """How many bytes at the beginning of the data belong to the record that a full block ends with."""
    from tuiops.core.logformat import continuations, leading

    form = last.stream.format
    lead = leading(data, form) if last.size < _LONGEST_BLOCK else 0
    if lead == 0 or last.data is None:
        return 0
    numbers = last.continued(last.data)
    above = bool(numbers) and numbers[-1] == len(last.starts) - 1
    found = continuations(data[:lead], _line_starts(data[:lead]), form, above=above)
    starts = _line_starts(data[:lead])
    whole = next((number for number in range(len(starts)) if number >= len(found) or found[number] != number), None)
    return lead if whole is None else starts[whole]


def _cool(block: Block) -> bool:
    """Give up the bytes of a block that can be read again."""
    if block.data is not None:
        block.sum = zlib.adler32(block.data)
        block.data = None
    return True
