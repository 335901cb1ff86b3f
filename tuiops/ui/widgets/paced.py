"""A widget that shows what grows by itself, at the pace at which somebody looks at it, and searches meanwhile."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from textual.widget import Widget

from tuiops.ui.frames import BEAT, until_beat
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.log_job import LogJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FRAME: Final = 0.1
"""Seconds between frames while somebody reads."""
_GLANCE: Final = 1.0
"""Seconds between frames while the focus is elsewhere."""


class Paced(Widget):
    """Calls `frame` at most ten times a second while it has the focus, else at the next beat and then once a second."""

    _drawn = 0.0
    """When the last frame with something in it was, in the loop's time."""
    _next: asyncio.TimerHandle | None = None

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.job = LogJob()

    @abstractmethod
    def frame(self) -> None:
        """Draw what came."""

    @property
    @abstractmethod
    def grew(self) -> bool:
        """Whether something came since the last frame."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether frames have work to do that does not wait for a beat."""

    def on_mount(self) -> None:
        self._pulse()

    def on_focus(self) -> None:
        self.call_later(self.frame)
        self.hasten()

    def on_unmount(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def hasten(self) -> None:
        """Go by the pace of somebody who reads, or of work to do, without waiting for the beat."""
        if self._next is not None:
            self._next.cancel()
            self._pulse()

    def note_frame(self) -> None:
        """Count the time to the next frame from here."""
        self._drawn = asyncio.get_running_loop().time()

    def _pulse(self) -> None:
        # A timer of asyncio costs a tenth of one of Textual's.
        loop = asyncio.get_running_loop()
        # Each pulse wakes the process: most of what it costs while nothing happens.
        pace = _FRAME if self.has_focus or self.busy else BEAT
        self._next = loop.call_later(until_beat(shell_of(self).backend.clock.now(), pace), self._pulse)
        may_draw = self.has_focus or loop.time() - self._drawn > _GLANCE - _FRAME / 2
        if self.busy or (may_draw and self.grew):
            self.call_later(self.frame)

    # Looking for something, a slice of each frame at a time.

    def look_for(self, hits: Iterator[int | None], done: Callable[[int | None], None]) -> None:
        """Run a search of the index until its first hit; `done` gets the line, or None when there is none."""
        self.job.start(hits, done)
        self.work()

    def work(self) -> None:
        if self.job.work():
            self.call_later(self.work)
