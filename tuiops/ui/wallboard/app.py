"""The wallboard: pages that turn by themselves, read from across a room. It reads and never asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style

from tuiops.core.alerts import count_active
from tuiops.core.clock import age
from tuiops.core.severity import Severity
from tuiops.core.source import Freshness
from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import width_of
from tuiops.ui.run_signs import mentions
from tuiops.ui.screens.parts import find_service
from tuiops.ui.screens.pen import BLANK, Pen, spread
from tuiops.ui.screens.plots import FIRST_RANGE, REFRESH, Past, ask
from tuiops.ui.shell import Shell, View, shell_of
from tuiops.ui.wallboard.incident import incident, last_errors
from tuiops.ui.wallboard.pages import PAGES, Scene
from tuiops.ui.widgets.document import Document
from tuiops.ui.widgets.header import counts_part, environment_part, sources_part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tuiops.config.model import Display, Wallboard
    from tuiops.core.alerts import Alert
    from tuiops.core.health import ServiceHealth
    from tuiops.core.logs import LogRecord
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.backend import Backend
    from tuiops.ui.screens.pen import Row

LEAVE_WITHIN = 2.0
"""Seconds between the two Ctrl-c that end the wallboard."""
SHIFTS = ((0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1))
"""Columns and rows by which everything stands aside, one place an hour, so that no pixel burns in."""
FRAME_ROWS = 4
"""Header, a blank, and two rows at the foot."""
HELP_STAYS = 20.0
"""Seconds."""
_REVERSED = Style(reverse=True, bold=True)


class Wall(View):
    """The one screen: a sheet that is drawn anew each second and repaints what differs."""

    DEFAULT_CSS = "Wall > Document { height: 1fr; overflow-y: hidden; }"

    def __init__(self, settings: Wallboard) -> None:
        super().__init__()
        self._dwell = max(1.0, float(settings.dwell))
        self._pages = settings.pages
        self._watching_since: datetime | None = None
        self._calm_since: datetime | None = None
        self._in_trouble = False
        self._subject: str | None = None
        self._pasts: dict[str, Past] = {}
        self._errors: tuple[int, tuple[LogRecord, ...]] = (-1, ())
        self.help_until = float("-inf")
        """When the help gives way to the pages, on the monotonic clock."""
        self.leaving_until = float("-inf")
        """Until when a Ctrl-c ends the wallboard, on the monotonic clock."""

    def compose(self) -> ComposeResult:
        yield Document()

    def begin(self) -> None:
        self.query_one(Document).can_focus = False
        self.set_interval(REFRESH, self._ask)
        self.call_after_refresh(self.show_now)

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        self._remember(snapshot, now)
        if self.size.width == 0:
            return
        across, down = SHIFTS[int(now.timestamp() // 3600) % len(SHIFTS)]
        if self.size.width < 20 or self.size.height < 10:
            across = down = 0
        shell = shell_of(self)
        pen = Pen(look=shell.look, times=shell.times, now=now, width=max(0, self.size.width - 2))
        rows = [pen.clip(row) for row in self._rows(pen, snapshot, max(0, self.size.height - 1))]
        if not _any_live(snapshot, now):
            dimmed = pen.look.palette.dimmed
            grey = pen.look.palette.text + dimmed
            rows[1:] = [tuple((text, grey) for text, _ in row) for row in rows[1:]]
            rows[1:1] = [_banner(pen, snapshot)]
        aside = pen.text(SafeText(" " * across))
        drawn = [BLANK] * down + [(aside, *row) if across else row for row in rows]
        self.query_one(Document).show(drawn[: self.size.height])

    def _rows(self, pen: Pen, snapshot: Snapshot, height: int) -> list[Row]:
        body = max(0, height - FRAME_ROWS - (0 if _any_live(snapshot, pen.now) else 1))
        beat = shell_of(self).backend.clock.monotonic()
        scene = Scene(
            pen=pen,
            height=body,
            snapshot=snapshot,
            calm_since=self._calm_since,
            watching_since=self._watching_since or pen.now,
        )
        urgent = _urgent(snapshot)
        if beat < self.help_until:
            name, shown = lit("help"), _help(pen)
        elif urgent:
            alert = urgent[int(beat // self._dwell) % len(urgent)]
            self._look_into(alert)
            name = lit("incident")
            shown = incident(scene, alert, self._pasts, self._last_errors(alert))
        else:
            page = self._pages[int(beat // self._dwell) % len(self._pages)]
            name, shown = safe(page), PAGES[page](scene)
        shown = shown[:body]
        filler = [BLANK] * (body - len(shown))
        return [
            _header(pen, snapshot),
            _running(pen, snapshot),
            *shown,
            *filler,
            BLANK,
            self._foot(pen, snapshot, name, beat),
        ]

    def _foot(self, pen: Pen, snapshot: Snapshot, name: SafeText, beat: float) -> Row:
        if beat < self.leaving_until:
            return (pen.bold(lit(" Press Ctrl-c once more to leave.")),)
        now = pen.now
        answered = [f.status.answered for f in snapshot.feeds.values() if f.status.answered is not None]
        old = fmt("oldest data {}", span(age(now, min(answered)))) if answered else lit("no data yet")
        page = (pen.muted(fmt(" {}   ", name)), pen.muted(lit("? help")))
        sources = sources_part(snapshot, now, pen.look.palette)
        age_of_data = (pen.text(old), pen.muted(lit("   ")))
        told = _first_fitting(pen.width - _columns(page), ((*age_of_data, *sources), (*age_of_data, *sources[:1])))
        return spread(pen, page, told)

    # What is remembered from one moment to the next

    def _remember(self, snapshot: Snapshot, now: datetime) -> None:
        """When the last P1 or P2 was seen, as nothing else keeps it."""
        self._watching_since = self._watching_since or now
        trouble = any(alert.active and alert.severity <= Severity.P2 for alert in snapshot.alerts)
        if self._in_trouble and not trouble:
            self._calm_since = now
        self._in_trouble = trouble

    def _look_into(self, alert: Alert) -> None:
        """Ask for the past of another incident's service as soon as it is on the wall."""
        if alert.identity != self._subject:
            self._subject = alert.identity
            self._pasts = {}
            self._errors = (-1, ())
            self._ask()

    def _ask(self) -> None:
        shell = shell_of(self)
        alert = next((alert for alert in shell.snapshot.alerts if alert.identity == self._subject), None)
        found = find_service(shell.snapshot, alert.system, alert.service) if alert is not None else None
        if found is not None:
            self.run_worker(self._fetch(found[1]), group="history", exclusive=True)

    async def _fetch(self, service: ServiceHealth) -> None:
        self._pasts = await ask(shell_of(self).backend, service, FIRST_RANGE, self._pasts)
        self.show_now()

    def _last_errors(self, alert: Alert) -> tuple[LogRecord, ...]:
        book = shell_of(self).backend.logs
        if self._errors[0] != book.end:
            self._errors = (book.end, last_errors(book, alert))
        return self._errors[1]


