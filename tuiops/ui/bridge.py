"""From the hub's thread to the console's loop: the latest snapshot wins, at most one in each beat of the frames.

Values move on with the clock, once a second; what people have to notice, such as an alert, takes the next beat.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tuiops.ui.messages import SnapshotChanged

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from textual.message_pump import MessagePump

    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.backend import Backend

QUIET = 2.0
"""Seconds without a snapshot after which one is handed on at once; those that come in a row keep to the beat."""


class Bridge:
    """Subscribes to a backend and posts `SnapshotChanged` to a message pump.

    Only one wake-up is ever on its way to the loop, however many snapshots arrive, so a burst of updates
    costs one repaint and a slow front end never holds up the hub. People read no faster than the beat.
    """

    def __init__(self, backend: Backend, target: MessagePump, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._merged = 0
        self._delivered: float | None = None
        self._shown: Snapshot | None = None
        self._closed = False
        self._unsubscribe: Callable[[], None] = backend.subscribe(self._heard)

    def close(self) -> None:
        """Stop listening; nothing is posted afterwards."""
        self._closed = True
        self._unsubscribe()

    def _heard(self, snapshot: Snapshot) -> None:
        """Runs in the hub's thread."""
        with self._lock:
            asleep = self._latest is None
            self._latest = snapshot
            self._merged += 1
        if asleep and not self._closed:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop has ended between the check and the call
                self._closed = True

    def _wake(self) -> None:
        if self._delivered is None or self._loop.time() - self._delivered >= QUIET:
            self.beat()

    def beat(self, *, full: bool = True) -> bool:
        """Hand on what came since the last time; whether there was anything. When not `full`, only what presses."""
        if not full and not presses(self._latest, self._shown):
            return False
        with self._lock:
            snapshot, merged = self._latest, self._merged
            self._latest, self._merged = None, 0
        if snapshot is None or self._closed:
            return False
        self._delivered, self._shown = self._loop.time(), snapshot
        self._target.post_message(SnapshotChanged(snapshot, merged))
        return True


def presses(snapshot: Snapshot | None, shown: Snapshot | None) -> bool:
    """Whether something happened, a run went on or a feed answered for the first time: what is not on screen yet."""
    if snapshot is None or shown is None:
        return snapshot is not None
    return (
        snapshot.changes is not shown.changes
        or snapshot.runs is not shown.runs
        or snapshot.notices != shown.notices
        or _answered(snapshot) != _answered(shown)
    )


def _answered(snapshot: Snapshot) -> int:
    return sum(feed.status.tried is not None for feed in snapshot.feeds.values())
