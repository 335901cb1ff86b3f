"""Metrics of CloudWatch as indicators: from MiniStack where it can, from a script where it cannot."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tuiops.config.model import Config
from tuiops.config.systems import CloudWatchIndicator, Service, System
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock, SystemClock
from tuiops.core.health import State, judge_live
from tuiops.errors import AccessDenied, BadAnswer, RateLimited
from tuiops.hub.declare import declared_systems
from tuiops.sources.aws.cloudwatch.fetch import PAGES
from tuiops.sources.base import ReadsHistory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from tests.servers.ministack import Ministack
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


async def test_the_newest_data_point_whose_period_is_over_counts() -> None:
    async with scripted(shop(cpu=indicator(unit="percent"))) as (source, script, _):
        script.points = {("CPUUtilization", "api"): [(-2, 41.0), (-1, 50.0), (0, 99.0)]}
        found = await one(source)

    assert (found.service, found.indicator, found.value) == ("api", "cpu", 0.5)
    assert found.at == at(0)


async def test_a_point_of_five_minutes_counts_when_its_five_minutes_are_over() -> None:
    async with scripted(shop(cpu=indicator(period=Duration(300)))) as (source, script, _):
        script.points = {("CPUUtilization", "api"): [(-10, 1.0), (-5, 2.0), (0, 3.0)]}
        found = await one(source)

    assert (found.value, found.at) == (2.0, at(0))


async def test_late_data_is_stale_by_its_own_time() -> None:
    systems = shop(cpu=indicator(max_age=Duration(300)))
    (measure,) = declared_systems(Config(systems=systems))[0].services[0].measures
    async with scripted(systems) as (source, script, clock):
        script.points = {("CPUUtilization", "api"): [(-9, 1.0)]}
        found = await one(source)
        verdict = judge_live(replace(measure, reading=found), clock.now())

    assert found.value == 1.0
    assert (verdict.state, verdict.reason) == (State.UNKNOWN, "stale 8m")


async def test_all_services_and_indicators_are_asked_for_at_once() -> None:
    names = [f"svc-{number:03}" for number in range(200)]
    systems = shop(*names, cpu=indicator(), memory=indicator(metric="MemoryUtilization"))
    async with scripted(systems) as (source, script, _):
        script.points = {
            (metric, name): [(-1, 7.0)] for metric in ("CPUUtilization", "MemoryUtilization") for name in names
        }
        update = await source.read_health()

    assert (update.requests, script.count("GetMetricData")) == (1, 1)
    assert len(update.readings) == 400
    assert {reading.value for reading in update.readings} == {7.0}


async def test_more_than_five_hundred_metrics_take_another_request_and_equal_ones_one_query() -> None:
    names = [f"svc-{number:03}" for number in range(501)]
    async with scripted(shop(*names, cpu=indicator(), same=indicator(heading="SAME"))) as (source, script, _):
        await source.read_health()

    assert sorted(len(params["MetricDataQueries"]) for _, params in script.asked) == [1, 500]


async def test_long_periods_are_asked_for_by_themselves_and_far_enough_back() -> None:
    day = indicator(metric="BucketSizeBytes", period=Duration(86_400), heading="SIZE")
    async with scripted(shop(cpu=indicator(), size=day)) as (source, script, _):
        await source.read_health()

    spans = {
        params["MetricDataQueries"][0]["MetricStat"]["Period"]: params["EndTime"] - params["StartTime"]
        for _, params in script.asked
    }
    assert set(spans) == {60, 86_400}
    assert 900 <= spans[60] <= 1260
    assert spans[86_400] >= 3 * 86_400


async def test_a_metric_is_not_asked_for_again_before_it_can_have_changed() -> None:
    systems = shop(cpu=indicator(), slow=indicator(metric="Slow", period=Duration(300)))
    async with scripted(systems) as (source, script, clock):
        script.points = {("CPUUtilization", "api"): [(-1, 1.0), (0, 2.0), (1, 3.0)], ("Slow", "api"): [(-5, 1.0)]}
        await source.read_health()
        clock.advance(30)
        again = await source.read_health()
        clock.advance(30)
        script.asked.clear()
        later = await source.read_health()

    assert (again.requests, again.readings[0].value) == (0, 1.0)
    assert [len(params["MetricDataQueries"]) for _, params in script.asked] == [1]
    assert [reading.value for reading in later.readings] == [2.0, 1.0]


async def test_services_are_told_apart_by_a_dimension_and_their_own_match() -> None:
    systems = {
        "shop": System(
            services={"api": Service(match="prod-api"), "web": Service()},
            indicators={"cpu": indicator(dimensions={"ClusterName": "prod"}, services=("api",))},
        )
    }
    async with scripted(systems) as (source, script, _):
        script.points = {("CPUUtilization", "prod-api"): [(-1, 1.0)]}
        found = await one(source)

    metric = script.asked[0][1]["MetricDataQueries"][0]["MetricStat"]["Metric"]
    assert metric["Dimensions"] == [
        {"Name": "ClusterName", "Value": "prod"},
        {"Name": "ServiceName", "Value": "prod-api"},
    ]
    assert found.service == "api"


async def test_without_a_dimension_the_value_belongs_to_every_service() -> None:
    systems = shop("api", "web", cpu=indicator(by=None, services=("api", "web")))
    async with scripted(systems) as (source, script, _):
        script.points = {("CPUUtilization", ""): [(-1, 5.0)]}
        readings = (await source.read_health()).readings

    assert [(reading.service, reading.value) for reading in readings] == [("api", 5.0), ("web", 5.0)]
    assert len(script.asked[0][1]["MetricDataQueries"]) == 1


async def test_a_ratio_is_taken_of_points_of_the_same_time() -> None:
    async with scripted(shop(err=errors())) as (source, script, _):
        script.points = {("Requests", "api"): [(-2, 100.0), (-1, 200.0)], ("Errors", "api"): [(-2, 50.0), (-1, 4.0)]}
        found = await one(source)

    assert (found.value, found.at) == (0.02, at(0))


async def test_a_ratio_of_nothing_is_no_number() -> None:
    async with scripted(shop(err=errors())) as (source, script, _):
        script.points = {("Requests", "api"): [(-1, 0.0)], ("Errors", "api"): [(-1, 0.0)]}
        found = await one(source)

    assert found.value is not None
    assert math.isnan(found.value)


async def test_no_errors_counted_are_no_errors_where_errors_have_been_counted_of_something_like_it() -> None:
    async with scripted(shop(err=errors())) as (source, script, _):
        script.points = {("Requests", "api"): [(-1, 10.0)]}
        script.listed = [
            {"Namespace": "Shop", "MetricName": "Errors", "Dimensions": [{"Name": "ServiceName", "Value": "web"}]}
        ]
        found = await one(source)

    assert (found.value, found.at) == (0.0, at(0))


async def test_a_misspelt_metric_of_errors_is_not_taken_for_no_errors() -> None:
    async with scripted(shop(err=errors(metric="Erors"))) as (source, script, clock):
        script.points = {("Requests", "api"): [(-1, 10.0)]}
        script.listed = [{"Namespace": "Shop", "MetricName": "Erors", "Dimensions": [{"Name": "Other", "Value": "x"}]}]
        update = await source.read_health()
        clock.advance(60)
        await source.read_health()

    (found,) = update.readings
    assert found.value is None
    assert "no metric Shop Erors with these dimensions in two weeks" in found.unknown
    assert len(update.warnings) == 1
    assert script.count("ListMetrics") == 1


async def test_a_load_balancer_that_counts_no_errors_has_none() -> None:
    balancer = errors(namespace="AWS/ApplicationELB", metric="HTTPCode_Target_5XX_Count", total="RequestCount")
    async with scripted(shop(err=balancer)) as (source, script, _):
        script.points = {("RequestCount", "api"): [(-1, 10.0)]}
        found = await one(source)

    assert found.value == 0.0


async def test_no_data_point_is_unknown() -> None:
    async with scripted(shop(cpu=indicator())) as (source, script, _):
        found = await one(source)

    assert (found.value, found.unknown) == (None, "no data point in 15m")
    assert script.count("ListMetrics") == 0


async def test_no_data_point_is_idle_where_that_is_said_and_the_metric_is_there() -> None:
    known = {
        "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "ServiceName", "Value": "api"}],
    }
    async with scripted(shop("api", "misspelt", cpu=indicator(idle_is_ok=True))) as (source, script, _):
        script.listed = [known]
        idle, wrong = (await source.read_health()).readings

    assert idle.value is not None
    assert math.isnan(idle.value)
    assert wrong.value is None
    assert "no metric AWS/ECS CPUUtilization with these dimensions" in wrong.unknown


@pytest.mark.parametrize("measured", [errors(metric="Erors"), indicator(idle_is_ok=True)])
async def test_a_list_of_metrics_that_was_cut_proves_nothing_by_what_it_lacks(measured: CloudWatchIndicator) -> None:
    script, clock = Metrics(), FakeClock(at(0.5))
    script.points = {("Requests", "api"): [(-1, 10.0)]}
    script.listed = [
        {"Namespace": "X", "MetricName": measured.metric, "Dimensions": [{"Name": f"Other{n}", "Value": "x"}]}
        for n in range(3)
    ]
    async with Hostile(script) as server:
        source = source_of({"cloudwatch": server.url}, shop(found=measured), clock, max_items=2)
        found = await one(source)
        await source.close()

    assert found.value is None
    assert "is not among the first 2; raise max_items" in found.unknown


async def test_a_list_of_metrics_that_was_cut_proves_what_it_has() -> None:
    script, clock = Metrics(), FakeClock(at(0.5))
    script.points = {("Requests", "api"): [(-1, 10.0)]}
    script.listed = [
        {"Namespace": "Shop", "MetricName": "Errors", "Dimensions": [{"Name": "ServiceName", "Value": f"web-{n}"}]}
        for n in range(3)
    ]
    async with Hostile(script) as server:
        source = source_of({"cloudwatch": server.url}, shop(found=errors()), clock, max_items=2)
        found = await one(source)
        await source.close()

    assert found.value == 0.0


async def test_where_metrics_may_not_be_listed_nothing_is_concluded_from_their_absence() -> None:
    def forbidden(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDenied", "User: me is not authorized to perform: cloudwatch:ListMetrics", 403)

    async with scripted(shop(cpu=indicator(idle_is_ok=True))) as (source, script, _):
        script.answers["ListMetrics"] = forbidden
        update = await source.read_health()

    assert "the permission cloudwatch:ListMetrics is missing" in update.readings[0].unknown
    assert len(update.warnings) == 1


async def test_partial_data_is_shown_as_far_as_it_goes_with_a_warning() -> None:
    async with scripted(shop(cpu=indicator())) as (source, script, _):
        script.points = {("CPUUtilization", "api"): [(-1, 5.0)]}
        script.results = {
            "CPUUtilization": {"StatusCode": "PartialData", "Messages": [{"Code": "X", "Value": "come\x1b back"}]}
        }
        script.extra = {"Messages": [{"Code": "MaxMetricsExceeded", "Value": "only the first ones"}]}
        update = await source.read_health()

    assert update.readings[0].value == 5.0
    assert set(update.warnings) == {
        "CloudWatch: only the first ones (MaxMetricsExceeded)",
        "AWS/ECS CPUUtilization: come␛ back (X)",
        "AWS/ECS CPUUtilization: CloudWatch sent a part of the data only",
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("InternalError", "CloudWatch failed on this metric"),
        ("Forbidden", "CloudWatch forbids this metric"),
        ("Mysterious", "CloudWatch calls this metric Mysterious"),
    ],
)
async def test_a_metric_that_fails_is_unknown_and_others_are_not(code: str, said: str) -> None:
    systems = shop(cpu=indicator(), memory=indicator(metric="MemoryUtilization"))
    async with scripted(systems) as (source, script, _):
        script.points = {("MemoryUtilization", "api"): [(-1, 5.0)]}
        script.results = {"CPUUtilization": {"StatusCode": code}}
        cpu, memory = (await source.read_health()).readings

    assert (cpu.value, cpu.unknown, memory.value) == (None, said, 5.0)


async def test_points_that_come_on_several_pages_are_put_together() -> None:
    async with scripted(shop(cpu=indicator())) as (source, script, _):

        def page(params: dict[str, Any]) -> dict[str, Any]:
            if params.get("NextToken"):
                result = {"Id": "q0", "StatusCode": "Complete", "Timestamps": [at(-2)], "Values": [2.0]}
                return {"MetricDataResults": [result]}
            result = {"Id": "q0", "StatusCode": "PartialData", "Timestamps": [], "Values": []}
            return {"MetricDataResults": [result, {"Id": "q77"}], "NextToken": "more"}

        script.answers["GetMetricData"] = page
        update = await source.read_health()

    assert (update.readings[0].value, update.warnings, update.requests) == (2.0, (), 2)


async def test_pages_that_go_in_circles_end() -> None:
    async with scripted(shop(cpu=indicator())) as (source, script, _):
        script.extra = {"NextToken": "again"}
        with pytest.raises(BadAnswer, match="GetMetricData names a page twice"):
            await source.read_health()

    assert script.count("GetMetricData") == 2


async def test_pages_without_end_end() -> None:
    async with scripted(shop(cpu=indicator())) as (source, script, _):
        number = iter(range(10_000))
        script.answers["GetMetricData"] = lambda _: {"MetricDataResults": [], "NextToken": f"page-{next(number)}"}
        update = await source.read_health()

    assert script.count("GetMetricData") == PAGES
    assert update.readings[0].unknown == "CloudWatch sent a part of the data only"


async def test_a_storm_of_throttling_is_a_limit_and_ends_the_asking() -> None:
    def throttled(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("Throttling", "Rate exceeded")

    async with scripted(shop(cpu=indicator())) as (source, script, clock):
        script.answers["GetMetricData"] = throttled
        for _ in range(3):
            with pytest.raises(RateLimited):
                await source.read_health()
        del script.answers["GetMetricData"]
        script.answers["GetMetricData"] = script._data
        script.points = {("CPUUtilization", "api"): [(-1, 5.0)]}
        clock.advance(11)
        found = await one(source)

    assert script.count("GetMetricData") == 2
    assert found.value == 5.0


async def test_keys_that_expire_while_it_runs_are_a_state_of_their_own() -> None:
    def expired(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("ExpiredTokenException", "The security token included in the request is expired")

    async with scripted(shop(cpu=indicator())) as (source, script, clock):
        script.points = {("CPUUtilization", "api"): [(-1, 5.0)]}
        await source.read_health()
        clock.advance(120)
        script.answers["GetMetricData"] = expired
        with pytest.raises(AccessDenied, match="logged out"):
            await source.read_health()


async def test_the_past_is_as_fine_as_it_is_asked_for() -> None:
    async with scripted(shop(cpu=indicator(unit="percent"))) as (source, script, clock):
        assert isinstance(source, ReadsHistory)
        script.points = {("CPUUtilization", "api"): [(minute, 10.0 * -minute) for minute in range(-9, 1)]}
        end = clock.now()
        (series,) = await source.read_history("shop", "api", "cpu", end - timedelta(minutes=5), end, 15.0)
        none = await source.read_history("shop", "api", "other", end - timedelta(minutes=5), end, 15.0)

    values = {round((point.at - at(0).timestamp()) / 60): round(point.value, 3) for point in series.points}
    assert values == {0: 0.1, -1: 0.2, -2: 0.3, -3: 0.4, -4: 0.5, -5: 0.6} | {
        minute: value for minute, value in {-6: 0.7, -7: 0.8, -8: 0.9, -9: 1.0}.items() if minute in values
    }
    assert [point.at for point in series.points] == sorted(point.at for point in series.points)
    assert none == ()


@pytest.mark.parametrize(("days", "period"), [(0.1, 60), (20, 300), (100, 3600)])
async def test_the_distant_past_is_asked_for_in_the_periods_that_cloudwatch_keeps(days: float, period: int) -> None:
    async with scripted(shop(cpu=indicator())) as (source, script, clock):
        start = clock.now() - timedelta(days=days)
        script.answers["GetMetricData"] = {"MetricDataResults": []}
        await source.read_history("shop", "api", "cpu", start, start + timedelta(minutes=30), 1.0)

    assert script.asked[0][1]["MetricDataQueries"][0]["MetricStat"]["Period"] == period


async def test_the_past_of_a_ratio_has_gaps_where_nothing_happened() -> None:
    async with scripted(shop(err=errors())) as (source, script, clock):
        script.points = {("Requests", "api"): [(-3, 10.0), (-2, 0.0), (-1, 10.0)], ("Errors", "api"): [(-1, 5.0)]}
        end = clock.now()
        (series,) = await source.read_history("shop", "api", "err", end - timedelta(minutes=10), end, 60.0)

    first, second, third = (point.value for point in series.points)
    assert (first, third) == (0.0, 0.5)
    assert math.isnan(second)


async def test_ministack_computes_percentiles(ministack: Ministack) -> None:
    now = datetime.now(UTC)
    client = aws_client(aws_config(ministack.url))
    moment = (now - timedelta(minutes=3)).replace(second=0, microsecond=0)
    data = [
        {
            "MetricName": "Latency",
            "Dimensions": [{"Name": "ServiceName", "Value": "api"}],
            "Timestamp": moment,
            "Value": value / 100,
        }
        for value in range(1, 101)
    ]
    await client.call("cloudwatch", "PutMetricData", {"Namespace": "Shop", "MetricData": data})
    latency = indicator(namespace="Shop", metric="Latency", statistic="p95", unit="seconds")
    source = source_of(ministack.url, shop(latency=latency), SystemClock())
    found = await one(source)
    end = datetime.now(UTC)
    (series,) = await source.read_history("shop", "api", "latency", end - timedelta(minutes=10), end, 60.0)
    await source.close()
    await client.close()

    assert found.value == pytest.approx(0.95, abs=0.011)
    assert found.at == moment + timedelta(minutes=1)
    assert [(point.at, point.value) for point in series.points] == [(found.at.timestamp(), found.value)]
