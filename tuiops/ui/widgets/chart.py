"""The geometry of a plot: series and limits in, rows of inked text out.

Nothing is interpolated over a gap: two points are joined only when they are neighbours at the step that was asked
for. Where the limits are crossed the line carries the state, so that its colour means what it means everywhere else.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.health import Comparison, Limit, State
from tuiops.core.text import EMPTY, SafeText, lit
from tuiops.core.units import Unit, show
from tuiops.core.updates import Series, SeriesPoint
from tuiops.ui.widgets.ticks import time_ticks, value_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

JOINED = 1.75
"""Steps between two points beyond which there is a gap: one that came a little late is still a neighbour."""
FURTHER = 1.5
"""A limit after the nearest one is in view when it widens the scale by no more than this."""
MOST_SERIES = 8
GREATEST = 1e30
"""What is beyond, infinity included, runs along the edge and does not stretch the scale."""
LEAST = 1e-9
"""The share of its values that a scale must span: finer differences are the arithmetic's own."""
NO_DATA = lit("no data")


class Ink(Enum):
    """What a run of characters means; the widget maps it to a style."""

    AXIS = "axis"
    LABEL = "label"
    QUIET = "quiet"
    LINE = "line"
    DEGRADED = "degraded"
    DOWN = "down"


Run = tuple[SafeText, Ink]
Row = tuple[Run, ...]

_STATE_INKS = {State.OK: Ink.LINE, State.UNKNOWN: Ink.LINE, State.DEGRADED: Ink.DEGRADED, State.DOWN: Ink.DOWN}


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be drawn. Values are in the inner scale of `unit`."""

    series: tuple[Series, ...] = ()
    unit: Unit = Unit.COUNT
    degraded: Limit | None = None
    down: Limit | None = None
    start: datetime
    end: datetime
    now: datetime
    step: float
    """Seconds between neighbouring points, as asked of the source."""
    zone: tzinfo | None = UTC
    """Zone of the time axis; None labels it with ages."""
    ascii: bool = False

    def judge(self, value: float) -> State:
        """What the limits say of a value."""
        if self.down is not None and self.down.crossed(value):
            return State.DOWN
        if self.degraded is not None and self.degraded.crossed(value):
            return State.DEGRADED
        return State.OK


class _Glyphs(msgspec.Struct, frozen=True):
    """The characters of the frame."""

    side: str
    tick: str
    corner: str
    floor: str
    hole: str
    mark: str
    now: str
    limit: str


_UNICODE = _Glyphs("│", "┤", "└", "─", "╌", "┴", "▲", "╌")
_ASCII = _Glyphs("|", "+", "+", "-", ".", "+", "^", ".")


class _Canvas:
    """A field of dots, several to a character: two by four in Braille, one in ASCII."""

    def __init__(self, columns: int, rows: int, *, ascii_only: bool) -> None:
        self.columns, self.rows = columns, rows
        self._ascii = ascii_only
        self.across, self.down = (1, 1) if ascii_only else (2, 4)
        self.dots = [[0] * columns for _ in range(rows)]
        self.states = [[State.OK] * columns for _ in range(rows)]

    def dot(self, x: int, y: int, state: State) -> None:
        """Set a dot; `y` counts downwards. What lies outside is not drawn."""
        column, row = x // self.across, y // self.down
        if not (0 <= column < self.columns and 0 <= row < self.rows):
            return
        self.dots[row][column] |= _BRAILLE[y % 4][x % 2] if self.across == 2 else 1
        self.states[row][column] = max(self.states[row][column], state)

    def glyph(self, column: int, row: int) -> str:
        """The character of a cell, empty when no dot is set."""
        bits = self.dots[row][column]
        if not bits:
            return ""
        return "*" if self._ascii else chr(_BRAILLE_BLANK + bits)


_BRAILLE_BLANK = 0x2800
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of each dot, by row and column: https://www.unicode.org/charts/PDF/U2800.pdf."""


class _Scale(msgspec.Struct, frozen=True):
    """From values and times to dots."""

    bottom: float
    top: float
    start: float
    end: float
    width: int
    """Dots across."""
    height: int
    """Dots down."""

    def x(self, at: float) -> int:
        return round((at - self.start) / (self.end - self.start) * (self.width - 1))

    def y(self, value: float) -> int:
        share = (min(max(value, self.bottom), self.top) - self.bottom) / (self.top - self.bottom)
        return round((1 - share) * (self.height - 1))


