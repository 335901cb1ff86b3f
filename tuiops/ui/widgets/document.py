"""A scrolling sheet of styled rows that draws only what is visible and repaints only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuiops.ui.theme import palette_of
from tuiops.ui.widgets.differing import differing
from tuiops.ui.widgets.safe import segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from tuiops.core.text import SafeText


class Document(ScrollView, inherit_bindings=False):
    """Rows of styled pieces. Scrolling keys belong to the screen around it."""

    DEFAULT_CSS = "Document { scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._rows: tuple[tuple[tuple[SafeText, Style], ...], ...] = ()

    @property
    def rows(self) -> tuple[tuple[tuple[SafeText, Style], ...], ...]:
        """What is on the sheet, whether or not it is in view."""
        return self._rows

    @property
    def columns(self) -> int:
        """Columns that a row may take, whether or not the scroll bar is there."""
        # The scroll bar is drawn over the last column: its size is no part of the widget's.
        return max(0, self.size.width - self.scrollbar_size_vertical)

    def show(self, rows: Sequence[tuple[tuple[SafeText, Style], ...]]) -> None:
        """Replace the rows; those that are equal are not drawn again."""
        before, self._rows = self._rows, tuple(rows)
        if len(before) != len(self._rows) or self.virtual_size.width != self.size.width:
            self.virtual_size = Size(self.size.width, len(self._rows))
            self.refresh()
            return
        top, (width, height) = self.scroll_offset.y, self.size
        changed = [
            region
            for number, (old, new) in enumerate(zip(before, self._rows, strict=True))
            if old != new and 0 <= number - top < height
            for region in differing(old, new, number - top, width)
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        row = self._rows[number] if number < len(self._rows) else ()
        return Strip(segments(*row)).adjust_cell_length(self.size.width, palette_of(self).text)

    def scroll_by(self, rows: int) -> None:
        """Down, or up when negative."""
        self.scroll_relative(y=rows, animate=False)

    def find(self, text: SafeText) -> int | None:
        """The first row that contains a text, in whatever case."""
        wanted = text.casefold()
        for number, row in enumerate(self._rows):
            if wanted in "".join(piece for piece, _ in row).casefold():
                return number
        return None
