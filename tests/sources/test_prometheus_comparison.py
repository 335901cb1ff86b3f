"""A canary beside what it replaces, read from a real Prometheus by the label that names the revision."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from tests.servers.ports import free_port
from tests.sources.hostile import Hostile, Request
from tuiops.config.sources import PrometheusConfig
from tuiops.config.systems import GaugeIndicator, LatencyIndicator, RatioIndicator, Service, System
from tuiops.core.clock import SystemClock
from tuiops.errors import Unreachable
from tuiops.sources.base import ReadsComparison
from tuiops.sources.http import HttpConnector
from tuiops.sources.prometheus.source import PrometheusSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.fixtures import Servers
    from tuiops.config.systems import AnyIndicator

HOSTILE = 'rev"} or up or {x="\\ 東京'
INDICATORS: Mapping[str, AnyIndicator] = {
    "errors": RatioIndicator(
        source="prom", heading="ERR%", total="requests_total", bad='requests_total{status="500"}',
        revision="revision_name",
    ),
    "p95": LatencyIndicator(
        source="prom", heading="P95", histogram="seconds_bucket", revision="revision_name"
    ),
    "memory": GaugeIndicator(source="prom", heading="MEM", query="memory_share", revision="revision_name"),
    "whole": GaugeIndicator(source="prom", heading="W", query="memory_share"),
    "odd": RatioIndicator(
        source="prom", heading="ODD", total="requests_total offset 1m", bad="requests_total", revision="revision_name"
    ),
    "refused": GaugeIndicator(source="prom", heading="BAD", query="memory_share{", revision="revision_name"),
}  # fmt: skip


def source(url: str) -> PrometheusSource:
    systems = {
        "shop": System(services={"api": Service(match="frontend"), "web": Service()}, indicators=dict(INDICATORS))
    }
    clock = SystemClock()
    return PrometheusSource("prom", PrometheusConfig(url=url), systems, HttpConnector(lambda _: "", clock), clock)


def samples() -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    """Five minutes of a canary with 10% errors beside 1%; and of another service, which must not mix in."""
    end = SystemClock().now().timestamp()
    times = [end - 300 + 10 * step for step in range(31)]

    def counter(rate: float, name: str, **labels: str) -> tuple[dict[str, str], list[tuple[float, float]]]:
        return {"__name__": name, **labels}, [(at, rate * (at - times[0])) for at in times]

    def gauge(value: float, **labels: str) -> tuple[dict[str, str], list[tuple[float, float]]]:
        return {"__name__": "memory_share", **labels}, [(at, value) for at in times]

    new = {"service": "frontend", "revision_name": HOSTILE}
    old = {"service": "frontend", "revision_name": "rev-41"}
    other = {"service": "web", "revision_name": "rev-41"}
    return [
        counter(9, "requests_total", status="200", **new), counter(1, "requests_total", status="500", **new),
        counter(99, "requests_total", status="200", **old), counter(1, "requests_total", status="500", **old),
        counter(50, "requests_total", status="500", **other),
        counter(0, "requests_total", status="200", service="frontend", revision_name="rev-idle"),
        counter(0, "seconds_bucket", le="0.25", **new), counter(10, "seconds_bucket", le="0.5", **new),
        counter(10, "seconds_bucket", le="+Inf", **new),
        gauge(0.4, instance="a", **new), gauge(0.6, instance="b", **new), gauge(0.9, **other),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def url(module_servers: Servers) -> str:
    server = module_servers.prometheus()
    server.push(samples())
    server.wait_for('requests_total{service="web"}')
    return server.url


async def test_each_indicator_that_names_the_revision_has_a_value_for_either(url: str) -> None:
    prom = source(url)
    assert isinstance(prom, ReadsComparison)
    found = {str(one.indicator): one for one in await prom.read_comparison("shop", "api", HOSTILE, "rev-41")}
    await prom.close()
    assert set(found) == {"errors", "p95", "memory", "odd", "refused"}
    assert found["errors"].new == pytest.approx(0.1, rel=0.02)
    assert found["errors"].old == pytest.approx(0.01, rel=0.02)
    assert found["p95"].new == pytest.approx(0.4875, rel=0.02)
    assert found["p95"].old is None
    assert (found["memory"].new, found["memory"].old) == (0.6, None)
    assert "cannot be narrowed" in found["odd"].trouble
    assert "query refused" in found["refused"].trouble


async def test_no_traffic_and_no_such_revision_are_two_things(url: str) -> None:
    prom = source(url)
    found = {str(one.indicator): one for one in await prom.read_comparison("shop", "api", "rev-idle", "no-such")}
    await prom.close()
    assert found["errors"].new is not None
    assert math.isnan(found["errors"].new)
    assert found["errors"].old is None


async def test_a_service_that_is_not_measured_here_has_nothing_to_compare(url: str) -> None:
    prom = source(url)
    assert await prom.read_comparison("shop", "nobody", "a", "b") == ()
    assert await prom.read_comparison("other", "api", "a", "b") == ()
    await prom.close()


async def test_a_server_that_is_down_fails_as_a_whole() -> None:
    prom = source(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable):
        await prom.read_comparison("shop", "api", "a", "b")
    await prom.close()


async def test_values_that_are_none_are_said_at_their_indicator() -> None:
    async def handler(request: Request) -> None:
        labels = {"revision_name": "new"}
        result = [{"metric": labels, "value": [0, "1_000"]}]
        data = {"resultType": "vector", "result": result}
        await request.answer(json.dumps({"status": "success", "data": data}).encode())

    async with Hostile(handler) as server:
        prom = source(server.url)
        found = await prom.read_comparison("shop", "api", "new", "old")
        await prom.close()
    assert all(one.trouble and one.new is None for one in found)
