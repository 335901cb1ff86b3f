"""Health from declared indicators: a reading, its limits, and what that says about a service.

Nothing here ever turns the absence of data into health: no reading, NaN and a source that went quiet all
come out as UNKNOWN, which is drawn grey.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.clock import age
from tuiops.core.hold import Hold, held
from tuiops.core.source import Freshness, SourceStatus
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import Unit, parse_quantity, show, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class State(IntEnum):
    """Ordered by how much they ask of a person; the worst of several is their maximum."""

    OK = 0
    UNKNOWN = 1
    DEGRADED = 2
    DOWN = 3

    @property
    def word(self) -> SafeText:
        return _STATE_WORDS[self]


_STATE_WORDS = {
    State.OK: lit("ok"), State.UNKNOWN: lit("unknown"), State.DEGRADED: lit("degraded"), State.DOWN: lit("DOWN"),
}  # fmt: skip

_STATES = {0.0: State.OK, 1.0: State.DEGRADED, 2.0: State.DOWN}
"""By the value of an indicator whose unit is `Unit.STATE`."""

_LIMIT = re.compile(r"\s*(>=|<=|>|<)\s*(.+)")


class Comparison(Enum):
    """The four ways in which a value can be on the wrong side of a limit."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


class Limit(msgspec.Struct, gc=False, frozen=True):
    """The condition under which a value is bad, such as `> 1%`."""

    comparison: Comparison
    value: float
    """In the inner scale: ratios 0–1, seconds, bytes."""
    unit: Unit

    @classmethod
    def parse(cls, text: str, unit: Unit) -> Limit:
        """Read `> 1%` or `< 3s`; ValueError says what is wrong with it."""
        match = _LIMIT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a limit; write a comparison and a number, such as '> 1%' or '< 20'")
        return cls(Comparison(match[1]), parse_quantity(match[2], unit), unit)

    def crossed(self, value: float) -> bool:
        """Whether the value is on the wrong side. NaN never is: it is judged before it comes here."""
        match self.comparison:
            case Comparison.ABOVE:
                return value > self.value
            case Comparison.AT_LEAST:
                return value >= self.value
            case Comparison.BELOW:
                return value < self.value
            case Comparison.AT_MOST:
                return value <= self.value

    def __str__(self) -> str:
        return f"{self.comparison.value} {show(self.value, self.unit)}"


