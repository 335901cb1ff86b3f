"""The recent past of one measure at even steps, as a sparkline needs it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tuiops.core.health import Comparison

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuiops.core.health import Indicator
    from tuiops.core.updates import SeriesPoint

STEPS = 30
STEP_SECONDS = 30.0
"""Thirty steps of thirty seconds are the last quarter of an hour."""


class Trend:
    """A ring of steps; each keeps the worst value that it saw, so that a spike survives."""

    def __init__(self, indicator: Indicator) -> None:
        limit = indicator.down or indicator.degraded
        self._lower_is_worse = limit is not None and limit.comparison in {Comparison.BELOW, Comparison.AT_MOST}
        self._values: list[float | None] = [None] * STEPS
        self._step = 0
        self._steps: tuple[float | None, ...] | None = None

    def add(self, at: float, value: float | None) -> None:
        """Take in a value of a moment, in seconds since the epoch. What is older than the ring is ignored."""
        step = int(at // STEP_SECONDS)
        ahead = step - self._step
        if ahead > 0:
            self._values = ([*self._values, *([None] * min(ahead, STEPS))])[-STEPS:]
            self._step, self._steps = step, None
        position = STEPS - 1 - (self._step - step)
        if position < 0 or value is None or math.isnan(value):
            return
        seen = self._values[position]
        if seen is None or self._worse(seen, value) != seen:
            self._values[position], self._steps = value, None

    def fill(self, points: Iterable[SeriesPoint]) -> None:
        """Take in a past that was read from the source."""
        for point in points:
            self.add(point.at, point.value)

    def steps(self) -> tuple[float | None, ...]:
        """Oldest first; None where nothing was measured. The same object while no value differs."""
        if self._steps is None:
            self._steps = tuple(self._values)
        return self._steps

    def _worse(self, first: float, second: float) -> float:
        return min(first, second) if self._lower_is_worse else max(first, second)
