"""The canary against what was there before: the same indicator of two revisions, side by side."""

from __future__ import annotations

import math
from datetime import datetime
from enum import Enum

import msgspec

from tuiops.core.health import Comparison as Sign
from tuiops.core.health import Indicator, Measure, Reading, Verdict, judge_live
from tuiops.core.text import EMPTY, SafeText
from tuiops.core.units import Unit

ALIKE = 0.1
"""Share of the greater of two values by which they may differ and still count as alike: less is noise."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of a service for two revisions, in the inner scale.

    None: the source has no such series. NaN: it has, but there was nothing to measure.
    """

    indicator: SafeText
    """Its id."""
    new: float | None = None
    old: float | None = None
    trouble: SafeText = EMPTY
    """Why neither could be read; empty when they could."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What all sources have to say about two revisions of one service."""

    at: datetime
    compared: tuple[Compared, ...] = ()
    troubles: tuple[SafeText, ...] = ()
    """The sources that could not answer, and why."""


class Worse(Enum):
    """Which of two revisions is worse off."""

    NEW = "new"
    OLD = "old"
    ALIKE = "alike"
    UNKNOWN = "unknown"


def worse(indicator: Indicator, compared: Compared) -> Worse:
    """Which revision has the worse value. The limits say which direction is worse; without any, nobody can tell."""
    new, old = compared.new, compared.old
    limit = indicator.down or indicator.degraded
    if limit is None or new is None or old is None or not (math.isfinite(new) and math.isfinite(old)):
        return Worse.UNKNOWN
    more_is_worse = limit.comparison in {Sign.ABOVE, Sign.AT_LEAST}
    # Of a share of good events, what counts is how many are bad: 99.9% and 90% are a hundredfold apart.
    whole = 1.0 if indicator.unit is Unit.RATIO and not more_is_worse else 0.0
    if abs(new - old) <= ALIKE * max(abs(whole - new), abs(whole - old)):
        return Worse.ALIKE
    return Worse.NEW if (new > old) is more_is_worse else Worse.OLD


def judge_side(indicator: Indicator, value: float | None, now: datetime) -> Verdict:
    """What the indicator's own limits say of one revision's value."""
    reading = Reading(system=indicator.system, service=EMPTY, indicator=indicator.id, at=now, value=value)
    return judge_live(Measure(indicator=indicator, reading=reading), now)
