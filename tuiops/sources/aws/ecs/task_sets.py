"""Task sets: what CodeDeploy, or another controller, deploys by blue and green.

ECS tells which set serves, not how a load balancer shares traffic meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.rollouts import Phase, Rollout, Side, Step, StepKind
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.sources.aws.ecs.naming import revision
from tuiops.sources.aws.ecs.sides import PROVISION, ended_within

if TYPE_CHECKING:
    from tuiops.sources.aws.ecs.memory import Memory
    from tuiops.sources.aws.ecs.sides import Looked
    from tuiops.sources.aws.ecs.wire import Service, TaskSet

_STRATEGIES = {"CODE_DEPLOY": lit("blue/green"), "EXTERNAL": lit("external")}


def task_sets(service: Service, looked: Looked, memory: Memory) -> tuple[Rollout, ...]:
    """The rollout of the newest task set, and those that `memory` has."""
    sets = sorted(service.task_sets, key=lambda one: one.created_at)
    if not sets:
        return memory.keep((), Phase.FAILED, looked.at)
    primary = next((one for one in reversed(sets) if one.status == "PRIMARY"), None)
    green = next((one for one in reversed(sets) if one.status != "DRAINING"), sets[-1])
    if primary is not None and green.created_at < primary.created_at:
        green = primary
    rollout = memory.told(green.id, lambda: _rollout(service, sets, green, looked))
    # One that went away without ever serving alone was taken back.
    return memory.keep((rollout,), Phase.ROLLED_BACK, looked.at)


def _rollout(service: Service, sets: list[TaskSet], green: TaskSet, looked: Looked) -> Rollout:
    others = [one for one in sets if one.id != green.id]
    blue = next((one for one in others if one.status == "PRIMARY"), others[-1] if others else None)
    serves = green.status == "PRIMARY"
    phase = Phase.SUCCEEDED if serves and blue is None else Phase.RUNNING
    steady = green.stability_status == "STEADY_STATE"
    ended = ended_within(green.created_at, green.updated_at, looked.at) if phase.ended else None
    return Rollout(
        id=safe(green.id),
        system=EMPTY,
        service=EMPTY,
        strategy=_STRATEGIES.get(service.deployment_controller.type, safe(service.deployment_controller.type, 40)),
        old=revision(blue.task_definition) if blue else EMPTY,
        new=revision(green.task_definition),
        by=looked.by(green.task_definition, green.created_at),
        client=_client(green),
        phase=phase,
        started=green.created_at,
        ended=ended,
        steps=_steps(green, phase, steady=steady, alone=blue is None),
        sides=tuple(_side(one, looked) for one in (green, blue) if one is not None),
        message=looked.why if phase is Phase.RUNNING and not steady else EMPTY,
    )


def _steps(green: TaskSet, phase: Phase, *, steady: bool, alone: bool) -> tuple[Step, ...]:
    serves = green.status == "PRIMARY"
    up = steady or serves
    shift = Phase.SUCCEEDED if serves else Phase.RUNNING if up else Phase.WAITING
    clean = Phase.SUCCEEDED if phase is Phase.SUCCEEDED else Phase.RUNNING if serves and not alone else Phase.WAITING
    return (
        Step(label=PROVISION, phase=Phase.SUCCEEDED if up else Phase.RUNNING, started=green.created_at),
        Step(label=lit("traffic"), phase=shift),
        Step(label=lit("bake and clean up"), phase=clean, kind=StepKind.WAIT),
    )


def _client(green: TaskSet) -> SafeText:
    if green.started_by == "CODE_DEPLOY":
        return fmt("CodeDeploy {}", safe(green.external_id, 60)) if green.external_id else lit("CodeDeploy")
    return safe(green.external_id, 60)


def _side(one: TaskSet, looked: Looked) -> Side:
    return Side(
        revision=revision(one.task_definition),
        image=looked.image(one.task_definition),
        desired=one.computed_desired_count,
        running=one.running_count,
        pending=one.pending_count,
    )
