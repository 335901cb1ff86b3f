"""Service deployments, which no emulator has: answers are held to botocore's models."""

from __future__ import annotations

from typing import Any

from tests.sources.aws.deployments import ARN, Stage, deployment, deployment_arn, phases, revision_arn, service, summary
from tests.sources.aws.scripted import Refuses, at
from tuiops.core.rollouts import GateResult, Phase, StepKind


async def test_a_canary_tells_weights_stages_and_bake_time(stage: Stage) -> None:
    canary = {
        "strategy": "CANARY",
        "bakeTimeInMinutes": 15,
        "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5},
    }
    going: dict[str, Any] = deployment(
        "d1",
        "IN_PROGRESS",
        deploymentConfiguration=canary,
        lifecycleStage="PRODUCTION_TRAFFIC_SHIFT",
        targetServiceRevision=summary(2, 10.0, 4),
        sourceServiceRevisions=[summary(1, 90.0, 4)],
        alarms={"status": "MONITORING", "alarmNames": ["errors", "latency"], "triggeredAlarmNames": []},
        deploymentCircuitBreaker={"status": "MONITORING", "failureCount": 1, "threshold": 3},
    )
    stage.show(service(current="d1"), going)
    shifting = await stage.one()

    stage.show(
        service(current="d1"), going | {"lifecycleStage": "BAKE_TIME", "targetServiceRevision": summary(2, 100.0, 4)}
    )
    baking = await stage.one()

    assert shifting.strategy == "canary"
    assert (shifting.old, shifting.new) == ("api:1", "api:2")
    assert (shifting.weight, shifting.share_set) == (0.1, 0.1)
    assert [(side.revision, side.set, side.running, side.failed) for side in shifting.sides] == [
        ("api:2", 0.1, 4, 1),
        ("api:1", 0.9, 4, None),
    ]
    assert shifting.sides[0].image == "repo/api:v2@sha256:abababababab"
    assert shifting.by == "deploy/alice"
    assert phases(shifting) == [
        ("scale up", Phase.SUCCEEDED),
        ("test traffic", Phase.SUCCEEDED),
        ("traffic, 10.0% for 5m first", Phase.RUNNING),
        ("bake", Phase.WAITING),
        ("clean up", Phase.WAITING),
    ]
    assert [(gate.label, gate.value, gate.result) for gate in shifting.gates] == [
        ("failed tasks < 3", "1", GateResult.INCONCLUSIVE),
        ("2 alarms quiet", "", GateResult.INCONCLUSIVE),
    ]
    bake = baking.steps[3]
    assert (bake.phase, bake.kind, bake.started, bake.ends) == (Phase.RUNNING, StepKind.WAIT, at(-3), at(12))
    assert baking.id == shifting.id


async def test_a_rollback_tells_what_rang_and_ends_as_one(stage: Stage) -> None:
    rang: dict[str, Any] = {
        "alarms": {"status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"]},
        "rollback": {"reason": "Alarm errors went off", "startedAt": at(-1), "serviceRevisionArn": revision_arn(1)},
    }
    stage.show(service(current="d1"), deployment("d1", "ROLLBACK_IN_PROGRESS", **rang))
    update = await stage.look()
    (back,) = update.rollouts
    stage.show(service(current="d1"), deployment("d1", "ROLLBACK_SUCCESSFUL", finishedAt=at(0), **rang))
    over = await stage.one()

    assert update.again_in == 5.0
    assert (back.phase, back.message) == (Phase.RUNNING, "Alarm errors went off")
    assert phases(back)[-1] == ("roll back", Phase.RUNNING)
    assert back.gates[0].result is GateResult.FAIL
    assert back.gates[0].value == "errors"
    assert (over.phase, over.ended) == (Phase.ROLLED_BACK, at(0))
    assert phases(over)[-1] == ("roll back", Phase.SUCCEEDED)


