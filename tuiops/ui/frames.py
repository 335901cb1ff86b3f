"""When a frame is written, and when what the terminal shows can be relied on.

A terminal that changes its size clips or rewraps what it shows, and until every screen is laid out anew frames of the
former size still come: what they write lands elsewhere than they think. So after a change of size nothing on the
screen counts as known before a whole frame of the right size was written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual._compositor import LayoutUpdate
from textual.app import App

from tuiops.ui.thrift import Thrift

if TYPE_CHECKING:
    from datetime import datetime

    from textual.screen import Screen

BEAT = 0.5
"""Seconds between frames that nobody asked for. All that moves by itself moves with them, so that it shares a frame."""
_AFTER = 0.005
"""Seconds after the turn of a second or a part of it, so that no timer that is early shows the one before."""


def until_beat(now: datetime, beat: float = BEAT) -> float:
    """Seconds until the clock on the wall is at a multiple of `beat`, and a little; at least a tenth of a beat."""
    wait = beat - (now.timestamp() - _AFTER) % beat
    # A timer may be early, and the clock may stand still.
    return wait if wait >= beat / 10 else wait + beat


class FrameApp(App[None], inherit_bindings=False):
    """An app whose driver may leave out what the terminal shows already."""

    _doubtful = False
    """Whether the terminal may show something else than was written."""

    def doubt_terminal(self) -> None:
        """Take nothing on the terminal for known, and write all of it again."""
        self._doubtful = True
        if self.screen_stack:
            self.screen.refresh()

    def on_resize(self) -> None:
        # Also when the size is what it was: it may have been another one meanwhile.
        self.doubt_terminal()

    def _display(self, screen: Screen[object], renderable: Any) -> None:
        """Textual writes every frame through here."""
        if self._doubtful and not self._batch_count and screen._compositor.size == self.size:  # noqa: SLF001 - the size of the frame
            if isinstance(renderable, LayoutUpdate):
                self._doubtful = False
                thrift = getattr(self._driver, "thrift", None)
                if isinstance(thrift, Thrift):
                    thrift.forget()
            else:
                screen.refresh()
        super()._display(screen, renderable)
