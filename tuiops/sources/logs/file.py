"""Log files: paths and globs, followed through rotation, truncation and loss, with their past."""

from __future__ import annotations

import asyncio
import glob
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.core.updates import LogChunk
from tuiops.errors import AccessDenied, SourceError, Unreachable
from tuiops.sources.daemon import DaemonWorker
from tuiops.sources.line_form import line_format
from tuiops.sources.logs import history
from tuiops.sources.logs.follow import Followed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tuiops.config.logs import FileLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat

_FIRST: Final = 256 * 1024
"""Bytes of the end of the files that are shown before anything older is read."""
_STEP: Final = 4 * 1024 * 1024
"""Bytes that one step reads at most of what is live."""
_PAST: Final = 2 * 1024 * 1024
"""Bytes of the past that one step reads."""
_MOST_FILES: Final = 256
_RESCAN: Final = 2.0
"""Seconds between looks for further matches of the globs."""
_BUSY: Final = 0.03
_CALM: Final = 0.09
_QUIET: Final = 0.5
"""Seconds between polls: right after something came, soon after it, and in the end."""
_PATIENT: Final = 0.1
"""Share of a silence that may pass before the next poll."""


class FileLogSource:
    """Tails the files that the configuration names. Reading happens in a thread of its own: a dead network mount
    delays nothing but its own lines.
    """

    kind = lit("file")
    interval = 1.0
    timeout = 10.0

    def __init__(self, name: SafeText, system: SafeText, service: SafeText, config: FileLog, clock: Clock) -> None:
        self.name = name
        self.system = system
        self.service = service
        self.format: LineFormat = line_format(config)
        self._patterns = tuple(str(Path(path).expanduser()) for path in config.paths)
        self._history = int(config.history)
        self._clock = clock
        self._files: dict[str, Followed] = {}
        self._past: Iterator[LogChunk] = iter(())
        self._scanned: float | None = None
        self._came = clock.monotonic()
        """When something came last."""
        self._worker = DaemonWorker("log-file")
        self._closed = False

    async def tail(self) -> AsyncIterator[LogChunk]:
        """Ends by SourceError when no file can be read; another call goes on where this one stopped."""
        while not self._closed:
            chunks = await self._worker.run(self.step)
            for chunk in chunks:
                yield chunk
            busy = sum(len(chunk.data) for chunk in chunks)
            now = self._clock.monotonic()
            if chunks:
                self._came = now
            silence = now - self._came
            calm = min(_QUIET, max(_CALM, _PATIENT * silence))
            await asyncio.sleep(0 if busy >= _STEP or any(c.older for c in chunks) else _BUSY if busy else calm)

    async def close(self) -> None:
        """Files are let go, not closed: lines that were handed on may still be read from them."""
        self._closed = True
        self._worker.close()
        self._files = {}
        self._past = iter(())

    def step(self) -> list[LogChunk]:
        """One look at all files: what came since the last one, and a piece of the past. Raises SourceError."""
        now = self._clock.monotonic()
        chunks: list[LogChunk] = []
        if self._scanned is None:
            self._begin(chunks)
            self._scanned = now
        elif now - self._scanned >= _RESCAN:
            self._rescan(chunks)
            self._scanned = now
        share = max(256 * 1024, _STEP // max(1, len(self._files)))
        for followed in self._files.values():
            chunks.extend(followed.poll(now, share))
        past = 0
        while past < _PAST and (chunk := next(self._past, None)) is not None:
            chunks.append(chunk)
            past += max(len(chunk.data), 1)
        if not chunks:
            self._check()
        return chunks

    def _matches(self) -> list[str]:
        """Live files, by the patterns; what was rotated away is history and not followed."""
        found: dict[str, None] = {}
        for pattern in self._patterns:
            if glob.has_magic(pattern):
                paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
                names = set(paths)
                for path in paths:
                    name = Path(path).name
                    base = history.is_rotated(name)
                    live = base is None or str(Path(path).with_name(base)) not in names
                    if live and not path.endswith(".gz"):
                        found[path] = None
            else:
                found[pattern] = None
        return list(found)

    def _begin(self, chunks: list[LogChunk]) -> None:
        paths = sorted(self._matches(), key=_modified, reverse=True)
        self._admit(paths, chunks)
        budget = self._history
        past: list[Iterator[LogChunk]] = []
        for followed in self._files.values():
            position = followed.open_at_end(min(_FIRST, budget), self.format)
            if followed.file is None:
                continue
            budget -= followed.file.info.st_size - position
            if budget > 0:
                past.append(history.backwards(followed.file, position, budget, self.format))
                budget -= min(budget, position)
            for path in history.predecessors(followed.path):
                if budget <= 0:
                    break
                size = _size(path)
                past.append(history.rotated(path, budget, self.format))
                # How far a gzipped file inflates is not known beforehand; text shrinks about tenfold.
                budget -= size * (10 if path.endswith(".gz") else 1)
        self._past = chain.from_iterable(past)

    def _rescan(self, chunks: list[LogChunk]) -> None:
        if any(glob.has_magic(pattern) for pattern in self._patterns):
            matches = self._matches()
            self._admit([path for path in matches if path not in self._files], chunks)
            there = set(matches)
            for path in [path for path, followed in self._files.items() if followed.file is None]:
                if path not in there and path not in self._patterns:
                    del self._files[path]

    def _admit(self, paths: list[str], chunks: list[LogChunk]) -> None:
        room = _MOST_FILES - len(self._files)
        for path in paths[:room]:
            self._files[path] = Followed(path)
        if len(paths) > room and self._scanned is None:
            chunks.append(LogChunk(data=b"", note=fmt("{} files match; {} are followed", len(paths), _MOST_FILES)))

    def _check(self) -> None:
        """Raise what is wrong when not one file can be read."""
        if any(followed.file is not None and not followed.missing for followed in self._files.values()):
            return
        if not self._files:
            patterns = join(", ", (safe(pattern) for pattern in self._patterns))
            raise Unreachable(fmt("no file matches {}", patterns))
        path, followed = next(iter(self._files.items()))
        text = fmt("{}: {}", safe(path), followed.trouble)
        error: type[SourceError] = AccessDenied if "permission" in followed.trouble else Unreachable
        raise error(text)


def _modified(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
