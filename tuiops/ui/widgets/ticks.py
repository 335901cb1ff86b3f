"""Round numbers and round times for the axes of a plot."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo

from tuiops.core.text import SafeText, fmt
from tuiops.core.units import Unit, show, span

_DECIMAL = (1.0, 2.0, 5.0, 10.0)
_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds that divide a minute, an hour or a day."""
_BINARY = 1024.0


def value_ticks(low: float, high: float, unit: Unit, most: int) -> tuple[tuple[float, SafeText], ...]:
    """Multiples of a round step from at or below `low` to at or above `high`, about `most` of them, with labels."""
    if unit is Unit.STATE:
        # There are no states between these.
        return tuple((value, show(value, unit)) for value in (0.0, 1.0, 2.0))
    step = _round_step((high - low) / max(1, most - 1), unit)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple((index * step, show(index * step, unit)) for index in range(first, max(last, first + 1) + 1))


def _round_step(least: float, unit: Unit) -> float:
    """The smallest round number of the unit that is at least `least`."""
    if unit is Unit.SECONDS and least > 1:
        return float(next((step for step in _CLOCK if step >= least), math.ceil(least / 86400) * 86400))
    base = 1.0
    if unit is Unit.BYTES:
        while least > base * _BINARY:
            base *= _BINARY
        # 1, 2, 4 … 1024 of the binary prefix in use
        return base * 2.0 ** math.ceil(math.log2(max(least / base, 1.0)))
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in _DECIMAL if power * digit >= least * (1 - 1e-9))


def time_ticks(
    start: datetime, end: datetime, zone: tzinfo | None, now: datetime, most: int
) -> tuple[tuple[datetime, SafeText], ...]:
    """At most about `most` round moments of the zone's wall clock; without a zone, round ages such as `-15m`."""
    length = (end - start).total_seconds()
    step = next((seconds for seconds in _CLOCK if seconds >= 60 and length / seconds <= most), _CLOCK[-1])
    if zone is None:
        oldest, newest = (now - start).total_seconds(), (now - end).total_seconds()
        ages = range(max(step, math.ceil(newest / step) * step), math.floor(oldest / step) * step + 1, step)
        return tuple((now - timedelta(seconds=old), fmt("-{}", span(old))) for old in reversed(ages))
    local = start.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    since = (local - midnight).total_seconds()
    moment = midnight + timedelta(seconds=math.ceil(since / step) * step)
    found: list[tuple[datetime, SafeText]] = []
    while moment.timestamp() <= end.timestamp():
        label = SafeText(f"{moment:%d %b}" if moment.hour == moment.minute == 0 else f"{moment:%H:%M}")
        found.append((moment, label))
        moment += timedelta(seconds=step)
    return tuple(found)
