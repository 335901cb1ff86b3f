"""What the several ways in which ECS deploys have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.rollouts import Gate, GateResult, Phase, Step, StepKind
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.sources.aws.ecs.naming import image, principal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.sources.aws.ecs.wire import TaskDefinition

_AUTHOR = 3600.0
"""Seconds before a deployment within which whoever registered its task definition is taken for its author."""

PROVISION = lit("provision")
STEADY = lit("steady state")
ROLL_BACK = lit("roll back")

_REACHED = {
    Phase.SUCCEEDED: Phase.SUCCEEDED,
    Phase.FAILED: Phase.FAILED,
    Phase.ROLLED_BACK: Phase.FAILED,
    Phase.SUPERSEDED: Phase.SUPERSEDED,
}
"""How the step ended that a rollout was in at its end."""


class Looked(NamedTuple):
    """What was read beside a service to describe its deployments."""

    at: datetime
    definitions: Mapping[str, TaskDefinition]
    """By ARN, as far as they could be read."""
    why: SafeText
    """Why tasks fail, where they do."""

    def image(self, task_definition: str) -> SafeText:
        """The images of a task definition."""
        found = self.definitions.get(task_definition)
        return image(tuple((one.image, "") for one in found.container_definitions)) if found else EMPTY

    def by(self, task_definition: str, started: datetime) -> SafeText:
        """Who began a deployment, as far as it shows: ECS does not tell, but a task definition has an author."""
        found = self.definitions.get(task_definition)
        if found is None or found.registered_at is None or not found.registered_by:
            return EMPTY
        before = (started - found.registered_at).total_seconds()
        return principal(found.registered_by) if 0 <= before <= _AUTHOR else EMPTY


def provision_steps(
    phase: Phase, started: datetime, provisioned: datetime | None, ended: datetime | None
) -> tuple[Step, ...]:
    """Tasks are started, then watched until all are steady. `provisioned`: when all of them ran, if they do."""
    up = provisioned is not None or phase is Phase.SUCCEEDED
    reached = _REACHED.get(phase, Phase.RUNNING)
    first = Phase.SUCCEEDED if up else reached
    second = reached if up else Phase.WAITING
    return (
        Step(label=PROVISION, phase=first, started=started, ended=provisioned or (ended if not up else None)),
        Step(
            label=STEADY,
            phase=second,
            kind=StepKind.WAIT,
            started=provisioned,
            ended=ended if second.ended else None,
        ),
    )


def breaker_gate(failed: int, threshold: int, phase: Phase) -> Gate:
    """The circuit breaker: so many tasks may fail one after the other."""
    broken = failed >= threshold or phase in {Phase.FAILED, Phase.ROLLED_BACK}
    passed = GateResult.PASS if phase is Phase.SUCCEEDED else GateResult.INCONCLUSIVE
    return Gate(
        label=fmt("failed tasks < {}", threshold),
        value=fmt("{}", failed),
        result=GateResult.FAIL if broken else passed,
    )


def ended_within(started: datetime, told: datetime | None, at: datetime) -> datetime:
    """When something ended: as it is told, if that can be."""
    return told if told is not None and started <= told <= at else max(started, at)
