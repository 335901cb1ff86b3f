"""The simulated fleet as sources: the same protocols that the real ones implement, with their troubles."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from tuiops.core.health import Indicator, Limit, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.text import fmt, lit, safe
from tuiops.core.updates import AlertsUpdate, BudgetsUpdate, HealthUpdate, RolloutsUpdate, Series, SeriesPoint
from tuiops.errors import QueryRefused, RateLimited
from tuiops.sim.acting import acting_on
from tuiops.sim.alerts import alerts_at
from tuiops.sim.budgets import budgets_at
from tuiops.sim.canary import canary_at, compared
from tuiops.sim.rollouts import drifts_at, rollouts_at
from tuiops.sim.schedule import latest

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.config.sources import SimulationConfig
    from tuiops.core.clock import Clock
    from tuiops.core.comparison import Compared
    from tuiops.core.text import SafeText
    from tuiops.sim.model import Metric, SystemModel
    from tuiops.sim.world import Track, World
    from tuiops.sources.abilities import Acts, Target

_BUDGET_INTERVAL = 300.0
_ROLLING_INTERVAL = 5.0
_MOST_POINTS = 11_000
"""As many as Prometheus gives for one series."""


class _Simulated:
    """A source of one simulated system."""

    def __init__(self, name: str, world: World, clock: Clock, system: SystemModel, config: SimulationConfig) -> None:
        self._name = safe(name)
        self._world = world
        self._clock = clock
        self._system = system
        self._config = config

    @property
    def name(self) -> SafeText:
        return self._name

    @property
    def kind(self) -> SafeText:
        return lit("simulation")

    @property
    def interval(self) -> float:
        return self._config.interval

    @property
    def timeout(self) -> float:
        return self._config.timeout

    async def close(self) -> None:
        """Nothing is held."""

    def _ask(self) -> tuple[datetime, float]:
        """The moment on the wall and in the world; RateLimited while the simulated vendor wants to be left alone."""
        now = self._clock.now()
        t = self._world.seconds(now)
        for position, outage in enumerate(self._system.outages):
            key = self._world.key(self._system.id, "outage", str(position))
            begun = latest(outage.when, key, t).start
            if begun <= t < begun + outage.lasts:
                left = (self._world.wall(begun + outage.lasts) - now).total_seconds()
                raise RateLimited(outage.reason, retry_after=min(outage.retry_after, left))
        return now, t


class Metrics(_Simulated):
    """Reads health, its past, and budgets, as from a Prometheus."""

    async def read_health(self) -> HealthUpdate:
        now, _ = self._ask()
        readings = tuple(self._read(*measured, now) for measured in self._measured)
        return HealthUpdate(at=now, readings=readings, declares=(self.declared,))

    def _read(self, track: Track, indicator: Indicator, service: SafeText, now: datetime) -> Reading:
        at = now - timedelta(seconds=track.metric.late)
        value = self._world.value(track, self._world.seconds(at))
        return Reading(system=indicator.system, service=service, indicator=indicator.id, at=at, value=value)

    @cached_property
    def _measured(self) -> tuple[tuple[Track, Indicator, SafeText], ...]:
        """Every track with its indicator and its service's name."""
        declared = ((measure.indicator, one.service) for one in self.declared.services for measure in one.measures)
        return tuple(
            (track, indicator, service)
            for track, (indicator, service) in zip(self._world.tracks(self._system.id), declared, strict=True)
        )

    @cached_property
    def declared(self) -> SystemHealth:
        """The system with its services and indicators, without readings."""
        system = safe(self._system.id)
        indicators = {metric.id: self._indicator(metric) for metric in self._system.metrics}
        return SystemHealth(
            system=system,
            label=system,
            environment=safe(self._system.environment),
            services=tuple(
                ServiceHealth(
                    system=system,
                    service=safe(service.id),
                    label=safe(service.id),
                    measures=tuple(Measure(indicator=indicators[metric], reading=None) for metric in service.metrics),
                    links=tuple((safe(name), safe(address)) for name, address in service.links),
                )
                for service in self._system.services
            ),
        )

    def _indicator(self, metric: Metric) -> Indicator:
        return Indicator(
            system=safe(self._system.id),
            id=safe(metric.id),
            heading=safe(metric.heading),
            unit=metric.unit,
            source=self._name,
            degraded=Limit.parse(metric.degraded, metric.unit) if metric.degraded else None,
            down=Limit.parse(metric.down, metric.unit) if metric.down else None,
            idle_is_ok=metric.idle_is_ok,
            max_age=metric.max_age,
            objective=metric.objective,
        )

    async def read_history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """The track's own values on the grid of `step`; times without traffic are left out."""
        self._ask()
        track = self._world.track(system, service, indicator)
        if track is None or system != self._system.id:
            raise QueryRefused(f"{self._name} knows no {indicator} of {system}/{service}")
        if step <= 0 or (end - start).total_seconds() / step > _MOST_POINTS:
            raise QueryRefused(f"more than {_MOST_POINTS} points; ask for a longer step")
        first, last = math.ceil(start.timestamp() / step), math.floor(end.timestamp() / step)
        points = (
            SeriesPoint(number * step, self._world.value(track, self._world.seconds_at(number * step)))
            for number in range(first, last + 1)
        )
        return (Series(label=safe(service), points=tuple(point for point in points if not math.isnan(point.value))),)

    async def read_comparison(self, system: str, service: str, new: str, old: str) -> tuple[Compared, ...]:
        """Every metric of a service whose release is under way, as if each named the revision."""
        if system != self._system.id:
            return ()
        _, t = self._ask()
        canary = canary_at(self._world, self._system, service, t)
        if canary is None or (canary.new, canary.old) != (new, old):
            return ()
        return compared(self._world, self._system, service, canary, t)

    @property
    def budget_interval(self) -> float:
        return _BUDGET_INTERVAL

    async def read_budgets(self) -> BudgetsUpdate:
        now, t = self._ask()
        feed = fmt("{}/budgets", self._name)
        return BudgetsUpdate(at=now, budgets=tuple(budgets_at(self._world, self._system, t, feed)))


class Alerts(_Simulated):
    """Reads alerts, as from an Alertmanager whose watchdog barks."""

    async def read_alerts(self) -> AlertsUpdate:
        now, t = self._ask()
        return AlertsUpdate(at=now, alerts=alerts_at(self._world, self._system, t, self._name), watchdog=True)


class Rollouts(_Simulated):
    """Reads rollouts, as from a cloud's deployment API, and acts on what is deployed."""

    def acting(self, target: Target) -> Acts | None:
        """What can be done to a resource of the system."""
        return acting_on(self._world, self._clock, target) if target.system == self._system.id else None

    async def read_rollouts(self) -> RolloutsUpdate:
        now, t = self._ask()
        feed = fmt("{}/rollouts", self._name)
        found = rollouts_at(self._world, self._system, t, feed)
        return RolloutsUpdate(
            at=now,
            rollouts=found,
            drifts=drifts_at(self._system, t, feed),
            again_in=_ROLLING_INTERVAL if any(rollout.live for rollout in found) else None,
        )


class Cloud(Metrics, Alerts, Rollouts):
    """Everything of one system from one vendor, and so lost together when the vendor refuses."""
