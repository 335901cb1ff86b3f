"""A table that draws only what is visible: the cost of a frame depends on its height, not on its rows.

Rows come as a sequence that is swapped whole; a model says what a row's key, cells and change stamp are.
Each visible line has a description; a line is drawn again only when its description changed, so a tick that
changes nothing writes nothing. The selection belongs to a key, never to an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from textual.message import Message
from textual.widget import Widget

from tuiops.core.text import SafeText, fmt, join
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column, Layout, arrange
from tuiops.ui.widgets.differing import differing
from tuiops.ui.widgets.safe import set_subtitle
from tuiops.ui.widgets.selection import Selection
from tuiops.ui.widgets.table_lines import BLANK, MARK_WIDTH, Cell, Drawing, Line, heading_line, paint, sentence_lines

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip

    from tuiops.ui.theme import Look

GLOW = 2.0
"""Seconds that a row glows after it changed."""

NAVIGATION = (
    "table.down", "table.up", "table.top", "table.bottom", "table.page_down", "table.page_up",
    "table.half_down", "table.half_up", "table.mark", "table.mark_all", "table.unmark", "table.wide",
)  # fmt: skip
"""The actions of a table that it carries out itself."""

_MAX_STRIPS = 1024

_Row = TypeVar("_Row")
_RowIn_contra = TypeVar("_RowIn_contra", contravariant=True)


class RowModel(Protocol[_RowIn_contra]):
    """What a table must know of its rows."""

    def key(self, row: _RowIn_contra) -> Hashable:
        """Names the row for good, through every sort and update."""
        ...

    def stamp(self, row: _RowIn_contra) -> Hashable:
        """Differs when the row changed in a way that people should notice; ages and countdowns do not."""
        ...

    def cells(self, row: _RowIn_contra, drawing: Drawing) -> tuple[Cell, ...]:
        """One cell for each column, in their order, or `Free` cells."""
        ...

    def stale(self, row: _RowIn_contra, drawing: Drawing) -> bool:
        """Whether the row is older than it should be, and so drawn dim."""
        ...


class LineTable(Widget, Generic[_Row], can_focus=True, inherit_bindings=False):
    """Rows in columns, with a selection, marks and a scroll offset of its own."""

    BINDINGS: ClassVar[list[BindingType]] = [b for b in bindings(Scope.TABLE) if b.id in NAVIGATION]
    DEFAULT_CSS = "LineTable { height: 1fr; }"
    ALLOW_SELECT = False

    class Chosen(Message):
        """A selected row was clicked again."""

    class Moved(Message):
        """The selection is another row."""

    def __init__(
        self,
        model: RowModel[_Row],
        columns: tuple[Column, ...],
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._model = model
        self._columns = columns
        self._selection: Selection[_Row] = Selection(model.key)
        self._wide = False
        self._empty: tuple[SafeText, ...] = ()
        self._stamps: dict[Hashable, Hashable] = {}
        self._glowing: dict[Hashable, float] = {}
        self._drawn: list[Line] = []
        self._strips: dict[Line, Strip] = {}
        self._drawn_as: tuple[Look, int, tuple[Column, ...]] | None = None
        self._layout: Layout = ()
        self._room: dict[str, int] = {}
        self._aside: object = None
        self.shows_selection = False
        """Whether the selection is seen without the focus, because something beside the table moves it."""

    # What the table holds

    @property
    def rows(self) -> Sequence[_Row]:
        return self._selection.rows

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    @property
    def selected(self) -> _Row | None:
        """The selected row; None when there are none, or when the row that was selected is gone."""
        return self._selection.row

    @property
    def selected_key(self) -> Hashable | None:
        return self._selection.key

    @property
    def marked(self) -> tuple[_Row, ...]:
        """The marked rows that are there, in their order."""
        return self._selection.marked

    def set_rows(
        self,
        rows: Sequence[_Row],
        *,
        columns: tuple[Column, ...] | None = None,
        empty: tuple[SafeText, ...] = (),
        quiet: bool = False,
    ) -> None:
        """Show other rows. `empty` are the sentences for when there are none; `quiet` rows do not glow."""
        before = self.rows
        self._empty = empty
        if columns is not None:
            self._columns = columns
        if self._selection.replace(rows, self._page):
            self.post_message(self.Moved())
        self._notice(before, quiet=quiet)
        self.redraw()

    def select(self, key: Hashable) -> bool:
        """Select the row of a key; whether there is one."""
        at = self._selection.find(key)
        if at is None:
            return False
        self._go(at)
        return True

    def redraw(self) -> None:
        """Draw the lines that look different by now: after a tick, a change of focus, other rows."""
        # Textual looks for the widget on the screen each time that it is asked for its size.
        width, height = self.size
        if not self.is_mounted or not width:
            return
        look = shell_of(self).look
        drawn_as = (look, width, self._columns)
        if drawn_as != self._drawn_as or len(self._drawn) != height:
            self._layout = arrange(self._columns, width - MARK_WIDTH, wide=self._wide)
            self._room = {self._columns[place.column].id: place.width for place in self._layout}
            self._drawn_as = drawn_as
            self._strips.clear()
            self._drawn = self._describe(width, height)
            self.refresh()
        else:
            before, self._drawn = self._drawn, self._describe(width, height)
            dirty = [
                region
                for y, (old, fresh) in enumerate(zip(before, self._drawn, strict=True))
                if old != fresh
                for region in differing(list(self._strip(old)), list(self._strip(fresh)), y, width)
            ]
            if dirty:
                self.refresh(*dirty)
        self._say_what_is_hidden(look, height - 1)

    @property
    def _page(self) -> int:
        return self.size.height - 1

    def _go(self, at: int) -> None:
        before = self._selection.key
        if self._selection.go(at, self._page):
            self.redraw()
            if self._selection.key != before:
                self.post_message(self.Moved())

    # What changed

    def _notice(self, before: Sequence[_Row], *, quiet: bool) -> None:
        known = self._stamps
        clock = shell_of(self).backend.clock.monotonic() if self.is_mounted else 0.0
        self._glowing = {key: until for key, until in self._glowing.items() if until > clock}
        earlier: set[Hashable] | None = None
        stamps: dict[Hashable, Hashable] = {}
        for row in self._selection.visible(self._page):
            key = self._model.key(row)
            stamps[key] = self._model.stamp(row)
            if quiet or not known:
                continue
            if key in known:
                changed = known[key] != stamps[key]
            else:
                if earlier is None:
                    earlier = {self._model.key(old) for old in before}
                changed = key not in earlier
            if changed:
                self._glowing[key] = clock + GLOW
        self._stamps = stamps

    # Drawing

    def _describe(self, width: int, height: int) -> list[Line]:
        if height <= 0:
            return []
        shell = shell_of(self)
        palette = shell.look.palette
        drawing = Drawing(shell.look, shell.times, shell.now, self._room, width - MARK_WIDTH)
        clock = shell.backend.clock.monotonic()
        lines = [heading_line(self._columns, palette) if self.rows else BLANK]
        focused, model, selection = self.has_focus or self.shows_selection, self._model, self._selection
        for at, row in enumerate(selection.visible(height - 1), selection.top):
            key = model.key(row)
            lines.append(
                Line(
                    model.cells(row, drawing),
                    selected=focused and at == selection.cursor and key == selection.key,
                    marked=key in selection.marks,
                    glowing=self._glowing.get(key, -1.0) > clock,
                    stale=model.stale(row, drawing),
                )
            )
        if not self.rows:
            lines.extend(sentence_lines(self._empty, width, palette))
        lines = lines[:height]
        lines.extend([BLANK] * (height - len(lines)))
        return lines

    def _say_what_is_hidden(self, look: Look, page: int) -> None:
        """How many rows are above and below, in the lower border."""
        above = self._selection.top
        below = len(self.rows) - above - max(0, page)
        aside = (above, max(0, below), look)
        if aside == self._aside:
            return
        self._aside = aside
        hidden = ((look.glyphs.up, above), (look.glyphs.down, below))
        text = join(" ", (fmt("{}{}", sign, count) for sign, count in hidden if count > 0))
        set_subtitle(self, (text, look.palette.muted)) if text else set_subtitle(self)

    def render_line(self, y: int) -> Strip:
        size = self.size
        if len(self._drawn) != size.height or self._drawn_as is None or self._drawn_as[1] != size.width:
            self.redraw()
        return self._strip(self._drawn[y] if y < len(self._drawn) else BLANK)

    def _strip(self, line: Line) -> Strip:
        strip = self._strips.get(line)
        if strip is None:
            if len(self._strips) > _MAX_STRIPS:
                self._strips.clear()
            look, width = (shell_of(self).look, self.size.width) if self._drawn_as is None else self._drawn_as[:2]
            strip = self._strips[line] = paint(line, self._layout, width, look)
        return strip

    # Events

    def on_resize(self) -> None:
        self._selection.keep_visible(self._page)
        self.redraw()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._selection.cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._selection.cursor - 3)

    def on_click(self, event: events.Click) -> None:
        at = self._selection.top + event.y - 1
        if event.y < 1 or at >= len(self.rows):
            return
        again = at == self._selection.cursor and self._selection.key == self._model.key(self.rows[at])
        self._go(at)
        if again:
            self.post_message(self.Chosen())

    # Actions

    def action_table_down(self) -> None:
        # Where the selected row vanished, its place is taken by the one that follows it.
        self._go(self._selection.cursor + (self._selection.key is not None))

    def action_table_up(self) -> None:
        self._go(self._selection.cursor - 1)

    def action_table_top(self) -> None:
        self._go(0)

    def action_table_bottom(self) -> None:
        self._go(len(self.rows) - 1)

    def action_table_page_down(self) -> None:
        self._go(self._selection.cursor + max(1, self._page - 1))

    def action_table_page_up(self) -> None:
        self._go(self._selection.cursor - max(1, self._page - 1))

    def action_table_half_down(self) -> None:
        self._go(self._selection.cursor + max(1, self._page // 2))

    def action_table_half_up(self) -> None:
        self._go(self._selection.cursor - max(1, self._page // 2))

    def action_table_mark(self) -> None:
        if self._selection.key is not None:
            self._selection.toggle_mark()
            self._go(self._selection.cursor + 1)

    def action_table_mark_all(self) -> None:
        self._selection.mark_all()
        self.redraw()

    def action_table_unmark(self) -> None:
        self._selection.marks.clear()
        self.redraw()

    def action_table_wide(self) -> None:
        self._wide = not self._wide
        self._drawn_as = None
        self.redraw()