@lru_cache(maxsize=64)
def draw(plot: Plot, width: int, height: int) -> tuple[Row, ...]:
    """`height` rows of `width` columns at most: the curve, the axis and the times below it."""
    rows = height - 2
    ticks = value_ticks(*_extent(plot), plot.unit, max(2, rows // 3 + 1)) if rows > 1 else ()
    gutter = max((len(label) for _, label in ticks), default=0)
    columns = width - gutter - 2
    if rows < 2 or columns < 12:
        return ((((SafeText("no room for a plot"[: max(0, width)])), Ink.QUIET),),)
    canvas = _Canvas(columns, rows, ascii_only=plot.ascii)
    scale = _Scale(
        bottom=ticks[0][0],
        top=ticks[-1][0],
        start=plot.start.timestamp(),
        end=max(plot.end.timestamp(), plot.start.timestamp() + 1.0),
        width=columns * canvas.across,
        height=rows * canvas.down,
    )
    covered = [False] * columns
    for series in plot.series[:MOST_SERIES]:
        _trace(plot, series, scale, canvas, covered)
    limits = _limit_rows(plot, scale, canvas.down)
    labels = {scale.y(value) // canvas.down: (label, Ink.LABEL) for value, label in ticks}
    for row, (state, limit) in limits.items():
        labels[row] = (show(limit.value, limit.unit), _STATE_INKS[state])
    gutter = max(gutter, *(len(label) for label, _ in labels.values()))
    glyphs = _ASCII if plot.ascii else _UNICODE
    gaps = _gap_labels(covered, rows, canvas)
    drawn = [
        _curve_row(canvas, row, labels.get(row), gutter, limits.get(row), glyphs, gaps.get(row, {}))
        for row in range(rows)
    ]
    return (*drawn, *_time_axis(plot, scale, columns, gutter, covered, glyphs))


def _extent(plot: Plot) -> tuple[float, float]:
    """The lowest and highest value to be in view: the data, zero, and the limits that are not far away."""
    values = [point.value for series in plot.series for point in series.points if abs(point.value) <= GREATEST]
    limits = [limit for limit in (plot.degraded, plot.down) if limit is not None and abs(limit.value) <= GREATEST]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if not values and limits:
        low = high = limits[0].value
    if not any(limit.comparison in {Comparison.BELOW, Comparison.AT_MOST} for limit in limits):
        low = min(0.0, low)
        high = max(0.0, high)
    for position, limit in enumerate(sorted(limits, key=lambda limit: _distance(limit.value, low, high))):
        wide = max(high, limit.value) - min(low, limit.value)
        if position == 0 or wide <= FURTHER * (high - low):
            low, high = min(low, limit.value), max(high, limit.value)
    if high - low <= LEAST * max(abs(low), abs(high), 1.0):
        high = low + (abs(low) or 1.0)
    return low, high


def _distance(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _trace(plot: Plot, series: Series, scale: _Scale, canvas: _Canvas, covered: list[bool]) -> None:
    """Draw one series, and note the columns in which it has data."""
    before: SeriesPoint | None = None
    for point in series.points:
        if math.isnan(point.value) or not scale.start <= point.at <= scale.end:
            before = None
            continue
        joined = before is not None and 0 < point.at - before.at <= JOINED * plot.step
        for x, y, value in _between(before if joined and before is not None else point, point, scale):
            canvas.dot(x, y, plot.judge(value))
            covered[min(x // canvas.across, canvas.columns - 1)] = True
        before = point


def _between(first: SeriesPoint, last: SeriesPoint, scale: _Scale) -> Iterator[tuple[int, int, float]]:
    """The dots of a straight line between two points, with the value at each."""
    x0, y0, x1, y1 = scale.x(first.at), scale.y(first.value), scale.x(last.at), scale.y(last.value)
    count = max(abs(x1 - x0), abs(y1 - y0))
    finite = math.isfinite(first.value) and math.isfinite(last.value)
    for position in range(count + 1):
        share = position / count if count else 1.0
        value = first.value + (last.value - first.value) * share if finite else last.value
        yield x0 + round((x1 - x0) * share), y0 + round((y1 - y0) * share), value


def _limit_rows(plot: Plot, scale: _Scale, down: int) -> dict[int, tuple[State, Limit]]:
    """The limits that are in view, by the row that they run through."""
    rows: dict[int, tuple[State, Limit]] = {}
    for state, limit in ((State.DEGRADED, plot.degraded), (State.DOWN, plot.down)):
        if limit is not None and scale.bottom <= limit.value <= scale.top:
            rows[scale.y(limit.value) // down] = (state, limit)
    return rows


def _curve_row(
    canvas: _Canvas,
    row: int,
    label: Run | None,
    gutter: int,
    limit: tuple[State, Limit] | None,
    glyphs: _Glyphs,
    words: dict[int, str],
) -> Row:
    text, ink = label or (EMPTY, Ink.LABEL)
    side = glyphs.tick if label else glyphs.side
    cells: list[tuple[str, Ink]] = [(text.rjust(gutter) + " ", ink), (side, Ink.AXIS)]
    for column in range(canvas.columns):
        dots = canvas.glyph(column, row)
        if dots:
            cells.append((dots, _STATE_INKS[canvas.states[row][column]]))
        elif column in words:
            cells.append((words[column], Ink.QUIET))
        elif limit is not None:
            cells.append((glyphs.limit, _STATE_INKS[limit[0]]))
        else:
            cells.append((" ", Ink.QUIET))
    return _runs(cells)


def _gap_labels(covered: list[bool], rows: int, canvas: _Canvas) -> dict[int, dict[int, str]]:
    """The words `no data` in the middle of every gap that has room for them, by row and column."""
    row = rows // 2
    words: dict[int, str] = {}
    column = 0
    while column < len(covered):
        end = column
        while end < len(covered) and not covered[end]:
            end += 1
        if end - column >= len(NO_DATA) + 4:
            start = column + (end - column - len(NO_DATA)) // 2
            words |= {start + offset: char for offset, char in enumerate(NO_DATA)}
        column = max(end, column + 1)
    return {row: words} if 0 <= row < canvas.rows else {}


def _time_axis(
    plot: Plot, scale: _Scale, columns: int, gutter: int, covered: list[bool], glyphs: _Glyphs
) -> tuple[Row, Row]:
    """The floor, broken where there is no data, and the times below it."""
    floor = [glyphs.floor if has else glyphs.hole for has in covered]
    below = [" "] * (gutter + 2 + columns)
    now = plot.now.timestamp()
    taken = len(below) + 1
    if scale.start <= now <= scale.end:
        column = round((now - scale.start) / (scale.end - scale.start) * (columns - 1))
        floor[column] = glyphs.now
        taken = _place(below, "now", gutter + 2 + column, len(below) + 1)
    ticks = time_ticks(plot.start, plot.end, plot.zone, plot.now, max(1, columns // 10))
    for at, label in reversed(ticks):
        column = round((at.timestamp() - scale.start) / (scale.end - scale.start) * (columns - 1))
        placed = _place(below, label, gutter + 2 + column, taken)
        if placed < taken:
            floor[column] = glyphs.mark
            taken = placed
    axis: Row = ((SafeText(" " * (gutter + 1) + glyphs.corner + "".join(floor)), Ink.AXIS),)
    return axis, ((SafeText("".join(below).rstrip()), Ink.LABEL),)


def _place(cells: list[str], label: str, centre: int, before: int) -> int:
    """Write a label around a column, left of what is there already; returns where it starts, or `before`."""
    start = min(max(0, centre - len(label) // 2), len(cells) - len(label))
    if start + len(label) >= before or start < 0:
        return before
    cells[start : start + len(label)] = label
    return start


def _runs(cells: list[tuple[str, Ink]]) -> Row:
    """Neighbouring cells of one ink as one run."""
    runs: list[tuple[str, Ink]] = []
    for text, ink in cells:
        if runs and runs[-1][1] is ink:
            runs[-1] = (runs[-1][0] + text, ink)
        else:
            runs.append((text, ink))
    return tuple((SafeText(text), ink) for text, ink in runs)
