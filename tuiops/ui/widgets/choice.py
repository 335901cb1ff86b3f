"""A thing to press: one line, chosen by Enter when it has the focus, never by a single key or click elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuiops.core.text import SafeText, fmt
from tuiops.ui.format import width_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.safe import segment

if TYPE_CHECKING:
    from textual.binding import BindingType

LEAVE = "leave"
"""Name of the choice that leaves everything as it is: one click on it is enough."""
_PRESSED = Style(bold=True, reverse=True)


class Choice(Widget, can_focus=True, inherit_bindings=False):
    """`[ Cancel ]` with the focus, `Cancel` without it; dim and `( Run )` while it cannot be chosen."""

    DEFAULT_CSS = "Choice { height: 1; width: auto; margin: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [("enter", "press")]
    ALLOW_SELECT = False

    class Pressed(Message):
        """It was chosen."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, name: str, label: SafeText) -> None:
        """`name` tells it from the others."""
        super().__init__(name=name)
        self._label = label
        self._open = True
        self._reached = False
        """Whether it got the focus since it was clicked last: then that may be the doing of the click under way."""

    @property
    def open(self) -> bool:
        """Whether it can be chosen."""
        return self._open

    def let(self, *, be: bool) -> None:
        """Let it be chosen, or not."""
        if be != self._open:
            self._open = be
            self.refresh()

    def get_content_width(self, container: object, viewport: object) -> int:  # noqa: ARG002 - Textual's signature
        return width_of(self._label) + 4

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        palette = look_of(self).palette
        if self.has_focus:
            style = palette.accent + _PRESSED if self._open else palette.faint + Style(reverse=True)
            label = fmt("[ {} ]", self._label) if self._open else fmt("( {} )", self._label)
            return Strip([segment(label, style)])
        return Strip([segment(fmt("  {}  ", self._label), palette.text if self._open else palette.faint)])

    def on_focus(self) -> None:
        self._reached = True
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self) -> None:
        """The first click goes to it, as Tab does; the second one chooses it, as Enter does."""
        reached, self._reached = self._reached, False
        if not reached or self.name == LEAVE:
            self.action_press()

    def action_press(self) -> None:
        if self._open and self.name is not None:
            self.post_message(self.Pressed(self.name))
