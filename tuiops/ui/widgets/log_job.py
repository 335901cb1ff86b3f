"""A search through the log that lets keys and frames in between."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLICE: Final = 0.02
"""Seconds of a frame that looking for lines may take; the rest belongs to the keys."""


def deadline() -> Callable[[], bool]:
    """Whether a slice that begins with this call is over."""
    end = time.perf_counter() + SLICE
    return lambda: time.perf_counter() > end


class LogJob:
    """At most one search at a time; a later one replaces it."""

    def __init__(self) -> None:
        self._hits: Iterator[int | None] | None = None
        self._done: Callable[[int | None], None] | None = None

    @property
    def runs(self) -> bool:
        return self._hits is not None

    def start(self, hits: Iterator[int | None], done: Callable[[int | None], None]) -> None:
        """Search until the first hit; `done` gets the line, or None when there is none."""
        self._hits, self._done = hits, done

    def stop(self) -> None:
        """Forget the search; `done` is not called."""
        self._hits = self._done = None

    def work(self) -> bool:
        """One slice of the search; whether there is more to do."""
        hits, done = self._hits, self._done
        if hits is None or done is None:
            return False
        expired = deadline()
        for hit in hits:
            if hit is not None:
                self.stop()
                done(hit)
                return self.runs
            if expired():
                return True
        self.stop()
        done(None)
        return self.runs
