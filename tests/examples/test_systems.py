"""The examples of the five systems: whole, right, and with the numbers of their operations manuals."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import promql_parser
import pytest
import tomli

from tests.examples.filled import EXAMPLES, SYSTEMS, VALUES, filled
from tests.google.discovery import document
from tuiops import wiring
from tuiops.config import schema
from tuiops.config.advice import query_faults
from tuiops.config.clouds import GcpConfig
from tuiops.config.load import load
from tuiops.config.logs import CloudLog
from tuiops.config.resources import CloudRunResource, EcsExpectation, EcsResource, RunExpectation
from tuiops.config.sources import PrometheusConfig
from tuiops.core.alerts import AlertState
from tuiops.core.clock import FakeClock
from tuiops.core.severity import DEFAULT_WORDS
from tuiops.errors import ConfigError
from tuiops.sources.alert_mapping import AlertMapper, Native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tuiops.config.model import Config

GOOGLE = ("manga", "tokyo", "omniy", "sagebase")
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PHASES = tuple(f"phase{number}" for number in range(1, 9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("filled"))


@pytest.fixture(scope="module")
def config(folder: Path) -> Config:
    """All five in one console."""
    return load(folder / "all.toml", environ={}, inspections=[query_faults]).config


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_loads_by_itself_and_fits_the_schema(folder: Path, name: str) -> None:
    loaded = load(folder / name / "tuiops.toml", environ={}, inspections=[query_faults])
    assert list(loaded.config.systems) == [name]
    assert loaded.config.environments["production"].production
    for file in ("system.toml", "tuiops.toml"):
        jsonschema.validate(tomli.loads((folder / name / file).read_text(encoding="utf-8")), schema.schema())


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_blanks_are_those_that_an_owner_must_fill_in(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(EXAMPLES / name / "tuiops.toml", environ={}, inspections=[query_faults])
    assert caught.value.mistakes == ()
    assert {blank.remedy for blank in caught.value.blanks} == {f"fill in {wanted}" for wanted in VALUES[name]}


def test_all_five_load_together(config: Config) -> None:
    assert tuple(config.systems) == SYSTEMS
    assert {system.environment for system in config.systems.values()} == {"production"}


def test_a_console_can_be_made_of_all_five(config: Config) -> None:
    plan = wiring.plan(config, FakeClock(NOW))
    names = {str(source.name) for source in plan.sources}
    logs = {f"{name}/{log}" for name, system in config.systems.items() for log in system.logs}
    assert logs <= names
    # Nothing polls a log store.
    assert set(config.sources) - names == {"pricealert-logs"}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_service_is_measured(config: Config, name: str) -> None:
    system = config.systems[name]
    measured = {service for each in system.indicators.values() for service in each.services}
    spoken_for = {each.service for part in (system.probes, system.resources) for each in part.values()}
    assert measured | spoken_for == set(system.services)


@pytest.mark.parametrize("name", SYSTEMS)
def test_logs_hide_personal_data(config: Config, name: str) -> None:
    logs = config.systems[name].logs
    assert logs
    for log in logs.values():
        assert {"user_id", "userId"} & set(log.mask)


@pytest.mark.parametrize("name", GOOGLE)
def test_late_metrics_have_time_and_are_asked_for_with_credentials(config: Config, name: str) -> None:
    metrics, cloud = config.sources[f"{name}-metrics"], config.sources[name]
    assert isinstance(metrics, PrometheusConfig)
    assert isinstance(cloud, GcpConfig)
    assert metrics.url == f"https://monitoring.googleapis.com/v1/projects/{cloud.project}/location/global/prometheus"
    assert metrics.credentials == cloud.credentials == name
    late = [each for each in config.systems[name].indicators.values() if "cloudsql_googleapis" in repr(each)]
    assert all(each.max_age is not None and each.max_age >= 240 for each in late)


def test_logs_of_google_name_their_resource(config: Config) -> None:
    for name in GOOGLE:
        for log in config.systems[name].logs.values():
            assert isinstance(log, CloudLog)
            assert log.resource in {"cloud_run_revision", "cloudsql_database", "cloud_function"}


LIMITS: Mapping[str, Mapping[str, tuple[tuple[str, ...], str | None, str | None]]] = {
    "manga": {
        "errors": (PHASES, "> 0.5%", "> 5%"),
        "p95": (PHASES, "> 2s", "> 5s"),
        "cpu": (PHASES, "> 70%", None),
        "generation_time": (PHASES, "< 95%", None),
        "quality": (("api",), "< 0.85", "< 0.75"),
        "phase_quality": (PHASES, "< 0.85", "< 0.75"),
        "api_calls": (("gemini", "imagen"), None, None),
        "queue": (("queue",), None, None),
        "sql_cpu": (("database",), "> 80%", None),
        "sql_memory": (("database",), "> 85%", None),
        "redis_memory": (("redis",), "> 80%", None),
        "redis_connections": (("redis",), "> 100", None),
    },
    "tokyo": {
        "errors": (("chat",), "> 1%", "> 5%"),
        "p95": (("chat",), "> 3s", "> 5s"),
        "cpu": (("chat",), "> 80%", None),
        "memory": (("chat",), "> 90%", None),
        "gemini_errors": (("gemini",), None, "> 10%"),
        "gemini_p95": (("gemini",), None, None),
        "vector_p95": (("vector-search",), None, None),
        "redis_memory": (("redis",), None, None),
    },
    "omniy": {
        "errors": (("functions",), None, "> 10%"),
        "p95": (("functions",), "> 2s", None),
        "firestore": (("firestore",), None, "> 3%"),
        "storage": (("storage",), "> 85GB", None),
        "posts": (("instagram",), "> 2%", "> 20%"),
        "instagram_quota": (("instagram",), "> 80%", None),
        "webhooks": (("stripe",), None, "> 5%"),
        "logins": (("functions",), "> 15%", None),
    },
    "sagebase": {
        "errors": (("streamlit",), "> 1%", "> 5%"),
        "p95": (("streamlit",), "> 3s", None),
        "cpu": (("streamlit",), "> 80%", None),
        "memory": (("streamlit",), "> 85%", None),
        "requests": (("streamlit",), None, None),
        "instances": (("streamlit",), None, None),
        "connections": (("cloudsql",), None, "< 1"),
    },
    "pricealert": {
        "errors": (("api",), "> 0.1%", "> 1%"),
        "p95": (("api",), ">= 500ms", None),
        "mean": (("api",), "> 200ms", "> 500ms"),
        "cpu": (("api", "worker"), "> 80%", None),
        "memory": (("api", "worker"), "> 85%", None),
        "queue": (("worker",), ">= 1000", None),
        "task_failures": (("worker",), "> 5%", None),
        "task_p95": (("worker",), ">= 60s", None),
        "db_cpu": (("rds",), "> 75%", None),
        "db_disk": (("rds",), "< 20GiB", None),
        "db_memory": (("rds",), "<= 0.8GiB", None),
        "redis_memory": (("redis",), "> 70%", None),
        "scraping": (("scraper",), "< 98%", "<= 95%"),
        "notifications": (("notifier",), "<= 98%", None),
        "notification_delay": (("notifier",), "> 10m", "> 30m"),
    },
}
"""Services and limits of every indicator: SYSTEMS.md parts n.2 to n.4, n.9 and n.11."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_limits_are_those_of_the_manual(config: Config, name: str) -> None:
    indicators = config.systems[name].indicators
    assert {id_: (each.services, each.degraded, each.down) for id_, each in indicators.items()} == LIMITS[name]


