"""Every rule of PriceAlert fires when it should, after its time, and not before; promtool is the judge."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.examples.tools import run_tool

RULES = Path(__file__).parents[2] / "examples" / "pricealert" / "rules.yml"
DATABASE = '{dbinstance_identifier="price-alert-production"}'
GIB = 2**30

pytestmark = pytest.mark.server

Series = dict[str, str]


def requests(bad_share: float) -> Series:
    """A thousand requests a step, of which so many fail."""
    return {
        'http_requests_total{status="200"}': f"0+{1000 * (1 - bad_share):g}x100",
        'http_requests_total{status="500"}': f"0+{1000 * bad_share:g}x100",
    }


def outcomes(metric: str, good: str, good_share: float) -> Series:
    return {
        f'{metric}{{result="{good}"}}': f"0+{1000 * good_share:g}x100",
        f'{metric}{{result="failed"}}': f"0+{1000 * (1 - good_share):g}x100",
    }


def histogram(metric: str, edges: tuple[float, ...], seconds: float) -> Series:
    """Observations that all take so long."""
    found = {f'{metric}{{le="{edge:g}"}}': f"0+{100 if seconds <= edge else 0}x100" for edge in edges}
    return found | {f'{metric}{{le="+Inf"}}': "0+100x100"}


def steady(series: str, value: float) -> Series:
    return {series: f"{value:g}+0x100"}


@dataclass(frozen=True)
class Case:
    """A rule, what makes it fire and what does not; times in steps of `step` minutes."""

    alert: str
    severity: str
    service: str
    bad: Series
    good: Series
    hold: int
    step: int = 1
    label: str = "service"


LATENCY = (0.1, 0.25, 0.5, 1.0, 2.5)
RUNTIME = (1.0, 10.0, 30.0, 60.0, 120.0)
CPU = f"aws_rds_cpuutilization_average{DATABASE}"
DISK = f"aws_rds_free_storage_space_average{DATABASE}"
MEMORY = f"aws_rds_freeable_memory_average{DATABASE}"
ECS_CPU = 'aws_ecs_cpuutilization_average{service_name="api"}'
ECS_MEMORY = 'aws_ecs_memory_utilization_average{service_name="api"}'
REDIS = 'aws_elasticache_database_memory_usage_percentage_average{cache_cluster_id="price-alert"}'
FAILED, EXECUTED = "celery_tasks_failed_total", "celery_tasks_executed_total"

CASES = [
    Case("HighErrorRate", "high", "api", requests(0.02), requests(0.009), 5),
    Case(
        "SlowResponseTime", "medium", "api",
        histogram("http_request_duration_seconds_bucket", LATENCY, 0.9),
        histogram("http_request_duration_seconds_bucket", LATENCY, 0.2), 5,
    ),
    Case("ApiTrafficAbsent", "high", "api", {}, requests(0), 5),
    Case("ApiTrafficAbsent", "high", "api", steady('http_requests_total{status="200"}', 7), requests(0), 5),
    Case("ErrorBudgetBurnFast", "urgent", "api", requests(0.02), requests(0.005), 2),
    Case("ErrorBudgetBurn", "urgent", "api", requests(0.005), requests(0.002), 5),
    Case("ErrorBudgetBurnSlow", "low", "api", requests(0.001), requests(0.0003), 12, step=5),
    Case("HighDatabaseCPU", "high", "rds", steady(CPU, 76), steady(CPU, 75), 15),
    Case("LowDatabaseDiskSpace", "high", "rds", steady(DISK, 19 * GIB), steady(DISK, 21 * GIB), 10),
    Case("LowDatabaseMemory", "high", "rds", steady(MEMORY, 0.8 * GIB), steady(MEMORY, 0.9 * GIB), 5),
    Case("DatabaseMetricsAbsent", "medium", "rds", {}, steady(CPU, 10), 15),
    Case(
        "LongCeleryQueue", "medium", "worker",
        steady('celery_queue_length{queue_name="a"}', 600) | steady('celery_queue_length{queue_name="b"}', 401),
        steady("celery_queue_length", 1000), 15,
    ),
    Case(
        "HighCeleryTaskFailureRate", "medium", "worker",
        {FAILED: "0+6x100", EXECUTED: "0+100x100"}, {FAILED: "0+4x100", EXECUTED: "0+100x100"}, 10,
    ),
    Case(
        "SlowCeleryTasks", "low", "worker",
        histogram("celery_task_runtime_seconds_bucket", RUNTIME, 90),
        histogram("celery_task_runtime_seconds_bucket", RUNTIME, 20), 5,
    ),
    Case("CeleryQueueAbsent", "medium", "worker", {}, steady("celery_queue_length", 0), 5),
    Case("HighServiceCPU", "medium", "api", steady(ECS_CPU, 81), steady(ECS_CPU, 80), 5, label="service_name"),
    Case("HighServiceMemory", "medium", "api", steady(ECS_MEMORY, 86), steady(ECS_MEMORY, 85), 5, label="service_name"),
    Case("HighRedisMemory", "medium", "redis", steady(REDIS, 71), steady(REDIS, 70), 5),
    Case(
        "LowScrapingSuccess", "high", "scraper",
        outcomes("scraping_attempts_total", "success", 0.94), outcomes("scraping_attempts_total", "success", 0.96), 5,
    ),
    Case(
        "ScrapingBelowObjective", "low", "scraper",
        outcomes("scraping_attempts_total", "success", 0.97), outcomes("scraping_attempts_total", "success", 0.99), 30,
    ),
    Case(
        "LowNotificationSuccess", "high", "notifier",
        outcomes("notifications_sent_total", "delivered", 0.97),
        outcomes("notifications_sent_total", "delivered", 0.99), 5,
    ),
]  # fmt: skip


Expected = dict[tuple[str, int], float]
"""Values by expression and time in steps."""


def judge(folder: Path, *worlds: tuple[Series, Expected], step: int = 1) -> None:
    """Have promtool evaluate expressions in worlds with nothing but some series; `step` is in minutes."""
    tests = [
        {
            "interval": f"{step}m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {"expr": expr, "eval_time": f"{at * step}m", "exp_samples": [{"labels": "{}", "value": value}]}
                for (expr, at), value in expected.items()
            ],
        }
        for series, expected in worlds
    ]
    path = folder / "test.json"
    content = {"rule_files": [str(RULES)], "evaluation_interval": f"{step}m", "tests": tests}
    path.write_text(json.dumps(content), encoding="utf-8")
    status, output = run_tool("prometheus", "promtool", "test", "rules", path)
    assert status == 0, output


def firing(case: Case) -> str:
    labels = f'alertname="{case.alert}",severity="{case.severity}",system="pricealert",{case.label}="{case.service}"'
    return f'count(ALERTS{{{labels},alertstate="firing"}}) or vector(0)'


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_rule_fires_after_its_time_and_only_beyond_its_limit(case: Case, tmp_path: Path) -> None:
    alert, late = firing(case), case.hold + 10
    judge(
        tmp_path,
        (case.bad, {(alert, case.hold - 1): 0, (alert, late): 1}),
        (case.good, {(alert, late): 0}),
        step=case.step,
    )


def test_watchdog_fires_whatever_happens(tmp_path: Path) -> None:
    judge(tmp_path, ({}, {('count(ALERTS{alertname="Watchdog",alertstate="firing"})', 1): 1}))


def test_every_alert_has_a_case() -> None:
    alerts = set(re.findall(r"^ +- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE))
    assert alerts == {case.alert for case in CASES} | {"Watchdog"}


def test_an_empty_queue_is_quiet_however_many_tasks_there_were(tmp_path: Path) -> None:
    """The manual's expression fires here for ever: it takes a counter for a length."""
    series = {"celery_tasks_queued_total": "0+500x100", "celery_queue_length": "0+0x100"}
    quiet = 'count(ALERTS{alertname="LongCeleryQueue"}) or vector(0)'
    judge(tmp_path, (series, {(quiet, 60): 0, ("sum(celery_tasks_queued_total) > bool 1000", 60): 1}))


def test_a_busy_processor_is_not_averaged_away(tmp_path: Path) -> None:
    """The manual's expression shows a processor at 90% as 12.9%, even under the metric's present name."""
    busy = ("user", "system", "nice", "iowait", "irq", "softirq", "steal")
    series = {
        f'node_cpu_seconds_total{{mode="{mode}",instance="database-1"}}': "0+54x100" if mode == "user" else "0+0x100"
        for mode in busy
    }
    series |= {'node_cpu_seconds_total{mode="idle",instance="database-1"}': "0+6x100"} | steady(CPU, 90)
    seed = 'round(avg(rate(node_cpu_seconds_total{mode!="idle",instance=~"database.*"}[5m])) * 100, 0.1)'
    alert = 'count(ALERTS{alertname="HighDatabaseCPU",alertstate="firing"})'
    judge(tmp_path, (series, {(seed, 60): 12.9, (alert, 60): 1}))


def test_rules_are_valid() -> None:
    status, output = run_tool("prometheus", "promtool", "check", "rules", RULES)
    assert status == 0, output
    assert "SUCCESS" in output
