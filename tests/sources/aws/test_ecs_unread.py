"""What of ECS cannot be read at present: it takes nothing else along, and is not over for that."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tests.sources.aws.account import ecs_system, source_of
from tests.sources.aws.deployments import SERVICE, Stage, definition, deployment, service
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tests.waiting import let_pass
from tuiops.config.resources import EcsExpectation
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.core.rollouts import Phase

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
