"""Metrics of CloudWatch as indicators: what is asked for, and which data points count."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.metrics import errors, indicator, one, scripted, shop
from tests.sources.aws.scripted import at
from tuiops.config.model import Config
from tuiops.config.systems import Service, System
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.core.health import State, judge_live
from tuiops.hub.declare import declared_systems

if TYPE_CHECKING:
    from tests.servers.ministack import Ministack


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


async def test_a_load_balancer_that_counts_no_errors_has_none() -> None:
    balancer = errors(namespace="AWS/ApplicationELB", metric="HTTPCode_Target_5XX_Count", total="RequestCount")
    async with scripted(shop(err=balancer)) as (source, script, _):
        script.points = {("RequestCount", "api"): [(-1, 10.0)]}
        found = await one(source)

    assert found.value == 0.0


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
