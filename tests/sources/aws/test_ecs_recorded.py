"""Service deployments and task sets, which no emulator has: answers are held to botocore's models."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.aws.account import ecs_system, source_of
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tuiops.config.resources import EcsExpectation
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.rollouts import GateResult, Phase, StepKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.sources.hostile import Request
    from tuiops.core.rollouts import Rollout
    from tuiops.core.updates import RolloutsUpdate

ARN = "arn:aws:ecs:us-east-1:000000000000"
SERVICE = f"{ARN}:service/prod/api"
CLUSTER = f"{ARN}:cluster/prod"
DIGEST = "sha256:" + "ab" * 32


def revision_arn(number: int) -> str:
    return f"{ARN}:service-revision/prod/api/{number}"


def deployment_arn(name: str) -> str:
    return f"{ARN}:service-deployment/prod/api/{name}"


def service(*, current: str | None = None, controller: str = "ECS", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "serviceArn": SERVICE,
        "serviceName": "api",
        "clusterArn": CLUSTER,
        "status": "ACTIVE",
        "desiredCount": 4,
        "runningCount": 4,
        "pendingCount": 0,
        "taskDefinition": f"{ARN}:task-definition/api:7",
        "deploymentController": {"type": controller},
        "deployments": [],
        "events": [],
    }
    return found | ({"currentServiceDeployment": deployment_arn(current)} if current else {}) | more


def summary(number: int, weight: float | None, running: int, requested: int = 4) -> dict[str, Any]:
    found: dict[str, Any] = {
        "arn": revision_arn(number),
        "requestedTaskCount": requested,
        "runningTaskCount": running,
        "pendingTaskCount": requested - running,
    }
    return found if weight is None else {**found, "requestedProductionTrafficWeight": weight}


def deployment(name: str, status: str, *, new: int = 2, strategy: str = "ROLLING", **more: Any) -> dict[str, Any]:
    return {
        "serviceDeploymentArn": deployment_arn(name),
        "serviceArn": SERVICE,
        "clusterArn": CLUSTER,
        "createdAt": at(-10),
        "startedAt": at(-9),
        "updatedAt": at(-3),
        "status": status,
        "sourceServiceRevisions": [summary(new - 1, None, 4)],
        "targetServiceRevision": summary(new, None, 2),
        "deploymentConfiguration": {"strategy": strategy},
    } | more


def revisions(params: dict[str, Any]) -> dict[str, Any]:
    numbers = [int(arn.rpartition("/")[2]) for arn in params["serviceRevisionArns"]]
    return {
        "serviceRevisions": [
            {
                "serviceRevisionArn": revision_arn(number),
                "taskDefinition": f"{ARN}:task-definition/api:{number}",
                "containerImages": [{"containerName": "app", "image": f"repo/api:v{number}", "imageDigest": DIGEST}],
            }
            for number in numbers
        ]
    }


def definition(params: dict[str, Any]) -> dict[str, Any]:
    return {
        "taskDefinition": {
            "taskDefinitionArn": params["taskDefinition"],
            "containerDefinitions": [{"name": "app", "image": "repo/api:" + params["taskDefinition"][-1]}],
            "registeredAt": at(-11),
            "registeredBy": "arn:aws:sts::000000000000:assumed-role/deploy/alice",
            "status": "ACTIVE",
        }
    }


class Stage:
    """An account with one service, its clock, and a source that looks at it."""

    def __init__(self, script: Scripted, url: str) -> None:
        self.script = script
        self.clock = FakeClock(at(0))
        self.source = source_of({"ecs": url}, ecs_system("api"), self.clock)

    def show(self, found: dict[str, Any], *deployments: dict[str, Any]) -> None:
        """What there is from this moment on."""
        known = {one["serviceDeploymentArn"]: one for one in deployments}
        briefs = [{"serviceDeploymentArn": arn} for arn in known]
        self.script.answers |= {
            "DescribeServices": {"services": [found]},
            "ListServiceDeployments": {"serviceDeployments": briefs},
            "DescribeServiceDeployments": lambda params: {
                "serviceDeployments": [known[arn] for arn in params["serviceDeploymentArns"]]
            },
            "DescribeServiceRevisions": revisions,
            "DescribeTaskDefinition": definition,
            "ListTasks": {"taskArns": []},
        }

    async def look(self, seconds: float = 5.0) -> RolloutsUpdate:
        self.clock.advance(seconds)
        return await self.source.read_rollouts()

    async def one(self) -> Rollout:
        (found,) = (await self.look()).rollouts
        return found


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    script = Scripted()
    async with Hostile(script) as server:
        account = Stage(script, server.url)
        yield account
        await account.source.close()


def phases(found: Rollout) -> Sequence[tuple[str, Phase]]:
    return [(str(step.label), step.phase) for step in found.steps]


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


async def test_a_cluster_that_hangs_takes_no_other_with_it() -> None:
    script = Scripted(DescribeServices={"services": [service()]})

    async def handler(request: Request) -> None:
        if json.loads(request.body)["cluster"] == "mute":
            await asyncio.Event().wait()
        await script(request)

    systems = ecs_system("api")
    systems["shop"].resources["lost"] = ecs_system("api", cluster="mute")["shop"].resources["api"]
    async with Hostile(handler) as server:
        source = source_of({"ecs": server.url}, systems, FakeClock(at(0)), timeout=Duration(0.5))
        update = await source.read_health()
        await source.close()

    by = {str(reading.indicator): reading for reading in update.readings}
    assert by["resource:api"].note == "4/4 running"
    assert by["resource:lost"].unknown.startswith("ECS gave no complete answer within 0.4s")


async def test_a_service_that_cannot_be_read_for_a_while_is_not_lost(stage: Stage) -> None:
    stage.show(service(current="d1"), deployment("d1", "IN_PROGRESS"))
    await stage.one()
    stage.script.answers["DescribeServices"] = {"services": [], "failures": [{"arn": SERVICE, "reason": "ODD"}]}
    update = await stage.look()
    (unread,) = update.rollouts
    stage.show(service(current="d1"), deployment("d1", "IN_PROGRESS"))
    again = await stage.one()

    assert (unread.phase, unread.live) == (Phase.UNKNOWN, True)
    assert unread.message == "no service api in cluster prod (ODD)"
    assert update.warnings == ("no service api in cluster prod (ODD)",)
    assert again.phase is Phase.RUNNING
    assert again.id == unread.id


async def test_no_drift_is_over_because_a_service_or_its_bounds_cannot_be_read() -> None:
    ecs, scaling = Scripted(), Scripted("application-autoscaling")
    async with Hostile(ecs) as one, Hostile(scaling) as other:
        expect = EcsExpectation(desired=9, max_tasks=8)
        systems = ecs_system("api", expect=expect)
        systems["shop"].resources["web"] = ecs_system("web", cluster="well")["shop"].resources["web"]
        clock = FakeClock(at(0))
        source = source_of({"ecs": one.url, "application-autoscaling": other.url}, systems, clock)

        def services(params: dict[str, Any]) -> dict[str, Any]:
            if params["services"] == ["api"] and refusing:
                raise Refuses("AccessDeniedException")
            return {"services": [service(serviceName=params["services"][0])]}

        def targets(_: dict[str, Any]) -> dict[str, Any]:
            if refusing:
                raise Refuses("AccessDeniedException")
            return {"ScalableTargets": []}

        async def drifted() -> list[str]:
            clock.advance(3600)
            return [str(drift.what) for drift in (await source.read_rollouts()).drifts]

        ecs.answers |= {
            "DescribeServices": services,
            "ListServiceDeployments": {},
            "DescribeTaskDefinition": definition,
        }
        scaling.answers |= {"DescribeScalableTargets": targets}
        refusing = False
        assert await drifted() == ["desired tasks", "max tasks"]
        refusing = True
        assert await drifted() == ["desired tasks", "max tasks"]
        await source.close()
