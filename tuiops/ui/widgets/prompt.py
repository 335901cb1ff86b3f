"""The line at the bottom where commands and filters are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tuiops.core.text import EMPTY, SafeText, lit, safe
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.safe import SafeStatic

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.binding import BindingType

Purpose = Literal["command", "filter"]
_SIGNS: dict[Purpose, SafeText] = {"command": lit(":"), "filter": lit("/")}
_KEPT = 100
_LONGEST = 500


class Line(Input, inherit_bindings=False):
    """One editable line without the Ctrl keys that terminals and multiplexers claim."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("left", "cursor_left"),
        ("right", "cursor_right"),
        ("home", "home"),
        ("end", "end"),
        ("backspace", "delete_left"),
        ("delete", "delete_right"),
        ("ctrl+w", "delete_left_word"),
        ("ctrl+u", "delete_left_all"),
        ("ctrl+k", "delete_right_all"),
        ("enter", "submit"),
    ]

    def _on_paste(self, event: events.Paste) -> None:
        """What is pasted comes from outside as much as any log line."""
        self.insert_text_at_cursor(safe(event.text.strip(), _LONGEST))
        event.stop()
        event.prevent_default()


class Prompt(Horizontal):
    """Hidden until it is asked for; then it takes the keys until Enter or Esc."""

    DEFAULT_CSS = """
    Prompt { dock: bottom; height: 1; display: none; background: $panel; }
    Prompt > #sign { width: 2; padding: 0 0 0 1; color: $accent; }
    Prompt > Line, Prompt > Line:focus { border: none; height: 1; width: 1fr; padding: 0; background: $panel; }
    Prompt > #trouble { width: auto; max-width: 60%; color: $warning; padding: 0 1; }
    """

    class Typed(Message):
        """The text differs; filters follow it as it is typed."""

        def __init__(self, purpose: Purpose, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Entered(Message):
        """Enter was pressed."""

        def __init__(self, purpose: Purpose, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Left(Message):
        """Esc was pressed; `text` is what stood there before."""

        def __init__(self, purpose: Purpose, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    def __init__(self, complete: Callable[[str], str] = str) -> None:
        """`complete`: a command as far as there is only one way to go on with it."""
        super().__init__()
        self._complete = complete
        self._purpose: Purpose = "command"
        self._before = ""
        self._history: list[str] = []
        self._at = 0

    def _furnish(self) -> None:
        """Make the parts when they are first asked for: the first frame must not wait for what it does not show."""
        if not self.children:
            # Selecting on focus would let the second key typed ahead replace the first.
            line = Line(max_length=_LONGEST, select_on_focus=False)
            self.mount(SafeStatic(id="sign"), line, SafeStatic(id="trouble"))

    @property
    def is_open(self) -> bool:
        return self.display

    def ask(self, purpose: Purpose, current: SafeText = EMPTY) -> None:
        """Open for typing."""
        self._furnish()
        self._purpose, self._before, self._at = purpose, current, len(self._history)
        self.query_one("#sign", SafeStatic).show(_SIGNS[purpose])
        self.complain(EMPTY)
        self.display = True
        line = self.query_one(Line)
        with self.prevent(Input.Changed):
            line.value = current
        line.cursor_position = len(current)
        # At once, not by the queue as focus() does: the next key is for this line.
        self.screen.set_focus(line)

    def complain(self, text: SafeText) -> None:
        """Say what is wrong with what is typed."""
        self.query_one("#trouble", SafeStatic).show(text)

    def hint(self, text: SafeText) -> None:
        """Say what is known of what is typed."""
        palette = look_of(self).palette
        self.query_one("#trouble", SafeStatic).show((text, palette.muted + palette.panel.background_style))

    def close(self) -> None:
        """Hide; the caller moves the focus."""
        self.display = False

    def leave(self) -> None:
        """Give up what is being typed."""
        self.close()
        self.post_message(self.Left(self._purpose, self._before))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self._purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._purpose == "command" and event.value.strip():
            self._history = [*[old for old in self._history if old != event.value], event.value][-_KEPT:]
        self.close()
        self.post_message(self.Entered(self._purpose, event.value))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            self.leave()
        elif event.key == "tab" and self._purpose == "command":
            line = self.query_one(Line)
            line.value = self._complete(line.value)
            line.cursor_position = len(line.value)
        elif event.key in {"up", "down"} and self._purpose == "command" and self._history:
            self._at = max(0, min(len(self._history), self._at + (-1 if event.key == "up" else 1)))
            line = self.query_one(Line)
            line.value = self._history[self._at] if self._at < len(self._history) else ""
            line.cursor_position = len(line.value)
        else:
            return
        event.stop()
        event.prevent_default()
