"""PriceAlert's files against the programs that read them: tuiops, Prometheus and Alertmanager."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.examples.filled import filled
from tests.examples.tools import run_tool
from tests.servers.alertmanager import _relocatable
from tests.servers.fixtures import program
from tests.servers.http import answers, request_json
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess
from tuiops.config.load import load
from tuiops.config.secrets import resolve_secret
from tuiops.config.sources import AlertmanagerConfig, PrometheusConfig
from tuiops.core.clock import SystemClock
from tuiops.sources.http import HttpConnector
from tuiops.sources.prometheus.source import PrometheusSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.alertmanager import Alertmanager
    from tests.servers.fixtures import Servers
    from tests.servers.prometheus import Prometheus
    from tuiops.config.model import Config

EXAMPLE = Path(__file__).parents[2] / "examples" / "pricealert"
MINUTES = 15

Pushed = tuple[dict[str, str], list[tuple[float, float]]]
"""Labels of a series, and its samples."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return load(filled(tmp_path_factory.mktemp("filled")) / "pricealert" / "tuiops.toml", environ={}).config


def test_configuration_loads(config: Config) -> None:
    system = config.systems["pricealert"]
    assert list(system.services) == ["api", "worker", "rds", "redis", "scraper", "notifier"]
    assert config.environments["production"].production
    sources = {indicator.source for indicator in system.indicators.values()}
    assert sources == {"prometheus", "pricealert"}


def test_every_service_is_measured(config: Config) -> None:
    system = config.systems["pricealert"]
    measured = {service for indicator in system.indicators.values() for service in indicator.services}
    assert measured == set(system.services)


def test_personal_data_in_logs_is_masked(config: Config) -> None:
    assert all(log.mask == ("user_id",) for log in config.systems["pricealert"].logs.values())


def test_severities_and_watchdog_are_those_of_the_rules(config: Config) -> None:
    rules = (EXAMPLE / "rules.yml").read_text(encoding="utf-8")
    words = set(re.findall(r"severity: (\w+)", rules)) - {"none"}
    assert words <= set(config.systems["pricealert"].severities)
    source = config.sources["alertmanager"]
    assert isinstance(source, AlertmanagerConfig)
    assert f"- alert: {source.watchdog}\n" in rules


def counter(name: str, per_second: float, **labels: str) -> Pushed:
    """A counter's last minutes, a sample every 15 seconds."""
    return {"__name__": name, **labels}, [(at, per_second * (at % 1e6)) for at in _times()]


def gauge(name: str, value: float, **labels: str) -> Pushed:
    return {"__name__": name, **labels}, [(at, value) for at in _times()]


def _times() -> list[float]:
    now = time.time()
    return [now - 15 * number for number in range(4 * MINUTES, -1, -1)]


def histogram(
    name: str, edges: tuple[float, ...], seconds: float
) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    series = [counter(f"{name}_bucket", 10.0 if seconds <= edge else 0.0, le=f"{edge:g}") for edge in edges]
    return [
        *series,
        counter(f"{name}_bucket", 10.0, le="+Inf"),
        counter(f"{name}_sum", 10.0 * seconds),
        counter(f"{name}_count", 10.0),
    ]


@pytest.fixture(scope="module")
def alertmanager(module_servers: Servers) -> Alertmanager:
    return module_servers.alertmanager()


@pytest.fixture(scope="module")
def prometheus(module_servers: Servers, alertmanager: Alertmanager) -> Prometheus:
    """A Prometheus with the rules, whose waits are cut short, and a quarter of an hour of an API in trouble."""
    rules = re.sub(r"for: \d+[mh]", "for: 0s", (EXAMPLE / "rules.yml").read_text(encoding="utf-8"))
    found = module_servers.prometheus(rules=rules, alertmanagers=[alertmanager.target])
    found.push(
        [
            counter("http_requests_total", 94.0, status="200"),
            counter("http_requests_total", 6.0, status="500"),
            *histogram("http_request_duration_seconds", (0.1, 0.25, 0.5, 1.0), 0.2),
            *(
                gauge(f"aws_ecs_{name}_average", 55.0, cluster_name="price-alert", service_name=service)
                for service in ("api", "worker")
                for name in ("cpuutilization", "memory_utilization")
            ),
            gauge("celery_queue_length", 120.0, queue_name="default"),
            counter("celery_tasks_executed_total", 5.0),
            counter("celery_tasks_failed_total", 0.01),
            *histogram("celery_task_runtime_seconds", (1.0, 10.0, 60.0), 8.0),
            gauge("aws_rds_cpuutilization_average", 91.0, dbinstance_identifier="price-alert-production"),
            gauge("aws_rds_free_storage_space_average", 60 * 2**30, dbinstance_identifier="price-alert-production"),
            gauge("aws_rds_freeable_memory_average", 3 * 2**30, dbinstance_identifier="price-alert-production"),
            gauge("aws_elasticache_database_memory_usage_percentage_average", 48.0, cache_cluster_id="price-alert"),
            counter("scraping_attempts_total", 9.9, result="success"),
            counter("scraping_attempts_total", 0.1, result="failed"),
            counter("notifications_sent_total", 9.95, result="delivered"),
            counter("notifications_sent_total", 0.05, result="failed"),
            *histogram("notification_delay_seconds", (60.0, 600.0, 1800.0), 50.0),
        ]
    )
    found.wait_for("pricealert:rds_memory:bytes")
    return found


