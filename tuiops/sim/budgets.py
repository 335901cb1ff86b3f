"""The error budgets of a simulated system, by integrating its own error ratios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tuiops.core.text import safe
from tuiops.core.updates import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.text import SafeText
    from tuiops.sim.model import SystemModel
    from tuiops.sim.world import Track, World

WINDOW = 30 * 86400.0
"""Seconds of the rolling window that an objective is promised over."""
_PRESENT = 6 * 3600.0
"""Seconds whose mean burn counts as the present rate: long enough not to panic, short enough to notice."""
_SAMPLES = 360


def budgets_at(world: World, system: SystemModel, t: float, feed: SafeText) -> Iterator[Budget]:
    """Every budget of the system, as `feed` computes it.

    A budget of `1 - objective` for the whole window is spent by the error ratio above nothing. What was spent
    before the world began leaves the rolling window evenly.
    """
    for track in world.tracks(system.id):
        objective = track.metric.objective
        at_start = system.budgets.get(track.service)
        if objective is None or at_start is None:
            continue
        allowed = (1.0 - objective) * WINDOW
        since = min(max(t, 0.0), WINDOW)
        before = (1.0 - at_start) * (1.0 - since / WINDOW)
        left = 1.0 - before - _bad_seconds(world, track, t - since, t) / allowed
        burn = _bad_seconds(world, track, t - _PRESENT, t) / _PRESENT / allowed
        yield Budget(
            source=feed,
            system=safe(system.id),
            service=safe(track.service),
            indicator=safe(track.metric.id),
            objective=objective,
            left=left,
            gone_at=world.wall(t + left / burn) if left > 0 and 0 < left / burn < WINDOW else None,
        )


def _bad_seconds(world: World, track: Track, start: float, end: float) -> float:
    """The integral of an error ratio over a time; nothing is bad while nothing is asked for."""
    if end <= start:
        return 0.0
    step = (end - start) / _SAMPLES
    values = (world.value(track, start + (number + 0.5) * step) for number in range(_SAMPLES))
    return step * sum(value for value in values if not math.isnan(value))
