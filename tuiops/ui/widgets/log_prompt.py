"""The line under the log that takes a search or a filter, with what can be typed above it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from tuiops.ui.widgets.safe import SafeStatic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from tuiops.ui.panes.base import Part


class Asked(Enum):
    """What the prompt is open for."""

    SEARCH = "search"
    FILTER = "filter"


class LogPrompt(Widget, inherit_bindings=False):
    """Hidden until it asks."""

    DEFAULT_CSS = """
    LogPrompt { display: none; height: auto; max-height: 9; }
    LogPrompt > SafeStatic { height: auto; max-height: 8; }
    LogPrompt > Input, LogPrompt > Input:focus { height: 1; border: none; padding: 0 1; }
    """

    class Entered(Message):
        """A line was entered. The prompt stays open until `close`, so that a mistake can be mended."""

        def __init__(self, asked: Asked, text: str) -> None:
            super().__init__()
            self.asked = asked
            self.text = text

    class Left(Message):
        """The prompt was left with nothing entered."""

    def __init__(self) -> None:
        super().__init__()
        self._asked = Asked.SEARCH

    def _furnish(self) -> None:
        """Make the parts when they are first asked for: the first frame must not wait for what it does not show."""
        if not self.children:
            self.mount(SafeStatic(), Input())

    def _keep_clear(self, lines: int) -> None:
        """Have notices leave so many lines free at the bottom: none may stand over what is typed."""
        self.screen.query("ToastRack").set_styles(margin=(0, 0, lines, 0))

    @property
    def is_open(self) -> bool:
        return bool(self.display)

    def ask(self, asked: Asked, rows: Sequence[Sequence[Part]]) -> None:
        """Open with rows of explanation above the line."""
        self._asked = asked
        self._furnish()
        self.query_one(SafeStatic).show_lines(rows)
        line = self.query_one(Input)
        line.value = ""
        line.can_focus = True
        self.display = True
        self._keep_clear(len(rows) + 2)
        # At once: `focus()` waits for a turn of the loop, in which letters typed ahead would still be keys of the log.
        self.screen.set_focus(line)

    def close(self) -> None:
        """Hide; the caller gives the focus away."""
        self.display = False
        self._keep_clear(1)
        self.query_one(Input).can_focus = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered(self._asked, event.value))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.post_message(self.Left())
