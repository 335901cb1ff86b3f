"""The only doors through which text reaches Textual's widgets, titles and notifications.

Textual parses markup nearly everywhere by default. Here it never does: what comes in is `SafeText`, what
goes out is plain text with styles of our own beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from rich.segment import Segment
from rich.style import Style
from textual.content import Content, Span
from textual.style import Style as ContentStyle
from textual.widgets import Static

from tuiops.core.text import EMPTY, SafeText

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import App
    from textual.widget import Widget

Part = SafeText | tuple[SafeText, Style]
"""A piece of text, alone or with the style to draw it in."""

Importance = Literal["information", "warning", "error"]


def content(*parts: Part) -> Content:
    """The parts in a row, as Textual's own value for styled text; nothing in them is read as markup."""
    text: list[str] = []
    spans: list[Span] = []
    at = 0
    for part in parts:
        piece, style = part if isinstance(part, tuple) else (part, None)
        text.append(piece)
        if style is not None:
            spans.append(Span(at, at + len(piece), ContentStyle.from_rich_style(style)))
        at += len(piece)
    return Content("".join(text), spans)


def lines(rows: Iterable[Iterable[Part]]) -> Content:
    """Several rows of parts, one below the other."""
    return Content("\n").join(content(*row) for row in rows)


def segment(text: SafeText, style: Style | None = None) -> Segment:
    """One piece of a strip of a Line API widget."""
    return Segment(text, style)


def blanks(width: int, style: Style | None = None) -> Segment:
    """So many columns of nothing; none when `width` is below one."""
    return Segment(" " * width, style)


def segments(*parts: tuple[SafeText, Style]) -> list[Segment]:
    """The parts for a strip of a Line API widget."""
    return [segment(text, style) for text, style in parts if text]


class SafeStatic(Static):
    """A block of text that is text."""

    def __init__(self, *parts: Part, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(content(*parts), markup=False, id=id, classes=classes)

    def show(self, *parts: Part) -> None:
        """Replace what is shown; the size may change."""
        self.update(content(*parts))

    def show_lines(self, rows: Iterable[Iterable[Part]]) -> None:
        """Replace what is shown by several rows."""
        self.update(lines(rows))


def set_title(widget: Widget, *parts: Part) -> None:
    """Put the parts into the top border of a widget."""
    widget.border_title = content(*parts)


def set_subtitle(widget: Widget, *parts: Part) -> None:
    """Put the parts into the bottom border of a widget."""
    widget.border_subtitle = content(*parts)


def notify(
    app: App[Any],
    text: SafeText,
    *,
    title: SafeText = EMPTY,
    severity: Importance = "information",
    timeout: float | None = None,
) -> None:
    """Show a message for a while; `timeout` in seconds."""
    app.notify(text, title=title, severity=severity, timeout=timeout, markup=False)
