"""The log: only the visible lines are parsed and drawn, at most ten times a second, whatever arrives.

Whoever reads the log, and so has the focus in it, sees lines at that pace. Beside another pane a first line comes as
soon as the next beat, those that follow it with the frame of each second: each of them moves every line of the view.

The view keeps its own place in the book: the end while it follows, else the sequence number of its top line.
Nothing about Textual's layout or scrolling changes when lines arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.message import Message
from textual.strip import Strip

from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import TimeStyle
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.log_job import deadline
from tuiops.ui.widgets.log_lines import LogLines
from tuiops.ui.widgets.log_painter import Painter, Settings, Stamp
from tuiops.ui.widgets.paced import Paced
from tuiops.ui.widgets.table_lines import BLANK, paint, sentence_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.binding import BindingType

    from tuiops.core.text import SafeText
    from tuiops.hub.logbook import Line, LogBook
    from tuiops.hub.logfilter import LogFilter, Pattern
    from tuiops.hub.logindex import LogIndex

_MOST_STRIPS: Final = 2000
_STEP: Final = 8
"""Columns that a step to the side goes."""

MOVES: Final = (
    "logs.down", "logs.up", "logs.page_down", "logs.page_up", "logs.half_down", "logs.half_up", "logs.top",
    "logs.bottom", "logs.follow", "logs.left", "logs.right",
)  # fmt: skip
"""The actions that the view carries out itself."""


class LogView(Paced, can_focus=True, inherit_bindings=False):
    """Lines of a log book under a filter, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [binding for binding in bindings(Scope.LOGS) if binding.id in MOVES]
    DEFAULT_CSS = "LogView { height: 1fr; }"
    ALLOW_SELECT = False

    class Changed(Message):
        """Something that the title shows is different."""

    class Opened(Message):
        """The line under the cursor was clicked again."""

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.book = book
        self.lines = LogLines(book)
        self.following = True
        self.cursor = 0
        self.marks: set[int] = set()
        self.pattern: Pattern | None = None
        self.stamp = Stamp.TIME
        self.wrap = False
        self.sentences: Callable[[], tuple[SafeText, ...]] = tuple
        """What is said when there is no line to show."""
        self._sentences_shown: tuple[SafeText, ...] = ()
        self.headroom: Callable[[int], list[Strip]] = lambda _width: []
        """Rows above the lines, for a given width."""
        self._top = 0
        self._shift = 0
        self._rows: list[tuple[int, Strip]] = []
        self._above: list[Strip] = []
        self._strips: dict[object, list[Strip]] = {}
        self._drawn_with: object = None
        self._said: object = None
        self._seen = -1
        """Version of the book that was drawn."""

    # What is shown.

    @property
    def unseen(self) -> int:
        """Lines that came below the last one on screen."""
        last = self._rows[-1][0] if self._rows else self.book.end - 1
        return max(0, self.book.end - 1 - last)

    @property
    def index(self) -> LogIndex:
        return self.lines.index

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self.book.line(self.cursor) if self._rows else None

    @property
    def shown_rows(self) -> list[int]:
        """The number of the line on each row of the screen, from the top."""
        return [seq for seq, _ in self._rows]

    def set_filter(self, log_filter: LogFilter) -> None:
        """Show other lines; the place in the log stays about the same."""
        if log_filter != self.index.filter:
            self.lines = LogLines(self.book, log_filter)
            self.job.stop()
            self.redraw()
            self.hasten()

    def toggle_context(self) -> None:
        """Show the hidden neighbours of the cursor's line, or hide them again."""
        if self.lines.context is not None:
            self.lines.context = None
        else:
            self._stay()
            self._top = self.lines.open_context(self.cursor)
        self.redraw()

    def redraw(self) -> None:
        """Work out again what is on screen and draw what is different."""
        if not self.is_attached or not self.size:
            return
        self.index.advance(deadline())
        painter = self._painter()
        above = self.headroom(self.size.width)
        height = max(1, self.size.height - len(above))
        rows = self._fill_up(painter, height) if self.following else self._fill_down(painter, height)
        if self.following and rows:
            self.cursor = rows[-1][0]
        if rows != self._rows or above != self._above:
            self._rows, self._above = rows, above
            self.refresh()
        said = (self.following, self.unseen, self.index.hidden, self.index.complete, self.job.runs)
        if said != self._said:
            self._said = said
            self.post_message(self.Changed())

    def _painter(self) -> Painter:
        shell = shell_of(self)
        wanted = self.index.filter
        settings = Settings(
            width=self.size.width, shift=self._shift, wrap=self.wrap, stamp=self.stamp, services=not wanted.service
        )
        relative = shell.now.replace(microsecond=0) if shell.times.style is TimeStyle.RELATIVE else None
        drawn_with = (shell.look, shell.times, settings, self.pattern, relative)
        if drawn_with != self._drawn_with or len(self._strips) > _MOST_STRIPS:
            self._drawn_with = drawn_with
            self._strips.clear()
        return Painter(shell.look, shell.times, settings, self.pattern, shell.now)

    def _draw(self, painter: Painter, seq: int, shown: bool) -> list[Strip]:  # noqa: FBT001 - private
        selected = seq == self.cursor and not self.following
        followers = self.book.followers(seq) if self.index.filter.fold else 0
        key = (seq, selected, seq in self.marks, shown, followers)
        strips = self._strips.get(key)
        if strips is None:
            line = self.book.line(seq)
            if line is None:
                return []
            strips = painter.rows(
                line,
                continues=self.book.continues(seq),
                marked=seq in self.marks,
                aside=not shown,
                followers=followers,
            )
            if selected:
                overlay = shell_of(self).look.palette.selection
                strips = [strip.apply_style(overlay) for strip in strips]
            self._strips[key] = strips
        return strips

    def _fill_up(self, painter: Painter, height: int) -> list[tuple[int, Strip]]:
        """From the end upwards."""
        rows: list[tuple[int, Strip]] = []
        for seq, shown in reversed(self.lines.before(self.book.end, height)):
            rows[:0] = [(seq, strip) for strip in self._draw(painter, seq, shown)]
            if len(rows) >= height:
                break
        return rows[-height:]

    def _fill_down(self, painter: Painter, height: int) -> list[tuple[int, Strip]]:
        """From the top line downwards; when the log ends too early, the top line moves up."""
        rows: list[tuple[int, Strip]] = []
        for seq, shown in self.lines.after(self._top, height):
            rows += [(seq, strip) for strip in self._draw(painter, seq, shown)]
            if len(rows) >= height:
                return rows[:height]
        first = rows[0][0] if rows else self._top
        for seq, shown in reversed(self.lines.before(first, height - len(rows))):
            rows[:0] = [(seq, strip) for strip in self._draw(painter, seq, shown)]
            self._top = seq
            if len(rows) >= height:
                break
        return rows[:height]

    def render_line(self, y: int) -> Strip:
        palette = shell_of(self).look.palette
        width = self.size.width
        if y < len(self._above):
            return self._above[y]
        y -= len(self._above)
        if y < len(self._rows):
            return self._rows[y][1].adjust_cell_length(width, palette.text)
        if self._rows:
            return Strip.blank(width, palette.text)
        # As an empty table says it, one row below the border.
        said = [BLANK, *sentence_lines(self.sentences(), width, palette)]
        return paint(said[y] if y < len(said) else BLANK, (), width, shell_of(self).look)

    # Frames.

    @property
    def grew(self) -> bool:
        return self.book.version != self._seen

    @property
    def busy(self) -> bool:
        return self.job.runs or not self.index.complete

    def frame(self) -> None:
        """Go on with a search, and draw what came."""
        self.work()
        if not self.display or shell_of(self).frozen:
            return
        if self.grew:
            self._seen = self.book.version
            if self.book.end > self.book.first:
                self.note_frame()
        if not self._rows and self._sentences_shown != (said := self.sentences()):
            self._sentences_shown = said
            self.refresh()
        self.redraw()

    def on_resize(self) -> None:
        self._rows = []
        self.redraw()
        self.refresh()

    # Moving.

    def go(self, seq: int) -> None:
        """Put the cursor on a line and show it, about a third from the top when it was not on screen."""
        self._stay()
        self.cursor = seq
        shown = {line for line, _ in self._rows}
        if seq not in shown or not self._rows:
            above = self.lines.before(seq, max(1, self.size.height // 3))
            self._top = above[0][0] if above else seq
        self.redraw()

    def _stay(self) -> None:
        """Stop following where we are."""
        if self.following:
            self.following = False
            self._top = self._rows[0][0] if self._rows else self.book.first

    def move(self, lines: int) -> None:
        """Move the cursor by shown lines, down or up."""
        self._stay()
        if lines > 0:
            below = self.lines.after(self.cursor + 1, lines)
            target = below[-1][0] if below else self.cursor
            bottom = self._rows[-1][0] if self._rows else target
            if target > bottom:
                moved = len([line for line, _ in below if line > bottom])
                after = self.lines.after(self._top, moved + 1)
                self._top = after[-1][0] if after else self._top
        else:
            above = self.lines.before(self.cursor, -lines)
            target = above[0][0] if above else self.cursor
            self._top = min(self._top, target)
        self.cursor = target
        self.redraw()
        if self.wrap and target not in {line for line, _ in self._rows}:
            # Wrapped lines above pushed it off the screen.
            self._top = target
            self.redraw()

    def action_logs_down(self) -> None:
        self.move(1)

    def action_logs_up(self) -> None:
        self.move(-1)

    def action_logs_page_down(self) -> None:
        self.move(max(1, self.size.height - 1))

    def action_logs_page_up(self) -> None:
        self.move(-max(1, self.size.height - 1))

    def action_logs_half_down(self) -> None:
        self.move(max(1, self.size.height // 2))

    def action_logs_half_up(self) -> None:
        self.move(-max(1, self.size.height // 2))

    def action_logs_top(self) -> None:
        self._stay()
        first = self.lines.after(self.book.first, 1)
        self._top = self.book.first
        self.cursor = first[0][0] if first else self._top
        self.redraw()

    def action_logs_bottom(self) -> None:
        self.following = True
        self.redraw()

    def action_logs_follow(self) -> None:
        if self.following:
            self._stay()
            self.redraw()
        else:
            self.action_logs_bottom()

    def action_logs_left(self) -> None:
        self._shift = max(0, self._shift - _STEP)
        self.redraw()

    def action_logs_right(self) -> None:
        self._shift = 0 if self.wrap else self._shift + _STEP
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_click(self, event: events.Click) -> None:
        row = event.y - len(self._above)
        if 0 <= row < len(self._rows):
            self._stay()
            if self.cursor == self._rows[row][0] and event.chain > 1:
                self.post_message(self.Opened())
            self.cursor = self._rows[row][0]
            self.redraw()
