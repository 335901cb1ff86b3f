"""Answers of CloudWatch that are partial, paged, refused or about metrics that nobody has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.aws.account import source_of
from tests.sources.aws.metrics import Metrics, errors, indicator, one, scripted, shop
from tests.sources.aws.scripted import Refuses, at
from tests.sources.hostile import Hostile
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, BadAnswer, RateLimited
from tuiops.sources.aws.cloudwatch.fetch import PAGES

if TYPE_CHECKING:
    from tuiops.config.systems import CloudWatchIndicator


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
        usual = script.answers["GetMetricData"]
        script.answers["GetMetricData"] = throttled
        for _ in range(3):
            with pytest.raises(RateLimited):
                await source.read_health()
        script.answers["GetMetricData"] = usual
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
