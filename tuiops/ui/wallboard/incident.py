"""The page that a P1 puts on the wall: what, since when, time left, the curve, the rollout, the last error lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.health import judge
from tuiops.core.logformat import parse
from tuiops.core.logs import Level
from tuiops.core.text import SafeText, fmt, lit
from tuiops.core.units import countdown, span
from tuiops.ui.screens.parts import find_service
from tuiops.ui.screens.pen import BLANK
from tuiops.ui.screens.plots import FIRST_RANGE, plot_rows
from tuiops.ui.wallboard.pages import rollout_row
from tuiops.ui.widgets import digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tuiops.core.alerts import Alert
    from tuiops.core.health import Measure
    from tuiops.core.logs import LogRecord
    from tuiops.hub.logbook import Line, LogBook
    from tuiops.ui.screens.pen import Pen, Row
    from tuiops.ui.screens.plots import Past
    from tuiops.ui.wallboard.pages import Scene

SEARCHED = 600
"""Lines of the system's streams among which error lines are looked for."""
LINES = 6
FEW = 2
"""Error lines where the curve needs the room."""
ROOMY = 28
"""Rows of a page from which there is room for all of them."""
PLOT_LEAST = 8
"""Rows below which a curve says nothing."""


def incident(scene: Scene, alert: Alert, pasts: Mapping[str, Past], errors: Sequence[LogRecord]) -> list[Row]:
    """The whole page; what there is no room for is left out from the end."""
    pen = scene.pen
    rows = _what(pen, alert)
    rows += _time_left(pen, alert, scene.height)
    tail = _moving(scene, alert) + _error_rows(pen, errors[-(LINES if scene.height >= ROOMY else FEW) :])
    room = scene.height - len(rows) - len(tail)
    measure = worst_measure(scene, alert)
    if measure is not None and room >= PLOT_LEAST:
        rows += plot_rows(pen, [measure], pasts, FIRST_RANGE, scene.snapshot.statuses, min(room - 2, 32))
    return (rows + tail)[: scene.height]


def worst_measure(scene: Scene, alert: Alert) -> Measure | None:
    """The indicator of the alert's service that is worst off now."""
    found = find_service(scene.snapshot, alert.system, alert.service)
    if found is None:
        return None
    statuses = scene.snapshot.statuses
    return max(
        found[1].measures,
        key=lambda measure: judge(measure, statuses.get(measure.indicator.source), scene.pen.now).state,
        default=None,
    )


def last_errors(book: LogBook, alert: Alert) -> tuple[LogRecord, ...]:
    """The last error records of the alert's service, or of its whole system when it names none; oldest first."""
    found: list[LogRecord] = []
    for line in _backwards(book, alert.system):
        if line.raw is None or line.note:
            continue
        record = parse(line.raw, line.stream.format, line.at)
        service = record.service or line.stream.service
        if record.level >= Level.ERROR and alert.service in {"", service, line.stream.service}:
            found.append(record)
            if len(found) == LINES:
                break
    return tuple(reversed(found))


def _backwards(book: LogBook, system: SafeText) -> Iterator[Line]:
    """The last lines of a system's streams, newest first, as many as may be searched."""
    left = SEARCHED
    for block in reversed(book.blocks()):
        if block.stream.system != system:
            continue
        for seq in range(block.end - 1, block.first - 1, -1):
            line = book.line(seq)
            left -= 1
            if left < 0:
                return
            if line is not None:
                yield line


def _what(pen: Pen, alert: Alert) -> list[Row]:
    place = fmt("{}/{}", alert.system, alert.service) if alert.service else alert.system or lit("unknown system")
    style = pen.look.palette.severity[alert.severity]
    return [
        ((fmt(" {} {} INCIDENT ", alert.severity.glyph, alert.severity.word), style), pen.bold(fmt("  {}", place))),
        BLANK,
        (pen.bold(fmt("  {}", alert.summary or alert.name)),),
        (
            pen.muted(fmt("  {}   since {}   ", alert.name, pen.moment(alert.started))),
            pen.text(fmt("for {}", span(age(pen.now, alert.started)))),
        ),
        BLANK,
    ]


def _time_left(pen: Pen, alert: Alert, height: int) -> list[Row]:
    """The time to respond, in digits where there is room."""
    if alert.due is None:
        return [(pen.muted(lit("  no deadline: the system has no response targets")),)]
    left = (alert.due - pen.now).total_seconds()
    style = pen.look.palette.severity[alert.severity]
    if left <= 0:
        return [((fmt("  RESPONSE OVERDUE by {} ", span(-left)), style),)]
    text = countdown(left)
    scale = digits.largest(text, pen.width - 20, max(1, height // 4))
    if scale is None:
        return [((fmt("  {} left to respond ", text), style),)]
    drawn = digits.draw(text, scale, ascii_only=pen.look.glyphs.horizontal == "-")
    middle = len(drawn) // 2
    return [
        (pen.bold(fmt("  {}", line)), pen.text(lit("   left to respond") if number == middle else SafeText("")))
        for number, line in enumerate(drawn)
    ]


def _moving(scene: Scene, alert: Alert) -> list[Row]:
    """Rollouts of the system that are under way."""
    live = [rollout for rollout in scene.snapshot.rollouts if rollout.live and rollout.system == alert.system]
    return [BLANK, *(rollout_row(scene.pen, rollout) for rollout in live)] if live else []


def _error_rows(pen: Pen, errors: Sequence[LogRecord]) -> list[Row]:
    if not errors:
        return [BLANK, (pen.muted(lit("  no error line of it is in the logs that are read here")),)]
    rows: list[Row] = [BLANK]
    for record in errors:
        at = pen.moment(record.at)
        level = pen.look.palette.level[record.level]
        rows.append((pen.muted(fmt("  {} ", at)), (fmt("{} ", record.level.letter), level), pen.text(record.message)))
    return rows
