"""What sources hand upwards: one immutable value for each answer, never a call back into anything."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tuiops.core.alerts import Alert
from tuiops.core.changes import Change
from tuiops.core.drift import Drift
from tuiops.core.health import Reading, SystemHealth
from tuiops.core.logs import Backing
from tuiops.core.rollouts import Rollout
from tuiops.core.text import EMPTY, SafeText


class HealthUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Every reading that a feed has now. A reading that is missing here is missing at the source."""

    at: datetime
    readings: tuple[Reading, ...] = ()
    declares: tuple[SystemHealth, ...] = ()
    """Services and indicators that the source itself brings, for sources that find out what there is."""
    happened: tuple[Change, ...] = ()
    """What the source knows to have happened, each time all of it; of equal ones the first counts."""
    rules_fail: bool = False
    """Whether alerting rules of the source fail, or may for all that it tells: then no alert proves nothing."""
    warnings: tuple[SafeText, ...] = ()
    """What makes the answer incomplete, in the source's own words."""
    requests: int = 1
    dropped: int = 0


class AlertsUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Every alert that a feed has now."""

    at: datetime
    alerts: tuple[Alert, ...] = ()
    knows_silences: bool = True
    """Whether the source would tell that an alert is silenced or inhibited."""
    warnings: tuple[SafeText, ...] = ()
    watchdog: bool | None = None
    """Whether the alert that always fires is there; None when none is configured."""
    requests: int = 1
    dropped: int = 0


class RolloutsUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Every rollout that a feed knows of, past ones included."""

    at: datetime
    rollouts: tuple[Rollout, ...] = ()
    drifts: tuple[Drift, ...] = ()
    again_in: float | None = None
    """Seconds until the source wants to be asked again, when that is sooner than its interval."""
    warnings: tuple[SafeText, ...] = ()
    requests: int = 1
    dropped: int = 0


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an error budget: 1 is untouched, 0 is spent, below 0 is overspent."""

    source: SafeText
    """Name of the feed that computes it, as in `Indicator.source`."""
    system: SafeText
    service: SafeText
    indicator: SafeText
    objective: float
    left: float
    gone_at: datetime | None = None
    """When it will be spent at the present rate; None when it will last the window."""


class BudgetsUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """The error budgets that a feed can compute now."""

    at: datetime
    budgets: tuple[Budget, ...] = ()
    warnings: tuple[SafeText, ...] = ()
    requests: int = 1
    dropped: int = 0


Update = HealthUpdate | AlertsUpdate | RolloutsUpdate | BudgetsUpdate


class LogChunk(msgspec.Struct, frozen=True, kw_only=True):
    """Whole lines of one stream, raw: they are parsed and cleaned when somebody looks at them."""

    data: bytes
    """Lines, each ending in a newline."""
    dropped: int = 0
    """Lines lost just before these."""
    uncounted: bool = False
    """Whether more of them may be lost than `dropped` says."""
    older: bool = False
    """Whether these lines come before all that the stream has delivered; chunks then run backwards in time."""
    backing: Backing | None = None
    """Where the same bytes can be read again, at `offset`; None when nowhere."""
    offset: int = 0
    note: SafeText = EMPTY
    """Something the stream has to say about itself, such as `file was truncated`; empty most of the time."""
    times: tuple[int, ...] = ()
    """When each line was written, in nanoseconds since 1970, ascending; empty when the source does not look."""
    thinned: SafeText | None = None
    """Why the sender leaves out lines at present, such as `sampled`; empty when it does no more, None without news."""


class SeriesPoint(msgspec.Struct, gc=False, frozen=True, array_like=True):
    """A value at a time, in seconds since the epoch."""

    at: float
    value: float


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of one service over a range, for a plot."""

    label: SafeText
    points: tuple[SeriesPoint, ...] = ()
