"""Every source: when it answered, what went wrong, when it is asked again, what it left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.source import Freshness
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import countdown, span
from tuiops.ui.format import fit, plural, width_of
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.parts import stream_rows
from tuiops.ui.screens.pen import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.snapshot import Feed, Snapshot
    from tuiops.ui.screens.pen import Pen, Row

_NAMES = 22
"""Columns of the names of feeds at least."""
_BESIDE = 60
"""Columns that what stands beside a name needs."""
_ORDER = (Freshness.NEVER, Freshness.DEAD, Freshness.STALE, Freshness.LIVE)


class SourcesScreen(DetailScreen):
    """All feeds and log streams, those in trouble first."""

    def heading(self, pen: Pen) -> SafeText:
        feeds = self.host.snapshot.feeds.values()
        live = sum(feed.status.freshness(pen.now) is Freshness.LIVE for feed in feeds)
        return fmt("Sources {} {} of {} live", pen.look.glyphs.dot, live, len(feeds))

    def rows(self, pen: Pen) -> Sequence[Row]:
        return sources_sheet(pen, self.host.snapshot)


def sources_sheet(pen: Pen, snapshot: Snapshot) -> list[Row]:
    """The whole sheet."""
    feeds = sorted(snapshot.feeds.values(), key=lambda feed: _ORDER.index(feed.status.freshness(pen.now)))
    rows: list[Row] = []
    if snapshot.notices:
        rows += [row for notice in snapshot.notices for row in pen.sentence(notice, pen.look.palette.stale)]
        rows.append(BLANK)
    if not feeds:
        rows += pen.sentence(lit("No source is configured. Add a table [sources.NAME] to the configuration file."))
    widest = max((width_of(feed.status.name) for feed in feeds), default=0)
    names = max(_NAMES, min(widest, pen.width - _BESIDE))
    for feed in feeds:
        rows += _feed_rows(pen, feed, names)
    rows += pen.heading(lit("Log streams"), plural(len(snapshot.streams), lit("stream"), lit("streams")))
    unread = lit("None is configured. Add a table [systems.NAME.logs.NAME] to read logs.")
    rows += stream_rows(pen, snapshot.streams, unread)
    return [*rows, BLANK]


def _feed_rows(pen: Pen, feed: Feed, names: int) -> list[Row]:
    status, palette = feed.status, pen.look.palette
    freshness = status.freshness(pen.now)
    rows: list[Row] = [
        (
            pen.bold(fmt(" {} ", fit(status.name, names, mark=pen.look.glyphs.cut))),
            pen.muted(fmt("{} ", fit(status.kind, 13, mark=pen.look.glyphs.cut))),
            pen.muted(fmt("{} ", fit(lit(feed.topic.value), 9))),
            (status.describe(pen.now), palette.freshness(freshness)),
        )
    ]
    requests = plural(status.requests, lit("request"), lit("requests"))
    answered = pen.moment(status.answered) if status.answered is not None else lit("never")
    rows += pen.sentence(fmt("answered {}, every {}, {}", answered, span(status.interval), requests))
    if status.dropped:
        lost = fmt("{} left out: more than a source may bring", plural(status.dropped, lit("item"), lit("items")))
        rows += pen.sentence(lost, palette.state[State.DEGRADED])
    if status.failing:
        again = EMPTY
        if status.retry_at is not None:
            wait = (status.retry_at - pen.now).total_seconds()
            again = fmt(", asked again in {}", countdown(wait)) if wait >= 1 else lit(", asked again now")
        polls = plural(status.failing, lit("poll"), lit("polls"))
        tried = EMPTY if status.tried is None else fmt(", the last one {} ago", span(age(pen.now, status.tried)))
        rows += pen.sentence(fmt("{} failed{}{}", polls, tried, again), palette.state[State.DEGRADED])
    if status.error:
        rows += pen.sentence(status.error, palette.state[State.DOWN])
    for warning in status.warnings:
        rows += pen.sentence(fmt("warning: {}", warning), palette.state[State.DEGRADED])
    if feed.watchdog is not None:
        rows += _watchdog_rows(pen, present=feed.watchdog)
    return [*rows, BLANK]


def _watchdog_rows(pen: Pen, *, present: bool) -> tuple[Row, ...]:
    if present:
        return pen.sentence(lit("watchdog: firing, as it should"))
    text = lit("watchdog: missing. The alert that always fires is not there, so other alerts may not come either.")
    return pen.sentence(text, pen.look.palette.state[State.DOWN])
