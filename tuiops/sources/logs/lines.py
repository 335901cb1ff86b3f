"""From bytes as they arrive to whole lines: partial ones are held, endless ones cut, memory stays flat."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 256 * 1024
"""Bytes kept of one line; what is longer is cut and says by how much."""


class LineBuffer:
    """Holds the line that is not finished yet. `offset` is where it begins in its file."""

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self._held = b""
        self._cut = 0
        self._flushed = False

    def __len__(self) -> int:
        return len(self._held) + self._cut

    def feed(self, data: bytes) -> tuple[bytes, int | None]:
        """The whole lines that are there, and where in the file those very bytes are: None when they were altered."""
        if self._flushed and data:
            self._flushed = False
            if data[:1] == b"\n":
                self.offset += 1
                data = data[1:]
        end = data.rfind(b"\n") + 1
        if not end:
            self._hold(data)
            return b"", None
        start = self.offset
        self.offset += len(self) + end
        if self._cut:
            first = data.index(b"\n") + 1
            self._cut += first - 1
            # Already cut and marked: only what follows it may still be too long.
            whole = b""
            out = self._finish() + _shorten(data[first:end])
        else:
            whole = self._held + data[:end]
            out = _shorten(whole) if len(whole) > LONGEST else whole
        if out[:1] == b"\0":
            # What a writer leaves that went on at its old offset after the file was truncated.
            out = out.lstrip(b"\0")
        altered = self._cut > 0 or out is not whole
        self._held, self._cut = b"", 0
        self._hold(data[end:])
        return out, None if altered else start

    def flush(self) -> bytes:
        """What is held as a line of its own, although its newline never came."""
        if not len(self):
            return b""
        out = self._finish().lstrip(b"\0")
        self.offset += len(self)
        self._held, self._cut = b"", 0
        self._flushed = True
        return out

    def _hold(self, data: bytes) -> None:
        room = LONGEST - len(self._held)
        self._held += data[:room]
        self._cut += max(0, len(data) - room)

    def _finish(self) -> bytes:
        return self._held + (_mark(self._cut) if self._cut else b"") + b"\n"


def _mark(count: int) -> bytes:
    return f" … +{count:,} bytes".encode()


def _shorten(data: bytes) -> bytes:
    """The lines with those that are too long cut; the very same object when none is."""
    start = 0
    size = len(data)
    pieces: list[bytes] = []
    kept = 0
    while size - start > LONGEST:
        # If a newline comes soon enough, everything up to the last such newline is fine.
        stop = data.rfind(b"\n", start, start + LONGEST + 1) + 1
        if stop:
            start = stop
            continue
        stop = data.index(b"\n", start)
        pieces += (data[kept : start + LONGEST], _mark(stop - start - LONGEST))
        kept = start = stop
        start += 1
    return b"".join((*pieces, data[kept:])) if pieces else data
