"""Anchors: where the chain had come to at a time, kept in a file that an edit of the database does not reach.

The chain itself cannot tell that its end was cut off, or that all of it was written anew. An anchor can: each line
of the file has the number of an entry, its digest, and when that was noted.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.text import LINE, SafeText, fmt, safe
from tuiops.errors import Fault, LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_LINE = re.compile(r"([1-9][0-9]{0,17}) ([0-9a-f]{64}) (\S{1,40})")
_TAIL = 256
"""Bytes in which the last line of a whole file fits."""


class Anchor(NamedTuple):
    """One line of the file."""

    number: int
    digest: str
    at: str


class Anchors:
    """The file of anchors of one ledger. It need not exist before the first one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, number: int, digest: str, at: datetime) -> None:
        """Add a line unless the last one says the same; durable when this returns. Raises LedgerError."""
        what = f"{number} {digest} "
        line = f"{what}{at.isoformat(timespec='seconds')}\n".encode()
        with self._failing("cannot be written", "give the folder back to the user that runs tuiops, and make room"):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if _drop_torn_line(descriptor).startswith(what.encode()):
                    return
                if os.write(descriptor, line) != len(line):
                    _drop_torn_line(descriptor)
                    raise OSError(0, "no room for a whole line")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if fresh:
                _sync_folder(self.path.parent)

    def read(self) -> tuple[list[Anchor], list[SafeText]]:
        """All anchors, and what is wrong with lines that are none. A missing file has none. Raises LedgerError."""
        with self._failing("cannot be read", "check who may read it"):
            try:
                text = self.path.read_bytes().decode("utf-8", "replace")
            except FileNotFoundError:
                return [], []
        found: list[Anchor] = []
        faults: list[SafeText] = []
        *whole, _torn = text.split("\n")
        for place, line in enumerate(whole, 1):
            match = _LINE.fullmatch(line)
            if match:
                found.append(Anchor(int(match[1]), match[2], match[3]))
            else:
                faults.append(fmt("line {} of the anchors is none: somebody has changed it", place))
        return found, faults

    @contextmanager
    def _failing(self, problem: str, remedy: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            said = f"{problem}: {safe(error.strerror or str(error))}"
            raise LedgerError(str(Fault(safe(str(self.path), LINE), "", said, remedy))) from error


def _drop_torn_line(descriptor: int) -> bytes:
    """The last whole line. One without its end was never acknowledged: a full disk or a power cut came between."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
    whole = tail.rfind(b"\n") + 1
    if whole < len(tail):
        os.ftruncate(descriptor, size - len(tail) + whole)
    return tail[:whole].rstrip(b"\n").rpartition(b"\n")[2]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
