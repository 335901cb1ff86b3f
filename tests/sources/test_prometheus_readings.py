"""What Prometheus is asked for each indicator, and the readings and budgets that its series become."""

from __future__ import annotations

import math
from datetime import timedelta

import msgspec
import pytest

from tests.sources.prometheus_shop import ERRORS, NOW, SERVICES
from tuiops.config.systems import GaugeIndicator, LatencyIndicator, RatioIndicator, Service, System
from tuiops.errors import BadAnswer
from tuiops.sources.prometheus.external_labels import external_labels
from tuiops.sources.prometheus.plan import Plan, plans
from tuiops.sources.prometheus.readings import Proof, budgets, down_targets, readings
from tuiops.sources.prometheus.wire import InstantSeries, number


def plan(config: GaugeIndicator | RatioIndicator | LatencyIndicator) -> Plan:
    return plans("prom", {"shop": System(services=SERVICES, indicators={"x": config})})[0]


def gauge(**changes: object) -> Plan:
    return plan(GaugeIndicator(**({"source": "prom", "heading": "T", "query": "t"} | changes)))  # type: ignore[arg-type]  # by the test


def series(value: str | None, **labels: str) -> InstantSeries:
    return InstantSeries(labels, None if value is None else (NOW.timestamp(), value))


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
    found, _ = readings(gauge(unit="percent"), [series("50", service="api")], NOW)
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
