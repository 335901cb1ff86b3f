"""What of ECS cannot be read at present: it takes nothing else along, and is not over for that."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.aws.account import ecs_system, source_of
from tests.sources.aws.deployments import ARN, SERVICE, Stage, definition, deployment, service
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tests.waiting import let_pass
from tuiops.config.resources import EcsExpectation
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.rollouts import Phase
from tuiops.core.text import lit
from tuiops.hub.rollouts import RolloutBoard
from tuiops.sources.aws.errors import PAUSE

if TYPE_CHECKING:
    from tests.sources.hostile import Request


async def test_a_cluster_that_hangs_takes_no_other_with_it() -> None:
    script = Scripted(DescribeServices={"services": [service()]})
    asked = asyncio.Event()

    async def handler(request: Request) -> None:
        if json.loads(request.body)["cluster"] == "mute":
            asked.set()
            await asyncio.Event().wait()
        await script(request)

    systems = ecs_system("api")
    systems["shop"].resources["lost"] = ecs_system("api", cluster="mute")["shop"].resources["api"]
    async with Hostile(handler) as server:
        source = source_of({"ecs": server.url}, systems, FakeClock(at(0)), timeout=Duration(300))
        reading = asyncio.create_task(source.read_health())
        await asked.wait()
        await let_pass(255)
        update = await reading
        await source.close()

    by = {str(reading.indicator): reading for reading in update.readings}
    assert by["resource:api"].note == "4/4 running"
    assert by["resource:lost"].unknown.startswith("ECS gave no complete answer within 240s")


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


def throttled(_: dict[str, Any]) -> dict[str, Any]:
    raise Refuses("ThrottlingException", "Rate exceeded")


PRIMARY: dict[str, Any] = {
    "id": "ecs-svc/1",
    "status": "PRIMARY",
    "taskDefinition": f"{ARN}:task-definition/api:7",
    "desiredCount": 4,
    "runningCount": 4,
    "pendingCount": 0,
    "failedTasks": 0,
    "createdAt": at(-2),
    "updatedAt": at(-1),
    "rolloutState": "IN_PROGRESS",
}
CANARY = service(current="d1", deployments=[PRIMARY])


async def test_a_canary_whose_record_is_throttled_once_goes_on(stage: Stage) -> None:
    stage.show(CANARY, deployment("d1", "IN_PROGRESS", strategy="CANARY"))
    first = await stage.one()
    answered = stage.script.answers["DescribeServiceDeployments"]
    stage.script.answers["DescribeServiceDeployments"] = throttled
    unread = await stage.one()
    stage.script.answers["DescribeServiceDeployments"] = answered
    stage.clock.advance(PAUSE)
    again = await stage.one()
    stage.show(CANARY, deployment("d1", "SUCCESSFUL", strategy="CANARY", finishedAt=at(0)))
    over = await stage.one()

    assert {one.id for one in (first, unread, again, over)} == {first.id}
    assert [one.phase for one in (first, unread, again, over)] == [
        Phase.RUNNING,
        Phase.UNKNOWN,
        Phase.RUNNING,
        Phase.SUCCEEDED,
    ]
    assert unread.live
    assert unread.message == "past deployments are not known: ecs limit (ThrottlingException): Rate exceeded"


@pytest.mark.parametrize("operation", ["ListServiceDeployments", "DescribeServiceDeployments"])
async def test_a_past_that_cannot_be_read_at_first_is_made_up_from_nothing_else(stage: Stage, operation: str) -> None:
    running = deployment("d1", "IN_PROGRESS", strategy="CANARY")
    stage.show(service(deployments=[PRIMARY]), running)
    answered = stage.script.answers[operation]
    stage.script.answers[operation] = throttled
    unread = await stage.look()
    stage.script.answers[operation] = answered
    stage.clock.advance(PAUSE)

    assert unread.rollouts == ()
    assert unread.warnings[0] == "past deployments are not known: ecs limit (ThrottlingException): Rate exceeded"
    assert (await stage.one()).strategy == "canary"


async def test_what_was_told_of_a_settled_service_stands_while_its_past_is_throttled(stage: Stage) -> None:
    stage.show(service(), deployment("d1", "SUCCESSFUL", finishedAt=at(-3)))
    first = await stage.one()
    stage.show(service(pendingCount=1), deployment("d1", "SUCCESSFUL", finishedAt=at(-3)))
    stage.script.answers |= {"ListServiceDeployments": throttled, "DescribeServiceDeployments": throttled}

    assert await stage.one() == first


async def test_one_that_completed_out_of_sight_has_succeeded(stage: Stage) -> None:
    """It drains for the next one already, and ECS still says that it completed."""
    next_one = {**PRIMARY, "id": "ecs-svc/2", "taskDefinition": f"{ARN}:task-definition/api:8", "createdAt": at(100)}
    stage.show(service(deployments=[PRIMARY]))
    first = await stage.one()
    stage.show(service(deployments=[next_one, {**PRIMARY, "status": "ACTIVE", "rolloutState": "COMPLETED"}]))
    found = {str(one.new): one for one in (await stage.look(7200)).rollouts}

    assert first.phase is Phase.RUNNING
    assert found["api:8"].phase is Phase.RUNNING
    assert (found["api:7"].id, found["api:7"].phase) == (first.id, Phase.SUCCEEDED)


@pytest.mark.parametrize(
    "later",
    [
        service(deployments=[], status="INACTIVE"),
        service(deployments=[{**PRIMARY, "id": "ecs-svc/2", "createdAt": at(100)}]),
    ],
)
async def test_one_that_is_gone_ended_nobody_knows_how(stage: Stage, later: dict[str, Any]) -> None:
    stage.show(service(deployments=[PRIMARY]))
    first = await stage.one()
    stage.show(later)
    found = {one.id: one for one in (await stage.look(7200)).rollouts}[first.id]

    assert (found.live, found.phase, found.message) == (False, Phase.UNKNOWN, "how it ended was not seen")


async def test_a_record_that_is_gone_tells_not_how_it_ended(stage: Stage) -> None:
    stage.show(CANARY, deployment("d1", "IN_PROGRESS"))
    first = await stage.one()
    stage.show(service(current="d2"), deployment("d2", "IN_PROGRESS", new=3))
    found = {one.id: one for one in (await stage.look()).rollouts}[first.id]

    assert (found.live, found.phase, found.message) == (False, Phase.UNKNOWN, "how it ended was not seen")


async def test_a_record_that_becomes_forbidden_ends_no_rollout(stage: Stage) -> None:
    """The services themselves tell of it then, by another name; nothing tells how the recorded one ends."""

    def forbidden(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDeniedException", "no")

    board = RolloutBoard()
    stage.show(CANARY, deployment("d1", "IN_PROGRESS", strategy="CANARY"))
    board.apply(lit("aws/rollouts"), await stage.look())
    stage.script.answers["DescribeServiceDeployments"] = forbidden
    board.apply(lit("aws/rollouts"), await stage.look())
    stage.show(CANARY, deployment("d1", "IN_PROGRESS", strategy="CANARY"))
    stage.clock.advance(600)
    refused = {str(one.strategy): one.phase for one in board.rollouts}
    board.apply(lit("aws/rollouts"), await stage.look())

    assert refused == {"canary": Phase.UNKNOWN, "rolling": Phase.RUNNING}
    assert {str(one.strategy): one.phase for one in board.rollouts} == {
        "canary": Phase.RUNNING,
        "rolling": Phase.UNKNOWN,
    }


async def test_what_describes_a_rollout_that_is_over_is_asked_for_until_it_is_known(stage: Stage) -> None:
    stage.show(service(deployments=[{**PRIMARY, "createdAt": at(-10), "rolloutState": "COMPLETED"}]))
    answered = stage.script.answers["DescribeTaskDefinition"]
    stage.script.answers["DescribeTaskDefinition"] = throttled
    first = await stage.one()
    stage.script.answers["DescribeTaskDefinition"] = answered
    stage.clock.advance(PAUSE)
    later = await stage.one()
    count = stage.script.count("DescribeTaskDefinition")
    again = await stage.one()

    assert (first.phase, first.by, [side.image for side in first.sides]) == (Phase.SUCCEEDED, "", [""])
    assert (later.phase, later.by, [side.image for side in later.sides]) == (
        Phase.SUCCEEDED,
        "deploy/alice",
        ["repo/api:7"],
    )
    assert (later.id, later.ended) == (first.id, first.ended)
    assert again is later
    assert stage.script.count("DescribeTaskDefinition") == count


@pytest.mark.parametrize("operation", ["DescribeServiceRevisions", "DescribeTaskDefinition"])
async def test_so_is_what_describes_a_recorded_one(stage: Stage, operation: str) -> None:
    stage.show(service(), deployment("d1", "SUCCESSFUL", finishedAt=at(-3)))
    answered = stage.script.answers[operation]
    stage.script.answers[operation] = throttled
    first = await stage.one()
    stage.script.answers[operation] = answered
    stage.clock.advance(PAUSE)
    later = await stage.one()

    assert first.by == ""
    assert (later.new, later.old, later.by) == ("api:2", "api:1", "deploy/alice")
    assert [side.image for side in later.sides] == [
        "repo/api:v2@sha256:abababababab",
        "repo/api:v1@sha256:abababababab",
    ]
    assert (later.id, later.ended) == (first.id, first.ended)
    assert await stage.one() is later


async def test_a_task_definition_that_was_deleted_is_asked_for_once(stage: Stage) -> None:
    def deleted(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("TaskDefinitionNotFoundException", "gone")

    stage.show(service(deployments=[{**PRIMARY, "rolloutState": "COMPLETED"}]))
    stage.script.answers["DescribeTaskDefinition"] = deleted
    first = await stage.one()

    assert first.phase is Phase.SUCCEEDED
    assert await stage.one() is first
    assert stage.script.count("DescribeTaskDefinition") == 1
