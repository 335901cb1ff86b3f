"""Rolling deployments as DescribeServices tells of them: one replaces another, task by task."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING

from tuiops.core.rollouts import Phase, Rollout, Side, Step
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.sources.aws.ecs.health import because
from tuiops.sources.aws.ecs.memory import REPLACED
from tuiops.sources.aws.ecs.naming import revision
from tuiops.sources.aws.ecs.sides import ROLL_BACK, breaker_gate, ended_within, provision_steps

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.core.rollouts import Gate
    from tuiops.sources.aws.ecs.memory import Memory
    from tuiops.sources.aws.ecs.sides import Looked
    from tuiops.sources.aws.ecs.wire import Deployment, Service

_ROLLS_BACK = re.compile(r"roll(ing|ed)?[ -]?back", re.IGNORECASE)
_MESSAGE = 200
_ROLLBACK_BEGINS = 60.0
"""Seconds after a failure within which a rollback begins, where one is configured."""


def rolling(service: Service, looked: Looked, memory: Memory) -> tuple[Rollout, ...]:
    """The rollouts of a service, as far as ECS still shows them and `memory` does."""
    _mark_rollbacks(service, memory)
    seen = [
        memory.told(one.id, partial(_rollout, service, one, looked, memory))
        for one in service.deployments
        if _is_rollout(one, memory)
    ]
    return memory.keep(seen, _became(service, memory), looked.at)


def threshold(service: Service) -> int:
    """Tasks that may fail before the circuit breaker acts: half of the desired ones, 3 to 200 (ECS' own default)."""
    return min(200, max(3, math.ceil(service.desired_count / 2)))


def _mark_rollbacks(service: Service, memory: Memory) -> None:
    """A deployment that undoes a failed one says so, or is an earlier one made primary again."""
    primary = service.primary
    if primary is None or primary.rollout_state != "IN_PROGRESS":
        return
    failed = [
        one for one in service.deployments if one.rollout_state == "FAILED" and one.created_at > primary.created_at
    ]
    if failed or _ROLLS_BACK.search(primary.rollout_state_reason):
        memory.rollbacks.add(primary.id)


def _is_rollout(one: Deployment, memory: Memory) -> bool:
    """A deployment that has completed and is not the primary one is what another one replaces.

    One that was seen under way is a rollout all the same: it completed since then, and the other one began.
    """
    if one.id in memory.rollbacks and memory.ended(one.id) is None:
        return False
    known = memory.follows(one.id) or memory.ended(one.id) is not None
    return known or one.status == "PRIMARY" or one.rollout_state in {"IN_PROGRESS", "FAILED"}


def _rollout(service: Service, one: Deployment, looked: Looked, memory: Memory) -> Rollout:
    phase, note = _phase(service, one, memory, looked.at)
    other = _other(service, one)
    ended = ended_within(one.created_at, _ended(service, one, phase, memory), looked.at) if phase.ended else None
    up = one.running_count >= one.desired_count > 0
    provisioned = memory.provisioned(one.id, up=up, at=looked.at)
    rolls_back = phase is Phase.ROLLED_BACK or (one.rollout_state == "FAILED" and not phase.ended)
    steps = provision_steps(Phase.FAILED if rolls_back else phase, one.created_at, provisioned, ended)
    if rolls_back:
        undone = Phase.SUCCEEDED if phase.ended else Phase.RUNNING
        steps = (*steps, Step(label=ROLL_BACK, phase=undone, started=one.updated_at, ended=ended))
    return Rollout(
        id=safe(one.id),
        system=EMPTY,
        service=EMPTY,
        strategy=lit("rolling"),
        old=revision(other.task_definition) if other else EMPTY,
        new=revision(one.task_definition),
        by=looked.by(one.task_definition, one.created_at),
        phase=phase,
        started=one.created_at,
        ended=ended,
        steps=steps,
        gates=_gates(service, one, phase),
        sides=tuple(_side(part, looked) for part in (one, other) if part is not None),
        message=_message(one, phase, note, looked.why),
    )


def _ended(service: Service, one: Deployment, phase: Phase, memory: Memory) -> datetime | None:
    """When a deployment was over, as ECS tells it: by the one that undoes it or took its place, else by itself."""
    primary = service.primary
    if primary is not None and phase is Phase.ROLLED_BACK and primary.id in memory.rollbacks:
        return primary.updated_at
    if primary is not None and phase is Phase.SUPERSEDED:
        return primary.created_at
    return one.updated_at


def _phase(service: Service, one: Deployment, memory: Memory, at: datetime) -> tuple[Phase, SafeText]:
    """Where a deployment stands, and what more there is to say of it."""
    match one.rollout_state:
        case "COMPLETED":
            return Phase.SUCCEEDED, EMPTY
        case "FAILED":
            return _failed(service, one, memory, at)
        case "IN_PROGRESS":
            return _going_on(service, one, memory)
        case "":
            # Behind a Classic Load Balancer ECS gives no state: the counts have to do.
            alone = len(service.deployments) == 1 and one.running_count >= one.desired_count
            return (Phase.SUCCEEDED if alone else Phase.RUNNING), EMPTY
        case other:
            return Phase.UNKNOWN, fmt("ECS calls its state {}", safe(other, 40))


def _failed(service: Service, one: Deployment, memory: Memory, at: datetime) -> tuple[Phase, SafeText]:
    """A deployment that failed stays, is rolled back, or was."""
    primary = service.primary
    if primary is None or primary.id == one.id:
        return (Phase.RUNNING, lit("about to be rolled back")) if _awaits(service, one, at) else (Phase.FAILED, EMPTY)
    name, undone = revision(primary.task_definition), primary.id in memory.rollbacks
    if undone and primary.rollout_state == "IN_PROGRESS":
        return Phase.RUNNING, fmt("rolling back to {}", name)
    if undone or primary.created_at < one.created_at:
        return Phase.ROLLED_BACK, fmt("rolled back to {}", name)
    return Phase.FAILED, EMPTY


def _going_on(service: Service, one: Deployment, memory: Memory) -> tuple[Phase, SafeText]:
    primary = service.primary
    if one.status == "PRIMARY" or primary is None:
        return Phase.RUNNING, EMPTY
    if primary.id in memory.rollbacks:
        return Phase.RUNNING, fmt("rolling back to {}", revision(primary.task_definition))
    # It has tasks as long as they drain, and is no failure of its own: a newer one is what is wanted.
    return Phase.SUPERSEDED, REPLACED


def _awaits(service: Service, one: Deployment, at: datetime) -> bool:
    """Whether ECS will roll a failed deployment back, which it begins some seconds after the failure."""
    breaker = service.deployment_configuration.deployment_circuit_breaker
    since = (at - (one.updated_at or one.created_at)).total_seconds()
    return breaker.enable and breaker.rollback and since <= _ROLLBACK_BEGINS and len(service.deployments) > 1


def _other(service: Service, one: Deployment) -> Deployment | None:
    """What a deployment replaces: the newest completed one that is older; what it was rolled back to, if it was."""
    others = [found for found in service.deployments if found.id != one.id]
    if one.rollout_state == "FAILED" and service.primary is not None and service.primary.id != one.id:
        return service.primary
    older = [
        found for found in others if found.rollout_state in {"COMPLETED", ""} and found.created_at < one.created_at
    ]
    return max(older, key=lambda found: found.created_at, default=None)


def _side(one: Deployment, looked: Looked) -> Side:
    return Side(
        revision=revision(one.task_definition),
        image=looked.image(one.task_definition),
        desired=one.desired_count,
        running=one.running_count,
        pending=one.pending_count,
        failed=one.failed_tasks,
    )


def _gates(service: Service, one: Deployment, phase: Phase) -> tuple[Gate, ...]:
    if not service.deployment_configuration.deployment_circuit_breaker.enable:
        return ()
    return (breaker_gate(one.failed_tasks, threshold(service), phase),)


def _message(one: Deployment, phase: Phase, note: SafeText, why: SafeText) -> SafeText:
    said = safe(one.rollout_state_reason, _MESSAGE)
    if one.rollout_state == "FAILED":
        text = because(said, why)
        return fmt("{}; {}", note, text) if note else text
    if phase is Phase.SUCCEEDED:
        return EMPTY
    if phase is Phase.SUPERSEDED:
        return note
    if one.failed_tasks:
        return because(fmt("{} tasks failed", one.failed_tasks), why)
    return note or said


def _became(service: Service, memory: Memory) -> Phase:
    """What became of a rollout that ECS does not show any more: that another one is there says nothing of its end."""
    primary = service.primary
    return Phase.ROLLED_BACK if primary is not None and primary.id in memory.rollbacks else Phase.UNKNOWN
