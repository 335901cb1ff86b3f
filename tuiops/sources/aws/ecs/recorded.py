"""Service deployments: ECS' own record of how a service was deployed, whatever the strategy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tuiops.core.rollouts import Gate, GateResult, Phase, Rollout, Side, Step, StepKind
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import Unit, show
from tuiops.sources.aws.ecs.health import because
from tuiops.sources.aws.ecs.memory import REPLACED
from tuiops.sources.aws.ecs.naming import image, last_part, revision
from tuiops.sources.aws.ecs.sides import ROLL_BACK, breaker_gate, ended_within, provision_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tuiops.sources.aws.ecs.sides import Looked
    from tuiops.sources.aws.ecs.wire import RevisionSummary, ServiceDeployment, ServiceRevision

_MESSAGE = 200
_PHASES = {
    "PENDING": Phase.WAITING,
    "IN_PROGRESS": Phase.RUNNING,
    "STOP_REQUESTED": Phase.RUNNING,
    "ROLLBACK_REQUESTED": Phase.RUNNING,
    "ROLLBACK_IN_PROGRESS": Phase.RUNNING,
    "SUCCESSFUL": Phase.SUCCEEDED,
    "STOPPED": Phase.FAILED,
    "ROLLBACK_FAILED": Phase.FAILED,
    "ROLLBACK_SUCCESSFUL": Phase.ROLLED_BACK,
}
_STRATEGIES = {
    "ROLLING": lit("rolling"),
    "BLUE_GREEN": lit("blue/green"),
    "CANARY": lit("canary"),
    "LINEAR": lit("linear"),
}
_STAGES = (
    (lit("scale up"), StepKind.WORK, ("RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP")),
    (lit("test traffic"), StepKind.WORK, ("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT")),
    (lit("traffic"), StepKind.WORK, ("PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")),
    (lit("bake"), StepKind.WAIT, ("BAKE_TIME",)),
    (lit("clean up"), StepKind.WORK, ("CLEAN_UP",)),
)
"""What ECS does in order when it shifts traffic, and its lifecycle stages that belong to it."""
_TRAFFIC = 2


def recorded(
    deployments: Sequence[ServiceDeployment], revisions: Mapping[str, ServiceRevision], looked: Looked
) -> list[Rollout]:
    """The rollouts that the service deployments of one service are."""
    return [_rollout(one, _phase(one, deployments), revisions, looked) for one in deployments]


def _phase(one: ServiceDeployment, deployments: Sequence[ServiceDeployment]) -> Phase:
    """Where it stands. A person stops a deployment, and so does ECS when another one begins: that is no failure."""
    ended = one.stopped_at or one.finished_at
    newer = (other.created_at for other in deployments if other.created_at > one.created_at)
    if one.status == "STOPPED" and ended is not None and any(begun <= ended for begun in newer):
        return Phase.SUPERSEDED
    return _PHASES.get(one.status, Phase.UNKNOWN)


def _rollout(one: ServiceDeployment, phase: Phase, revisions: Mapping[str, ServiceRevision], looked: Looked) -> Rollout:
    started = one.started_at or one.created_at
    told = one.finished_at or one.stopped_at or one.updated_at
    ended = ended_within(started, told, looked.at) if phase.ended else None
    target = one.target_service_revision
    sources = [found for found in one.source_service_revisions if found.arn != target.arn]
    # Revisions that a deployment replaces come in no order; the newest has the greatest number.
    old = max(sources, key=lambda found: found.arn, default=None)
    new_definition = _definition(target, revisions)
    weight = _share(target)
    return Rollout(
        id=safe(one.service_deployment_arn.rpartition(":")[2]),
        system=EMPTY,
        service=EMPTY,
        strategy=_STRATEGIES.get(
            one.deployment_configuration.strategy, safe(one.deployment_configuration.strategy, 40)
        ),
        old=_name(old, revisions) if old is not None else EMPTY,
        new=_name(target, revisions),
        by=looked.by(new_definition, one.created_at),
        phase=phase,
        started=started,
        ended=ended,
        weight=weight,
        steps=tuple(_steps(one, phase, ended)),
        gates=tuple(_gates(one, phase)),
        sides=(
            _side(target, revisions, _failures(one)),
            *((_side(old, revisions, None),) if old is not None else ()),
        ),
        message=_message(one, phase, looked.why),
    )


def _steps(one: ServiceDeployment, phase: Phase, ended: datetime | None) -> Iterator[Step]:
    started = one.started_at or one.created_at
    undone = one.rollback is not None or one.status.startswith("ROLLBACK")
    reached = Phase.FAILED if undone and phase is not Phase.SUCCEEDED else phase
    if one.deployment_configuration.strategy == "ROLLING":
        target = one.target_service_revision
        up = target.requested_task_count and (target.running_task_count or 0) >= target.requested_task_count
        yield from provision_steps(reached, started, one.updated_at if up else None, ended)
    else:
        yield from _stages(one, reached)
    if undone:
        began = one.rollback.started_at if one.rollback is not None else None
        done = phase if phase is not Phase.ROLLED_BACK else Phase.SUCCEEDED
        yield Step(label=ROLL_BACK, phase=done, started=began, ended=ended)


def _stages(one: ServiceDeployment, phase: Phase) -> Iterator[Step]:
    """One step for each stage; ECS tells which one it is in, and not when it came there."""
    position = next((n for n, (_, _, names) in enumerate(_STAGES) if one.lifecycle_stage in names), None)
    for number, (label, kind, _) in enumerate(_STAGES):
        if phase is Phase.SUCCEEDED:
            stands = Phase.SUCCEEDED
        elif position is None:
            stands = Phase.UNKNOWN if one.lifecycle_stage else Phase.WAITING
        else:
            stands = Phase.SUCCEEDED if number < position else phase if number == position else Phase.WAITING
        running = stands is Phase.RUNNING
        yield Step(
            label=label if number != _TRAFFIC else _traffic(one, label),
            phase=stands,
            kind=kind,
            started=one.updated_at if running and kind is StepKind.WAIT else None,
            ends=_bake_ends(one) if running and kind is StepKind.WAIT else None,
            weight=_share(one.target_service_revision) if number == _TRAFFIC and stands is not Phase.WAITING else None,
        )


def _traffic(one: ServiceDeployment, label: SafeText) -> SafeText:
    """`traffic, 5% for 10m first`."""
    canary, linear = (
        one.deployment_configuration.canary_configuration,
        one.deployment_configuration.linear_configuration,
    )
    if canary is not None:
        first = show(canary.canary_percent / 100, Unit.RATIO)
        return fmt("{}, {} for {}m first", label, first, canary.canary_bake_time_in_minutes)
    if linear is not None:
        step = show(linear.step_percent / 100, Unit.RATIO)
        return fmt("{}, {} each {}m", label, step, linear.step_bake_time_in_minutes)
    return label


def _bake_ends(one: ServiceDeployment) -> datetime | None:
    minutes = one.deployment_configuration.bake_time_in_minutes
    return one.updated_at + timedelta(minutes=minutes) if minutes is not None and one.updated_at is not None else None


def _gates(one: ServiceDeployment, phase: Phase) -> Iterator[Gate]:
    breaker, alarms = one.deployment_circuit_breaker, one.alarms
    if breaker is not None and breaker.status != "DISABLED" and breaker.threshold:
        broken = breaker.status == "TRIGGERED"
        gate = breaker_gate(
            breaker.failure_count, breaker.threshold, phase if broken or not phase.ended else Phase.SUCCEEDED
        )
        yield gate
    if alarms is not None and alarms.status != "DISABLED" and alarms.alarm_names:
        rang = alarms.triggered_alarm_names
        passed = GateResult.PASS if phase is Phase.SUCCEEDED else GateResult.INCONCLUSIVE
        yield Gate(
            label=fmt("{} alarms quiet", len(alarms.alarm_names)),
            value=join(", ", (safe(name, 60) for name in rang[:3])),
            result=GateResult.FAIL if rang or alarms.status == "TRIGGERED" else passed,
        )


def _failures(one: ServiceDeployment) -> int | None:
    return one.deployment_circuit_breaker.failure_count if one.deployment_circuit_breaker is not None else None


def _definition(summary: RevisionSummary, revisions: Mapping[str, ServiceRevision]) -> str:
    found = revisions.get(summary.arn)
    return found.task_definition if found is not None else ""


def _name(summary: RevisionSummary, revisions: Mapping[str, ServiceRevision]) -> SafeText:
    """The task definition, which people know; the service revision's number where that cannot be read."""
    return revision(_definition(summary, revisions)) or last_part(summary.arn)


