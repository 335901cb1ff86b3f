"""Which metrics stand for the indicators that CloudWatch answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.config.systems import CloudWatchIndicator
from tuiops.core.text import SafeText, fmt, safe
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.config.systems import System


class Query(NamedTuple):
    """One metric with one statistic: CloudWatch knows every combination of dimensions as a metric of its own."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    """Names and values, sorted."""
    statistic: str
    period: int
    """Seconds."""

    @property
    def text(self) -> SafeText:
        """`AWS/ECS CPUUtilization`."""
        return fmt("{} {}", safe(self.namespace), safe(self.metric))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator and the services that it is expected for."""

    system: SafeText
    indicator: SafeText
    heading: SafeText
    config: CloudWatchIndicator
    services: tuple[tuple[SafeText, str], ...]
    """Identifiers, and the value that the dimension `by` has for each."""

    def metric(self, match: str, period: int | None = None) -> Query:
        """What is measured for a service; of a ratio, what is divided."""
        return self._query(self.config.metric, match, period)

    def total(self, match: str, period: int | None = None) -> Query | None:
        """What is divided by; None when the indicator is no ratio."""
        return self._query(self.config.total, match, period) if self.config.total else None

    @property
    def scale(self) -> float:
        """What values are multiplied by to become the inner ones."""
        return 1.0 if self.config.total else Unit(self.config.unit).scale

    @property
    def period(self) -> int:
        """Seconds of a data point."""
        return max(60, int(self.config.period))

    def queries(self) -> Iterator[Query]:
        """All that must be known for all services."""
        for _, match in self.services:
            yield self.metric(match)
            if (total := self.total(match)) is not None:
                yield total

    def _query(self, metric: str, match: str, period: int | None) -> Query:
        dimensions = dict(self.config.dimensions)
        if self.config.by:
            dimensions[self.config.by] = match
        pairs = tuple(sorted(dimensions.items()))
        return Query(self.config.namespace, metric, pairs, self.config.statistic, period or self.period)


def plans(source: str, systems: Mapping[str, System]) -> tuple[Plan, ...]:
    """Every indicator that names the source."""
    return tuple(
        Plan(
            system=safe(system_id),
            indicator=safe(indicator_id),
            heading=safe(config.heading),
            config=config,
            services=tuple(
                (safe(name), system.services[name].match or name if name in system.services else name)
                for name in config.services or system.services
            ),
        )
        for system_id, system in systems.items()
        for indicator_id, config in system.indicators.items()
        if isinstance(config, CloudWatchIndicator) and config.source == source
    )


def moment(seconds: float) -> datetime:
    """A time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
