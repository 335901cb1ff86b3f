"""The Prometheus source against real servers and broken ones."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.servers.http import request_json
from tests.servers.ports import free_port
from tests.sources.hostile import Hostile, Request
from tests.sources.prometheus_shop import ERRORS, NOW, SERVICES, source
from tests.waiting import eventually_answers, wait_until
from tuiops.config.sources import PrometheusConfig
from tuiops.config.systems import GaugeIndicator, LatencyIndicator, RatioIndicator, Service, System
from tuiops.config.values import Duration
from tuiops.core.alerts import AlertState
from tuiops.core.clock import FakeClock, SystemClock
from tuiops.core.health import Measure, State, judge_live
from tuiops.core.severity import Severity
from tuiops.errors import BadAnswer, QueryRefused, Unreachable
from tuiops.hub.declare import indicator as declared
from tuiops.hub.feeds import abilities
from tuiops.sources.alert_mapping import identity
from tuiops.sources.base import ReadsAlerts, ReadsBudgets, ReadsHealth, ReadsHistory
from tuiops.sources.http import HttpConnector
from tuiops.sources.prometheus.alerts import PrometheusAlertsSource
from tuiops.sources.prometheus.source import PrometheusSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.fixtures import Servers
    from tests.servers.prometheus import Prometheus
    from tests.servers.victoriametrics import VictoriaMetrics


def test_abilities_follow_the_configuration() -> None:
    quiet = source("http://127.0.0.1:1", {})
    assert isinstance(quiet, ReadsHealth)
    assert isinstance(quiet, ReadsBudgets)
    assert isinstance(quiet, ReadsHistory)
    assert not isinstance(quiet, ReadsAlerts)
    assert isinstance(source("http://127.0.0.1:1", {}, alerts=True), ReadsAlerts)


RULES = """
groups:
- name: shop
  interval: 1s
  rules:
  - {alert: Watchdog, expr: vector(1), labels: {severity: none}}
  - {alert: Broken, expr: vector(1), labels: {severity: fatal, system: shop, service: api}}
  - {alert: Later, expr: vector(1), for: 1h, labels: {severity: weird}}
