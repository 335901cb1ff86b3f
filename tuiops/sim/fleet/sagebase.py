"""Sagebase: a Streamlit application on Cloud Run before a PostgreSQL on Cloud SQL."""

from __future__ import annotations

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
    Outage,
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
    Metric(id="errors", heading="ERR%", degraded="> 1%", down="> 5%", objective=0.99),
    Metric(id="p95", heading="P95", unit=Unit.SECONDS, degraded="> 3s"),
    Metric(id="cpu", heading="CPU", degraded="> 80%"),
    Metric(id="memory", heading="MEM", degraded="> 85%"),
    Metric(id="connections", heading="CONN", unit=Unit.COUNT, down="< 1", late=165, max_age=300),
)

_SERVICES = (
    ServiceModel(
        "streamlit",
        {
            "errors": Course(0.0015, 0.2, 0.5),
            "p95": Course(1.1, 0.2),
            "cpu": Course(0.33, 0.4),
            "memory": Course(0.57, 0.05, 0.03),
        },
    ),
    ServiceModel("cloudsql", {"connections": Course(14, 0.5, 0.2)}),
)

_DATABASE = Incident(
    id="no-connections",
    when=Recurrence(first=8100, every=9.7 * 3600),
    lasts=1000,
    effects=(
        Effect(service="cloudsql", metric="connections", peak=0.0, ramp=30, fade=40),
        Effect(service="streamlit", metric="errors", peak=0.42, ramp=60),
    ),
    alerts=(
        AlertModel(
            name="DatabaseConnectionFailures", service="cloudsql", metric="connections", limit="< 1",
            summary="connections", severity="db_conn",
        ),
        AlertModel(
            name="HighErrorRate", service="streamlit", metric="errors", limit="> 5%", summary="error rate",
            severity="error_rate", inhibited_by="DatabaseConnectionFailures",
        ),
    ),
)  # fmt: skip

_MONITORING = Outage(
    when=Recurrence(first=8, every=2.2 * 3600),
    lasts=420,
    reason="Cloud Monitoring 429: quota exceeded for time series queries per minute",
    retry_after=60,
)

_RELEASE = Routine(
    Recurrence(first=-8.4 * 3600, every=11 * 3600),
    ReleaseModel(
        service="streamlit", strategy="ci-deploy", by="GitHub Actions", old=73, new=74,
        revision="sagebase-streamlit-{:05d}",
        steps=(StepModel("deploy", 90, 1.0), StepModel("health", 30, 1.0, StepKind.GATE)),
        client="gcloud", image="asia-northeast1-docker.pkg.dev/sagebase/app/streamlit", instances=2,
    ),
)  # fmt: skip

_RESOURCES = (
    ResourceModel(
        id="streamlit", kind="cloud_run", service="streamlit", name="sagebase-streamlit",
        revision="sagebase-streamlit-{:05d}", number=73, least=0, most=2,
        broken=breaks("streamlit", errors=0.23, limit="> 5%", severity="error_rate"),
    ),
    ResourceModel(id="cloudsql", kind="cloud_sql", service="cloudsql", name="sagebase-db"),
)  # fmt: skip


def _streamlit(moment: Moment) -> str:
    """Python's own log format, whose exceptions take several lines."""
    rng = moment.rng
    head = f"{moment.at:%Y-%m-%d %H:%M:%S},{moment.at.microsecond // 1000:03d}"
    if moment.wrong:
        return (
            f"{head} ERROR sagebase.db: 議事録を読み込めません\n"
            "Traceback (most recent call last):\n"
            '  File "/app/sagebase/minutes.py", line 142, in load\n'
            "    rows = session.execute(statement).all()\n"
            "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) server closed the connection unexpectedly"
        )
    page = rng.choice(("会議一覧", "発言検索", "議員", "政党別集計"))
    return f"{head} INFO sagebase.app: page {page} rendered in {rng.randrange(180, 1400)} ms"


SAGEBASE = SystemModel(
    id="sagebase",
    environment="production",
    metrics=_METRICS,
    services=_SERVICES,
    severities={
        "availability": "P1",
        "error_rate": "P2",
        "db_conn": "P2",
        "latency": "P3",
        "cpu": "P3",
        "memory": "P3",
    },
    respond={"P1": 900, "P2": 1800, "P3": 4 * 3600, "P4": 24 * 3600},
    incidents=(_DATABASE,),
    routines=(_RELEASE,),
    outages=(_MONITORING,),
    resources=_RESOURCES,
    project="sagebase-demo",
    region="asia-northeast1",
    logs=(LogModel(service="streamlit", rate=0.35, burst=2, write=_streamlit),),
    budgets={"streamlit": 0.77},
)
