"""Prometheus, or whatever speaks its API, as a source."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.updates import BudgetsUpdate, HealthUpdate, Series, SeriesPoint
from tuiops.errors import BadAnswer, QueryRefused
from tuiops.sources.http_errors import deadline
from tuiops.sources.prometheus import wire
from tuiops.sources.prometheus.comparison import compare
from tuiops.sources.prometheus.plan import Plan, plans
from tuiops.sources.prometheus.poll import Poll, refusal_text
from tuiops.sources.prometheus.readings import Proof, budgets, down_targets, readings, without_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from tuiops.config.sources import PrometheusConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.comparison import Compared
    from tuiops.core.health import Reading
    from tuiops.core.updates import Budget
    from tuiops.sources.http import HttpConnector
    from tuiops.sources.prometheus.readings import Labels

MAX_POINTS = 1_000
"""Points of a plot: more than a terminal has columns, fewer than the 11,000 that Prometheus allows."""

CHECK_SECONDS = 60.0
"""Time between looks at what changes seldom: the health of rules."""

PROOF_SECONDS = 600.0
"""Time between looks for the first series of a bad event."""

_Item = TypeVar("_Item")
_DOWN = "up == 0 or count(up)"
_ALIVE = "vector(1)"


class PrometheusSource:
    """Health, error budgets and history. One query for each indicator, however many services there are."""

    def __init__(
        self,
        name: str,
        config: PrometheusConfig,
        systems: Mapping[str, System],
        connect: HttpConnector,
        clock: Clock,
    ) -> None:
        self.name = safe(name)
        self.kind = lit("prometheus")
        self.interval = float(config.interval)
        self.timeout = float(config.timeout)
        self._config = config
        self._clock = clock
        self._client = connect.client(config)
        self._plans = plans(name, systems)
        self._promised = tuple(plan for plan in self._plans if plan.budget_query is not None)
        self.budget_interval = float(config.budget_interval) if self._promised else None
        self._proofs: dict[tuple[str, str], tuple[Proof, float]] = {}
        self._reasons: dict[tuple[str, str], str] = {}
        self._down: list[Labels] = []
        self._rule_warnings: tuple[SafeText, ...] = ()
        self._rules_checked: float | None = None

    async def close(self) -> None:
        await self._client.close()

    async def read_health(self) -> HealthUpdate:
        """All indicators. One whose query alone is refused has no readings and a warning; else all fail together."""
        at = self._clock.now()
        poll = self._poll()
        found: list[Reading] = []
        async with deadline(self.timeout, self._client.server):
            # The first request goes alone: a server that is down or lets nobody in is asked once.
            await self._begin(poll)
            results = await self._each(poll, self._plans, lambda plan: self._read(poll, plan, at))
            await self._check_rules(poll)
        for result in results:
            found.extend(result)
        return HealthUpdate(
            at=at,
            readings=tuple(without_targets(self._plans, found, self._down, self._reasons, at)),
            rules_fail=bool(self._rule_warnings),
            warnings=poll.warnings,
            requests=poll.requests,
            dropped=poll.dropped,
        )

    async def read_budgets(self) -> BudgetsUpdate:
        """The budgets of all indicators that have an objective."""
        at = self._clock.now()
        poll = self._poll()
        async with deadline(self.timeout, self._client.server):
            results = await self._each(poll, self._promised, lambda plan: self._read_budget(poll, plan, at))
        return BudgetsUpdate(
            at=at,
            budgets=tuple(budget for result in results for budget in result),
            warnings=poll.warnings,
            requests=poll.requests,
            dropped=poll.dropped,
        )

    async def read_history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """The series of one indicator of one service; none when this source does not measure it."""
        plan = next((one for one in self._plans if (one.system, one.indicator) == (system, indicator)), None)
        value = dict(plan.services).get(safe(service)) if plan is not None else None
        if plan is None or value is None or end <= start:
            return ()
        poll = self._poll()
        first, last = start.timestamp(), end.timestamp()
        step = max(step, (last - first) / MAX_POINTS, 1.0)
        found: list[Series] = []
        async with deadline(self.timeout, self._client.server):
            for label, query in plan.history_queries(value):
                series = await poll.range(query, first, last, step, plan.heading)
                found.extend(_series(label, one, plan) for one in series)
        return tuple(found)

    async def read_comparison(self, system: str, service: str, new: str, old: str) -> tuple[Compared, ...]:
        """The indicators of a service that declare the label of the revision; none when this source has none."""
        measured = [
            (plan, value)
            for plan in self._plans
            if plan.system == system and (value := dict(plan.services).get(safe(service))) is not None
        ]
        async with deadline(self.timeout, self._client.server):
            return await compare(self._poll(), measured, new, old)

    async def query(self, promql: str) -> tuple[float, ...]:
        """The values of an expression at this moment, one a series. BadAnswer when not all of it can be had."""
        poll = self._poll()
        async with deadline(self.timeout, self._client.server):
            series = await poll.instant(promql, lit("query"))
        if poll.dropped or poll.warnings:
            raise BadAnswer(f"the answer is not complete: {'; '.join(poll.warnings)}")
        if any(one.value is None for one in series):
            raise BadAnswer("a native histogram has no single value")
        return tuple(wire.number(one.value[1]) for one in series if one.value is not None)

    def _poll(self) -> Poll:
        return Poll(self._client, self._config.max_items)

    @staticmethod
    async def _each(
        poll: Poll, wanted: tuple[Plan, ...], read: Callable[[Plan], Coroutine[None, None, list[_Item]]]
    ) -> list[list[_Item]]:
        """Read all plans, the first one alone. Raises when the server fails, or when it refuses every one."""
        refusals: list[QueryRefused | BadAnswer] = []

        async def attempt(plan: Plan) -> list[_Item]:
            try:
                return await read(plan)
            except (QueryRefused, BadAnswer) as error:
                refusals.append(error)
                poll.warn(refusal_text(plan.heading, error))
                return []

        results = [await attempt(plan) for plan in wanted[:1]]
        results += await _gather([attempt(plan) for plan in wanted[1:]])
        if refusals and len(refusals) == len(wanted):
            raise refusals[0]
        return results

    async def _read(self, poll: Poll, plan: Plan, at: datetime) -> list[Reading]:
        asked = None if plan.config.offset is None else at - timedelta(seconds=plan.config.offset)
        series = await poll.instant(plan.query, plan.heading, asked)
        proof = await self._prove(poll, plan) if series else None
        times = None
        if plan.sample_time_query is not None:
            times = await poll.instant(plan.sample_time_query, plan.heading, asked)
        found, warnings = readings(plan, series, asked or at, proof=proof, times=times)
        poll.warn(*warnings)
        return found

    async def _read_budget(self, poll: Poll, plan: Plan, at: datetime) -> list[Budget]:
        series = await poll.instant(plan.budget_query or "", plan.heading)
        found, warnings = budgets(plan, series, at)
        poll.warn(*warnings)
        return found

    async def _prove(self, poll: Poll, plan: Plan) -> Proof | None:
        """Whether bad events could be seen; asked again now and then until one has been."""
        query = plan.proof_query
        if query is None:
            return None
        key = (plan.system, plan.indicator)
        known = self._proofs.get(key)
        now = self._clock.monotonic()
        if known is not None:
            wait = PROOF_SECONDS if known[0].kind else CHECK_SECONDS
            if known[0].exact or now - known[1] < wait:
                return known[0]
        series = await poll.instant(query, plan.heading)
        kinds = {one.metric.get("tuiops") for one in series}
        proof = Proof(exact="exact" in kinds, kind=bool(kinds))
        self._proofs[key] = (proof, now)
        return proof

    async def _begin(self, poll: Poll) -> None:
        """Warn of scrape targets that are down. Fails as the server does, even when nothing else is asked of it."""
        try:
            if self._config.targets:
                await self._check_targets(poll)
            elif not self._plans:
                await poll.instant(_ALIVE, lit("alive"))
        except (QueryRefused, BadAnswer) as error:
            if not self._plans:
                raise
            poll.warn(refusal_text(lit("targets"), error))

    async def _check_targets(self, poll: Poll) -> None:
        """Warn of scrape targets that are down, with the reason where the server tells it."""
        series = await poll.instant(_DOWN, lit("targets"))
        down = [one.metric for one in series if one.metric]
        if down and down != self._down:
            targets = await poll.optional(wire.TargetsAnswer, "/api/v1/targets", [("state", "active")])
            self._reasons = {
                (one.labels.get("job", ""), one.labels.get("instance", "")): one.last_error
                for one in (targets.active_targets if targets else ())
                if one.last_error
            }
        self._down = down
        warning = down_targets(series, self._reasons)
        if warning:
            poll.warn(warning)

    async def _check_rules(self, poll: Poll) -> None:
        """Warn of alerting rules that cannot be evaluated: what they watch is not being watched."""
        now = self._clock.monotonic()
        if self._rules_checked is None or now - self._rules_checked >= CHECK_SECONDS:
            try:
                self._rule_warnings = await self._failing_rules(poll)
            except (QueryRefused, BadAnswer) as error:
                self._rule_warnings = (refusal_text(lit("rules"), error),)
            self._rules_checked = now
        poll.warn(*self._rule_warnings)

    @staticmethod
    async def _failing_rules(poll: Poll) -> tuple[SafeText, ...]:
        only_alerts = [("type", "alert"), ("exclude_alerts", "true")]
        groups = await poll.optional(wire.RulesAnswer, "/api/v1/rules", only_alerts)
        return tuple(
            fmt("rule {} fails: {}", safe(rule.name, 80), safe(rule.last_error or "unknown error"))
            for group in (groups.groups if groups else ())
            for rule in group.rules
            if rule.health == "err" or rule.last_error
        )


async def _gather(reads: list[Coroutine[None, None, list[_Item]]]) -> list[list[_Item]]:
    """All at once, as far as the client has connections; the first failure ends the others and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except BaseExceptionGroup as failures:  # whatever it was: the first failure is raised again, by itself
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _series(label: SafeText, series: wire.RangeSeries, plan: Plan) -> Series:
    scale = plan.unit.scale
    return Series(
        label=label,
        points=tuple(SeriesPoint(at, wire.number(value) * scale) for at, value in series.values),
    )
