"""The Prometheus source: its mapping by itself, and the whole against real servers and broken ones."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.http import request_json
from tests.servers.processes import wait_until
from tests.sources.hostile import Hostile, Request
from tuiops.config.sources import PrometheusConfig
from tuiops.config.systems import GaugeIndicator, LatencyIndicator, RatioIndicator, Service, System
from tuiops.config.values import Duration
from tuiops.core import promql
from tuiops.core.alerts import AlertState
from tuiops.core.clock import FakeClock, SystemClock
from tuiops.core.health import Measure, State, judge_live
from tuiops.core.severity import Severity
from tuiops.core.units import Unit
from tuiops.errors import BadAnswer, QueryRefused, Unreachable
from tuiops.hub.declare import indicator as declared
from tuiops.hub.feeds import abilities
from tuiops.sources.alert_mapping import identity
from tuiops.sources.base import ReadsAlerts, ReadsBudgets, ReadsHealth, ReadsHistory
from tuiops.sources.http import HttpConnector
from tuiops.sources.prometheus.alerts import PrometheusAlertsSource, prometheus_source
from tuiops.sources.prometheus.external_labels import external_labels
from tuiops.sources.prometheus.plan import Plan, plans
from tuiops.sources.prometheus.readings import Proof, budgets, down_targets, readings
from tuiops.sources.prometheus.source import PrometheusSource
from tuiops.sources.prometheus.wire import InstantSeries, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.fixtures import Servers
    from tests.servers.prometheus import Prometheus
    from tests.servers.victoriametrics import VictoriaMetrics

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ERRORS = RatioIndicator(
    source="prom", heading="ERR%", total="requests_total", bad='requests_total{status=~"5.."}', objective="99%"
)
SERVICES = {"api": Service(), "web": Service(match="frontend")}


def plan(config: GaugeIndicator | RatioIndicator | LatencyIndicator) -> Plan:
    return plans("prom", {"shop": System(services=SERVICES, indicators={"x": config})})[0]


def gauge(**changes: object) -> Plan:
    return plan(GaugeIndicator(**({"source": "prom", "heading": "T", "query": "t"} | changes)))  # type: ignore[arg-type]  # by the test


def series(value: str | None, **labels: str) -> InstantSeries:
    return InstantSeries(labels, None if value is None else (NOW.timestamp(), value))


def source(url: str, systems: Mapping[str, System], **settings: object) -> PrometheusSource:
    config = PrometheusConfig(url=url, **settings)  # type: ignore[arg-type] # by the test
    clock = SystemClock()
    return prometheus_source("prom", config, systems, HttpConnector(lambda _: "", clock), clock)


@pytest.mark.parametrize("text", ["1_000", "٣", "", "nan", "inf", "0x1", " 1", "1e", "--1"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(BadAnswer):
        number(text)


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("-1.5e-3", -0.0015), ("+Inf", math.inf), ("-Inf", -math.inf)])
def test_numbers(text: str, value: float) -> None:
    assert number(text) == value
    assert math.isnan(number("NaN"))


def test_a_service_is_found_by_its_match_and_others_are_ignored() -> None:
    found, warnings = readings(
        gauge(), [series("1", service="api"), series("2", service="frontend"), series("3", service="web")], NOW
    )
    assert {(one.service, one.value) for one in found} == {("api", 1.0), ("web", 2.0)}
    assert not warnings


def test_missing_series_give_no_reading() -> None:
    found, warnings = readings(gauge(), [], NOW)
    assert (found, warnings) == ([], [])


def test_nan_stays_nan() -> None:
    found, _ = readings(gauge(), [series("NaN", service="api")], NOW)
    assert found[0].value is not None
    assert math.isnan(found[0].value)


@pytest.mark.parametrize(("limit", "kept"), [("> 5", 9.0), ("< 5", 1.0), (None, 9.0)])
def test_of_several_series_the_worst_is_shown(limit: str | None, kept: float) -> None:
    found, warnings = readings(
        gauge(degraded=limit), [series(value, service="api", i=value) for value in ("1", "9", "NaN", "3")], NOW
    )
    assert [one.value for one in found] == [kept]
    assert warnings == ["T: several series for api; the worst is shown"]


def test_one_value_for_all() -> None:
    found, _ = readings(gauge(by=""), [series("4", host="x")], NOW)
    assert [(one.service, one.value) for one in found] == [("api", 4.0), ("web", 4.0)]


def test_percent_is_scaled() -> None:
    found, _ = readings(gauge(unit=Unit.PERCENT), [series("50", service="api")], NOW)
    assert found[0].value == 0.5


def test_why_no_service_matches() -> None:
    _, warnings = readings(gauge(), [series("1", service="\x1b[31mother")], NOW)
    assert warnings == ["T: no service of shop is among the values of service: ␛[31mother"]
    _, warnings = readings(gauge(), [series("1", job="api")], NOW)
    assert warnings == ["T: 1 series, but none has the label service named by `by`"]


def test_late_samples_keep_their_own_time() -> None:
    taken = NOW - timedelta(seconds=200)
    times = [series(str(taken.timestamp()), service="api"), series("1e300", service="frontend")]
    found, _ = readings(gauge(), [series("1", service="api"), series("1", service="frontend")], NOW, times=times)
    assert [one.at for one in found] == [taken, NOW]


def test_no_green_without_proof() -> None:
    values = [series("0", service="api")]
    found, warnings = readings(plan(ERRORS), values, NOW, proof=Proof())
    assert found[0].value is None
    assert "nothing like the selector `bad` exists" in warnings[0]
    found, warnings = readings(plan(ERRORS), values, NOW, proof=Proof(kind=True))
    assert (found[0].value, found[0].note, warnings) == (0.0, "no bad event on record", [])


def test_budgets() -> None:
    values = [
        series("0.005", service="api", tuiops="window"), series("0.02", service="api", tuiops="now"),
        series("0.02", service="frontend", tuiops="window"), series("NaN", service="frontend", tuiops="now"),
    ]  # fmt: skip
    (api, web), _ = budgets(plan(ERRORS), values, NOW)
    assert api.source == "prom/budgets"
    assert api.left == pytest.approx(0.5)
    assert api.gone_at is not None
    # Half the budget is left and it burns at twice the even rate: a quarter of the window of 30 days.
    assert (api.gone_at - NOW).total_seconds() == pytest.approx(7.5 * 86400)
    assert web.left == pytest.approx(-1.0)
    assert web.gone_at == NOW


def test_down_targets() -> None:
    values = [series("13"), *(series("0", job="node", instance=f"h{n}:9100") for n in range(6))]
    text = down_targets(values, {("node", "h0:9100"): "refused"})
    assert text == "6 of 13 targets down: node h0:9100 (refused), node h1:9100, node h2:9100, node h3:9100, and 2 more"
    assert not down_targets([series("13")], {})


@given(st.text(max_size=20))
def test_label_values_are_escaped(value: str) -> None:
    narrowed = promql.Selector.parse('m{a="b"}')
    assert narrowed is not None
    again = promql.Selector.parse(str(narrowed.narrowed("service", value)))
    assert again is not None
    assert len(again.matchers) == 2
    assert "\n" not in str(again)


@pytest.mark.parametrize(
    ("text", "relaxed"),
    [
        ('m{job="a",status=~"5.."}', 'm{job="a",status!=""}'),
        ("m{status!~'2..',}", 'm{status!=""}'),
        ("errors_total", "errors_total"),
        ('{__name__="m",x="}"}', '{__name__="m",x!=""}'),
    ],
)
def test_relaxed_selectors(text: str, relaxed: str) -> None:
    selector = promql.Selector.parse(text)
    assert selector is not None
    assert str(selector.relaxed(promql.Selector.parse('m{job="a"}'))) == relaxed


@pytest.mark.parametrize("text", ["sum(x)", "a + b", "m[5m]", "m{a}", "", "{}", "m offset 5m"])
def test_what_is_no_selector(text: str) -> None:
    assert promql.Selector.parse(text) is None


def test_histograms_in_other_units_are_read_in_seconds() -> None:
    p95 = LatencyIndicator(
        source="prom", heading="P95", histogram="latencies_bucket", histogram_unit="milliseconds", revision="rev"
    )
    asked = plan(p95)
    quantile = "histogram_quantile({}, sum by ({}, le) (rate({}[300s]))) / 1000"
    narrow = 'latencies_bucket{service="frontend"}'
    assert asked.query == quantile.format(0.95, "service", "latencies_bucket")
    assert asked.comparison_query("frontend") == quantile.format(0.95, "rev", narrow)
    assert [query for _, query in asked.history_queries("frontend")] == [
        quantile.format(q, "service", narrow) for q in (0.5, 0.95)
    ]
    assert plan(msgspec.structs.replace(p95, histogram_unit="nanoseconds")).query.endswith(" / 1000000000")


def test_queries_parse() -> None:
    parser = pytest.importorskip("promql_parser")
    by = {"api": Service(match='a"b\\$1\n')}
    shapes: list[RatioIndicator | LatencyIndicator | GaugeIndicator] = [
        ERRORS,
        RatioIndicator(source="prom", heading="OK%", total="t", good="g", by="", objective="99.9%"),
        LatencyIndicator(source="prom", heading="P95", histogram='h_bucket{a="b"}', max_age=None),
        GaugeIndicator(source="prom", heading="G", query="sum by (service) (x)"),
    ]
    for shape in shapes:
        one = plans("prom", {"shop": System(services=by, indicators={"x": shape})})[0]
        queries = [one.query, one.proof_query, one.budget_query]
        queries += [query for _, query in one.history_queries(one.services[0][1])]
        for query in queries:
            if query is not None:
                parser.parse(query)


def test_external_labels_are_read_from_prometheus_own_yaml() -> None:
    yaml = (
        'global:\n  scrape_interval: 1s\n  external_labels:\n    cluster: \'it\'\'s: b\'\n    e: ""\n    "n": "1"\n'
        "    plain: eu west\nrule_files:\n- x\nscrape_configs:\n- job_name: a\n  external_labels:\n    no: no\n"
    )
    assert external_labels(yaml) == {"cluster": "it's: b", "e": "", "n": "1", "plain": "eu west"}
    assert external_labels("global:\n  scrape_interval: 1s\n") == {}
    with pytest.raises(BadAnswer, match="set external_labels"):
        external_labels("global:\n  external_labels:\n    a: |-\n      x\n")


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
    for _ in range(200):  # it makes samples visible in its own time
        if (await probe.read_health()).readings:
            break
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


async def test_a_server_that_is_down_is_asked_once(unused_tcp_port: int) -> None:
    prom = source(f"http://127.0.0.1:{unused_tcp_port}", SYSTEMS)
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