"""
SYSTEMS = {
    "shop": System(
        services={"api": Service(), "web": Service()},
        respond={"P1": 900.0},  # type: ignore[dict-item] # a Duration is a float
        indicators={
            "errors": ERRORS,
            "typo": RatioIndicator(
                source="prom", heading="TYPO", total="requests_total", bad='requests_total{stauts=~"5.."}'
            ),
            "latency": LatencyIndicator(source="prom", heading="P95", histogram="seconds_bucket"),
            "refused": GaugeIndicator(source="prom", heading="BAD", query="sum by ((("),
        },
    )
}


def test_error_budgets_are_a_feed_only_where_an_objective_is_set() -> None:
    def topics(systems: Mapping[str, System]) -> list[str]:
        return [topic.value for topic, _ in abilities(source("http://127.0.0.1:1", systems))]

    assert topics({}) == ["health"]
    assert topics(SYSTEMS) == ["health", "budgets"]


def samples() -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    """Five minutes of traffic: api has 10% errors, web none; everything takes at most half a second."""
    end = SystemClock().now().timestamp()
    times = [end - 300 + 10 * step for step in range(31)]

    def counter(rate: float, name: str, **labels: str) -> tuple[dict[str, str], list[tuple[float, float]]]:
        return {"__name__": name, **labels}, [(at, rate * (at - times[0])) for at in times]

    return [
        counter(9, "requests_total", service="api", status="200"),
        counter(1, "requests_total", service="api", status="500"),
        counter(5, "requests_total", service="web", status="200"),
        counter(0, "seconds_bucket", service="api", le="0.25"),
        counter(10, "seconds_bucket", service="api", le="0.5"),
        counter(10, "seconds_bucket", service="api", le="+Inf"),
    ]


@pytest.fixture(scope="module")
def prometheus(module_servers: Servers) -> Prometheus:
    server = module_servers.prometheus(
        scrape_targets={"gone": ["127.0.0.1:1"]}, rules=RULES, external_labels={"cluster": "eu: 1"}
    )
    server.push(samples())
    server.wait_for_alert("Broken")
    server.wait_for("up == 0")
    return server


async def check_health(url: str) -> tuple[str, ...]:
    """What both implementations must say; returns the warnings."""
    prom = source(url, SYSTEMS)
    update = await prom.read_health()
    found = {(str(one.indicator), str(one.service)): one.value for one in update.readings}
    assert found["errors", "api"] == pytest.approx(0.1, rel=0.01)
    assert found["errors", "web"] == 0.0
    assert found["latency", "api"] == pytest.approx(0.4875, rel=0.01)
    assert ("latency", "web") not in found
    assert found["typo", "api"] is None
    assert not any(indicator == "refused" for indicator, _ in found)
    assert any(warning.startswith("BAD: query refused: ") for warning in update.warnings)
    first = update.requests
    again = await prom.read_health()
    assert again.requests <= len(SYSTEMS["shop"].indicators) + 1 < first
    assert again.requests == prom._client.requests - first

    update2 = await prom.read_budgets()
    assert {one.service: round(one.left, 1) for one in update2.budgets} == {"api": -9.0, "web": 1.0}
    assert update2.requests == 1

    end = SystemClock().now()
    start = end - timedelta(seconds=60)
    (line,) = await prom.read_history("shop", "api", "errors", start, end, 10)
    assert line.points
    assert all(point.value == pytest.approx(0.1, rel=0.05) for point in line.points)
    lines = await prom.read_history("shop", "api", "latency", start, end, 10)
    assert [one.label for one in lines] == ["p50", "p95"]
    assert await prom.read_history("shop", "nobody", "errors", start, end, 10) == ()
    await prom.close()
    return update.warnings


async def test_a_real_prometheus(prometheus: Prometheus) -> None:
    warnings = await check_health(prometheus.url)
    assert any(one.startswith("1 of 1 targets down: gone 127.0.0.1:1 (") for one in warnings)


async def test_a_target_that_is_down_degrades_the_service_that_has_its_label(prometheus: Prometheus) -> None:
    up = GaugeIndicator(source="prom", heading="N", query="count by (job) (up)", by="job")
    lost = GaugeIndicator(source="prom", heading="LOST", query="sum by (job) (nothing_of_it)", by="job")
    systems = {"s": System(services={"gone": Service(), "other": Service()}, indicators={"up": up, "lost": lost})}
    prom = source(prometheus.url, systems)
    found = {(str(one.service), str(one.indicator)): one for one in (await prom.read_health()).readings}
    await prom.close()
    assert sorted(found) == [("gone", "lost"), ("gone", "up")]
    assert [found[key].value for key in sorted(found)] == [None, 1.0]
    for indicator in ("up", "lost"):
        (plan,) = (one for one in prom._plans if one.indicator == indicator)
        judged = judge_live(
            Measure(indicator=declared("s", indicator, plan.config), reading=found["gone", indicator]), NOW
        )
        assert judged.state is State.DEGRADED
        assert judged.reason.startswith("target down: gone 127.0.0.1:1 (")


async def test_what_comes_late_is_asked_for_some_time_ago(prometheus: Prometheus) -> None:
    """The newest samples are some seconds old: two hours ago there were none."""
    query = "count by (service) (requests_total)"
    late = GaugeIndicator(source="prom", heading="LATE", query=query, offset=Duration(7200))
    near = GaugeIndicator(source="prom", heading="NEAR", query=query, offset=Duration(1))
    systems = {"s": System(services={"api": Service()}, indicators={"late": late, "near": near})}
    prom = source(prometheus.url, systems)
    update = await prom.read_health()
    await prom.close()
    (reading,) = update.readings
    assert (reading.indicator, reading.value, reading.at) == ("near", 2.0, update.at - timedelta(seconds=1))


async def test_a_real_victoriametrics(servers: Servers) -> None:
    server: VictoriaMetrics = servers.victoriametrics()
    server.push(samples())
    probe = source(server.url, {"s": System(services=SERVICES, indicators={"e": ERRORS})})

    async def visible() -> bool:
        return bool((await probe.read_health()).readings)

    await eventually_answers(visible, "the samples that were pushed")
    await probe.close()
    await check_health(server.url)


async def test_real_alerts(prometheus: Prometheus) -> None:
    prom = source(prometheus.url, SYSTEMS, alerts=True, watchdog="Watchdog")
    assert isinstance(prom, PrometheusAlertsSource)
    update = await prom.read_alerts()
    await prom.close()
    assert (update.watchdog, update.warnings, update.dropped) == (True, (), 0)
    broken, later = sorted(update.alerts, key=lambda one: one.name)
    assert (broken.system, broken.service, broken.severity) == ("shop", "api", Severity.P1)
    assert (broken.state, later.state) == (AlertState.FIRING, AlertState.PENDING)
    assert broken.due == broken.started + timedelta(minutes=15)
    assert (later.severity, later.severity_known) == (Severity.P3, False)
    labels = {"alertname": "Broken", "severity": "fatal", "system": "shop", "service": "api", "cluster": "eu: 1"}
    assert broken.identity == identity(labels)


async def test_a_missing_watchdog_is_told(prometheus: Prometheus) -> None:
    prom = source(prometheus.url, SYSTEMS, alerts=True, watchdog="NoSuchAlert")
    assert isinstance(prom, PrometheusAlertsSource)
    assert (await prom.read_alerts()).watchdog is False
    await prom.close()


async def test_alerts_of_a_real_prometheus_whose_rule_fails_are_not_the_whole_truth(servers: Servers) -> None:
    clash = "requests_total / on (service) requests_total"
    server = servers.prometheus(
        rules=f"groups: [{{name: shop, interval: 1s, rules: [{{alert: Clash, expr: {clash}}}]}}]"
    )
    server.push(samples())
    wait_until(lambda: '"health":"err"' in json.dumps(rules_of(server), separators=(",", ":")), "the rule to fail")
    prom = source(server.url, SYSTEMS, alerts=True)
    assert isinstance(prom, PrometheusAlertsSource)
    alerts, health = await prom.read_alerts(), await prom.read_health()
    await prom.close()
    assert alerts.alerts == ()
    (warning,) = alerts.warnings
    assert warning.startswith("rule Clash fails: ")
    assert warning in health.warnings
    assert health.rules_fail
    assert not alerts.knows_silences


def rules_of(server: Prometheus) -> object:
    return request_json(f"{server.url}/api/v1/rules")


@pytest.mark.parametrize(("watchdog", "kept", "barks"), [(None, 2, None), ("Watchdog", 1, True)])
async def test_an_alert_without_a_name_is_no_watchdog(watchdog: str | None, kept: int, *, barks: bool | None) -> None:
    async def handler(request: Request) -> None:
        if "rules" in request.target:
            await request.answer(b'{"data":{"groups":[]}}')
            return
        found = [
            {"labels": labels, "state": "firing", "activeAt": NOW.isoformat()}
            for labels in ({"service": "api"}, {"alertname": "Watchdog"})
        ]
        await request.answer(json.dumps({"data": {"alerts": found}}).encode())

    async with Hostile(handler) as server:
        prom = source(server.url, ONE, alerts=True, watchdog=watchdog, external_labels={"a": "b"})
        assert isinstance(prom, PrometheusAlertsSource)
        update = await prom.read_alerts()
        await prom.close()
    assert (len(update.alerts), update.watchdog) == (kept, barks)


def vector(*values: object) -> bytes:
    result = [{"metric": {"service": "api"}, "value": [NOW.timestamp(), value]} for value in values]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data, "warnings": ["\x1b[2Jpartial"], "isPartial": True}).encode()


ONE = {"shop": System(services=SERVICES, indicators={"g": GaugeIndicator(source="prom", heading="G", query="g")})}


@pytest.mark.parametrize(
    "body",
    [
        vector(1.5),
        vector("1_000"),
        b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
        b'{"status":"success","data":{"resultType":"odd","result":[]}}',
        b'{"status":"success","data":null}',
        b"<html>",
    ],
)
async def test_wrong_answers_are_errors(body: bytes) -> None:
    async def handler(request: Request) -> None:
        await request.answer(body)

    async with Hostile(handler) as server:
        prom = source(server.url, ONE, targets=False)
        with pytest.raises(BadAnswer):
            await prom.read_health()
        await prom.close()


async def test_warnings_and_partial_answers_are_shown() -> None:
    async def handler(request: Request) -> None:
        await request.answer(vector("1"), "200 OK" if "query" in request.target else "404 Not Found")

    async with Hostile(handler) as server:
        prom = source(server.url, ONE, targets=False)
        update = await prom.read_health()
        await prom.close()
    assert update.warnings == ("G: ␛[2Jpartial", "G: partial answer: a part of the storage did not reply")
    assert [one.value for one in update.readings] == [1.0]


async def test_too_many_series_are_dropped_and_counted() -> None:
    async def handler(request: Request) -> None:
        await request.answer(vector(*["1"] * 10), "200 OK" if "query" in request.target else "404 Not Found")

    async with Hostile(handler) as server:
        prom = source(server.url, ONE, targets=False, max_items=4)
        update = await prom.read_health()
        await prom.close()
    assert update.dropped == 6


async def test_a_server_that_is_down_is_asked_once() -> None:
    prom = source(f"http://127.0.0.1:{free_port()}", SYSTEMS)
    with pytest.raises(Unreachable):
        await prom.read_health()
    assert prom._client.requests == 1
    await prom.close()


async def test_when_every_query_is_refused_the_poll_fails() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b'{"status":"error","error":"no"}', "422 Unprocessable Entity")

    async with Hostile(handler) as server:
        prom = source(server.url, ONE)
        with pytest.raises(QueryRefused):
            await prom.read_health()
        await prom.close()


async def test_rules_that_fail_are_told_and_looked_at_seldom() -> None:
    async def handler(request: Request) -> None:
        if "rules" in request.target:
            rule = {"name": "R", "health": "err", "lastError": "many-to-many"}
            await request.answer(json.dumps({"data": {"groups": [{"name": "g", "rules": [rule]}]}}).encode())
        else:
            await request.answer(b'{"data":{"resultType":"vector","result":[]}}')

    clock = FakeClock(NOW)
    async with Hostile(handler) as server:
        config = PrometheusConfig(url=server.url, targets=False)
        prom = PrometheusSource("prom", config, ONE, HttpConnector(lambda _: "", clock), clock)
        for expected in (1, 1, 2):
            update = await prom.read_health()
            assert update.warnings == ("rule R fails: many-to-many",)
            assert sum("rules" in request.target for request in server.requests) == expected
            clock.advance(40)
        await prom.close()