class WallboardApp(Shell):
    """`tuiops wallboard`. Nothing but help and a double Ctrl-c does anything."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding, priority=binding.id == "wall.leave") for binding in bindings(Scope.WALLBOARD)
    ]

    def __init__(self, backend: Backend, display: Display, settings: Wallboard, *, own_process: bool = True) -> None:
        super().__init__(backend, display, own_process=own_process)
        self._wall = Wall(settings)

    def get_default_screen(self) -> Wall:
        return self._wall

    def action_wall_help(self) -> None:
        """Say what this is, for a while; again to stop."""
        beat = self.backend.clock.monotonic()
        self._wall.help_until = float("-inf") if beat < self._wall.help_until else beat + HELP_STAYS
        self._wall.show_now()

    def action_wall_leave(self) -> None:
        """The first one warns, the second one leaves."""
        beat = self.backend.clock.monotonic()
        if beat < self._wall.leaving_until:
            self.exit()
        self._wall.leaving_until = beat + LEAVE_WITHIN
        self._wall.show_now()


def _urgent(snapshot: Snapshot) -> list[Alert]:
    return [alert for alert in snapshot.alerts if alert.active and alert.severity is Severity.P1]


def _any_live(snapshot: Snapshot, now: datetime) -> bool:
    return any(feed.status.freshness(now) is Freshness.LIVE for feed in snapshot.feeds.values())


def _header(pen: Pen, snapshot: Snapshot) -> Row:
    palette = pen.look.palette
    counts = counts_part(count_active(snapshot.alerts), snapshot.quiet_is_proven(pen.now), pen.look)[0]
    clock = (pen.bold(pen.times.clock(pen.now)),)
    blank = pen.text(lit(" "))
    environment = environment_part(snapshot, palette, read_only=False)[0]
    brief = ((lit(" PRODUCTION "), palette.production),) if snapshot.environment.production else environment
    forms = ((pen.bold(lit(" tuiops  ")), *environment), (blank, *environment), (blank, *brief))
    place = _first_fitting(pen.width - _columns(counts) - _columns(clock) - 2, forms)
    return spread(pen, (*place, blank, blank, *counts), clock)


def _running(pen: Pen, snapshot: Snapshot) -> Row:
    """The runs under way, under the header, or what is wrong with this program; a blank row when there is neither."""
    forms = mentions(snapshot.runs, pen.now, pen.look)
    lead = pen.bold(lit("  run  "))
    if forms:
        return _first_fitting(pen.width, tuple((lead, *form) for form in forms))
    return ((fmt("  {}", join(": ", snapshot.notices)), pen.look.palette.stale),) if snapshot.notices else BLANK


def _columns(row: Row) -> int:
    return sum(width_of(text) for text, _ in row)


def _first_fitting(room: int, forms: Sequence[Row]) -> Row:
    """The first of several ways to say the same that leaves three columns of the room; the last one if none does."""
    return next((form for form in forms if _columns(form) + 3 <= room), forms[-1])


def _banner(pen: Pen, snapshot: Snapshot) -> Row:
    """Across the whole width, reversed: nobody may take an old picture for the present one."""
    answered = [feed.status.answered for feed in snapshot.feeds.values() if feed.status.answered is not None]
    if answered:
        text = fmt("  NOT LIVE   what you see is {} old", span(age(pen.now, max(answered))))
    elif snapshot.feeds:
        text = lit("  NO DATA YET   no source has answered")
    else:
        text = lit("  NO SOURCES   nothing is configured")
    filled = fmt("{}{}", text, SafeText(" " * max(0, pen.width - len(text))))
    return ((filled, pen.look.palette.stale + _REVERSED),)


def _help(pen: Pen) -> list[Row]:
    sentences: Sequence[SafeText] = (
        lit("This wallboard only reads. Its pages turn by themselves; a firing P1 takes the whole wall."),
        lit("A grey ? instead of a number means that nobody knows: a source of alerts has not proved to be alive."),
        lit("Everything moves aside by one cell each hour, so that no pixel burns in."),
        lit("? shows or hides this.   Ctrl-c twice leaves.   No other key does anything."),
    )
    return [row for text in sentences for row in (*pen.sentence(text, pen.look.palette.text), BLANK)]
