"""Metrics as indicators of services."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.health import Reading
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import span
from tuiops.core.updates import Series
from tuiops.sources.aws.cloudwatch.fetch import Points, Span, fetch
from tuiops.sources.aws.cloudwatch.history import asked, points_of
from tuiops.sources.aws.cloudwatch.plan import Plan, Query, moment, plans
from tuiops.sources.aws.cloudwatch.proof import Proofs, happened, idle
from tuiops.sources.parts import PartHealth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.cloudwatch.proof import Known, Name

LOOK_BACK = 900.0
"""Seconds of the past that are searched for a data point, more for long periods and for a `max_age` beyond it."""

PERIODS = 3
"""Periods that are searched at least."""

AGAIN = 55.0
"""Seconds that a metric is not asked for again: each costs money each time, and none has points more often."""


class Found(NamedTuple):
    """What the data points of one indicator say of one service."""

    at: datetime | None = None
    value: float | None = None
    lacks: Query | None = None
    """The metric without which nothing can be said, yet: whether there is such a metric decides."""
    part: bool = False
    """Whether what lacks is only the upper part of a ratio, which is not reported while it is zero."""
    problem: SafeText = EMPTY


class _Kept(NamedTuple):
    """What was read of a metric last."""

    points: Points
    read: float


class MetricsPart:
    """All indicators of a source that are metrics of CloudWatch."""

    name = lit("CloudWatch metrics")

    def __init__(self, source: str, systems: Mapping[str, System], client: AwsClient, clock: Clock) -> None:
        self.plans = plans(source, systems)
        self._client = client
        self._clock = clock
        self._proofs = Proofs(client, clock)
        self._look_back: dict[Query, float] = {}
        for plan in self.plans:
            wanted = max(LOOK_BACK, PERIODS * plan.period, plan.config.max_age or 0.0)
            for query in plan.queries():
                self._look_back[query] = max(wanted, self._look_back.get(query, 0.0))
        self._kept: dict[Query, _Kept] = {}

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        """Every indicator of every service."""
        return tuple(
            Reading(system=plan.system, service=service, indicator=plan.indicator, at=at, unknown=reason)
            for plan in self.plans
            for service, _ in plan.services
        )

    async def read_health(self, at: datetime) -> PartHealth:
        """The newest complete data point of each. Raises when no metric that was to be read could be."""
        now = at.timestamp()
        due = [query for query in self._look_back if self._is_due(query, now)]
        fetched = await fetch(self._client, ((query, Span(now - self._look_back[query], now)) for query in due))
        if fetched.failed and len(fetched.failed) == len(self._look_back):
            raise next(iter(fetched.failed.values()))
        read = self._clock.monotonic()
        for query, points in fetched.points.items():
            # What still fills says too little, and would be taken for the whole once its time is over.
            over = {begin: value for begin, value in points.values.items() if begin + query.period <= now}
            self._kept[query] = _Kept(Points(over, points.problem), read)
        problems = {query: safe(str(error), 300) for query, error in fetched.failed.items()}
        said = dict.fromkeys(fetched.messages)
        said |= dict.fromkeys(fmt("CloudWatch metrics: {}", text) for text in problems.values())
        found = [
            (plan, service, self._found(plan, match, problems))
            for plan in self.plans
            for service, match in plan.services
        ]
        known = await self._proofs.look(_names(found))
        readings = tuple(_reading(plan, service, one, at, known, said) for plan, service, one in found)
        return PartHealth(readings=readings, warnings=tuple(said))

    async def read_history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """The series of one indicator of one service; none when it is not measured here."""
        plan = next((one for one in self.plans if (one.system, one.indicator) == (system, indicator)), None)
        match = dict(plan.services).get(safe(service)) if plan is not None else None
        if plan is None or match is None or end <= start:
            return ()
        query, total, around = asked(plan, match, (start, end, step), self._clock.now())
        fetched = await fetch(self._client, ((one, around) for one in (query, total) if one is not None))
        if fetched.failed:
            raise next(iter(fetched.failed.values()))
        over = fetched.points[total].values if total is not None else None
        points = points_of(plan, query, fetched.points[query].values, over, self._clock.now().timestamp())
        return (Series(label=plan.heading, points=points),) if points else ()

    def _is_due(self, query: Query, now: float) -> bool:
        """Whether CloudWatch may have something newer."""
        kept = self._kept.get(query)
        if kept is None:
            return True
        if self._clock.monotonic() - kept.read < AGAIN:
            return False
        newest = max(kept.points.values, default=None)
        return newest is None or bool(kept.points.problem) or now >= newest + 2 * query.period

    def _found(self, plan: Plan, match: str, problems: Mapping[Query, SafeText]) -> Found:
        query, total = plan.metric(match), plan.total(match)
        problem = problems.get(query) or (problems.get(total) if total is not None else None)
        if problem:
            return Found(problem=problem)
        over = self._kept[total].points if total is not None else None
        return newest(plan, (query, self._kept[query].points), (total, over))


def newest(plan: Plan, measured: tuple[Query, Points], over: tuple[Query | None, Points | None]) -> Found:
    """The newest data point. `over`: what is divided by, and its points."""
    query, points = measured
    total, totals = over
    leading, lead = (total, totals) if total is not None and totals is not None else (query, points)
    begin = max(lead.values, default=None)
    if begin is None:
        return Found(problem=lead.problem) if lead.problem else Found(lacks=leading)
    at = moment(begin + leading.period)
    if total is None or totals is None:
        return Found(at, lead.values[begin] * plan.scale)
    whole, part = totals.values[begin], points.values.get(begin)
    if not whole:
        return Found(at, math.nan)
    if part is not None:
        return Found(at, part / whole)
    return Found(at, problem=points.problem) if points.problem else Found(at, 0.0, lacks=query, part=True)


def _names(found: list[tuple[Plan, SafeText, Found]]) -> Iterator[Name]:
    for plan, _, one in found:
        if one.lacks is not None and (one.part or plan.config.idle_is_ok):
            yield one.lacks.namespace, one.lacks.metric


def _reading(
    plan: Plan,
    service: SafeText,
    found: Found,
    at: datetime,
    known: Mapping[Name, Known | SafeText],
    said: dict[SafeText, None],
) -> Reading:
    value, unknown = found.value, found.problem
    if found.lacks is not None:
        proof = known.get((found.lacks.namespace, found.lacks.metric))
        if found.part:
            unknown = happened(found.lacks, proof)
        elif plan.config.idle_is_ok:
            value, unknown = math.nan, idle(found.lacks, proof)
        else:
            unknown = fmt("no data point in {}", span(max(LOOK_BACK, PERIODS * plan.period)))
        if unknown and proof is not None:
            said[fmt("{}: {}", plan.heading, unknown)] = None
    return Reading(
        system=plan.system,
        service=service,
        indicator=plan.indicator,
        at=found.at or at,
        value=None if unknown else value,
        unknown=unknown,
    )
