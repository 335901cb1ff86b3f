"""The plots of a detail screen: what was asked of the history, what came, and the rows that show it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.health import State, judge
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import show, span
from tuiops.core.updates import Series, SeriesPoint
from tuiops.errors import NotFound, SourceError
from tuiops.hub.trend import STEP_SECONDS
from tuiops.ui.format import TimeStyle
from tuiops.ui.glyphs import ASCII
from tuiops.ui.screens.pen import BLANK, columns_of, spread
from tuiops.ui.widgets.chart import Ink, Plot, draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.style import Style

    from tuiops.core.health import Measure, ServiceHealth
    from tuiops.core.source import SourceStatus
    from tuiops.hub.backend import Backend
    from tuiops.ui.screens.pen import Pen, Piece, Row

RANGES: Mapping[float, SafeText] = {
    900.0: lit("15m"), 3600.0: lit("1h"), 6 * 3600.0: lit("6h"), 24 * 3600.0: lit("24h"),
}  # fmt: skip
"""Seconds and their names."""
FIRST_RANGE = 3600.0
REFRESH = 15.0
"""Seconds between two questions to the history."""
POINTS = 240
"""Points of a plot, about two to a column of a narrow screen."""
PLOT_ROWS = 12
SIDE_BY_SIDE = 132
"""Columns from which plots stand beside each other."""
_SHORTEST_STEP = 5.0


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What the history said of one indicator, and when it was asked."""

    series: tuple[Series, ...] | None = None
    """The last answer; None when there has been none for this range."""
    start: datetime
    end: datetime
    step: float
    error: SafeText = EMPTY
    """Why the last question failed; the series, if any, is from before."""


def following_range(seconds: float) -> float:
    """The next longer range; after the longest, the shortest."""
    ranges = list(RANGES)
    return ranges[(ranges.index(seconds) + 1) % len(ranges)]


def step_for(seconds: float) -> float:
    """Seconds between two points of a range."""
    return max(_SHORTEST_STEP, seconds / POINTS)


async def ask(backend: Backend, service: ServiceHealth, seconds: float, before: Mapping[str, Past]) -> dict[str, Past]:
    """The past of every indicator of a service, by the indicator's id; a failure keeps what was known."""
    end = backend.clock.now()
    start, step = end - timedelta(seconds=seconds), step_for(seconds)

    async def one(indicator: SafeText) -> Past:
        try:
            series = await backend.history(service.system, service.service, indicator, start, end, step)
        except SourceError as error:
            known = before.get(indicator)
            # What is not there has not failed.
            reason = safe(str(error) if isinstance(error, NotFound) else f"{error.word}: {error}")
            if known is not None and known.step == step:
                return msgspec.structs.replace(known, error=reason)
            return Past(start=start, end=end, step=step, error=reason)
        return Past(series=series, start=start, end=end, step=step)

    ids = [measure.indicator.id for measure in service.measures]
    answers = await asyncio.gather(*(one(indicator) for indicator in ids))
    return dict(zip(ids, answers, strict=True))


def plot_rows(
    pen: Pen,
    measures: Sequence[Measure],
    pasts: Mapping[str, Past],
    seconds: float,
    statuses: Mapping[str, SourceStatus],
    height: int = PLOT_ROWS,
    seen: int | None = None,
) -> tuple[Row, ...]:
    """The plots of the measures, one below the other, or two side by side where there is room.

    Of those that begin below the first `seen` rows the place is left empty, where not None.
    """
    wide = pen.width >= SIDE_BY_SIDE and len(measures) > 1
    width = (pen.width - 3) // 2 if wide else pen.width
    narrow = msgspec.structs.replace(pen, width=width)
    blocks: list[tuple[Row, ...]] = []
    top = 0
    for measure in measures:
        past, status = pasts.get(measure.indicator.id), statuses.get(measure.indicator.source)
        blocks.append(_block(narrow, measure, past, seconds, status, height, drawn=seen is None or top < seen))
        # Only where they stand below each other is one out of sight because of those above it.
        top += 0 if wide else 1 + len(blocks[-1])
    if not wide:
        return tuple(row for block in blocks for row in (BLANK, *block))
    rows: list[Row] = []
    for number in range(0, len(blocks), 2):
        left, right = blocks[number], blocks[number + 1] if number + 1 < len(blocks) else ()
        rows.append(BLANK)
        for line in range(max(len(left), len(right))):
            first = left[line] if line < len(left) else BLANK
            second = right[line] if line < len(right) else BLANK
            filled = (*first, pen.text(SafeText(" " * (width + 2 - columns_of([first])))))
            rows.append((*filled, *second))
    return tuple(rows)


