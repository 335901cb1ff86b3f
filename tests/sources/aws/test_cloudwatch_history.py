"""The past of CloudWatch's metrics: how fine, how far back, and where there is none."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from tests.sources.aws.metrics import errors, indicator, scripted, shop
from tests.sources.aws.scripted import at
from tuiops.sources.base import ReadsHistory


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
