"""CloudWatch as a script: the data points that a test says that there are, and the source that reads them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.sources.aws.account import source_of
from tests.sources.aws.scripted import Scripted, at
from tests.sources.hostile import Hostile
from tuiops.config.systems import CloudWatchIndicator, Service, System
from tuiops.core.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from tuiops.core.health import Reading
    from tuiops.sources.aws.source import AwsSource


def indicator(**settings: Any) -> CloudWatchIndicator:
    return CloudWatchIndicator(
        **{"source": "aws", "heading": "CPU", "namespace": "AWS/ECS", "metric": "CPUUtilization"} | settings
    )


def errors(**settings: Any) -> CloudWatchIndicator:
    """A ratio of counts."""
    return indicator(
        **{"heading": "ERR", "namespace": "Shop", "metric": "Errors", "total": "Requests", "statistic": "Sum"}
        | settings
    )


def shop(*names: str, **indicators: CloudWatchIndicator) -> dict[str, System]:
    return {"shop": System(services={name: Service() for name in names or ("api",)}, indicators=dict(indicators))}


class Metrics(Scripted):
    """Answers GetMetricData from what a test says that there is, a result for each query."""

    def __init__(self) -> None:
        super().__init__("cloudwatch", GetMetricData=self._data, ListMetrics=self._list)
        self.points: dict[tuple[str, str], Sequence[tuple[float, float]]] = {}
        """By metric and value of the last dimension: minutes and values."""
        self.results: dict[str, Mapping[str, Any]] = {}
        """More members of results, by metric."""
        self.extra: dict[str, Any] = {}
        """More members of the answer."""
        self.listed: list[Mapping[str, Any]] = []

    def _data(self, params: dict[str, Any]) -> dict[str, Any]:
        assert params["StartTime"] % 300 == 0
        assert params["EndTime"] % 60 == 0
        return {
            "MetricDataResults": [self._result(query, params) for query in params["MetricDataQueries"]],
            **self.extra,
        }

    def _result(self, query: Mapping[str, Any], params: Mapping[str, Any]) -> Mapping[str, Any]:
        metric = query["MetricStat"]["Metric"]
        key = (metric["MetricName"], metric["Dimensions"][-1]["Value"] if metric["Dimensions"] else "")
        inside = [
            (at(minute), value)
            for minute, value in self.points.get(key, ())
            if params["StartTime"] <= at(minute).timestamp() < params["EndTime"]
        ]
        inside.sort(reverse=True)
        found = {
            "Id": query["Id"],
            "Label": metric["MetricName"],
            "StatusCode": "Complete",
            "Timestamps": [moment for moment, _ in inside],
            "Values": [value for _, value in inside],
        }
        return found | dict(self.results.get(key[0], {}))

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Metrics": [one for one in self.listed if one["MetricName"] == params["MetricName"]]}


@asynccontextmanager
async def scripted(
    systems: dict[str, System], clock: FakeClock | None = None
) -> AsyncIterator[tuple[AwsSource, Metrics, FakeClock]]:
    script, clock = Metrics(), clock or FakeClock(at(0.5))
    async with Hostile(script) as server:
        source = source_of({"cloudwatch": server.url}, systems, clock)
        try:
            yield source, script, clock
        finally:
            await source.close()


async def one(source: AwsSource) -> Reading:
    (found,) = (await source.read_health()).readings
    return found
