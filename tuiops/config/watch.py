"""Changes of the configuration files while the program runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from tuiops.config.load import Loaded

INTERVAL = 1.0
"""Seconds between looks at the files."""

_Stamp = dict[Path, tuple[int, int, int] | None]


async def watch(
    loaded: Loaded,
    reload: Callable[[], Loaded],
    *,
    interval: float = INTERVAL,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncIterator[Loaded | ConfigError]:
    """A new configuration, or what is wrong with it, each time that the files have changed and come to rest.

    The files count as at rest when two looks in a row find them equal: an editor that empties a file before it
    writes is not caught in between. `reload` runs in a thread; the caller keeps the old configuration when an
    error comes. Never ends by itself.
    """
    watched = (*loaded.files, *loaded.folders)
    known = seen = await asyncio.to_thread(_stamp, watched)
    while True:
        await sleep(interval)
        before, seen = seen, await asyncio.to_thread(_stamp, watched)
        if known == seen or seen != before:
            continue
        try:
            fresh = await asyncio.to_thread(reload)
        except ConfigError as error:
            # The mistake may be in a file that was not there before.
            watched = tuple(dict.fromkeys((*watched, *(Path(fault.file) for fault in error.faults))))
            found: Loaded | ConfigError = error
        else:
            watched = (*fresh.files, *fresh.folders)
            found = fresh
        # What was seen before the reading counts: whoever writes during it shall be read again.
        known = seen = await asyncio.to_thread(_stamp, watched) | {
            path: stamp for path, stamp in seen.items() if path in watched
        }
        yield found


def _stamp(paths: Iterable[Path]) -> _Stamp:
    """What changes when a file is written, replaced or removed, or a folder gains or loses one."""
    found: _Stamp = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found
