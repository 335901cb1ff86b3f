"""Omniy's Instagram scheduler on Firebase, run by one person."""

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
    Metric(id="errors", heading="ERR%", degraded="> 2%", down="> 10%", objective=0.999),
    Metric(id="p95", heading="P95", unit=Unit.SECONDS, degraded="> 2s"),
    Metric(id="cpu", heading="CPU", degraded="> 80%"),
    Metric(id="failures", heading="FAIL%", degraded="> 3%"),
    Metric(id="used", heading="USED", degraded="> 85%"),
    Metric(id="posts", heading="POST%", degraded="< 98%", down="< 80%"),
    Metric(id="webhooks", heading="FAIL%", degraded="> 2%", down="> 5%"),
)

_SERVICES = (
    ServiceModel("hosting", {"errors": Course(0.0008, 0.2, 0.5), "p95": Course(0.19, 0.2)}),
    ServiceModel("functions", {"cpu": Course(0.46, 0.4), "p95": Course(0.41, 0.2), "errors": Course(0.0006, 0.2, 0.5)}),
    ServiceModel("firestore", {"failures": Course(0.0011, 0.1, 0.5)}),
    ServiceModel("storage", {"used": Course(0.583, 0.0, 0.001)}),
    ServiceModel("instagram", {"posts": Course(0.997, 0.0, 0.002), "used": Course(0.52, 0.35, 0.02)}),
    ServiceModel("stripe", {"webhooks": Course(0.004, 0.0, 0.5)}),
)

_CPU = Incident(
    id="functions-cpu",
    when=Recurrence(first=-31 * 60 - 1980, every=6.3 * 3600),
    lasts=6000,
    effects=(Effect(service="functions", metric="cpu", peak=0.84, ramp=180),),
    alerts=(
        AlertModel(
            name="CpuHigh", service="functions", metric="cpu", limit="> 80%", summary="CPU", severity="warning",
            hold=1800, description=("renderPreview works through 300 carousels that one account scheduled.",),
        ),
    ),
)  # fmt: skip

_POSTING = Incident(
    id="posting",
    when=Recurrence(first=9000, every=7.3 * 3600),
    lasts=2400,
    effects=(Effect(service="instagram", metric="posts", peak=0.71, ramp=240),),
    alerts=(
        AlertModel(
            name="PostingMassFailure", service="instagram", metric="posts", limit="< 80%",
            summary="posts published", severity="critical", hold=900,
        ),
    ),
)  # fmt: skip

_PAYMENT = Incident(
    id="payment",
    when=Recurrence(first=4800, every=8.6 * 3600),
    lasts=900,
    effects=(Effect(service="stripe", metric="webhooks", peak=0.083, ramp=60),),
    alerts=(
        AlertModel(
            name="PaymentFailure", service="stripe", metric="webhooks", limit="> 5%",
            summary="webhooks failing", severity="payment", hold=60,
        ),
    ),
)  # fmt: skip

_HOSTING_RELEASE = Routine(
    Recurrence(first=-6.8 * 3600, every=9.1 * 3600),
    ReleaseModel(
        service="hosting", strategy="firebase", by="owner", old=61, new=62, revision="v{}",
        client="firebase CLI", in_place=True,
        steps=(StepModel("upload", 45), StepModel("release", 10), StepModel("smoke test", 60, kind=StepKind.GATE)),
    ),
)  # fmt: skip

_RESOURCES = (
    ResourceModel(
        id="site", kind="firebase_hosting", service="hosting", name="omniy", revision="v{}", number=61,
        broken=breaks("hosting", errors=0.18, limit="> 2%", severity="critical"),
    ),
)  # fmt: skip


def _functions(moment: Moment) -> str:
    """One entry as Cloud Logging exports it."""
    rng = moment.rng
    name = rng.choice(("publishPost", "renderPreview", "refreshToken", "stripeWebhook"))
    entry: dict[str, object] = {
        "timestamp": moment.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "severity": "INFO",
        "resource": {"type": "cloud_function", "labels": {"function_name": name, "project_id": "omniy-demo"}},
        "labels": {"execution_id": f"{rng.getrandbits(40):010x}"},
    }
    if moment.wrong:
        memory = rng.randrange(246, 256)
        entry |= {"severity": "WARNING", "textPayload": f"Memory {memory} MiB of 256 MiB, instance is throttled"}
    else:
        entry |= {"textPayload": f"Function execution took {rng.randrange(40, 900)} ms, finished with status: 'ok'"}
    return json.dumps(entry, ensure_ascii=False)


OMNIY = SystemModel(
    id="omniy",
    environment="production",
    metrics=_METRICS,
    services=_SERVICES,
    severities={"payment": "P1", "critical": "P2", "warning": "P3", "info": "P4"},
    respond={"P1": 600, "P2": 1800, "P3": 3600, "P4": 24 * 3600},
    incidents=(_CPU, _PAYMENT, _POSTING),
    routines=(_HOSTING_RELEASE,),
    resources=_RESOURCES,
    project="omniy-demo",
    logs=(LogModel(service="functions", rate=0.8, burst=1.5, write=_functions),),
    budgets={"hosting": 0.91},
)