def _block(
    pen: Pen,
    measure: Measure,
    past: Past | None,
    seconds: float,
    status: SourceStatus | None,
    height: int,
    *,
    drawn: bool,
) -> tuple[Row, ...]:
    """A title with the value and the limits, the plot, and a line when something is amiss."""
    indicator = measure.indicator
    verdict = judge(measure, status, pen.now)
    reading = measure.reading
    value = show(reading.value, indicator.unit) if reading is not None and reading.value is not None else lit("no data")
    title: list[Piece] = [pen.bold(fmt(" {}  ", indicator.heading)), pen.state(verdict.state, value)]
    for state, limit in ((State.DEGRADED, indicator.degraded), (State.DOWN, indicator.down)):
        if limit is not None:
            title.append(pen.muted(fmt("   {} ", safe(str(limit)))))
            title.append(pen.state(state))
    head = spread(pen, tuple(title), (pen.muted(fmt("last {} ", RANGES[seconds])),))
    plot, remark = _what_to_draw(measure, past, seconds, pen)
    body: tuple[Row, ...] = (BLANK,) * height
    if drawn:
        body = tuple(tuple((text, _style(pen, ink)) for text, ink in row) for row in draw(plot, pen.width - 1, height))
    return (head, *body, *((pen.sentence(remark)) if remark else ()))


def _what_to_draw(measure: Measure, past: Past | None, seconds: float, pen: Pen) -> tuple[Plot, SafeText]:
    """The plot, and the sentence below it when it is not simply what was asked for."""
    # The window moves on by whole steps, so that equal plots are drawn once.
    end = datetime.fromtimestamp(pen.now.timestamp() // step_for(seconds) * step_for(seconds), UTC)
    start = end - timedelta(seconds=seconds)
    step = step_for(seconds) if past is None else past.step
    series = past.series if past is not None else None
    remark = EMPTY
    if past is None:
        remark = fmt("Loading the last {}.", RANGES[seconds])
    elif past.error and series:
        remark = fmt("As of {}; since then {}. Asked again every {}.", pen.moment(past.end), past.error, span(REFRESH))
    elif past.error:
        remark = fmt("{}. Shown is what this console saw itself in the last 15m.", past.error)
    elif not any(line.points for line in series or ()):
        remark = fmt("{} has no points of this in the last {}.", measure.indicator.source, RANGES[seconds])
    if not series and (past is None or past.error):
        series, step = (_own_past(measure, end),), max(step, STEP_SECONDS)
    plot = Plot(
        series=series or (),
        unit=measure.indicator.unit,
        degraded=measure.indicator.degraded,
        down=measure.indicator.down,
        start=start,
        end=end,
        now=end,
        step=step,
        zone=_zone(pen),
        ascii=pen.look.glyphs is ASCII,
    )
    return plot, remark


def _zone(pen: Pen) -> tzinfo | None:
    match pen.times.style:
        case TimeStyle.RELATIVE:
            return None
        case TimeStyle.UTC:
            return UTC
        case TimeStyle.LOCAL:
            return pen.times.zone


def _own_past(measure: Measure, end: datetime) -> Series:
    """The steps that the hub kept, as a series; the last one is the step of the last reading."""
    reading = measure.reading
    last = (reading.at if reading is not None else end).timestamp() // STEP_SECONDS * STEP_SECONDS
    count = len(measure.trend)
    points = (
        SeriesPoint(last - (count - 1 - position) * STEP_SECONDS, value)
        for position, value in enumerate(measure.trend)
        if value is not None
    )
    return Series(label=measure.indicator.heading, points=tuple(points))


def _style(pen: Pen, ink: Ink) -> Style:
    palette = pen.look.palette
    match ink:
        case Ink.AXIS:
            return palette.border
        case Ink.LABEL:
            return palette.muted
        case Ink.QUIET:
            return palette.faint
        case Ink.DEGRADED:
            return palette.state[State.DEGRADED]
        case Ink.DOWN:
            return palette.state[State.DOWN]
        case Ink.LINE:
            return palette.text
