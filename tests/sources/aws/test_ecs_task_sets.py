"""Services that ECS tells by task sets or by classic deployments, whose state it says only in part."""

from __future__ import annotations

from typing import Any

from tests.sources.aws.deployments import ARN, Stage, phases, service
from tests.sources.aws.scripted import at
from tuiops.core.rollouts import Phase


def classic(number: int, status: str, running: int) -> dict[str, Any]:
    """A deployment behind a Classic Load Balancer, of which ECS gives no state."""
    return {
        "id": f"ecs-svc/{number}",
        "status": status,
        "taskDefinition": f"{ARN}:task-definition/api:{number}",
        "desiredCount": 4,
        "runningCount": running,
        "pendingCount": 0,
        "createdAt": at(-30 + number),
        "updatedAt": at(-1),
    }


async def test_a_deployment_without_a_state_is_told_by_its_counts(stage: Stage) -> None:
    stage.show(service(deployments=[classic(2, "PRIMARY", 1), classic(1, "ACTIVE", 4)]))
    going = await stage.look()
    stage.show(service(deployments=[classic(2, "PRIMARY", 4)]))
    done = await stage.look()
    stage.show(service(deployments=[classic(2, "PRIMARY", 3)], runningCount=3))
    later = await stage.look()

    by = {str(one.new): one for one in going.rollouts}
    assert (by["api:2"].phase, by["api:2"].old) == (Phase.RUNNING, "api:1")
    assert going.again_in == 5.0
    assert {str(one.new): one.phase for one in done.rollouts}["api:2"] is Phase.SUCCEEDED
    assert {str(one.new): one.phase for one in later.rollouts}["api:2"] is Phase.SUCCEEDED
    assert later.again_in is None


def task_set(number: int, status: str, *, steady: bool = True, scale: float = 100.0) -> dict[str, Any]:
    return {
        "id": f"ecs-svc/{number}",
        "status": status,
        "taskDefinition": f"{ARN}:task-definition/api:{number}",
        "startedBy": "CODE_DEPLOY",
        "externalId": "d-ABCDEF",
        "computedDesiredCount": 4,
        "runningCount": 4 if steady else 1,
        "pendingCount": 0 if steady else 3,
        "createdAt": at(-60 + number),
        "updatedAt": at(-1),
        "scale": {"value": scale, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if steady else "STABILIZING",
    }


async def test_codedeploy_replaces_blue_by_green(stage: Stage) -> None:
    blue, green = task_set(1, "PRIMARY"), task_set(2, "ACTIVE", steady=False)

    def show(*sets: dict[str, Any]) -> None:
        stage.show(service(controller="CODE_DEPLOY", taskSets=list(sets)))

    show(blue, green)
    begun = await stage.one()
    show(blue, task_set(2, "ACTIVE"))
    ready = await stage.one()
    show(task_set(1, "ACTIVE"), task_set(2, "PRIMARY"))
    shifted = await stage.one()
    show(task_set(2, "PRIMARY"))
    done = await stage.one()

    assert (begun.strategy, begun.client) == ("blue/green", "CodeDeploy d-ABCDEF")
    assert [(side.revision, side.running, side.pending) for side in begun.sides] == [("api:2", 1, 3), ("api:1", 4, 0)]
    assert [phases(one) for one in (begun, ready, shifted, done)] == [
        [("provision", Phase.RUNNING), ("traffic", Phase.WAITING), ("bake and clean up", Phase.WAITING)],
        [("provision", Phase.SUCCEEDED), ("traffic", Phase.RUNNING), ("bake and clean up", Phase.WAITING)],
        [("provision", Phase.SUCCEEDED), ("traffic", Phase.SUCCEEDED), ("bake and clean up", Phase.RUNNING)],
        [("provision", Phase.SUCCEEDED), ("traffic", Phase.SUCCEEDED), ("bake and clean up", Phase.SUCCEEDED)],
    ]
    assert [one.phase for one in (begun, ready, shifted, done)] == [*[Phase.RUNNING] * 3, Phase.SUCCEEDED]
    assert (done.old, done.new) == ("api:1", "api:2")


async def test_a_green_that_goes_away_was_taken_back(stage: Stage) -> None:
    stage.show(service(controller="CODE_DEPLOY", taskSets=[task_set(1, "PRIMARY"), task_set(2, "ACTIVE")]))
    await stage.one()
    stage.show(service(controller="CODE_DEPLOY", taskSets=[task_set(1, "PRIMARY")]))
    update = await stage.look()

    assert {str(one.new): one.phase for one in update.rollouts}["api:2"] is Phase.ROLLED_BACK


async def test_a_deployment_that_drains_for_a_newer_one_is_superseded_at_once(stage: Stage) -> None:
    """Where ECS keeps no record: it stays ACTIVE and IN_PROGRESS for as long as it has tasks."""

    def rolling(number: int, status: str, state: str, minute: float, running: int) -> dict[str, Any]:
        return {
            "id": f"ecs-svc/{number}",
            "status": status,
            "taskDefinition": f"{ARN}:task-definition/api:{number}",
            "desiredCount": 4,
            "runningCount": running,
            "pendingCount": 0,
            "failedTasks": 1,
            "createdAt": at(minute),
            "updatedAt": at(-1),
            "rolloutState": state,
        }

    deployments = [
        rolling(3, "PRIMARY", "IN_PROGRESS", -2, 1),
        rolling(2, "ACTIVE", "IN_PROGRESS", -8, 2),
        rolling(1, "ACTIVE", "COMPLETED", -90, 3),
    ]
    stage.show(service(deployments=deployments))
    found = {str(one.new): one for one in (await stage.look()).rollouts}
    stage.show(service(deployments=deployments[:1]))
    later = {str(one.new): one for one in (await stage.look()).rollouts}

    assert found["api:3"].phase is Phase.RUNNING
    drains = found["api:2"]
    assert (drains.phase, drains.live, drains.ended) == (Phase.SUPERSEDED, False, at(-2))
    assert drains.message == "another deployment took its place"
    assert [step.phase for step in drains.steps] == [Phase.SUPERSEDED, Phase.WAITING]
    assert drains.gates == ()
    assert later["api:2"] == drains