OBJECTIVES = {
    ("manga", "errors"): "99.5%",
    ("tokyo", "errors"): "99.9%",
    ("omniy", "errors"): "99.95%",
    ("omniy", "posts"): "99.5%",
    ("pricealert", "errors"): "99.95%",
    ("pricealert", "scraping"): "98%",
}


def test_objectives_are_those_of_the_manual(config: Config) -> None:
    found = {
        (name, id_): objective
        for name, system in config.systems.items()
        for id_, each in system.indicators.items()
        if (objective := getattr(each, "objective", None)) is not None
    }
    assert found == OBJECTIVES


RESPOND = {
    "manga": (15 * 60, 3600, 4 * 3600, 24 * 3600),
    "tokyo": (1, 3600, 4 * 3600, 24 * 3600),
    "omniy": (15 * 60, 30 * 60, 3600, 24 * 3600),
    "sagebase": (None, None, None, None),
    "pricealert": (15 * 60, 3600, None, None),
}
"""Seconds to respond to P1 to P4; tokyo's P1 is immediate, what has no time is not specified."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_times_to_respond_are_those_of_the_manual(config: Config, name: str) -> None:
    respond = config.systems[name].respond
    assert tuple(respond.get(word) for word in ("P1", "P2", "P3", "P4")) == RESPOND[name]


EXPECTED = {
    **{("manga", phase): RunExpectation(cpu="1", memory="2Gi", pinned=True) for phase in PHASES},
    ("tokyo", "chat"): RunExpectation(
        min_instances=3, max_instances=20, concurrency=80, cpu="2", memory="4Gi", pinned=True
    ),
    ("sagebase", "streamlit"): RunExpectation(min_instances=1, max_instances=10, pinned=False),
    ("pricealert", "api"): EcsExpectation(min_tasks=2, max_tasks=10, circuit_breaker=True),
    ("pricealert", "worker"): EcsExpectation(desired=3, circuit_breaker=True),
}


def test_what_is_expected_of_services_is_what_the_manual_settles_on(config: Config) -> None:
    found = {
        (name, each.service): each.expect
        for name, system in config.systems.items()
        for each in system.resources.values()
        if isinstance(each, CloudRunResource | EcsResource)
    }
    assert found == EXPECTED


# ── Alert policies ─────────────────────────────────────────────────────────────────────────────────────────

POLICIES: Mapping[str, Mapping[str, tuple[str, int | None, str, int | None]]] = {
    "manga": {
        "ServiceDown": ("P1", 900, "== 0", 60),
        "HighErrorRate": ("P2", 3600, "> 0.05", 300),
        "ApiQuotaExhausted": ("P2", 3600, "> 0", 300),
        "DbConnectionFailure": ("P2", 3600, "== 0", 300),
        "PerfDegraded": ("P3", 14400, "> 2000", 300),
        "AiQualityDrop": ("P3", 14400, "< 0.85", 300),
        "AiQualityCollapse": ("P2", 3600, "<= 0.5", 300),
        "ScaleCpuUp": ("P4", 86400, "> 0.7", 180),
        "ScaleCpuDown": ("P4", 86400, "< 0.3", 600),
        "SqlCpu": ("P3", 14400, "> 0.8", 300),
        "SqlMemory": ("P3", 14400, "> 0.85", 300),
        "RedisMemory": ("P3", 14400, "> 0.8", 300),
        "RedisConnections": ("P3", 14400, "> 100", 300),
    },
    "tokyo": {
        "HighErrorRate": ("P1", 1, "> 0.05", 300),
        "HighLatency": ("P3", 14400, "> 5000", 300),
        "GeminiApiErrors": ("P1", 1, "> 0.1", 300),
        "HighMemory": ("P3", 14400, "> 0.9", 300),
        "HighCpu": ("P3", 14400, "> 0.8", 300),
        "LogErrorRate": ("P1", 1, "[5m])) > 10", 0),
        "LogSecurity": ("P1", 1, "(jsonPayload.security=true OR jsonPayload.metadata.security=true)", None),
        "LogGemini": ("P3", 14400, "[5m])) > 5", 0),
    },
    "omniy": {
        "ServiceDown": ("P1", 900, "> 0.1", 300),
        "PaymentFailure": ("P1", 600, "> 0.05", 300),
        "DbConnection": ("P1", 1200, "> 0.03", 300),
        "PostingMassFailure": ("P2", 1800, "> 0.2", 900),
        "PostingDegraded": ("P3", 3600, "> 0.02", 1800),
        "PerfDegraded": ("P3", 3600, "> 2", 900),
        "AuthErrors": ("P3", 3600, "> 0.15", 1800),
        "DauDrop": ("P4", 86400, '<= 0.8 * sum(omniy_active_users{period="day"} offset 1w)', 3600),
        "InstagramQuota": ("P4", 86400, "> 0.8", 300),
    },
    "sagebase": {
        "ServiceAvailability": ("P1", None, "== 0", 300),
        "HighErrorRate": ("P2", None, "> 0.05", 300),
        "HighResponseTime": ("P3", None, "> 3000", 300),
        "HighCpu": ("P3", None, "> 0.8", 300),
        "HighMemory": ("P3", None, "> 0.85", 300),
        "DatabaseConnectionFailures": ("P2", None, "< 1", 300),
    },
}
"""Severity, seconds to respond, the end of the condition and the seconds that it must hold: parts n.4."""


def policies(name: str) -> list[dict[str, Any]]:
    text = (EXAMPLES / name / "alert-policies.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["alertPolicies"]
    return found


def conditions(name: str) -> Iterator[tuple[str, str, float | None]]:
    """Name, query or filter, and seconds of every policy's only condition."""
    for policy in policies(name):
        [condition] = policy["conditions"]
        query = condition.get("conditionPrometheusQueryLanguage")
        if query is None:
            yield policy["displayName"], condition["conditionMatchedLog"]["filter"], None
        else:
            yield policy["displayName"], query["query"], float(query["duration"].removesuffix("s"))