class Indicator(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What is measured of services, and the limits that make a measurement good or bad."""

    system: SafeText
    id: SafeText
    heading: SafeText
    """A few characters for a column, such as `ERR%`."""
    unit: Unit
    source: SafeText
    """The feed that reads it, as in `SourceStatus.name`."""
    degraded: Limit | None = None
    down: Limit | None = None
    idle_is_ok: bool = False
    """Whether NaN (no traffic to measure) counts as OK; otherwise it is UNKNOWN."""
    max_age: float | None = None
    """Seconds after which a reading's own timestamp makes it stale, for sources that are late by design."""
    hold: float = 0.0
    """Seconds that a limit must be crossed before it counts, and kept before that ends."""
    objective: float | None = None
    """The share of good events promised, 0–1, when this indicator carries an SLO."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.system, self.id)


class Reading(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One value of one indicator for one service, as a source reported it."""

    system: SafeText
    service: SafeText
    indicator: SafeText
    at: datetime
    value: float | None = None
    """In the inner scale. None: the source has no such series. NaN: it has, but there was nothing to measure."""
    problem: SafeText = EMPTY
    """A failure that was positively observed, such as a refused connection of a probe: DOWN with this reason."""
    unknown: SafeText = EMPTY
    """Why nothing can be said of it, such as an API that refuses to tell: UNKNOWN with this reason."""
    note: SafeText = EMPTY
    """More to say beside the value; with a state, why it is that."""
    missing: SafeText = EMPTY
    """What the value cannot speak for, such as an instance that is not there to be measured: DEGRADED at least."""


class Verdict(msgspec.Struct, gc=False, frozen=True):
    """A state and why, short enough for a cell."""

    state: State
    reason: SafeText = EMPTY


_OK = Verdict(State.OK)
_NO_DATA = Verdict(State.UNKNOWN, lit("no data"))


class Measure(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """An indicator of a service with its last reading and the shape of its recent past."""

    indicator: Indicator
    reading: Reading | None
    degraded: Hold | None = None
    """What counts of the indicator's limits, where they are held; None: the reading alone decides."""
    down: Hold | None = None
    trend: tuple[float | None, ...] = ()
    """Values at even steps over the last quarter of an hour, oldest first."""
    said: Verdict | None = None
    """What the reading says while it is not late: made with it, once for all who look. None: not made yet."""


class ServiceHealth(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One service: what it is called and everything measured of it."""

    system: SafeText
    service: SafeText
    label: SafeText
    measures: tuple[Measure, ...] = ()
    links: tuple[tuple[SafeText, SafeText], ...] = ()
    """Names and addresses of pages about the service."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.system, self.service)


class SystemHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One system and its services, in the order of the configuration."""

    system: SafeText
    label: SafeText
    environment: SafeText
    services: tuple[ServiceHealth, ...] = ()


def judge(measure: Measure, status: SourceStatus | None, now: datetime) -> Verdict:
    """What one measure says at this moment."""
    if status is None:
        return Verdict(State.UNKNOWN, lit("no source"))
    freshness = status.freshness(now)
    if freshness is Freshness.NEVER:
        return Verdict(State.UNKNOWN, status.describe(now))
    if freshness is not Freshness.LIVE:
        return Verdict(State.UNKNOWN, status.describe(now))
    return judge_live(measure, now)


def judge_live(measure: Measure, now: datetime) -> Verdict:
    """What a measure says when its feed is known to be live."""
    reading = measure.reading
    if reading is None:
        return _NO_DATA
    if measure.said is not None and not late(measure, now):
        return measure.said
    verdict = _judge_reading(measure, reading, now)
    if reading.missing and verdict.state < State.DEGRADED:
        return Verdict(State.DEGRADED, reading.missing)
    return verdict


def late(measure: Measure, now: datetime) -> bool:
    """Whether the reading's own time is longer ago than the indicator allows."""
    most, reading = measure.indicator.max_age, measure.reading
    return most is not None and reading is not None and age(now, reading.at) > most


def _judge_reading(measure: Measure, reading: Reading, now: datetime) -> Verdict:
    indicator = measure.indicator
    if indicator.max_age is not None and (old := age(now, reading.at)) > indicator.max_age:
        return Verdict(State.UNKNOWN, fmt("stale {}", span(old)))
    if reading.problem:
        return Verdict(State.DOWN, reading.problem)
    if reading.unknown or reading.value is None:
        return Verdict(State.UNKNOWN, reading.unknown or lit("no data"))
    if math.isnan(reading.value):
        return Verdict(State.OK if indicator.idle_is_ok else State.UNKNOWN, lit("no traffic"))
    if indicator.unit is Unit.STATE:
        state = _STATES.get(reading.value)
        return Verdict(State.UNKNOWN, lit("not a state")) if state is None else Verdict(state, reading.note)
    return _judge_limits(measure, reading)


def _judge_limits(measure: Measure, reading: Reading) -> Verdict:
    indicator, value = measure.indicator, reading.value or 0.0
    limits = ((indicator.down, measure.down, State.DOWN), (indicator.degraded, measure.degraded, State.DEGRADED))
    for limit, hold, state in limits:
        if limit is not None and (limit.crossed(value) if hold is None else hold.crossed):
            reason = _why(indicator, reading, limit, hold)
            return Verdict(state, fmt("{} · {}", reason, reading.note) if reading.note else reason)
    return Verdict(State.OK, reading.note) if reading.note else _OK


def renewed(measure: Measure, reading: Reading, trend: tuple[float | None, ...]) -> Measure:
    """The measure after another reading; what its limits have held so far ends with a reading that has no value."""
    indicator, value = measure.indicator, reading.value
    degraded = down = None
    if indicator.hold and value is not None and not math.isnan(value):

        def after(limit: Limit | None, before: Hold | None) -> Hold | None:
            return None if limit is None else held(before, reading.at, indicator.hold, crossed=limit.crossed(value))

        degraded, down = after(indicator.degraded, measure.degraded), after(indicator.down, measure.down)
    fresh = Measure(indicator=indicator, reading=reading, degraded=degraded, down=down, trend=trend)
    return msgspec.structs.replace(fresh, said=judge_live(fresh, reading.at))


def _why(indicator: Indicator, reading: Reading, limit: Limit, hold: Hold | None) -> SafeText:
    value = reading.value or 0.0
    if hold is None or hold.against is None:
        return crossed_text(indicator, value, limit)
    ended = span(age(reading.at, hold.against))
    return fmt("{} {}, {} until {} ago", indicator.heading, show(value, indicator.unit), safe(str(limit)), ended)


def crossed_text(indicator: Indicator, value: float, limit: Limit) -> SafeText:
    """`ERR% 6.2% > 1%`: the value beside the limit that it crossed."""
    return fmt("{} {} {}", indicator.heading, show(value, indicator.unit), safe(str(limit)))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one to show for several; of equal states the first one's reason. Nothing measured is UNKNOWN."""
    found: Verdict | None = None
    for verdict in verdicts:
        if found is None or verdict.state > found.state:
            found = verdict
    return found or Verdict(State.UNKNOWN, lit("nothing measured"))


def judge_service(service: ServiceHealth, statuses: Mapping[str, SourceStatus], now: datetime) -> Verdict:
    """The worst of a service's measures."""
    verdict = worst(judge(m, statuses.get(m.indicator.source), now) for m in service.measures)
    return _OK if verdict.state is State.OK else verdict


def judge_system(system: SystemHealth, statuses: Mapping[str, SourceStatus], now: datetime) -> Verdict:
    """The worst of a system's services; the reason names the service."""
    found = Verdict(State.UNKNOWN, lit("no services"))
    for position, service in enumerate(system.services):
        verdict = judge_service(service, statuses, now)
        if position == 0 or verdict.state > found.state:
            reason = fmt("{}: {}", service.label, verdict.reason) if verdict.reason else EMPTY
            found = Verdict(verdict.state, reason)
    return found
