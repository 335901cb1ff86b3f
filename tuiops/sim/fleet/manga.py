"""AI manga generation on Google Cloud: a pipeline of eight phases, two outside APIs, a database and a cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tuiops.core.rollouts import StepKind
from tuiops.core.units import Unit
from tuiops.sim.fleet.breaking import breaks
from tuiops.sim.model import (
    AlertModel,
    Course,
    DriftModel,
    Effect,
    GateModel,
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
    Metric(id="errors", heading="ERR%", degraded="> 5%", down="> 50%", objective=0.995),
    Metric(id="p95", heading="P95", unit=Unit.SECONDS, degraded="> 2s", down="> 5s"),
    Metric(id="phase_p95", heading="P95", unit=Unit.SECONDS, degraded="> 600s"),
    Metric(id="quality", heading="QUALITY", unit=Unit.COUNT, degraded="< 0.85", down="< 0.5"),
    Metric(id="quota", heading="QUOTA", degraded=">= 95%"),
    Metric(id="sql_cpu", heading="CPU", degraded="> 80%", late=165, max_age=300),
    Metric(id="memory", heading="MEM", degraded="> 80%"),
)

_SECONDS = (12.0, 18.0, 26.0, 41.0, 33.0, 38.0, 29.0, 15.0)
"""What each of the eight phases takes at the 95th percentile."""

_SERVICES = (
    *(
        ServiceModel(
            f"phase{number}",
            ({"quota": Course(0.55, 0.4, 0.05)} if number == 6 else {})
            | {
                "errors": Course(0.003, 0.2, 0.4),
                "phase_p95": Course(seconds, 0.15),
                "quality": Course(0.92, 0.0, 0.02),
            },
        )
        for number, seconds in enumerate(_SECONDS, start=1)
    ),
    ServiceModel("api", {"errors": Course(0.001, 0.2, 0.5), "p95": Course(0.62, 0.2)}),
    ServiceModel("database", {"sql_cpu": Course(0.37, 0.3)}),
    ServiceModel("redis", {"memory": Course(0.62, 0.0, 0.02)}),
    ServiceModel("gemini", {"errors": Course(0.004, 0.1, 0.5), "quota": Course(0.51, 0.35, 0.05)}),
    ServiceModel("imagen", {"errors": Course(0.006, 0.1, 0.5), "quota": Course(0.58, 0.35, 0.05)}),
)

_QUOTA = Incident(
    id="quota",
    when=Recurrence(first=-590, every=3.6 * 3600),
    lasts=2900,
    effects=(
        Effect(service="phase6", metric="quota", peak=0.992, ramp=90),
        Effect(service="imagen", metric="quota", peak=0.985, ramp=90),
        Effect(service="phase6", metric="quality", peak=0.79, delay=60, ramp=180),
    ),
    alerts=(
        AlertModel(
            name="AIQuotaExhausted", service="phase6", metric="quota", limit=">= 95%",
            summary="AI quota", severity="high",
            description=("Imagen requests of today are used up; phase 6 answers from its cache.",),
        ),
        AlertModel(
            name="AIQualityDrop", service="phase6", metric="quality", limit="< 0.85",
            summary="quality", severity="medium",
        ),
    ),
)  # fmt: skip

_IMAGEN = Incident(
    id="imagen-errors",
    when=Recurrence(first=6300, every=6.1 * 3600),
    lasts=1300,
    effects=(
        Effect(service="imagen", metric="errors", peak=0.34),
        Effect(service="phase5", metric="errors", peak=0.11, delay=30),
    ),
    alerts=(
        AlertModel(
            name="ErrorRateHigh", service="phase5", metric="errors", limit="> 5%",
            summary="error rate", severity="high",
        ),
    ),
)  # fmt: skip

_REDIS = Incident(
    id="redis-memory",
    when=Recurrence(first=-7200, every=9 * 3600, spread=0.1),
    lasts=5 * 3600,
    effects=(Effect(service="redis", metric="memory", peak=0.836, ramp=900, fade=60),),
    alerts=(
        AlertModel(
            name="RedisMemoryHigh", service="redis", metric="memory", limit="> 80%",
            summary="memory", severity="medium", silenced_by="SRE 1: resized in tonight's maintenance",
        ),
    ),
)  # fmt: skip

_PERCENT = (
    StepModel("create revision", 60, 0.0, stage="deploy"),
    StepModel("shift to 10%", 20, 0.1, stage="10%"),
    StepModel("bake", 300, 0.1, StepKind.WAIT, "10%"),
    StepModel("shift to 50%", 20, 0.5, stage="50%"),
    StepModel("bake", 300, 0.5, StepKind.WAIT, "50%"),
    StepModel("100%", 60, 1.0),
    StepModel("settle", 240, 1.0, StepKind.WAIT),
)

_PHASE_RELEASE = Routine(
    Recurrence(first=300, every=5.2 * 3600, past=4),
    ReleaseModel(
        service="phase1", strategy="percent", by="deploy@manga", client="gcloud", steps=_PERCENT, old=41, new=42,
        revision="phase1-{:05d}", image="asia-northeast1-docker.pkg.dev/manga/phases/phase1", instances=20, lag=240,
        gates=(
            GateModel(label="error ≤ 5%", metric="errors", fails="> 5%", after=2),
            GateModel(label="error ≤ 2%", metric="errors", fails="> 2%", after=4),
        ),
    ),
)  # fmt: skip

_DRIFTS = (
    DriftModel(service="phase6", resource="phase6", what="max instances", expected="20", actual="10"),
    DriftModel(service="phase6", resource="phase6", what="env IMAGEN_CACHE", expected="off", actual="on"),
)

_RUNNING = {"phase1": (41, 20), "phase6": (28, 10)}
"""The revision of a phase, and how many instances it has at most, where these are not as everywhere."""


def _run(service: str) -> ResourceModel:
    number, most = _RUNNING.get(service, (17, 20))
    return ResourceModel(
        id=service, kind="cloud_run", service=service, name=f"manga-{service}", revision=service + "-{:05d}",
        number=number, least=1, most=most, broken=breaks(service, errors=0.31, limit="> 5%", severity="high"),
    )  # fmt: skip


_RESOURCES = (
    *(_run(f"phase{number}") for number in range(1, 9)),
    _run("api"),
    ResourceModel(id="database", kind="cloud_sql", service="database", name="manga-db"),
)


def _record(moment: Moment, level: str, event: str, **fields: object) -> str:
    at = moment.at.isoformat(timespec="milliseconds")
    return json.dumps({"timestamp": at, "level": level, "logger": "manga", "event": event} | fields, ensure_ascii=False)


def _phase6(moment: Moment) -> str:
    rng = moment.rng
    request = f"{rng.getrandbits(32):08x}"
    if moment.wrong:
        return _record(
            moment, "error", "processing_error", service="phase6", request_id=request,
            error_type="QuotaExceeded", error_message="Imagen: quota exceeded for images per day (429)",
            context={"style": rng.choice(("少年漫画", "少女漫画", "四コマ")), "page": rng.randrange(1, 24)},
        )  # fmt: skip
    quality = 0.94 - 0.14 * moment.trouble + rng.uniform(-0.03, 0.03)
    return _record(
        moment, "info" if quality >= 0.85 else "warning", "phase_completed", service="phase6", request_id=request,
        phase=6, duration_seconds=round(rng.uniform(24, 39), 1), quality_score=round(quality, 3),
        passes_quality_gate=quality >= 0.85,
    )  # fmt: skip


def _api(moment: Moment) -> str:
    rng = moment.rng
    return _record(
        moment, "info", "manga_generation_started", service="api", request_id=f"{rng.getrandbits(32):08x}",
        user_id=f"u{rng.randrange(10000)}", text_length=rng.randrange(400, 9000),
        style=rng.choice(("少年漫画", "少女漫画", "四コマ")), estimated_pages=rng.randrange(4, 32), user_type="free",
    )  # fmt: skip


MANGA = SystemModel(
    id="manga",
    environment="production",
    metrics=_METRICS,
    services=_SERVICES,
    severities={"critical": "P1", "high": "P2", "medium": "P3", "low": "P4"},
    respond={"P1": 900, "P2": 3600, "P3": 4 * 3600, "P4": 24 * 3600},
    incidents=(_QUOTA, _IMAGEN, _REDIS),
    routines=(_PHASE_RELEASE,),
    drifts=_DRIFTS,
    resources=_RESOURCES,
    project="manga-demo",
    region="asia-northeast1",
    logs=(
        LogModel(service="phase6", rate=0.7, burst=2.5, write=_phase6),
        LogModel(service="api", rate=0.5, burst=1, write=_api),
    ),
    budgets={"api": 0.83},
)
