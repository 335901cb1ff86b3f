"""One file, followed through everything that happens to log files."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuiops.core.logformat import leading
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.updates import LogChunk
from tuiops.sources.logs.history import PIECE, OpenFile
from tuiops.sources.logs.lines import LineBuffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.logformat import LineFormat

BEHIND: Final = 64 * 1024 * 1024
"""Bytes that we may be behind the writer; more is skipped and its lines are counted."""
_PATIENCE: Final = 2.0
"""Seconds that an unfinished line is held before it is shown without its newline."""
_MEMORY: Final = 64
"""Bytes before our position that must still be the same, or the file was truncated and has grown again."""


class Followed:
    """One path. `poll` never raises; `trouble` says why there is no file to read, if so."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._place = Path(path)
        self.trouble = lit("not read yet")
        self.missing = False
        self.file: OpenFile | None = None
        self.position = 0
        self._lines = LineBuffer()
        self._held_since: float | None = None
        self._tail = b""
        self._ever = False

    def open_at_end(self, back: int, form: LineFormat) -> int:
        """Open the file and stand at the first record that begins in its last `back` bytes; where that is."""
        if not self._open():
            return 0
        assert self.file is not None
        size = self.file.info.st_size
        start = max(0, size - max(back, 1))
        if start:
            data = self.file.read(start - 1, size - start + 1) or b""
            found = data.find(b"\n")
            lead = leading(data[found + 1 :], form)
            start = size if found < 0 else start + found + (lead if found + 1 + lead < len(data) else 0)
        self._stand_at(min(start, size))
        return self.position

    def poll(self, now: float, budget: int) -> Iterator[LogChunk]:
        """What came since the last call, at most about `budget` bytes; `now` in monotonic seconds."""
        if self.file is None:
            if not self._open():
                return
            if self._ever:
                yield _note(fmt("{} is there again", safe(self.path)))
            self._stand_at(0)
        self._ever = True
        yield from self._read(now, budget)
        if self.file is not None and self.position >= self.file.info.st_size:
            yield from self._changed_places()

    def close(self) -> None:
        """Idempotent."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def _open(self) -> bool:
        try:
            self.file = OpenFile(self.path)
        except OSError as error:
            self.missing = error.errno in {errno.ENOENT, errno.ENOTDIR}
            self.trouble = _why(error)
            return False
        self.trouble = lit("")
        self.missing = False
        return True

    def _stand_at(self, position: int) -> None:
        self.position = position
        self._lines = LineBuffer(position)
        self._held_since = None
        self._tail = b""

    def _read(self, now: float, budget: int) -> Iterator[LogChunk]:
        file = self.file
        if file is None:
            return
        try:
            size = file.look().st_size
        except OSError as error:
            yield _note(fmt("{}: {}", safe(self.path), _why(error)))
            self.close()
            return
        if self._was_truncated(file, size):
            yield from self._let_go()
            yield _note(fmt("{} was truncated", safe(self.path)))
            self._stand_at(0)
        if size - self.position > BEHIND:
            yield self._skip(file, size - PIECE)
        self.position = self._over_hole(file, size)
        while budget > 0 and self.position < size:
            data = file.read(self.position, min(PIECE, size - self.position))
            if not data:
                break
            budget -= len(data)
            self.position += len(data)
            self._tail = (self._tail + data)[-_MEMORY:]
            out, offset = self._lines.feed(data)
            self._held_since = now if len(self._lines) else None
            if out:
                backing = None if offset is None else file
                yield LogChunk(data=out, backing=backing, offset=offset or 0)
        if self._held_since is not None and now - self._held_since > _PATIENCE:
            self._held_since = None
            yield LogChunk(data=self._lines.flush())

    def _was_truncated(self, file: OpenFile, size: int) -> bool:
        if size < self.position:
            return True
        if size == self.position or not self._tail:
            return False
        return file.read(self.position - len(self._tail), len(self._tail)) != self._tail

    def _skip(self, file: OpenFile, to: int) -> LogChunk:
        """Leave out what cannot be caught up with, counting its lines."""
        dropped = 0
        while self.position < to:
            data = file.read(self.position, min(PIECE, to - self.position))
            if not data:
                break
            dropped += data.count(b"\n")
            self.position += len(data)
        # Step over the rest of the line that the skip ended in.
        rest = file.read(self.position, PIECE) or b""
        step = rest.find(b"\n") + 1
        self._stand_at(self.position + step)
        return LogChunk(
            data=b"", dropped=dropped + (step > 0), note=fmt("{:,} lines were skipped: they came too fast", dropped)
        )

    def _over_hole(self, file: OpenFile, size: int) -> int:
        """The position, moved over a hole in a sparse file: a writer that did not notice a truncation leaves one."""
        if size - self.position <= PIECE or len(self._lines):
            return self.position
        after = min(file.skip_hole(self.position), size)
        if after > self.position:
            self._stand_at(after)
        return after

    def _changed_places(self) -> Iterator[LogChunk]:
        """Whether the path leads to another file or to none, once the old one is read to its end."""
        file = self.file
        if file is None:
            return
        try:
            there = self._place.stat()
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                if not self.missing:
                    yield _note(fmt("{} vanished", safe(self.path)))
                self.missing = True
                self.trouble = _why(error)
            elif not self.trouble:
                self.trouble = _why(error)
                yield _note(fmt("{}: {}", safe(self.path), self.trouble))
            if file.info.st_nlink == 0:
                yield from self._let_go()
                self.close()
            return
        if (there.st_dev, there.st_ino) == (file.info.st_dev, file.info.st_ino):
            if self.trouble:
                self.trouble, self.missing = lit(""), False
                yield _note(fmt("{} is there again", safe(self.path)))
            return
        yield from self._replace(file)

    def _replace(self, old: OpenFile) -> Iterator[LogChunk]:
        """Another file has taken the path: finish the old one, then begin with the other one."""
        known = self.trouble
        if not self._open():
            self.file = old
            if self.trouble != known:
                yield _note(fmt("{} was replaced, but: {}", safe(self.path), self.trouble))
            return
        yield from self._let_go()
        if old.info.st_nlink == 0:
            old.close()
        yield _note(fmt("{} was rotated", safe(self.path)))
        self._stand_at(0)

    def _let_go(self) -> Iterator[LogChunk]:
        rest = self._lines.flush()
        if rest:
            yield LogChunk(data=rest)


def _note(text: SafeText) -> LogChunk:
    return LogChunk(data=b"", note=text)


def _why(error: OSError) -> SafeText:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return lit("permission denied")
    if error.errno == errno.ENOENT:
        return lit("no such file")
    return safe(error.strerror or str(error))