EXPECTED = {
    ("api", "errors"): 0.06,
    ("api", "p95"): 0.2425,
    ("api", "mean"): 0.2,
    ("worker", "queue"): 120.0,
    ("worker", "task_failures"): 0.002,
    ("worker", "task_p95"): 9.55,
    ("scraper", "scraping"): 0.99,
    ("notifier", "notifications"): 0.995,
    ("notifier", "notification_delay"): 57.0,
}


def source_of(config: Config, prometheus: Prometheus) -> PrometheusSource:
    settings = PrometheusConfig(url=prometheus.url)
    return PrometheusSource(
        "prometheus", settings, config.systems, HttpConnector(resolve_secret, SystemClock()), SystemClock()
    )


async def test_every_indicator_has_the_right_value(config: Config, prometheus: Prometheus) -> None:
    source = source_of(config, prometheus)
    try:
        update = await source.read_health()
    finally:
        await source.close()
    values = {(str(reading.service), str(reading.indicator)): reading.value or math.nan for reading in update.readings}
    assert values == pytest.approx(EXPECTED, rel=0.02)


async def test_objectives_yield_budgets(config: Config, prometheus: Prometheus) -> None:
    source = source_of(config, prometheus)
    try:
        update = await source.read_budgets()
    finally:
        await source.close()
    budgets = {str(budget.service): budget.left for budget in update.budgets}
    assert budgets == pytest.approx({"api": 1 - 0.06 / 0.0005, "scraper": 0.5}, rel=0.05)


def test_alerts_arrive_in_alertmanager(prometheus: Prometheus, alertmanager: Alertmanager) -> None:
    for name in ("HighErrorRate", "ErrorBudgetBurnFast", "HighDatabaseCPU", "Watchdog"):
        prometheus.wait_for_alert(name)
        alertmanager.wait_for(name)
    found = {alert["labels"]["alertname"]: alert for alert in alertmanager.alerts()}
    assert found["HighErrorRate"]["labels"] == {
        "alertname": "HighErrorRate", "severity": "high", "system": "pricealert", "service": "api",
    }  # fmt: skip
    assert found["HighErrorRate"]["annotations"]["summary"] == "error rate 6.00% > 1%"
    assert not {"LongCeleryQueue", "SlowResponseTime", "LowScrapingSuccess"} & set(found)


def test_alertmanager_configuration_is_valid() -> None:
    status, output = run_tool("alertmanager", "amtool", "check-config", EXAMPLE / "alertmanager.yml")
    assert status == 0, output


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("severity=urgent",), "page"),
        (("severity=fatal",), "page"),
        (("severity=high",), "slack-and-sms"),
        (("severity=medium",), "slack-and-mail"),
        (("severity=low",), "slack"),
        (("alertname=Watchdog", "severity=none"), "dead-mans-switch"),
    ],
)
def test_alerts_are_routed_by_severity(labels: tuple[str, ...], receiver: str) -> None:
    path = EXAMPLE / "alertmanager.yml"
    status, output = run_tool("alertmanager", "amtool", "config", "routes", "test", f"--config.file={path}", *labels)
    assert (status, output.splitlines()[-1]) == (0, receiver)


@pytest.fixture
def example_alertmanager(tmp_path: Path) -> Iterator[str]:
    """The address of an Alertmanager that runs the example's own configuration and reaches nobody."""
    found = program("alertmanager")
    port = free_port()
    command: list[str | Path] = [
        _relocatable(found),
        f"--config.file={EXAMPLE / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    process = ServerProcess(command, tmp_path / "log", environment=found.environment, folder=found.root)
    try:
        process.start(lambda: answers(f"http://127.0.0.1:{port}/-/ready", 200))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def test_alertmanager_runs_with_the_configuration(example_alertmanager: str) -> None:
    status = request_json(f"{example_alertmanager}/api/v2/status")
    assert "dead-mans-switch" in status["config"]["original"]
