"""PriceAlert on AWS: an API and Celery workers before RDS and Redis, a scraper and a notifier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tuiops.core.rollouts import StepKind
from tuiops.core.units import Unit
from tuiops.sim.fleet.breaking import breaks
from tuiops.sim.model import (
    AlertModel,
    Course,
    Effect,
    Incident,
    LogModel,
    Metric,
    Recurrence,
    ReleaseModel,
    ResourceModel,
    Routine,
    ServiceModel,
    StepModel,
    SystemModel,
)

if TYPE_CHECKING:
    from tuiops.sim.model import Moment

_METRICS = (
    Metric(id="errors", heading="ERR%", degraded="> 0.1%", down="> 1%", objective=0.9995),
    Metric(id="p95", heading="P95", unit=Unit.SECONDS, degraded="> 500ms"),
    Metric(id="ecs_cpu", heading="CPU", degraded="> 80%"),
    Metric(id="rds_cpu", heading="CPU", degraded="> 75%", late=60, max_age=240),
    Metric(id="rds_disk", heading="DISK", degraded="> 80%", late=60, max_age=240),
    Metric(id="memory", heading="MEM", degraded="> 70%"),
    Metric(id="queue", heading="QUEUE", unit=Unit.COUNT, degraded="> 1000"),
    Metric(id="failures", heading="ERR%", degraded="> 5%"),
    Metric(id="task_p95", heading="P95", unit=Unit.SECONDS, degraded=">= 60s"),
    Metric(id="success", heading="OK%", degraded="<= 95%"),
    Metric(id="delivered", heading="OK%", degraded="<= 98%"),
)

_SERVICES = (
    ServiceModel(
        "api",
        {"errors": Course(0.0002, 0.3, 0.5), "p95": Course(0.21, 0.2), "ecs_cpu": Course(0.42, 0.35)},
        (("dashboard", "https://grafana.example.com/d/pricealert-api"),),
    ),
    ServiceModel(
        "worker",
        {"failures": Course(0.001, 0.2, 0.4), "task_p95": Course(18.0, 0.2), "queue": Course(140.0, 0.6, 0.3)},
    ),
    ServiceModel("rds", {"rds_cpu": Course(0.38, 0.4), "rds_disk": Course(0.61, 0.0, 0.003)}),
    ServiceModel("redis", {"memory": Course(0.48, 0.15, 0.04)}),
    ServiceModel("scraper", {"success": Course(0.991, 0.0, 0.004)}),
    ServiceModel("notifier", {"delivered": Course(0.9965, 0.0, 0.002)}),
)

_ROLLING = (
    StepModel("register task definition", 15),
    StepModel("replace 4 tasks", 120, 1.0),
    StepModel("steady state", 45, 1.0, StepKind.WAIT),
)
_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/pricealert"

_BAD_RELEASE = Incident(
    id="bad-release",
    when=Recurrence(first=-569, every=4.1 * 3600),
    lasts=2400,
    effects=(
        Effect(service="api", metric="errors", peak=0.062),
        Effect(service="api", metric="p95", peak=2.41),
        Effect(service="rds", metric="rds_cpu", peak=0.91, delay=31, ramp=120),
    ),
    alerts=(
        AlertModel(
            name="ErrorBudgetBurnFast",
            service="api",
            metric="errors",
            limit="> 1%",
            summary="error rate",
            severity="urgent",
            description=(
                "The error budget of 30 days burns at more than 14.4 times its rate.",
                "Task definition api:118 was rolled out seven minutes before this alert.",
            ),
        ),
        AlertModel(
            name="HighErrorRate",
            service="api",
            metric="errors",
            limit="> 1%",
            summary="error rate",
            severity="high",
            inhibited_by="ErrorBudgetBurnFast",
        ),
        AlertModel(
            name="SlowResponseTime",
            service="api",
            metric="p95",
            limit="> 500ms",
            summary="p95",
            severity="medium",
        ),
        AlertModel(
            name="HighDatabaseCPU",
            service="rds",
            metric="rds_cpu",
            limit="> 75%",
            summary="CPU",
            severity="high",
            description=("price-alert-production, db.t3.large: connection pools of the API are exhausted.",),
        ),
    ),
    releases=(
        ReleaseModel(
            service="api", strategy="ecs-rolling", by="CI", client="GitHub Actions", steps=_ROLLING, old=117, new=118,
            stride=2, revision="api:{}", image=_IMAGE, instances=4, in_place=True,
            message="reuse database sessions between requests",
        ),
        ReleaseModel(
            service="api", strategy="ecs-rolling", by="on-call", client="AWS console", steps=_ROLLING, old=118, new=117,
            stride=2, revision="api:{}", image=_IMAGE, instances=4, in_place=True, offset=2340,
            message="roll back: error rate",
        ),
    ),
)  # fmt: skip

_BACKLOG = Incident(
    id="queue-backlog",
    when=Recurrence(first=1500, every=3.3 * 3600),
    lasts=2100,
    effects=(
        Effect(service="worker", metric="queue", peak=1840, ramp=600, fade=500),
        Effect(service="worker", metric="task_p95", peak=74, ramp=300),
        Effect(service="scraper", metric="success", peak=0.92, ramp=240),
    ),
    alerts=(
        AlertModel(
            name="LongCeleryQueue", service="worker", metric="queue", limit="> 1000",
            summary="queue length", severity="medium", hold=900,
        ),
        AlertModel(
            name="LowScrapingSuccess", service="scraper", metric="success", limit="<= 95%",
            summary="scraping success", severity="high",
        ),
        AlertModel(
            name="SlowCeleryTasks", service="worker", metric="task_p95", limit=">= 60s",
            summary="task p95", severity="low",
        ),
    ),
)  # fmt: skip

_NOTIFICATIONS = Incident(
    id="mail-provider",
    when=Recurrence(first=5400, every=5.7 * 3600),
    lasts=1500,
    effects=(Effect(service="notifier", metric="delivered", peak=0.93),),
    alerts=(
        AlertModel(
            name="LowNotificationSuccess", service="notifier", metric="delivered", limit="<= 98%",
            summary="notifications delivered", severity="high",
        ),
    ),
)  # fmt: skip

_WORKER_RELEASE = Routine(
    Recurrence(first=-4 * 3600 - 1300, every=8.2 * 3600),
    ReleaseModel(
        service="worker",
        strategy="ecs-rolling",
        by="CI",
        client="GitHub Actions",
        steps=_ROLLING,
        old=88,
        new=89,
        revision="worker:{}",
        image=_IMAGE,
        instances=4,
        in_place=True,
    ),
)

_RESOURCES = (
    ResourceModel(
        id="api", kind="ecs", service="api", name="pricealert-api", cluster="pricealert", revision="api:{}",
        number=117, least=4, most=4, broken=breaks("api", errors=0.083, limit="> 1%", severity="urgent"),
    ),
    ResourceModel(
        id="worker", kind="ecs", service="worker", name="pricealert-worker", cluster="pricealert",
        revision="worker:{}", number=88, least=4, most=4,
    ),
    ResourceModel(id="rds", kind="rds", service="rds", name="pricealert-db"),
)  # fmt: skip


def _record(moment: Moment, level: str, logger: str, message: str, **fields: object) -> str:
    """One line as the application's JSON formatter writes it; its time is UTC without saying so."""
    record = {
        "timestamp": moment.at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        "message": message,
        "module": logger.rpartition(".")[2],
        "function": moment.rng.choice(("handle", "fetch", "update", "run")),
        "line": moment.rng.randrange(20, 400),
        "request_id": f"{moment.rng.getrandbits(32):08x}",
        "user_id": moment.rng.randrange(1000, 99999),
    } | fields
    return json.dumps(record, ensure_ascii=False)


