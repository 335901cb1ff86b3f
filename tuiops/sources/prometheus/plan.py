"""Which queries stand for the indicators that a source answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.config.systems import CloudWatchIndicator, GaugeIndicator, LatencyIndicator, PromqlIndicator, RatioIndicator
from tuiops.core import promql
from tuiops.core.health import Comparison, Limit
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.units import Unit, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.systems import System

BURN_WINDOW = 3600.0
"""Seconds over which the present rate of burning an error budget is measured."""

_PER_SECOND = {"seconds": 1.0, "milliseconds": 1e3, "nanoseconds": 1e9}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator and the services that it is expected for."""

    system: SafeText
    indicator: SafeText
    heading: SafeText
    config: PromqlIndicator
    services: tuple[tuple[SafeText, str], ...]
    """Identifiers, and the value that the label `by` has for each."""

    @property
    def by(self) -> str:
        """The label that tells services apart, empty when the one value belongs to all."""
        return self.config.by or ""

    @property
    def unit(self) -> Unit:
        if isinstance(self.config, GaugeIndicator):
            return Unit(self.config.unit)
        return Unit.SECONDS if isinstance(self.config, LatencyIndicator) else Unit.RATIO

    @property
    def smaller_is_worse(self) -> bool:
        """Which of two values to believe when a service has both."""
        text = self.config.down or self.config.degraded
        if text is None:
            return False
        return Limit.parse(text, self.unit).comparison in {Comparison.BELOW, Comparison.AT_MOST}

    @property
    def query(self) -> str:
        """The values of all services at once."""
        match self.config:
            case RatioIndicator() as ratio:
                return promql.ratio(ratio.total, _part(ratio), by=self.by, window=ratio.window)
            case LatencyIndicator() as latency:
                return _quantile(latency, latency.histogram, self.by)
            case GaugeIndicator() as gauge:
                return gauge.query

    @property
    def sample_time_query(self) -> str | None:
        """When the samples were taken, for indicators that are allowed to be late."""
        if self.config.max_age is None:
            return None
        return promql.sample_time(_measured(self.config), by=self.by)

    @property
    def proof_query(self) -> str | None:
        """Whether there is anything that the selector of bad events could match.

        A bad counter that does not exist reads as no errors, which is right before the first error and
        wrong when the selector is mistyped. `exact` counts the series it matches, `kind` those with the same
        labels, whatever their values. None when nothing needs proof.
        """
        if not isinstance(self.config, RatioIndicator) or self.config.bad is None:
            return None
        exact = promql.Selector.parse(self.config.bad)
        if exact is None:
            return promql.tagged(exact=f"count({self.config.bad})")
        kind = exact.relaxed(promql.Selector.parse(self.config.total))
        return promql.tagged(exact=f"count({exact})", kind=f"count({kind})")

    @property
    def objective(self) -> float | None:
        """The share of good events promised, 0–1."""
        if not isinstance(self.config, RatioIndicator) or self.config.objective is None:
            return None
        return parse_quantity(self.config.objective, Unit.RATIO)

    @property
    def counts_good(self) -> bool:
        """Whether the value is the share of good events rather than of bad ones."""
        return isinstance(self.config, RatioIndicator) and self.config.bad is None

    @property
    def budget_query(self) -> str | None:
        """The share over the objective's window (`window`) and over the last hour (`now`)."""
        if not isinstance(self.config, RatioIndicator) or self.objective is None:
            return None
        total, part = self.config.total, _part(self.config)
        return promql.tagged(
            window=promql.ratio(total, part, by=self.by, window=self.config.objective_window),
            now=promql.ratio(total, part, by=self.by, window=BURN_WINDOW),
        )

    def history_queries(self, value: str) -> tuple[tuple[SafeText, str], ...]:
        """Labels and queries for the past of one service, which `value` stands for."""
        match self.config:
            case RatioIndicator() as ratio:
                total, part = self._narrow(ratio.total, value), self._narrow(_part(ratio), value)
                if total is None or part is None:
                    return ((self.heading, promql.only(self.query, self.by, value)),)
                return ((self.heading, promql.ratio(total, part, by=self.by, window=ratio.window)),)
            case LatencyIndicator() as latency:
                histogram = self._narrow(latency.histogram, value)
                quantiles = dict.fromkeys((0.5, latency.quantile))
                if histogram is None:
                    return ((_quantile_name(latency.quantile), promql.only(self.query, self.by, value)),)
                return tuple((_quantile_name(q), _quantile(latency, histogram, self.by, q)) for q in quantiles)
            case GaugeIndicator() as gauge:
                query = promql.only(gauge.query, self.by, value) if self.by else gauge.query
                return ((self.heading, query),)

    @property
    def revision(self) -> str:
        """The label that tells revisions apart, empty when none does."""
        return self.config.revision or ""

    def comparison_query(self, value: str) -> str | None:
        """The values of every revision of one service, which `value` stands for.

        None when no label tells revisions apart, or when a selector is no plain one, so that it cannot be narrowed.
        """
        if not self.revision:
            return None
        match self.config:
            case RatioIndicator() as ratio:
                total, part = self._narrow(ratio.total, value), self._narrow(_part(ratio), value)
                if total is None or part is None:
                    return None
                return promql.ratio(total, part, by=self.revision, window=ratio.window)
            case LatencyIndicator() as latency:
                histogram = self._narrow(latency.histogram, value)
                if histogram is None:
                    return None
                return _quantile(latency, histogram, self.revision)
            case GaugeIndicator() as gauge:
                return promql.only(gauge.query, self.by, value) if self.by else gauge.query

    def _narrow(self, selector: str, value: str) -> str | None:
        """The selector for one service; None when it is no plain selector."""
        if not self.by:
            return selector
        parsed = promql.Selector.parse(selector)
        return None if parsed is None else str(parsed.narrowed(self.by, value))


def plans(source: str, systems: Mapping[str, System]) -> tuple[Plan, ...]:
    """The indicators of all systems that name this source."""
    found: list[Plan] = []
    for system, config in systems.items():
        for indicator, declared in config.indicators.items():
            if declared.source != source or isinstance(declared, CloudWatchIndicator):
                continue
            names = declared.services or tuple(config.services)
            services = tuple(
                (safe(name), (config.services[name].match or name) if name in config.services else name)
                for name in names
            )
            plan = Plan(
                system=safe(system),
                indicator=safe(indicator),
                heading=safe(declared.heading),
                config=declared,
                services=services,
            )
            found.append(plan)
    return tuple(found)


def _measured(config: PromqlIndicator) -> str:
    """What has samples if anything of the indicator has."""
    match config:
        case RatioIndicator(total=total):
            return total
        case LatencyIndicator(histogram=histogram):
            return histogram
        case GaugeIndicator(query=query):
            return query


def _part(config: RatioIndicator) -> str:
    return config.bad or config.good or config.total


def _quantile(latency: LatencyIndicator, histogram: str, by: str, q: float | None = None) -> str:
    """A quantile in seconds, the indicator's own unless another one is asked for."""
    per = _PER_SECOND[latency.histogram_unit]
    return promql.quantile(q or latency.quantile, histogram, by=by, window=latency.window, per=per)


def _quantile_name(q: float) -> SafeText:
    return fmt("p{}", safe(f"{q * 100:g}")) if q != 0.5 else lit("p50")
