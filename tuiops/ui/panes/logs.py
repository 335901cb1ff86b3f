"""The log pane: what the view shows of the book, and everything that can be asked of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from tuiops.core.logs import Level
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import span
from tuiops.hub.logfilter import Pattern
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import plural
from tuiops.ui.panes.base import Pane, Part
from tuiops.ui.panes.log_filters import LogFilters
from tuiops.ui.panes.log_streams import lateness
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.log_painter import Stamp, copied
from tuiops.ui.widgets.log_prompt import Asked, LogPrompt
from tuiops.ui.widgets.log_view import MOVES, LogView
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.strip import Strip

    from tuiops.core.logs import StreamStatus
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.logbook import Line, LogBook
    from tuiops.ui.screens.record import RecordScreen
    from tuiops.ui.widgets.log_histogram import LogHistogram

_COPIED: Final = 64 * 1024
"""Characters that `y` copies at most: terminals cut OSC 52 off not far above."""
_QUIET: Final = 10.0
"""Seconds without a line after which the title says so."""
_MINUTE: Final = timedelta(minutes=1)
_LEAST_HEIGHT: Final = 6
"""Rows below which the histogram leaves its two to the lines."""

_NO_STREAMS = (
    lit("Log lines would be here, but no log stream is configured."),
    lit('Name one in the configuration: [systems.NAME.logs.NAME] with kind = "file" or "journal".'),
)


class LogsPane(Pane):
    """Log lines of everything, or of one system or service."""

    NUMBER = 4
    NAME = lit("Logs")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LOGS, Scope.CONSOLE, Scope.GLOBAL)
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding in bindings(Scope.LOGS) if binding.id not in MOVES]

    def __init__(self, book: LogBook, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._book = book
        self._view = LogView(book)
        self._view.sentences = self._sentences
        self._view.headroom = self._headroom
        self._prompt = LogPrompt()
        self.filters = LogFilters()
        self._histogram: LogHistogram | None = None

    @property
    def view(self) -> LogView:
        return self._view

    def make_body(self) -> LogView:
        return self._view

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._prompt

    def show(self, snapshot: Snapshot, now: datetime) -> None:  # noqa: ARG002 - lines carry their own times
        self._view.frame()
        self._show_title()

    def focus_on(self, system: SafeText, service: SafeText = EMPTY) -> None:
        """Show only the lines of a system, or of one of its services; empty names show everything again."""
        self.filters.system, self.filters.service = system, service
        if self._histogram is not None:
            self._histogram = _bars(self._book, self.filters)
        self._view.action_logs_bottom()
        self.apply()

    def apply(self) -> None:
        """Put the filters in force."""
        self._view.set_filter(self.filters.wanted)
        self._show_title()

    def selection_text(self) -> SafeText:
        """The marked lines, or the one under the cursor."""
        view = self._view
        return copied(self._book, sorted(view.marks) or [view.cursor], _COPIED)

    # The title.

    def on_log_view_changed(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        if not self.is_mounted:
            return
        palette = shell_of(self).look.palette
        view = self._view
        notes = self.filters.notes(palette)
        if not view.index.filter.shows_all:
            more = EMPTY if view.index.complete else lit("+")
            notes.append((fmt("{:,}{} hidden", view.index.hidden, more), palette.muted))
        if self._book.dropped:
            notes.append((fmt("{:,} dropped", self._book.dropped), palette.muted))
        lossy = [stream for stream in self._book.statuses() if stream.dropped]
        if lossy:
            least = lit("at least ") if any(stream.uncounted for stream in lossy) else EMPTY
            lost = sum(stream.dropped for stream in lossy)
            notes.append((fmt("{}{:,} lost", least, lost), palette.level[Level.WARNING]))
        notes += [(text, palette.level[Level.WARNING]) for text in lateness(self._chosen())]
        silent = [stream for stream in self._book.statuses() if stream.error]
        if silent:
            count = plural(len(silent), lit("stream down"), lit("streams down"))
            notes.append((count, palette.level[Level.ERROR]))
        if view.job.runs:
            notes.append((lit("searching"), palette.muted))
        self.show_title(notes, [self._place()])

    def _quiet(self) -> float:
        """Seconds since the last line of the system or service that is looked at; 0 when there was none."""
        came = [stream.last for stream in self._chosen() if stream.last is not None]
        return (shell_of(self).now - max(came)).total_seconds() if came else 0.0

    def _chosen(self) -> list[StreamStatus]:
        """The streams of the system or service that is looked at."""
        system, service = self.filters.system, self.filters.service
        return [
            stream
            for stream in self._book.statuses()
            if system in {EMPTY, stream.system} and (not service or stream.service in {EMPTY, service})
        ]

    def _place(self) -> Part:
        palette = shell_of(self).look.palette
        if not any(stream.opened for stream in self._book.statuses()):
            return lit("not following"), palette.stale
        if self._view.following:
            quiet = self._quiet()
            if quiet >= _QUIET:
                return fmt("following, last line {}", span(quiet)), palette.muted
            return lit("following"), palette.muted
        return fmt("+{:,} lines", self._view.unseen), palette.accent

    def _sentences(self) -> tuple[SafeText, ...]:
        if not self._book.statuses():
            return (lit("Starting."),) if shell_of(self).snapshot.starting else _NO_STREAMS
        mine = self._chosen()
        if not mine:
            return (
                fmt("No log stream is configured for {}.", self.filters.subject),
                lit("Press & and an empty line to see all."),
            )
        errors = tuple(fmt("{}: {}", stream.name, stream.error) for stream in mine if stream.error)
        if not self._view.index.complete:
            return (fmt("Looking through {:,} lines…", self._book.end - self._book.first), *errors)
        if self._view.index.hidden:
            filters = self.filters
            subject = bool(filters.system) and not filters.level and not filters.lines
            return (
                fmt("None of the {:,} lines kept is of {}.", self._view.index.hidden, filters.subject)
                if subject
                else fmt("All {:,} lines are hidden by level, filters or service.", self._view.index.hidden),
                lit("Press s for the level, & for the filters, & and an empty line for everything."),
                *errors,
            )
        return errors or (fmt("Waiting for the first line of {}.", plural(len(mine), lit("stream"), lit("streams"))),)

    # Search, errors, records, marks, time.

    def search_for(self, text: str) -> None:
        """Go to the last line that matches. Raises `re.error`."""
        self._view.pattern = Pattern(text) if text else None
        if text:
            start = self._book.end if self._view.following else self._view.cursor + 1
            self._seek_hit(start, forward=False)
        else:
            self._view.redraw()

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
                notify(self.app, self._nothing(what, way))
                self._view.redraw()
            else:
                self._view.go(hit)

        self._view.look_for(hits, done)

    def _nothing(self, what: SafeText, way: SafeText) -> SafeText:
        pattern = self._view.pattern
        if pattern is not None and pattern.gave_up:
            return lit("The search was given up: the expression takes too long on these lines.")
        return fmt("No {} {}.", what, way)

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
        seq = _moved(self._book, self._view.cursor, delta)
        if seq is not None:
            self._go_first(self._view.index.after(seq, 1) or self._view.index.before(self._book.end, 1))

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
        self.filters.fold = not self.filters.fold
        self.apply()

    def action_logs_level(self) -> None:
        self.filters.next_level()
        self.apply()

    def action_logs_histogram(self) -> None:
        shown = self._histogram is not None
        self._histogram = None if shown else _bars(self._book, self.filters)
        self._view.redraw()

    def _headroom(self, width: int) -> list[Strip]:
        view = self._view
        if self._histogram is None or view.size.height < _LEAST_HEIGHT:
            return []
        shell = shell_of(self)
        below = None if view.following else view.cursor + view.size.height
        return self._histogram.strips(view.cursor, below, width, shell.now, shell.look)

    def action_logs_detail(self) -> None:
        line = self._view.line
        if line is None:
            return
        seqs = self._book.record(line.seq)
        lines = [found for seq in seqs if (found := self._book.line(seq)) is not None]
        self.app.push_screen(_record(lines))

    def on_log_view_opened(self) -> None:
        self.action_logs_detail()

    # The line at the bottom.

    def action_logs_search(self) -> None:
        hint = lit(" Search for a regular expression; capitals make case count. Enter seeks upwards.")
        self._prompt.ask(Asked.SEARCH, [[(hint, shell_of(self).look.palette.muted)]])

    def action_logs_filters(self) -> None:
        palette = shell_of(self).look.palette
        hint = lit(" Keep lines that match; !text keeps them out; 1 switches the first, -1 removes.")
        self._prompt.ask(Asked.FILTER, [*self.filters.rows(palette), [(hint, palette.muted)]])

    def on_log_prompt_entered(self, message: LogPrompt.Entered) -> None:
        message.stop()
        try:
            if message.asked is Asked.SEARCH:
                self.search_for(message.text)
            else:
                self.filters.obey(message.text)
                self.apply()
        except re.error as error:
            notify(self.app, fmt("Not a regular expression: {}", safe(str(error))), severity="warning")
        else:
            self._end_asking()

    def on_log_prompt_left(self, message: LogPrompt.Left) -> None:
        message.stop()
        self._end_asking()

    def _end_asking(self) -> None:
        self._prompt.close()
        self.screen.set_focus(self._view)


# What only a key asks for is imported when one does.


def _bars(book: LogBook, filters: LogFilters) -> LogHistogram:
    from tuiops.ui.widgets.log_histogram import LogHistogram

    return LogHistogram(book, filters.system, filters.service)


def _moved(book: LogBook, seq: int, delta: timedelta) -> int | None:
    """The line of so much later or earlier; None when it is not known when this one was written."""
    from tuiops.hub.logseek import seek, time_of

    at = time_of(book, seq)
    return None if at is None else seek(book, at + delta)


def _record(lines: list[Line]) -> RecordScreen:
    from tuiops.ui.screens.record import RecordScreen

    return RecordScreen(lines)
