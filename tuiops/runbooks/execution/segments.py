"""What a command prints, bounded on disk: its beginning, its end, and how much is missing between them.

A stream is a row of files `NAME.NUMBER.BYTES.LINES`, named by how much came before each. Files are only appended to,
and those in the middle are removed, so any number of readers can follow one while it is written.

The supervisor of a command imports it (see there).
"""

from __future__ import annotations

import os

SEGMENT = 256 * 1024
"""Bytes of a file, about."""
HEAD = 1
"""Files kept from the beginning."""
TAIL = 3
"""Files kept from the end."""
_PENDING = 2 * SEGMENT
"""Bytes kept in memory between two writes."""


class Segment:
    """One file of a stream."""

    __slots__ = ("before", "file", "lines", "number")

    def __init__(self, file: str, number: int, before: int, lines: int) -> None:
        self.file = file
        self.number = number
        self.before = before
        """Bytes of the stream before it."""
        self.lines = lines
        """Complete lines of the stream before it."""


class Writer:
    """Writes a stream. A disk that takes no more makes it lose output, never fail."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._name = name
        self._number = 0
        self._file = -1
        self._room = 0
        self._kept: list[str] = []
        self._pending: list[bytes] = []
        self._waiting = 0
        self.size = 0
        """Bytes so far."""
        self.lines = 0
        """Complete lines so far."""
        self.failed = ""
        """Why output was lost, when the disk did not take it."""
        self._written = 0
        self._written_lines = 0

    @property
    def waiting(self) -> bool:
        """Whether there is something to flush."""
        return self._waiting > 0

    def write(self, data: bytes) -> None:
        """Take more output; what came too fast for the disk is left out."""
        self.size += len(data)
        self.lines += data.count(b"\n")
        self._pending.append(data)
        self._waiting += len(data)
        if self._waiting > _PENDING:
            if self._number <= HEAD:
                self.flush()
            else:
                self._leave_out()

    def flush(self) -> None:
        """Put it on disk."""
        data = memoryview(b"".join(self._pending))
        self._pending, self._waiting = [], 0
        if self.failed:
            self._skip(bytes(data))
            return
        try:
            while data:
                if self._room <= 0:
                    self._begin()
                piece = data[: self._room]
                done = os.write(self._file, piece)
                self._written += done
                self._written_lines += bytes(piece[:done]).count(b"\n")
                self._room -= done
                data = data[done:]
        except OSError as error:
            self.failed = error.strerror or "cannot be written"
            self._skip(bytes(data))

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.flush()
        self._end()

    def _leave_out(self) -> None:
        data = b"".join(self._pending)
        at = data.rfind(b"\n", 0, len(data) - SEGMENT) + 1 or len(data) - SEGMENT
        self._skip(data[:at])
        self._pending, self._waiting = [data[at:]], len(data) - at

    def _skip(self, data: bytes) -> None:
        self._written += len(data)
        self._written_lines += data.count(b"\n")
        self._end()

    def _begin(self) -> None:
        self._end()
        name = f"{self._name}.{self._number}.{self._written}.{self._written_lines}"
        self._file = os.open(f"{self._folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._kept.append(name)
        self._number += 1
        self._room = SEGMENT
        while len(self._kept) > HEAD + TAIL:
            os.unlink(f"{self._folder}/{self._kept.pop(HEAD)}")

    def _end(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._room = -1, 0


class Piece:
    """What a reader found."""

    __slots__ = ("data", "missing", "missing_lines")

    def __init__(self, data: bytes, missing: int = 0, missing_lines: int = 0) -> None:
        self.data = data
        self.missing = missing
        """Bytes before it that are gone."""
        self.missing_lines = missing_lines


class Reader:
    """Reads a stream from its beginning while it is written. Blocks as disks do."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._name = name
        self._number = -1
        self._at = 0
        """Bytes of the stream read or missed."""
        self._lines = 0

    def read(self) -> list[Piece]:
        """What came since the last time."""
        found: list[Piece] = []
        for segment in segments(self._folder, self._name):
            end = segment.before
            if segment.number < self._number:
                continue
            offset = self._at - end if segment.number == self._number else 0
            try:
                with open(f"{self._folder}/{segment.file}", "rb") as file:
                    file.seek(offset)
                    data = file.read(2 * SEGMENT)
            except OSError:
                # It has just been removed, or cannot be read; either way it counts as missing.
                continue
            missing, missing_lines = 0, 0
            if segment.number != self._number:
                missing, missing_lines = segment.before - self._at, segment.lines - self._lines
                self._at, self._lines, self._number = segment.before, segment.lines, segment.number
            self._at += len(data)
            self._lines += data.count(b"\n")
            if data or missing:
                found.append(Piece(data, missing, missing_lines))
        return found


def segments(folder: str, name: str) -> list[Segment]:
    """The files of a stream in their order; none when the folder cannot be read."""
    found: list[Segment] = []
    try:
        files = os.listdir(folder)
    except OSError:
        return found
    for file in files:
        stream, *numbers = file.split(".")
        if stream == name and len(numbers) == 3 and all(number.isdigit() for number in numbers):
            found.append(Segment(file, *map(int, numbers)))
    return sorted(found, key=lambda segment: segment.number)
