"""Groups of rows that several detail screens have: alerts, changes, drifts, links, streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.alerts import AlertState
from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import countdown, span
from tuiops.ui.format import fit, plural
from tuiops.ui.screens.pen import columns_of, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuiops.core.alerts import Alert
    from tuiops.core.changes import Change
    from tuiops.core.health import ServiceHealth, SystemHealth
    from tuiops.core.logs import StreamStatus
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.screens.pen import Pen, Piece, Row

MOST = 12
"""Rows of a group that is only a part of a screen; the rest is counted."""
NO_CHANGE = lit("No change is known here, neither since the console began to watch nor from before.")
WORDS = 9
"""Columns of an alert's state."""


def find_service(snapshot: Snapshot, system: str, service: str) -> tuple[SystemHealth, ServiceHealth] | None:
    """A service and the system that it belongs to."""
    for found in snapshot.systems:
        if found.system == system:
            for member in found.services:
                if member.service == service:
                    return found, member
    return None


def concerns(change: Change, system: str, service: str) -> bool:
    """Whether a change is about a selection; empty names select everything, a system's own changes all of it."""
    if system and change.system != system:
        return False
    return not service or not change.service or change.service == service


def alert_rows(pen: Pen, alerts: Sequence[Alert], none: SafeText) -> list[Row]:
    """One row an alert; `none` says what it means that there is none."""
    if not alerts:
        return list(pen.sentence(none))
    return [_alert_row(pen, alert) for alert in alerts[:MOST]] + rest(pen, len(alerts) - MOST)


def _alert_row(pen: Pen, alert: Alert) -> Row:
    palette = pen.look.palette
    calls = alert.state is AlertState.FIRING
    severity = palette.severity[alert.severity] if calls else palette.muted
    left = countdown((alert.due - pen.now).total_seconds()) if alert.due is not None and calls else EMPTY
    return (
        (fmt(" {} {} ", alert.severity.glyph, alert.severity.word), severity),
        pen.text(fmt("{}  ", fit(left, 6, right=True))),
        (fmt("{}  ", fit(alert.state.word, WORDS)), palette.text if calls else palette.muted),
        pen.muted(fmt("{}  ", fit(span(age(pen.now, alert.started)), 5, right=True))),
        pen.bold(alert.name),
        pen.text(fmt("  {}", alert.summary)),
    )


def change_rows(
    pen: Pen, changes: Iterable[Change], none: SafeText, most: int = MOST, *, named: bool = True
) -> list[Row]:
    """The changes, newest first, with their ages and, unless all are about the same, what they are about; whole."""
    kept = list(changes)
    if not kept:
        return list(pen.sentence(none))
    rows: list[Row] = []
    for change in kept[:most]:
        head = (
            pen.muted(fmt(" {}  ", fit(pen.moment(change.at), 12))),
            pen.muted(fmt("{}  ", fit(span(age(pen.now, change.at)), 5, right=True))),
            pen.text(fmt("{}  ", fit(_about(change), 24, mark=pen.look.glyphs.cut)) if named else EMPTY),
        )
        indent = columns_of([head])
        for number, line in enumerate(wrap(change.text, pen.width - indent)):
            rows.append((*(head if not number else (pen.text(SafeText(" " * indent)),)), pen.text(line)))
    return rows + rest(pen, len(kept) - most)


def _about(change: Change) -> SafeText:
    if change.service:
        return fmt("{}/{}", change.system, change.service)
    return change.system or lit("console")


def drift_rows(pen: Pen, snapshot: Snapshot, system: str, service: str) -> list[Row]:
    """A heading, and one row a property of a service that is not as the configuration expects it; nothing without."""
    drifts = [drift for drift in snapshot.drifts if (drift.system, drift.service) == (system, service)]
    if not drifts:
        return []
    late = not all(snapshot.is_live(drift.source, pen.now) for drift in drifts)
    rows: list[Row] = [*pen.heading(lit("Not as expected"), lit("as last seen") if late else EMPTY)]
    return rows + [
        (
            pen.state(State.UNKNOWN if late else State.DEGRADED, lit("    drift  ")),
            pen.muted(fmt("{}: {} ", drift.resource, drift.what)),
            pen.text(drift.actual),
            pen.muted(fmt(", expected {}", drift.expected)),
        )
        for drift in drifts
    ]


def link_rows(pen: Pen, links: Iterable[tuple[SafeText, SafeText]]) -> list[Row]:
    """Names and addresses; an address is shown whole, however many rows it takes."""
    return [row for name, address in links for row in pen.paragraph(name, address)]


def stream_rows(pen: Pen, streams: Sequence[StreamStatus], none: SafeText) -> list[Row]:
    """One row a log stream: whether it is read, how much came, what was lost."""
    if not streams:
        return list(pen.sentence(none))
    rows: list[Row] = []
    for stream in streams:
        state: Piece = pen.muted(lit("open")) if stream.opened else pen.state(State.UNKNOWN, lit("not read"))
        if stream.error:
            state = (lit("failed"), pen.look.palette.state[State.DEGRADED])
        last = fmt("last {} ago", span(age(pen.now, stream.last))) if stream.last is not None else lit("no line yet")
        rows.append(
            (
                pen.text(fmt(" {}  ", fit(stream.name, 24, mark=pen.look.glyphs.cut))),
                pen.muted(fmt("{}  ", fit(stream.kind, 15, mark=pen.look.glyphs.cut))),
                (fit(state[0], 10), state[1]),
                pen.muted(fmt("{}  {}", plural(stream.lines, lit("line"), lit("lines")), last)),
            )
        )
        if stream.late is not None and stream.late >= 1:
            rows += pen.sentence(fmt("lines come {} after they were written", span(stream.late)))
        if stream.thinned:
            rows += pen.sentence(
                fmt("the sender leaves out lines: {}", stream.thinned), pen.look.palette.state[State.DEGRADED]
            )
        if stream.dropped:
            least = lit("at least ") if stream.uncounted else EMPTY
            lost = fmt("{}{} dropped", least, plural(stream.dropped, lit("line"), lit("lines")))
            rows += pen.sentence(lost, pen.look.palette.state[State.DEGRADED])
        if stream.error:
            rows += pen.sentence(stream.error, pen.look.palette.state[State.DEGRADED])
    return rows


def rest(pen: Pen, count: int) -> list[Row]:
    """How many more there are, when there are."""
    return list(pen.sentence(fmt("and {} more", count))) if count > 0 else []
