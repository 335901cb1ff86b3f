"""The past of a log file, newest first: the file itself read backwards, then its rotated and gzipped predecessors."""

from __future__ import annotations

import gzip
import os
import re
import stat
import zlib
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuiops.core.logformat import leading
from tuiops.core.text import fmt, safe
from tuiops.core.updates import LogChunk
from tuiops.sources.logs.lines import LONGEST, LineBuffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.logformat import LineFormat

PIECE: Final = 1024 * 1024
"""Bytes read at a time."""
_MOST_INFLATED: Final = 512 * 1024 * 1024
"""Bytes that one gzipped file may inflate to before its end is given up."""
_ROTATED = re.compile(r"^(?P<base>.+?)(?:\.\d{1,4}|[-.]\d{8}(?:[-T]?\d{2,6})?)(?P<gz>\.gz)?$")


class OpenFile:
    """An open regular file that can be read at any offset. What is deleted is let go, so as not to hold disk space."""

    def __init__(self, path: str) -> None:
        """Raises OSError."""
        self._fd = -1
        # Opening a FIFO without O_NONBLOCK would wait for a writer.
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.info = os.fstat(self._fd)
            if not stat.S_ISREG(self.info.st_mode):
                raise OSError(0, "not a regular file")  # noqa: TRY301 - one way out closes the file
        except OSError:
            self.close()
            raise

    def read(self, offset: int, size: int) -> bytes | None:
        # Another thread may close it meanwhile; the reader's checksum tells if the number was given to another file.
        if self._fd < 0:
            return None
        try:
            return os.pread(self._fd, size, offset)
        except OSError:
            return None

    def look(self) -> os.stat_result:
        """Its state now. Raises OSError."""
        self.info = os.fstat(self._fd)
        return self.info

    def skip_hole(self, offset: int) -> int:
        """The next offset at or after `offset` where there is data."""
        try:
            return max(offset, os.lseek(self._fd, offset, os.SEEK_DATA))
        except OSError:
            return offset

    def close(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


def is_rotated(name: str) -> str | None:
    """The name of the live file that `name` was rotated from; None when it looks like a live one."""
    found = _ROTATED.match(name)
    if found:
        return found["base"]
    return name.removesuffix(".gz") if name.endswith(".gz") else None


def predecessors(path: str) -> list[str]:
    """The rotated files of a live one, youngest first."""
    live = Path(path)
    try:
        named = [entry for entry in live.parent.iterdir() if is_rotated(entry.name) == live.name]
        return [str(entry) for entry in sorted(named, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)]
    except OSError:
        return []


def backwards(file: OpenFile, stop: int, budget: int, form: LineFormat) -> Iterator[LogChunk]:
    """The records that end before `stop` in pieces, last piece first, until the file or the budget of bytes ends."""
    floor = max(0, stop - budget)
    while stop > floor:
        start = max(0, stop - PIECE)
        data = file.read(start, stop - start)
        if data is None or len(data) < stop - start:
            return
        if start:
            cut = data.find(b"\n", 0, len(data) - 1) + 1
            if not cut:
                start = _line_start(file, start)
                line = (file.read(start, LONGEST) or b"").rstrip(b"\n")
                data = line + f" … +{stop - start - len(line):,} bytes\n".encode()
                yield LogChunk(data=data, older=True)
                stop = start
                continue
            cut += _whole_records(data[cut:], form)
            start += cut
            data = data[cut:]
        yield from _chunk(data, file, start)
        stop = start


def _whole_records(data: bytes, form: LineFormat) -> int:
    """How much of the beginning belongs to the piece before, because it continues a record; 0 when all of it does."""
    lead = leading(data, form)
    return lead if lead < len(data) else 0


def _chunk(data: bytes, file: OpenFile, start: int) -> Iterator[LogChunk]:
    lines = LineBuffer(start)
    out, offset = lines.feed(data)
    out += lines.flush()
    if out:
        backing = file if offset is not None and len(out) == len(data) else None
        yield LogChunk(data=out, older=True, backing=backing, offset=start)


def _line_start(file: OpenFile, before: int) -> int:
    """Where the line begins that reaches over `before`."""
    while before > 0:
        start = max(0, before - PIECE)
        found = (file.read(start, before - start) or b"").rfind(b"\n")
        if found >= 0:
            return start + found + 1
        before = start
    return 0


def rotated(path: str, budget: int, form: LineFormat) -> Iterator[LogChunk]:
    """The lines of a rotated file, plain or gzipped, last piece first."""
    try:
        if path.endswith(".gz"):
            yield from _inflated(path, budget, form)
        else:
            file = OpenFile(path)
            yield from backwards(file, file.info.st_size, budget, form)
    except (OSError, EOFError, zlib.error) as error:
        yield LogChunk(data=b"", older=True, note=fmt("{} cannot be read: {}", safe(path), safe(str(error))))


def _inflated(path: str, budget: int, form: LineFormat) -> Iterator[LogChunk]:
    """Gzip can only be read forwards: the last pieces that fit the budget are kept, then given in reverse."""
    pieces: deque[bytes] = deque()
    held = inflated = 0
    lines = LineBuffer()
    # OpenFile's check keeps FIFOs and devices out; reading goes through the path again.
    OpenFile(path).close()
    with gzip.open(path, "rb") as stream:
        while data := stream.read(PIECE):
            inflated += len(data)
            out, _ = lines.feed(data)
            if pieces:
                lead = _whole_records(out, form)
                pieces[-1] += out[:lead]
                pieces.append(out[lead:])
            else:
                pieces.append(out)
            held += len(out)
            while held - len(pieces[0]) > budget:
                held -= len(pieces.popleft())
            if inflated > _MOST_INFLATED:
                note = fmt("{} inflates to more than {} bytes: its end was not read", safe(path), _MOST_INFLATED)
                yield LogChunk(data=b"", older=True, note=note)
                break
    pieces.append(lines.flush())
    for out in reversed(pieces):
        if out:
            yield LogChunk(data=out, older=True)
