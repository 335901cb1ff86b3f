"""The log pane: what the view shows of the book, and everything that can be asked of it."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final

from textual.widgets import Input

from tuiops.core.logs import Level
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.hub.logfilter import LogFilter, Pattern
from tuiops.hub.logseek import Histogram, seek, time_of
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import plural
from tuiops.ui.panes.base import Pane, Part
from tuiops.ui.screens.record import RecordScreen
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets import log_histogram
from tuiops.ui.widgets.log_painter import Stamp, level_words
from tuiops.ui.widgets.log_view import MOVES, LogView
from tuiops.ui.widgets.safe import SafeStatic, notify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.strip import Strip

    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.logbook import LogBook

_COPIED: Final = 64 * 1024
"""Characters that `y` copies at most: terminals cut OSC 52 off not far above."""
_LEVELS: Final = (Level.NONE, Level.INFO, Level.WARNING, Level.ERROR)
_MINUTE: Final = timedelta(minutes=1)


class _Asked(Enum):
    """What the line at the bottom is for."""

    SEARCH = "search"
    FILTER = "filter"


class FilterLine:
    """One filter of the list: a pattern that keeps lines in or out, on or off."""

    def __init__(self, text: str) -> None:
        """`!` in front keeps out. Raises `re.error` when the rest is no regular expression."""
        self.out = text.startswith("!")
        self.pattern = Pattern(text[1:] if self.out else text)
        self.on = True


class LogsPane(Pane):
    """Log lines of everything, or of one system or service."""

    NUMBER = 4
    NAME = lit("Logs")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LOGS,)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(binding for binding in bindings(Scope.LOGS) if binding.id not in MOVES),
        ("z", "logs_fold", "fold"),
    ]
    DEFAULT_CSS = """
    LogsPane > .ask { display: none; height: auto; max-height: 8; }
    LogsPane.-asking > .ask { display: block; }
    LogsPane > Input.ask { height: 1; border: none; padding: 0 1; }
    """

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._book = book
        self._view = LogView(book)
        self._view.sentences = self._sentences
        self._view.headroom = self._headroom
        self.system = EMPTY
        self.service = EMPTY
        self.level = Level.NONE
        self.filters: list[FilterLine] = []
        self._fold = False
        self._asked = _Asked.SEARCH
        self._buckets: Histogram | None = None
        self._snapshot: Snapshot | None = None

    @property
    def view(self) -> LogView:
        return self._view

    def make_body(self) -> LogView:
        return self._view

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield SafeStatic(classes="ask")
        line = Input(classes="ask")
        line.can_focus = False
        yield line

    def show(self, snapshot: Snapshot, now: datetime) -> None:  # noqa: ARG002 - lines carry their own times
        self._snapshot = snapshot
        self._show_title()

    def focus_on(self, system: SafeText, service: SafeText = EMPTY) -> None:
        """Show only the lines of a system, or of one of its services; empty names show everything again."""
        self.system, self.service = system, service
        if self._buckets is not None:
            self._buckets = Histogram(self._book, system, service)
        self._view.action_logs_bottom()
        self.apply()

    def apply(self) -> None:
        """Put the filters in force."""
        on = [line for line in self.filters if line.on]
        self._view.set_filter(
            LogFilter(
                include=tuple(line.pattern for line in on if not line.out),
                exclude=tuple(line.pattern for line in on if line.out),
                level=self.level,
                system=self.system,
                service=self.service,
                fold=self._fold,
            )
        )
        self._show_title()

    def selection_text(self) -> SafeText:
        """The marked lines, or the one under the cursor."""
        view = self._view
        return view.text_of(sorted(view.marks) or [view.cursor], _COPIED)

    # The title.

    def on_log_view_changed(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        if not self.is_mounted:
            return
        palette = shell_of(self).look.palette
        view = self._view
        notes: list[Part] = []
        if self.system:
            subject = join("/", [name for name in (self.system, self.service) if name])
            notes.append((subject, palette.accent))
        if self.level:
            notes.append((level_words(self.level), palette.accent))
        on = sum(line.on for line in self.filters)
        if self.filters:
            notes.append((fmt("{} of {} filters", on, len(self.filters)), palette.accent))
        if not view.index.filter.shows_all:
            more = EMPTY if view.index.complete else lit("+")
            notes.append((fmt("{:,}{} hidden", view.index.hidden, more), palette.muted))
        if self._book.dropped:
            notes.append((fmt("{:,} dropped", self._book.dropped), palette.muted))
        lost = sum(stream.dropped for stream in self._book.statuses())
        if lost:
            notes.append((fmt("{:,} lost", lost), palette.level[Level.WARNING]))
        silent = [stream for stream in self._book.statuses() if stream.error]
        if silent:
            count = plural(len(silent), lit("stream down"), lit("streams down"))
            notes.append((count, palette.level[Level.ERROR]))
        if view.searching:
            notes.append((lit("searching"), palette.muted))
        self.show_title(notes, [self._place()])

    def _place(self) -> Part:
        palette = shell_of(self).look.palette
        if not any(stream.opened for stream in self._book.statuses()):
            return lit("not following"), palette.stale
        if self._view.following:
            return lit("following"), palette.muted
        return fmt("+{:,} lines", self._view.unseen), palette.accent

    def _sentences(self) -> tuple[SafeText, ...]:
        streams = self._book.statuses()
        if not streams:
            return (
                lit("Log lines would be here, but no log stream is configured."),
                lit('Name one in the configuration: [systems.NAME.logs.NAME] with kind = "file" or "journal".'),
            )
        mine = [
            stream
            for stream in streams
            if self.system in {EMPTY, stream.system} and (not self.service or stream.service in {EMPTY, self.service})
        ]
        if not mine:
            subject = join("/", [name for name in (self.system, self.service) if name])
            return (fmt("No log stream is configured for {}.", subject), lit("Press & and an empty line to see all."))
        errors = tuple(fmt("{}: {}", stream.name, stream.error) for stream in mine if stream.error)
        if not self._view.index.complete:
            return (fmt("Looking through {:,} lines…", self._book.end - self._book.first), *errors)
        if self._view.index.hidden:
            return (
                fmt("All {:,} lines are hidden by level, filters or service.", self._view.index.hidden),
                lit("Press s for the level, & for the filters, & and an empty line for everything."),
                *errors,
            )
        return errors or (fmt("Waiting for the first line of {}.", plural(len(mine), lit("stream"), lit("streams"))),)

    # Search, errors, records, marks, time.

    def action_logs_search(self) -> None:
        self._ask(_Asked.SEARCH, lit("Search for a regular expression; capitals make case count. Enter seeks upwards."))

    def search_for(self, text: str) -> bool:
        """Go to the last line that matches; False when the text is no regular expression."""
        try:
            self._view.pattern = Pattern(text) if text else None
        except (re.error, OverflowError, RecursionError) as error:
            notify(self.app, fmt("Not a regular expression: {}", safe(str(error))), severity="warning")
            return False
        if text:
            start = self._book.end if self._view.following else self._view.cursor + 1
            self._seek_hit(start, forward=False)
        else:
            self._view.redraw()
        return True

    def action_logs_search_next(self) -> None:
        self._seek_hit(self._view.cursor, forward=True)

    def action_logs_search_previous(self) -> None:
        self._seek_hit(self._view.cursor, forward=False)

    def _seek_hit(self, start: int, *, forward: bool) -> None:
        pattern = self._view.pattern
        if pattern is None:
            notify(self.app, lit("Nothing was searched for yet: press /."))
            return
        self._look(self._view.index.search(pattern, start, forward=forward), lit("hit"), forward=forward)

    def _look(self, hits: Iterator[int | None], what: SafeText, *, forward: bool) -> None:
        way = lit("below") if forward else lit("above")

        def done(hit: int | None) -> None:
            if hit is None:
                notify(self.app, fmt("No {} {}.", what, way))
                self._view.redraw()
            else:
                self._view.go(hit)

        self._view.look_for(hits, done)

    def _level(self, level: Level, what: SafeText, *, forward: bool) -> None:
        exact = level is Level.WARNING
        start = self._book.end if self._view.following and not forward else self._view.cursor
        self._look(self._view.index.grave(level, start, forward=forward, exact=exact), what, forward=forward)

    def action_logs_error_next(self) -> None:
        self._level(Level.ERROR, lit("error"), forward=True)

    def action_logs_error_previous(self) -> None:
        self._level(Level.ERROR, lit("error"), forward=False)

    def action_logs_warning_next(self) -> None:
        self._level(Level.WARNING, lit("warning"), forward=True)

    def action_logs_warning_previous(self) -> None:
        self._level(Level.WARNING, lit("warning"), forward=False)

    def action_logs_record_next(self) -> None:
        below = self._view.index.after(self._view.cursor + 1, 500)
        self._go_first([seq for seq in below if not self._book.continues(seq)])

    def action_logs_record_previous(self) -> None:
        above = self._view.index.before(self._view.cursor, 500)
        self._go_first([seq for seq in reversed(above) if not self._book.continues(seq)])

    def _go_first(self, seqs: list[int]) -> None:
        if seqs:
            self._view.go(seqs[0])

    def action_logs_mark(self) -> None:
        if self._view.line is not None:
            self._view.marks ^= {self._view.cursor}
            self._view.redraw()
            self._view.refresh()

    def action_logs_mark_next(self) -> None:
        marks = sorted(self._view.marks)
        below = [mark for mark in marks if mark > self._view.cursor]
        self._go_first(below or marks)

    def action_logs_minute_back(self) -> None:
        self._by(-_MINUTE)

    def action_logs_minute_on(self) -> None:
        self._by(_MINUTE)

    def _by(self, delta: timedelta) -> None:
        at = time_of(self._book, self._view.cursor)
        if at is None:
            return
        seq = seek(self._book, at + delta)
        near = self._view.index.after(seq, 1) or self._view.index.before(self._book.end, 1)
        self._go_first(near)

    # How it looks.

    def action_logs_context(self) -> None:
        self._view.toggle_context()

    def action_logs_timestamps(self) -> None:
        stamps = list(Stamp)
        self._view.stamp = stamps[(stamps.index(self._view.stamp) + 1) % len(stamps)]
        self._view.redraw()

    def action_logs_wrap(self) -> None:
        self._view.wrap = not self._view.wrap
        self._view.redraw()

    def action_logs_fold(self) -> None:
        self._fold = not self._fold
        self.apply()

    def action_logs_level(self) -> None:
        self.level = _LEVELS[(_LEVELS.index(self.level) + 1) % len(_LEVELS)]
        self.apply()

    def action_logs_histogram(self) -> None:
        self._buckets = None if self._buckets is not None else Histogram(self._book, self.system, self.service)
        self._view.redraw()

    def _headroom(self, width: int) -> list[Strip]:
        if self._buckets is None or self._view.size.height < 6:
            return []
        view = self._view
        now = shell_of(self).now
        end = now if view.following else time_of(self._book, view.cursor + view.size.height) or now
        since = time_of(self._book, max(self._book.first, view.cursor - 5000)) or now
        count = log_histogram.columns(width)
        wanted = (end - since) / count
        step = next((step for step in log_histogram.WIDTHS if step >= wanted), log_histogram.WIDTHS[-1])
        # Whole steps, so that the bars stand still between two of them.
        whole = -(-end.timestamp() // step.total_seconds()) * step.total_seconds()
        at = end + timedelta(seconds=whole - end.timestamp())
        looks = iter(range(20))
        buckets = self._buckets.buckets(at, step, count, lambda: next(looks, None) is None)
        return log_histogram.strips(buckets, step, width, shell_of(self).look)

    def action_logs_detail(self) -> None:
        line = self._view.line
        if line is None:
            return
        seqs = range(line.seq, line.seq + 1 + self._book.followers(line.seq))
        lines = [found for seq in seqs if (found := self._book.line(seq)) is not None]
        self.app.push_screen(RecordScreen(lines))

    def on_log_view_opened(self) -> None:
        self.action_logs_detail()

    # The line at the bottom.

    def action_logs_filters(self) -> None:
        self._ask(
            _Asked.FILTER, lit("Keep lines that match; !text keeps them out; a number switches, -number removes.")
        )

    def filter_by(self, text: str) -> bool:
        """Carry out one line of the filter prompt; False when it makes no sense. An empty one shows everything."""
        if not text:
            self.filters.clear()
            self.level, self.system, self.service = Level.NONE, EMPTY, EMPTY
        elif re.fullmatch(r"-?[1-9][0-9]?", text) and abs(int(text)) <= len(self.filters):
            number = abs(int(text)) - 1
            if text.startswith("-"):
                del self.filters[number]
            else:
                self.filters[number].on = not self.filters[number].on
        else:
            try:
                self.filters.append(FilterLine(text))
            except (re.error, OverflowError, RecursionError) as error:
                notify(self.app, fmt("Not a regular expression: {}", safe(str(error))), severity="warning")
                return False
        self.apply()
        return True

    def _ask(self, asked: _Asked, hint: SafeText) -> None:
        self._asked = asked
        palette = shell_of(self).look.palette
        rows: list[list[Part]] = []
        if asked is _Asked.FILTER:
            for number, line in enumerate(self.filters, start=1):
                state = lit("on ") if line.on else lit("off")
                way = lit("out") if line.out else lit("in ")
                style = palette.text if line.on else palette.faint
                rows.append([(fmt(" {} {} {} {}", number, state, way, safe(line.pattern.text)), style)])
        rows.append([(fmt(" {}", hint), palette.muted)])
        self.query_one("SafeStatic.ask", SafeStatic).show_lines(rows)
        line_input = self.query_one(Input)
        line_input.value = ""
        line_input.can_focus = True
        self.add_class("-asking")
        line_input.focus()

    def end_asking(self) -> None:
        """Back to the lines."""
        self.remove_class("-asking")
        self.query_one(Input).can_focus = False
        self._view.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value
        if (self.search_for if self._asked is _Asked.SEARCH else self.filter_by)(text):
            self.end_asking()

    def key_escape(self) -> None:
        if self.has_class("-asking"):
            self.end_asking()