async def test_history_is_asked_for_once_and_when_something_begins(stage: Stage) -> None:
    past = [deployment(f"d{number}", "SUCCESSFUL", new=number, finishedAt=at(-5)) for number in (3, 2)]
    stage.show(service(), *past)
    first = await stage.look()
    await stage.look()
    await stage.look()
    asked = dict.fromkeys(("ListServiceDeployments", "DescribeServiceDeployments", "DescribeServiceRevisions"), 1)
    assert {name: stage.script.count(name) for name in asked} == asked
    assert [(one.new, one.phase, one.took) for one in first.rollouts] == [
        ("api:3", Phase.SUCCEEDED, 240.0),
        ("api:2", Phase.SUCCEEDED, 240.0),
    ]

    stage.show(service(current="d4"), deployment("d4", "IN_PROGRESS", new=4), *past)
    later = await stage.look()
    assert {one.new: one.phase for one in later.rollouts} == {
        "api:4": Phase.RUNNING,
        "api:3": Phase.SUCCEEDED,
        "api:2": Phase.SUCCEEDED,
    }
    assert stage.script.count("ListServiceDeployments") == 2
    assert stage.script.asked[-1][0] == "DescribeTaskDefinition"
    described = [params["serviceDeploymentArns"] for name, params in stage.script.asked if "DescribeServiceDep" in name]
    assert described[-1] == [deployment_arn("d4")]  # what is over is not asked for again


async def test_words_that_are_not_known_are_shown_as_they_are(stage: Stage) -> None:
    odd = deployment("d1", "QUANTUM_SHIFT", strategy="\x1b[31mNEW", lifecycleStage="SPARKLE")
    stage.show(service(current="d1", status="PONDERING"), odd)
    update = await stage.look()
    (found,) = update.rollouts
    health = await stage.source.read_health()

    assert (found.phase, found.message) == (Phase.UNKNOWN, "ECS calls its state QUANTUM_SHIFT")
    assert found.strategy == "␛[31mNEW"
    assert update.again_in is None  # what nobody understands is no reason to ask more often
    assert {phase for _, phase in phases(found)} == {Phase.UNKNOWN}
    assert (health.readings[0].value, health.readings[0].note) == (0.0, "4/4 running")


async def test_a_pause_says_that_it_waits_for_somebody(stage: Stage) -> None:
    hook = {"hookId": "h", "targetType": "PAUSE", "status": "AWAITING_ACTION", "expiresAt": at(60)}
    stage.show(service(current="d1"), deployment("d1", "IN_PROGRESS", lifecycleHookDetails=[hook]))
    assert (await stage.one()).message == "waits for somebody to continue it"


async def test_without_the_permission_the_services_themselves_have_to_do(stage: Stage) -> None:
    primary = {
        "id": "ecs-svc/1",
        "status": "PRIMARY",
        "taskDefinition": f"{ARN}:task-definition/api:7",
        "desiredCount": 4,
        "runningCount": 1,
        "pendingCount": 3,
        "failedTasks": 0,
        "createdAt": at(-2),
        "updatedAt": at(-1),
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": "ECS deployment ecs-svc/1 in progress.",
    }
    stage.show(service(deployments=[primary]))

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        text = "User: arn:aws:iam::000000000000:user/ops is not authorized to perform: ecs:ListServiceDeployments on x"
        raise Refuses("AccessDeniedException", text)

    stage.script.answers["ListServiceDeployments"] = refuse
    update = await stage.look()
    await stage.look()

    assert [(one.id, one.new, one.phase) for one in update.rollouts] == [("shop/api/ecs-svc/1", "api:7", Phase.RUNNING)]
    (warning,) = update.warnings
    assert warning == (
        "past deployments are not known: the permission ecs:ListServiceDeployments is missing for "
        "arn:aws:iam::000000000000:user/ops"
    )
    assert stage.script.count("ListServiceDeployments") == 1


async def test_a_deployment_that_ecs_stops_for_a_newer_one_is_superseded(stage: Stage) -> None:
    first = deployment("d1", "STOPPED", stoppedAt=at(-5), finishedAt=at(-4))
    second = deployment("d2", "IN_PROGRESS", new=3, createdAt=at(-6), startedAt=at(-6))
    stage.show(service(current="d2"), second, first)

    live, former = (await stage.look()).rollouts

    assert (live.new, live.phase) == ("api:3", Phase.RUNNING)
    assert (former.new, former.phase, former.message) == (
        "api:2",
        Phase.SUPERSEDED,
        "another deployment took its place",
    )
    assert [step.phase for step in former.steps] == [Phase.SUPERSEDED, Phase.WAITING]


async def test_a_deployment_that_somebody_stopped_before_the_next_one_began_failed(stage: Stage) -> None:
    first = deployment("d1", "STOPPED", stoppedAt=at(-7), statusReason="stopped by alice")
    second = deployment("d2", "IN_PROGRESS", new=3, createdAt=at(-6), startedAt=at(-6))
    stage.show(service(current="d2"), second, first)

    _, former = (await stage.look()).rollouts

    assert (former.phase, former.message) == (Phase.FAILED, "stopped by alice")