@pytest.mark.parametrize("name", GOOGLE)
def test_policies_are_what_cloud_monitoring_takes(name: str) -> None:
    monitoring = document("monitoring", "v3")
    [create] = [each for each in monitoring.methods if each.id == "monitoring.projects.alertPolicies.create"]
    for policy in policies(name):
        assert monitoring.check_request(create, (), policy) == []
        # Only a policy that matches log entries must, and may, limit how often it notifies.
        [condition] = policy["conditions"]
        assert ("conditionMatchedLog" in condition) == ("notificationRateLimit" in policy["alertStrategy"])
        assert all(
            re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", word) for pair in policy["userLabels"].items() for word in pair
        )
    listing = {"alertPolicies": policies(name)}
    assert monitoring.check("ListAlertPoliciesResponse", listing) == []


@pytest.mark.parametrize("name", GOOGLE)
def test_policies_are_promql_and_have_the_numbers_of_the_manual(config: Config, name: str) -> None:
    mapper = AlertMapper(config.systems, "gcp")
    ends = {alert: (end, seconds) for alert, (_, _, end, seconds) in POLICIES[name].items()}
    found = {alert: (query, seconds) for alert, query, seconds in conditions(name)}
    assert {alert: seconds for alert, (_, seconds) in found.items()} == {alert: end[1] for alert, end in ends.items()}
    for title, (query, seconds) in found.items():
        assert query.endswith(ends[title][0]), title
        if seconds is not None:
            promql_parser.parse(query)
    for policy in policies(name):
        native = Native({"alertname": policy["displayName"], **policy["userLabels"]}, {}, NOW, AlertState.FIRING)
        alert = mapper.alert(native, NOW)
        severity, respond, _, _ = POLICIES[name][policy["displayName"]]
        due = NOW + timedelta(seconds=respond) if respond is not None else None
        assert (alert.system, alert.severity.name, alert.severity_known, alert.due) == (name, severity, True, due)
        assert alert.service in {"", *config.systems[name].services}


