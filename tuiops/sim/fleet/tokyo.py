"""The AI voice chat of Tokyo's official app: one Cloud Run service, released blue-green with a canary."""

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
    Metric(id="errors", heading="ERR%", degraded="> 1%", down="> 5%", objective=0.999, idle_is_ok=True),
    Metric(id="p95", heading="P95", unit=Unit.SECONDS, degraded="> 3s", down="> 5s", idle_is_ok=True),
    Metric(id="cpu", heading="CPU", degraded="> 80%"),
    Metric(id="ping", heading="PING", unit=Unit.SECONDS, degraded="> 50ms"),
    Metric(id="memory", heading="MEM", degraded="> 80%"),
)

_SERVICES = (
    ServiceModel("chat", {"errors": Course(0.004, 0.2, 0.3), "p95": Course(1.7, 0.15), "cpu": Course(0.44, 0.4)}),
    ServiceModel("redis", {"ping": Course(0.0021, 0.1, 0.3), "memory": Course(0.41, 0.1, 0.03)}),
    ServiceModel("vector-search", {"p95": Course(0.34, 0.2), "errors": Course(0.0007, 0.1, 0.5)}),
    ServiceModel("gemini", {"errors": Course(0.003, 0.1, 0.5), "p95": Course(1.2, 0.2)}),
    ServiceModel(
        "staging", {"errors": Course(0.002, 0.0, 0.5, idle=0.5), "p95": Course(0.9, 0.0, 0.2, idle=0.5),
                    "cpu": Course(0.21)},
    ),
)  # fmt: skip

_BLUE_GREEN = (
    StepModel("create revision", 232, 0.0, stage="deploy"),
    StepModel("health check", 40, 0.0, StepKind.GATE, "deploy"),
    StepModel("shift to 10%", 20, 0.1, stage="canary"),
    StepModel("bake", 280, 0.1, StepKind.WAIT, "canary"),
    StepModel("100%", 20, 1.0),
    StepModel("watch", 600, 1.0, StepKind.WAIT),
)
_GATE = GateModel(label="error ≤ 5%", metric="errors", fails="> 5%", after=3)
_IMAGE = "asia-northeast1-docker.pkg.dev/tokyo/chat/server"

_CANARY = Routine(
    Recurrence(first=-380, every=4.4 * 3600, spread=0.05, past=3),
    ReleaseModel(
        service="chat", strategy="blue-green", by="CI", client="Cloud Build", steps=_BLUE_GREEN, gates=(_GATE,),
        old=301, new=302, revision="{}", image=_IMAGE, instances=12,
    ),
)  # fmt: skip

_BAD_CANARY = Incident(
    id="bad-canary",
    when=Recurrence(first=7500, every=7.9 * 3600),
    lasts=572,
    effects=(Effect(service="chat", metric="errors", peak=0.074, delay=272, ramp=90, fade=60),),
    alerts=(
        AlertModel(
            name="HighErrorRate", service="chat", metric="errors", limit="> 5%",
            summary="error rate", severity="critical", hold=60,
            description=("The canary answers one request in ten; most of its answers are errors.",),
        ),
    ),
    releases=(
        ReleaseModel(
            service="chat", strategy="blue-green", by="CI", client="Cloud Build", steps=_BLUE_GREEN, gates=(_GATE,),
            old=7301, new=7302, revision="{}", image=_IMAGE, instances=12,
        ),
    ),
)  # fmt: skip

_SLOW = Incident(
    id="slow-answers",
    when=Recurrence(first=-19 * 60 - 500, every=4.9 * 3600),
    lasts=3000,
    effects=(
        Effect(service="chat", metric="p95", peak=3.4, ramp=200),
        Effect(service="gemini", metric="p95", peak=2.8),
    ),
    alerts=(
        AlertModel(
            name="HighLatency", service="chat", metric="p95", limit="> 3s", summary="p95", severity="warning",
            description=("Gemini answers slowly; the circuit breaker is still closed.",),
        ),
    ),
)  # fmt: skip

_GEMINI = Incident(
    id="gemini-errors",
    when=Recurrence(first=3900, every=6.7 * 3600),
    lasts=1100,
    effects=(
        Effect(service="gemini", metric="errors", peak=0.18),
        Effect(service="chat", metric="errors", peak=0.022),
    ),
    alerts=(
        AlertModel(
            name="GeminiApiErrors", service="gemini", metric="errors", limit="> 5%", summary="error rate",
            severity="critical",
        ),
    ),
)  # fmt: skip

_LOAD_TEST = Incident(
    id="load-test",
    when=Recurrence(first=-1500, every=8 * 3600),
    lasts=5400,
    effects=(Effect(service="staging", metric="cpu", peak=0.93, ramp=60, fade=30),),
    alerts=(
        AlertModel(
            name="HighCPU", service="staging", metric="cpu", limit="> 80%", summary="CPU", severity="warning",
            silenced_by="QA: load test until noon",
        ),
    ),
)  # fmt: skip

_RESOURCES = (
    ResourceModel(
        id="chat", kind="cloud_run", service="chat", name="tokyo-ai-chat", revision="{}", number=301, least=2, most=12,
        broken=breaks("chat", errors=0.19, limit="> 5%", severity="critical"),
    ),
    ResourceModel(
        id="staging", kind="cloud_run", service="staging", name="tokyo-ai-chat-staging", revision="{}", number=512,
        least=0, most=2,
    ),
)  # fmt: skip

_QUESTIONS = (
    "区役所の開庁時間は？",
    "近くの避難所を教えて",
    "How do I sort my waste?",
    "粗大ごみの出し方",
    "보육원 신청 방법",
)


def _chat(moment: Moment) -> str:
    """One line as winston writes it."""
    rng = moment.rng
    record: dict[str, object] = {
        "timestamp": moment.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": "info",
        "service": "tokyo-ai-chat",
        "version": "1.0.0",
        "environment": "production",
        "requestId": f"{rng.getrandbits(32):08x}",
        "sessionId": f"s-{rng.getrandbits(24):06x}",
    }
    if moment.revision:
        record["revision"] = moment.revision
    chance = rng.random()
    if moment.wrong:
        record |= {
            "level": "error",
            "message": "Gemini API timeout after 5000 ms",
            "context": {"service": "gemini"},
            "error": {
                "message": "timeout of 5000ms exceeded",
                "stack": "Error: timeout of 5000ms exceeded\n    at GeminiClient.ask (/app/lib/gemini.js:61:15)",
                "code": "ETIMEDOUT",
            },
        }
    elif chance < 0.3:
        duration = rng.randrange(700, 1500) + int(1700 * moment.trouble)
        record |= {"message": "PERFORMANCE: chat.answer", "metrics": {"duration": duration}}
    elif chance < 0.32:
        record |= {"level": "warn", "message": "SECURITY: rate limit reached", "security": True}
    else:
        record |= {"message": f"question: {rng.choice(_QUESTIONS)}"}
    return json.dumps(record, ensure_ascii=False)


TOKYO = SystemModel(
    id="tokyo",
    environment="production",
    metrics=_METRICS,
    services=_SERVICES,
    severities={"critical": "P1", "warning": "P3", "info": "P4"},
    respond={"P1": 300, "P2": 3600, "P3": 4 * 3600, "P4": 24 * 3600},
    incidents=(_SLOW, _GEMINI, _BAD_CANARY, _LOAD_TEST),
    routines=(_CANARY,),
    resources=_RESOURCES,
    project="tokyo-demo",
    region="asia-northeast1",
    logs=(LogModel(service="chat", rate=1.0, burst=1.6, write=_chat),),
    budgets={"chat": 0.64},
)
