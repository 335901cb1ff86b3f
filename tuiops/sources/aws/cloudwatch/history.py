"""The past of one metric, for a plot: as fine as CloudWatch still has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tuiops.core.updates import SeriesPoint
from tuiops.sources.aws.cloudwatch.fetch import Span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.sources.aws.cloudwatch.plan import Plan, Query

MAX_POINTS = 1_000
"""Points of a plot: more than a terminal has columns."""

_DAY = 86_400.0
KEPT: tuple[tuple[float, int], ...] = ((63 * _DAY, 3600), (15 * _DAY, 300), (0.0, 60))
"""Ages in seconds from which on CloudWatch has only points of this length
(docs.aws.amazon.com/AmazonCloudWatch: metrics retention)."""


def asked(
    plan: Plan, match: str, wanted: tuple[datetime, datetime, float], now: datetime
) -> tuple[Query, Query | None, Span]:
    """The metric, what it is divided by if anything, and the time to ask for. `wanted`: start, end, step."""
    start, end, step = wanted[0].timestamp(), wanted[1].timestamp(), wanted[2]
    oldest = next(length for age, length in KEPT if now.timestamp() - start >= age or not age)
    unit = math.lcm(plan.period, oldest)
    period = unit * math.ceil(max(step, (end - start) / MAX_POINTS, 1.0) / unit)
    # A point stands for the period that begins with it, and is drawn where that ends.
    return plan.metric(match, period), plan.total(match, period), Span(start - period, end)


def points_of(
    plan: Plan, query: Query, values: Mapping[float, float], over: Mapping[float, float] | None, now: float
) -> tuple[SeriesPoint, ...]:
    """Oldest first, in the inner scale; NaN where a ratio has nothing to divide by. What still fills is left out."""
    leading = values if over is None else over
    found: list[SeriesPoint] = []
    for begin in sorted(leading):
        if begin + query.period > now:
            continue
        if over is None:
            value = values[begin] * plan.scale
        else:
            value = values.get(begin, 0.0) / over[begin] if over[begin] else math.nan
        found.append(SeriesPoint(begin + query.period, value))
    return tuple(found)