def _share(summary: RevisionSummary) -> float | None:
    percent = summary.requested_production_traffic_weight
    return None if percent is None else percent / 100


def _side(summary: RevisionSummary, revisions: Mapping[str, ServiceRevision], failed: int | None) -> Side:
    found = revisions.get(summary.arn)
    return Side(
        revision=_name(summary, revisions),
        image=image(tuple((one.image, one.image_digest) for one in found.container_images)) if found else EMPTY,
        set=_share(summary),
        desired=summary.requested_task_count,
        running=summary.running_task_count,
        pending=summary.pending_task_count,
        failed=failed,
    )


def _message(one: ServiceDeployment, phase: Phase, why: SafeText) -> SafeText:
    if phase is Phase.SUCCEEDED:
        return EMPTY
    if phase is Phase.SUPERSEDED:
        return safe(one.status_reason, _MESSAGE) or REPLACED
    if phase is Phase.UNKNOWN:
        return fmt("ECS calls its state {}", safe(one.status or "nothing", 40))
    waits = next((hook for hook in one.lifecycle_hook_details if hook.status == "AWAITING_ACTION"), None)
    if waits is not None:
        return lit("waits for somebody to continue it")
    said = safe((one.rollback.reason if one.rollback is not None else "") or one.status_reason, _MESSAGE)
    if one.status == "STOP_REQUESTED" and not said:
        return lit("somebody asked to stop it")
    return because(said, why) if said else why