def _api(moment: Moment) -> str:
    rng = moment.rng
    path = rng.choice(("/v1/prices", "/v1/products", "/v1/alerts", "/v1/watchlist"))
    if not moment.wrong:
        return _record(moment, "INFO", "pricealert.access", f"GET {path} 200 in {rng.randrange(18, 240)} ms")
    match rng.randrange(5):
        case 0:
            attempt = rng.randrange(1, 5)
            return _record(moment, "ERROR", "pricealert.db", f"connection to rds-1 refused (attempt {attempt})")
        case 1:
            return _record(moment, "ERROR", "pricealert.db", "pool exhausted: 20/20 in use")
        case 2:
            return _record(
                moment, "CRITICAL", "pricealert.api", f"GET {path} failed",
                exception={
                    "type": "OperationalError",
                    "message": 'could not connect to server: Connection refused on "rds-1" port 5432',
                    "traceback": "Traceback (most recent call last):\n"
                    '  File "/app/pricealert/db.py", line 88, in connect\n'
                    "    return self.pool.getconn(timeout=2)\n"
                    "psycopg2.OperationalError: could not connect to server: Connection refused",
                },
            )  # fmt: skip
        case _:
            return _record(moment, "ERROR", "pricealert.access", f"GET {path} 500 in {rng.randrange(2380, 2440):,} ms")


