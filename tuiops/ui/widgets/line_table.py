"""A table that draws only what is visible: the cost of a frame depends on its height, not on its rows.

Rows come as a sequence that is swapped whole; a model says what a row's key, cells and change stamp are.
Each visible line has a description; a line is drawn again only when its description changed, so a tick that
changes nothing writes nothing. The selection belongs to a key, never to an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuiops.core.text import EMPTY, SafeText, fmt
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import cut, fit, width_of
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column, Layout, arrange

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from datetime import datetime

    from textual import events
    from textual.binding import BindingType

    from tuiops.ui.format import Times
    from tuiops.ui.theme import Look, Palette

GLOW = 2.0
"""Seconds that a row glows after it changed."""

NAVIGATION = (
    "table.down", "table.up", "table.top", "table.bottom", "table.page_down", "table.page_up",
    "table.half_down", "table.half_up", "table.mark", "table.mark_all", "table.unmark", "table.wide",
)  # fmt: skip
"""The actions of a table that it carries out itself."""

_NEAR = 64
"""How far from its last place a row is looked for before every key is indexed."""
_MAX_STRIPS = 1024

_Row = TypeVar("_Row")
_RowIn_contra = TypeVar("_RowIn_contra", contravariant=True)


class Cell(NamedTuple):
    """What stands in one column of one row."""

    text: SafeText
    style: Style


class Free(tuple[Cell, ...]):
    """Cells that stand one after the other and keep to no columns, for rows that explain the one above."""

    __slots__ = ()


class Drawing(NamedTuple):
    """What cells are drawn with."""

    look: Look
    times: Times
    now: datetime


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


class _Line(NamedTuple):
    """All that a line of the screen shows. Equal descriptions look the same."""

    cells: tuple[Cell, ...]
    selected: bool = False
    marked: bool = False
    glowing: bool = False
    stale: bool = False
    kind: Literal["row", "heading", "sentence"] = "row"
    aside: SafeText = EMPTY
    """At the right end of the headings: how many rows are above and below."""


_BLANK = _Line(())


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
        self._rows: Sequence[_Row] = ()
        self._index: dict[Hashable, int] | None = None
        self._cursor = 0
        self._selected: Hashable | None = None
        self._top = 0
        self._marks: set[Hashable] = set()
        self._wide = False
        self._empty: tuple[SafeText, ...] = ()
        self._stamps: dict[Hashable, Hashable] = {}
        self._glowing: dict[Hashable, float] = {}
        self._drawn: list[_Line] = []
        self._strips: dict[_Line, Strip] = {}
        self._drawn_as: tuple[Look, int, tuple[Column, ...]] | None = None
        self._layout: Layout = arrange((), 0)

    # What the table holds

    @property
    def rows(self) -> Sequence[_Row]:
        return self._rows

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    @property
    def selected(self) -> _Row | None:
        """The selected row; None when there are none, or when the row that was selected is gone."""
        if self._selected is None:
            return None
        at = self._find(self._selected)
        return None if at is None else self._rows[at]

    @property
    def selected_key(self) -> Hashable | None:
        return self._selected

    @property
    def marked(self) -> tuple[_Row, ...]:
        """The marked rows that are there, in their order."""
        if not self._marks:
            return ()
        return tuple(row for row in self._rows if self._model.key(row) in self._marks)

    def set_rows(
        self,
        rows: Sequence[_Row],
        *,
        columns: tuple[Column, ...] | None = None,
        empty: tuple[SafeText, ...] = (),
        quiet: bool = False,
    ) -> None:
        """Show other rows. `empty` are the sentences for when there are none; `quiet` rows do not glow."""
        before, known = self._rows, self._stamps
        self._rows, self._index, self._empty = rows, None, empty
        if columns is not None:
            self._columns = columns
        self._follow_selection()
        self._notice(before, known, quiet=quiet)
        self.redraw()

    def select(self, key: Hashable) -> bool:
        """Select the row of a key; whether there is one."""
        at = self._find(key)
        if at is None:
            return False
        self._go(at)
        return True

    def redraw(self) -> None:
        """Draw the lines that look different by now: after a tick, a change of focus, other rows."""
        if not self.is_mounted or not self.size.width:
            return
        look = shell_of(self).look
        drawn_as = (look, self.size.width, self._columns)
        if drawn_as != self._drawn_as or len(self._drawn) != self.size.height:
            self._layout = arrange(self._columns, self.size.width - 2, wide=self._wide)
            self._drawn_as = drawn_as
            self._strips.clear()
            self._drawn = self._describe()
            self.refresh()
            return
        lines = self._describe()
        dirty = [y for y, (old, fresh) in enumerate(zip(self._drawn, lines, strict=True)) if old != fresh]
        self._drawn = lines
        if dirty:
            width = self.size.width
            self.refresh(*(Region(0, y, width, 1) for y in dirty))

    # Selection

    def _find(self, key: Hashable) -> int | None:
        rows, name, at = self._rows, self._model.key, self._cursor
        if self._index is None:
            if at < len(rows) and name(rows[at]) == key:
                return at
            for near in range(max(0, at - _NEAR), min(len(rows), at + _NEAR)):
                if name(rows[near]) == key:
                    return near
            self._index = {name(row): position for position, row in enumerate(rows)}
        return self._index.get(key)

    def _follow_selection(self) -> None:
        if self._selected is not None:
            at = self._find(self._selected)
            if at is None:
                self._selected = None  # never slide onto a neighbour that nobody chose
                self._cursor = min(self._cursor, max(0, len(self._rows) - 1))
                self.post_message(self.Moved())
            else:
                self._cursor = at
        elif self._rows and not self._stamps:
            self._cursor, self._selected = 0, self._model.key(self._rows[0])
            self.post_message(self.Moved())
        self._keep_visible()

    def _keep_visible(self) -> None:
        page = max(1, self._page)
        self._top = max(0, min(self._top, len(self._rows) - page))
        if self._selected is not None:
            self._top = max(min(self._top, self._cursor), self._cursor - page + 1)

    def _go(self, at: int) -> None:
        if not self._rows:
            return
        self._cursor = max(0, min(at, len(self._rows) - 1))
        self._selected = self._model.key(self._rows[self._cursor])
        self._keep_visible()
        self.redraw()
        self.post_message(self.Moved())

    @property
    def _page(self) -> int:
        return self.size.height - 1

    # What changed

    def _visible(self) -> Sequence[_Row]:
        return self._rows[self._top : self._top + max(0, self._page)]

    def _notice(self, before: Sequence[_Row], known: dict[Hashable, Hashable], *, quiet: bool) -> None:
        clock = shell_of(self).backend.clock.monotonic() if self.is_mounted else 0.0
        self._glowing = {key: until for key, until in self._glowing.items() if until > clock}
        earlier: set[Hashable] | None = None
        stamps: dict[Hashable, Hashable] = {}
        for row in self._visible():
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

    def _describe(self) -> list[_Line]:
        height = self.size.height
        if height <= 0:
            return []
        shell = shell_of(self)
        drawing = Drawing(shell.look, shell.times, shell.now)
        clock = shell.backend.clock.monotonic()
        lines = [self._describe_heading(drawing)]
        focused, model = self.has_focus, self._model
        for at, row in enumerate(self._visible(), self._top):
            key = model.key(row)
            lines.append(
                _Line(
                    model.cells(row, drawing),
                    selected=focused and key == self._selected and at == self._cursor,
                    marked=key in self._marks,
                    glowing=self._glowing.get(key, -1.0) > clock,
                    stale=model.stale(row, drawing),
                )
            )
        if not self._rows:
            lines.extend(self._describe_empty(drawing))
        lines = lines[:height]
        lines.extend([_BLANK] * (height - len(lines)))
        return lines

    def _describe_heading(self, drawing: Drawing) -> _Line:
        if not self._rows:
            return _BLANK
        style = drawing.look.palette.faint
        above, below = self._top, len(self._rows) - self._top - max(0, self._page)
        glyphs = drawing.look.glyphs
        parts = [fmt("{}{}", sign, hidden) for sign, hidden in ((glyphs.up, above), (glyphs.down, below)) if hidden > 0]
        aside = SafeText(" ".join(parts))
        return _Line(tuple(Cell(column.heading, style) for column in self._columns), kind="heading", aside=aside)

    def _describe_empty(self, drawing: Drawing) -> Iterable[_Line]:
        palette = drawing.look.palette
        for position, sentence in enumerate(self._empty):
            style = palette.text if position == 0 else palette.muted
            for piece in wrap(sentence, max(10, self.size.width - 4)):
                yield _Line((Cell(piece, style),), kind="sentence")

    def render_line(self, y: int) -> Strip:
        if len(self._drawn) != self.size.height or self._drawn_as is None or self._drawn_as[1] != self.size.width:
            self.redraw()
        if y >= len(self._drawn):
            return Strip.blank(self.size.width, shell_of(self).look.palette.text)
        line = self._drawn[y]
        strip = self._strips.get(line)
        if strip is None:
            if len(self._strips) > _MAX_STRIPS:
                self._strips.clear()
            strip = self._strips[line] = self._draw(line)
        return strip

    def _draw(self, line: _Line) -> Strip:
        look, width = shell_of(self).look, self.size.width
        palette = look.palette
        overlay = Style.null()
        if line.stale:
            overlay += palette.dimmed
        if line.glowing:
            overlay += palette.glow
        if line.selected:
            overlay += palette.selection
        ground = palette.text + overlay
        if not line.cells:
            return Strip.blank(width, ground)
        if line.kind == "sentence":
            text = cut(line.cells[0].text, width - 2, look.glyphs.cut)
            return Strip([Segment("  ", ground), Segment(text, line.cells[0].style)]).adjust_cell_length(width, ground)
        if isinstance(line.cells, Free):
            pieces = [
                Segment("  ", ground),
                *(Segment(cell.text, _lit(cell.style, overlay, palette)) for cell in line.cells),
            ]
            return Strip(pieces).adjust_cell_length(width, ground)
        mark = Segment(look.glyphs.marked if line.marked else " ", palette.accent + overlay)
        pieces = [mark]
        for place in self._layout:
            cell = line.cells[place.column]
            pieces.append(Segment(" " * place.gap, ground))
            pieces.append(
                Segment(
                    fit(cell.text, place.width, right=place.right, mark=look.glyphs.cut),
                    _lit(cell.style, overlay, palette),
                )
            )
        strip = Strip(pieces).adjust_cell_length(width, ground)
        if line.aside and width > width_of(line.aside) + 12:
            keep = width - width_of(line.aside) - 2
            aside = Segment(fmt(" {} ", line.aside), palette.muted)
            strip = Strip.join([strip.crop(0, keep), Strip([aside])]).adjust_cell_length(width, ground)
        return strip

    # Events

    def on_resize(self) -> None:
        self._keep_visible()
        self.redraw()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._cursor - 3)

    def on_click(self, event: events.Click) -> None:
        at = self._top + event.y - 1
        if event.y < 1 or at >= len(self._rows):
            return
        again = at == self._cursor and self._selected == self._model.key(self._rows[at])
        self._go(at)
        if again:
            self.post_message(self.Chosen())

    # Actions

    def action_table_down(self) -> None:
        # Where the selected row vanished, its place is taken by the one that follows it.
        self._go(self._cursor + (self._selected is not None))

    def action_table_up(self) -> None:
        self._go(self._cursor - 1)

    def action_table_top(self) -> None:
        self._go(0)

    def action_table_bottom(self) -> None:
        self._go(len(self._rows) - 1)

    def action_table_page_down(self) -> None:
        self._go(self._cursor + max(1, self._page - 1))

    def action_table_page_up(self) -> None:
        self._go(self._cursor - max(1, self._page - 1))

    def action_table_half_down(self) -> None:
        self._go(self._cursor + max(1, self._page // 2))

    def action_table_half_up(self) -> None:
        self._go(self._cursor - max(1, self._page // 2))

    def action_table_mark(self) -> None:
        if self._selected is not None:
            self._marks ^= {self._selected}
            self._go(self._cursor + 1)

    def action_table_mark_all(self) -> None:
        self._marks = {self._model.key(row) for row in self._rows}
        self.redraw()

    def action_table_unmark(self) -> None:
        self._marks.clear()
        self.redraw()

    def action_table_wide(self) -> None:
        self._wide = not self._wide
        self._drawn_as = None
        self.redraw()


def _lit(style: Style, overlay: Style, palette: Palette) -> Style:
    """A cell under an overlay. A block of colour, such as P1, keeps its colours: what it says matters more."""
    return style if style.bgcolor != palette.text.bgcolor else style + overlay


def wrap(text: SafeText, width: int) -> list[SafeText]:
    """The text broken at blanks into lines of at most `width` columns."""
    lines: list[SafeText] = []
    line = EMPTY
    for word in text.split(" "):
        longer = SafeText(f"{line} {word}" if line else word)
        if line and width_of(longer) > width:
            lines.append(line)
            line = SafeText(word)
        else:
            line = longer
    return [*lines, line]
