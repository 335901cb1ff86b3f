"""Uptime checks of Cloud Monitoring as a part of a Google source: from which places of the world a site fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tuiops.config.resources import UptimeResource
from tuiops.core.clock import age
from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.sources.gcp.message import short, stamp
from tuiops.sources.gcp.monitoring.asking import API
from tuiops.sources.gcp.monitoring.wire import TimeSeries, TimeSeriesPage, UptimeCheck, UptimeChecks
from tuiops.sources.http_errors import deadline
from tuiops.sources.paging import Listing
from tuiops.sources.parts import DEGRADED, DOWN, WELL, PartHealth, Watched, all_unknown, watched
from tuiops.sources.together import SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.client import GoogleClient

CHECKS_SECONDS = 300.0
"""Time between looks at the checks themselves, which change seldom."""

_METRIC = "monitoring.googleapis.com/uptime_check/check_passed"
_NAMED = 5
"""Places that a note names."""


class _Result(NamedTuple):
    """The last result of a check from one place."""

    at: datetime
    passed: bool


class UptimePart:
    """The uptime checks of a source: one request for the results of all of them."""

    name = lit("uptime checks")

    def __init__(
        self, source: str, config: GcpConfig, systems: Mapping[str, System], client: GoogleClient, clock: Clock
    ) -> None:
        self.resources = watched(source, systems, UptimeResource)
        self._client = client
        self._clock = clock
        self._seconds = SHARE * float(config.timeout)
        self._checks: Listing[UptimeCheck] = Listing(items=())
        self._checks_due = 0.0

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        return all_unknown(self.resources, at, reason)

    async def read_health(self, at: datetime) -> PartHealth:
        """Whether each site is reached, as of the last result."""
        broken: dict[SafeText, None] = {}
        async with deadline(self._seconds, self.name):
            await self._read_checks()
            listing = await self._results(at, broken)
        checks = {short(one.name): one for one in self._checks.items}
        results = _by_check(listing.items)
        readings = [
            reading
            for one in self.resources
            for reading in self._readings(one, checks.get(one.config.name), results.get(one.config.name, {}), at)
        ]
        warnings = (*broken, *listing.warnings(lit("results of uptime checks")))
        return PartHealth(readings=tuple(readings), warnings=(*warnings, *self._checks.warnings(lit("uptime checks"))))

    async def _read_checks(self) -> None:
        now = self._clock.monotonic()
        if now >= self._checks_due:
            self._checks = await self._client.pages(
                UptimeChecks,
                API,
                f"v3/projects/{self._client.project}/uptimeCheckConfigs",
                (("pageSize", "100"),),
                items=lambda page: page.uptime_check_configs,
            )
            self._checks_due = now + CHECKS_SECONDS

    async def _results(self, at: datetime, broken: dict[SafeText, None]) -> Listing[TimeSeries]:
        names = ", ".join(f'"{name}"' for name in sorted({one.config.name for one in self.resources}))
        window = max(float(one.config.window) for one in self.resources)

        def items(page: TimeSeriesPage) -> tuple[TimeSeries, ...]:
            errors = (fmt("results of uptime checks: {}", safe(one.message, 300)) for one in page.execution_errors)
            broken.update(dict.fromkeys(errors))
            return page.time_series

        return await self._client.pages(
            TimeSeriesPage,
            API,
            f"v3/projects/{self._client.project}/timeSeries",
            (
                ("filter", f'metric.type="{_METRIC}" AND metric.labels.check_id=one_of({names})'),
                ("interval.startTime", stamp(at - timedelta(seconds=window))),
                ("interval.endTime", stamp(at)),
                ("pageSize", "10000"),
            ),
            items=items,
        )

    def _readings(
        self,
        resource: Watched[UptimeResource],
        check: UptimeCheck | None,
        results: Mapping[str, _Result],
        at: datetime,
    ) -> tuple[Reading, ...]:
        if check is None:
            return resource.unknown(at, fmt("no uptime check {}", safe(resource.config.name)))
        if check.disabled:
            return resource.unknown(at, lit("is switched off"))
        window = float(resource.config.window)
        recent = {place: one for place, one in results.items() if age(at, one.at) <= window}
        if not recent:
            return resource.unknown(at, fmt("no results within {}", span(window)))
        failing = sorted(place for place, one in recent.items() if not one.passed)
        newest = max(one.at for one in recent.values())
        if not failing:
            return (resource.state(newest, WELL, fmt("passes from {}", _places(len(recent)))),)
        value = DOWN if len(failing) == len(recent) else DEGRADED
        named = join(", ", (safe(place) for place in failing[:_NAMED]))
        more = fmt(" and {} more", len(failing) - _NAMED) if len(failing) > _NAMED else lit("")
        note = fmt("fails from {} of {}: {}{}", len(failing), _places(len(recent)), named, more)
        return (resource.state(newest, value, note),)


def _places(count: int) -> SafeText:
    return lit("1 place") if count == 1 else fmt("{} places", count)


def _by_check(series: Iterable[TimeSeries]) -> dict[str, dict[str, _Result]]:
    """The last result of each check from each place."""
    found: dict[str, dict[str, _Result]] = {}
    for one in series:
        results = [
            _Result(point.interval.end_time, point.value.bool_value)
            for point in one.points
            if point.interval.end_time is not None and point.value.bool_value is not None
        ]
        if not results:
            continue
        places = found.setdefault(one.metric.labels.get("check_id", ""), {})
        place = one.metric.labels.get("checker_location", "")
        last = max(results)
        places[place] = max(last, places[place]) if place in places else last
    return found