def _worker(moment: Moment) -> str:
    rng = moment.rng
    task = rng.choice(("scrape_product", "compare_prices", "send_notification"))
    if moment.wrong:
        return _record(
            moment, "WARNING", "pricealert.tasks", f"{task} is slow: {rng.randrange(60, 95)} s, retry in 30 s"
        )
    return _record(moment, "INFO", "pricealert.tasks", f"{task} succeeded in {rng.uniform(0.8, 19):.1f} s")


def _scraper(moment: Moment) -> str:
    rng = moment.rng
    product = rng.choice(
        ("全自動コーヒーメーカー", "ワイヤレスイヤホン", "ロボット掃除機 X10", "空気清浄機", "4K モニター 27 インチ")
    )
    if moment.wrong:
        return _record(moment, "ERROR", "pricealert.scraper", f"価格を取得できません: {product} (HTTP 503)")
    return _record(moment, "INFO", "pricealert.scraper", f"{product}: ¥{rng.randrange(3980, 89800):,}")


def _rds(moment: Moment) -> str:
    rng = moment.rng
    head = f"{moment.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" UTC [{rng.randrange(900, 4000)}] "
    if moment.wrong:
        return head + "FATAL:  remaining connection slots are reserved for non-replication superuser connections"
    if moment.trouble > rng.random():
        return head + (
            f"LOG:  duration: {rng.uniform(1200, 2600):.3f} ms  statement: SELECT p.id, p.price\n"
            "\tFROM prices p JOIN products q ON q.id = p.product_id\n"
            "\tWHERE q.user_id = $1 ORDER BY p.seen_at DESC"
        )
    return head + f"LOG:  checkpoint complete: wrote {rng.randrange(40, 900)} buffers"


PRICEALERT = SystemModel(
    id="pricealert",
    environment="production",
    metrics=_METRICS,
    services=_SERVICES,
    severities={"urgent": "P1", "high": "P2", "medium": "P3", "low": "P4"},
    respond={"P1": 900, "P2": 3600, "P3": 4 * 3600, "P4": 24 * 3600},
    incidents=(_BAD_RELEASE, _BACKLOG, _NOTIFICATIONS),
    routines=(_WORKER_RELEASE,),
    resources=_RESOURCES,
    project="123456789012",
    region="ap-northeast-1",
    logs=(
        LogModel(service="api", rate=1.5, burst=4, write=_api),
        LogModel(service="worker", rate=0.8, burst=1.5, write=_worker),
        LogModel(service="scraper", rate=0.5, burst=2, write=_scraper),
        LogModel(service="rds", rate=0.1, burst=8, write=_rds),
    ),
    budgets={"api": 0.19},
)
