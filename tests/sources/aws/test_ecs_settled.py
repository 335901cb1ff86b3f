"""Services with which nothing happens: they are looked at in every poll, and told of without being worked out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sources.aws.deployments import Stage, deployment, service
from tests.sources.aws.scripted import at
from tuiops.core.rollouts import Phase
from tuiops.sources.parts import DEGRADED, WELL

if TYPE_CHECKING:
    from tuiops.core.health import Reading


async def health(stage: Stage) -> Reading:
    stage.clock.advance(5)
    (found,) = (await stage.source.read_health()).readings
    return found


async def test_a_rollout_that_is_over_is_told_as_it_was(stage: Stage) -> None:
    stage.show(service(current="d1"), deployment("d1", "SUCCESSFUL", finishedAt=at(-3)))
    first = await stage.one()
    again = await stage.one()

    assert first.phase is Phase.SUCCEEDED
    assert again is first


async def test_a_rollout_under_way_is_worked_out_anew_in_every_poll(stage: Stage) -> None:
    same = service(current="d1")
    stage.show(same, deployment("d1", "IN_PROGRESS"))
    first = await stage.one()
    stage.show(same, deployment("d1", "SUCCESSFUL", finishedAt=at(0)))
    again = await stage.one()

    assert (first.phase, again.phase) == (Phase.RUNNING, Phase.SUCCEEDED)


async def test_the_next_deployment_of_a_settled_service_is_seen(stage: Stage) -> None:
    over = deployment("d1", "SUCCESSFUL", finishedAt=at(-3))
    stage.show(service(current="d1"), over)
    first = await stage.one()
    stage.show(service(current="d2"), deployment("d2", "IN_PROGRESS", new=3), over)
    update = await stage.look()

    live, past = update.rollouts
    assert (live.new, live.phase) == ("api:3", Phase.RUNNING)
    assert past.id == first.id
    assert update.again_in is not None


async def test_a_settled_service_that_is_gone_for_a_while_keeps_its_past(stage: Stage) -> None:
    stage.show(service(current="d1"), deployment("d1", "SUCCESSFUL", finishedAt=at(-3)))
    first = await stage.one()
    shown = stage.script.answers["DescribeServices"]
    stage.script.answers["DescribeServices"] = {"services": []}
    unread = await stage.one()
    stage.script.answers["DescribeServices"] = shown

    assert unread == first
    assert await stage.one() == first


async def test_a_service_that_stays_well_is_read_at_another_time_alone(stage: Stage) -> None:
    stage.show(service())
    first = await health(stage)
    again = await health(stage)

    assert first.value == again.value == WELL
    assert first.note == again.note == "4/4 running"
    assert (again.at - first.at).total_seconds() == 5


async def test_trouble_grows_old_although_ecs_tells_the_same(stage: Stage) -> None:
    event: dict[str, Any] = {"id": "e", "createdAt": at(-9), "message": "(service api) was unable to place a task."}
    stage.show(service(events=[event]))
    troubled = await health(stage)
    stage.clock.advance(120)
    well = await health(stage)
    stage.show(service(runningCount=3))
    fewer = await health(stage)

    assert (troubled.value, troubled.note) == (DEGRADED, "4/4 running: was unable to place a task.")
    assert (well.value, well.note) == (WELL, "4/4 running")
    assert (fewer.value, fewer.note) == (DEGRADED, "3/4 running")