def test_the_rules_of_single_alerts_are_about_alerts_that_there_are(config: Config) -> None:
    for name in GOOGLE:
        assert set(config.systems[name].alerts) <= set(POLICIES[name])


def test_the_log_based_metric_is_what_cloud_logging_takes() -> None:
    metric = json.loads((EXAMPLES / "tokyo" / "log-metric.json").read_text(encoding="utf-8"))
    logging = document("logging", "v2")
    [create] = [each for each in logging.methods if each.id == "logging.projects.metrics.create"]
    assert logging.check_request(create, (), metric) == []
    used = {query for _, query, _ in conditions("tokyo")}
    assert any(f"logging_googleapis_com:user_{metric['name']}[" in query for query in used)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_severity_word_is_known(config: Config, name: str) -> None:
    words = {policy["userLabels"]["severity"] for policy in policies(name)} if name in GOOGLE else set()
    assert words <= {*config.systems[name].severities, *DEFAULT_WORDS}


@pytest.mark.parametrize("name", SYSTEMS)
def test_nothing_of_a_real_authority_or_a_secret_is_in_it(name: str) -> None:
    for file in (file for file in (EXAMPLES / name).rglob("*") if file.is_file()):
        text = file.read_text(encoding="utf-8")
        assert "metro.tokyo" not in text
        assert not re.search(r"sg-0\d+|hooks\.slack\.com/services/T", text)
