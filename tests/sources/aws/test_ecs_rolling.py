"""Rolling deployments, watched from start to end while MiniStack's scheduler carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.ports import free_port
from tests.sources.aws.account import CLUSTER, Ecs, ecs_system, source_of
from tests.waiting import eventually_answers
from tuiops.config.resources import EcsExpectation
from tuiops.core.rollouts import GateResult, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.ministack import Ministack
    from tuiops.core.health import Reading
    from tuiops.core.rollouts import Rollout
    from tuiops.core.updates import RolloutsUpdate
    from tuiops.sources.aws.source import AwsSource

pytestmark = pytest.mark.usefixtures("always_anew")
PATIENCE = 60.0
"""Seconds: a deployment takes several rounds of the scheduler."""


class Watch:
    """Polls the rollouts of one service and keeps what it saw."""

    def __init__(self, source: AwsSource) -> None:
        self.source = source
        self.seen: list[Rollout] = []
        self.update: RolloutsUpdate | None = None

    async def until(self, condition: Callable[[Rollout], bool], new: str, what: str) -> Rollout:
        """The first look at the rollout to revision `new` of which the condition holds."""

        async def seen() -> bool:
            self.update = await self.source.read_rollouts()
            found = [rollout for rollout in self.update.rollouts if rollout.new == new]
            self.seen += found
            return any(condition(rollout) for rollout in found)

        await eventually_answers(seen, f"{new}: {what}", PATIENCE)
        return next(rollout for rollout in reversed(self.seen) if condition(rollout))

    async def end(self, new: str) -> Rollout:
        """The rollout to revision `new`, which is over."""
        return await self.until(lambda one: not one.live, new, "the end")


async def deploying(ministack: Ministack, ecs: Ecs, name: str, tag: str) -> tuple[Watch, Rollout]:
    """A service whose two tasks run v1 steadily, and the begun rollout to `tag`, which MiniStack holds."""
    source = source_of(ministack.url, ecs_system(name))
    await ecs.create(name, await ecs.define(name, "v1"))

    async def steady() -> bool:
        return (await source.read_health()).readings[0].note == "2/2 running"

    await eventually_answers(steady, f"both tasks of {name}", PATIENCE)
    watch = Watch(source)
    ministack.hold(tag)
    await ecs.deploy(name, await ecs.define(name, tag))
    return watch, await watch.until(lambda one: one.live, f"{name}:2", "the start")


async def test_a_rollout_is_seen_from_its_start_to_its_end(ministack: Ministack, ecs: Ecs) -> None:
    watch, begun = await deploying(ministack, ecs, "roll", "v2-roll")
    again = watch.update.again_in if watch.update else None
    ministack.let_one("v2-roll")
    half = await watch.until(lambda one: one.sides[0].running == 1, "roll:2", "one task")
    ministack.release("v2-roll")
    up = await watch.until(lambda one: one.steps[0].phase is Phase.SUCCEEDED, "roll:2", "all tasks")
    done = await watch.end("roll:2")

    assert again == 5.0
    assert (begun.phase, begun.old, begun.new, begun.strategy) == (Phase.RUNNING, "roll:1", "roll:2", "rolling")
    assert [(step.label, step.phase) for step in begun.steps] == [
        ("provision", Phase.RUNNING),
        ("steady state", Phase.WAITING),
    ]
    assert [(side.revision, side.image, side.desired, side.running) for side in begun.sides] == [
        ("roll:2", "registry.example/roll:v2-roll", 2, 0),
        ("roll:1", "registry.example/roll:v1", 2, 2),
    ]
    assert begun.by == "root"
    assert begun.gates[0].result is GateResult.INCONCLUSIVE
    assert half.live
    assert up.steps[0].ended is not None
    assert (done.id, done.started) == (begun.id, begun.started)
    assert (done.phase, done.old, done.new) == (Phase.SUCCEEDED, "roll:1", "roll:2")
    assert done.ended is not None
    assert done.ended >= done.started
    assert [side.revision for side in done.sides] == ["roll:2", "roll:1"]
    assert {step.phase for step in done.steps} == {Phase.SUCCEEDED}
    assert done.gates[0].result is GateResult.PASS
    assert watch.update is not None
    assert watch.update.again_in is None
    await watch.source.close()


async def rolling_back(ministack: Ministack, ecs: Ecs, watch: Watch) -> tuple[str, Rollout]:
    """A revision of `bad` that is being taken back. It takes MiniStack a second, which a busy machine may miss."""
    for number in range(2, 8):
        new, tag = f"bad:{number}", f"bad-{number}"
        if number > 2:
            await ecs.deploy("bad", await ecs.define("bad", tag))
        else:
            ministack.release(tag)
        seen = await watch.until(lambda one: one.message.startswith("roll") or not one.live, new, "the roll back")
        if seen.live:
            return new, seen
    raise AssertionError("no roll back was seen before it was over")


async def test_a_bad_image_breaks_the_circuit_and_is_rolled_back(ministack: Ministack, ecs: Ecs) -> None:
    watch, _ = await deploying(ministack, ecs, "bad", "bad-2")
    new, back = await rolling_back(ministack, ecs, watch)
    over = await watch.end(new)
    health = await watch.source.read_health()

    assert back.message.startswith("rolling back to bad:1")
    assert [(step.label, step.phase) for step in back.steps] == [
        ("provision", Phase.FAILED),
        ("steady state", Phase.WAITING),
        ("roll back", Phase.RUNNING),
    ]
    assert over.phase is Phase.ROLLED_BACK
    assert over.message.startswith("rolled back to bad:1; ECS deployment circuit breaker was triggered after 3")
    assert "Essential container exited (app: exit 1)" in over.message
    assert over.steps[-1].phase is Phase.SUCCEEDED
    assert over.gates[0].label == "failed tasks < 3"
    assert (over.gates[0].value, over.gates[0].result) == ("3", GateResult.FAIL)
    assert (over.sides[0].revision, over.sides[0].failed) == (new, 3)
    assert (over.sides[1].revision, over.sides[1].running) == ("bad:1", 2)
    assert over.ended is not None
    assert {one.phase for one in watch.seen} == {Phase.RUNNING, Phase.ROLLED_BACK}
    assert health.readings[0].value == 1.0
    assert "2/2 running" in health.readings[0].note

    good = await ecs.define("bad", "v3")
    await ecs.deploy("bad", good)
    await watch.until(lambda one: one.phase is Phase.SUCCEEDED, good.rpartition("/")[2], "success")
    again = await watch.until(lambda one: True, new, "a look")
    assert again == over  # what has ended does not change any more
    await watch.source.close()


async def test_an_image_that_cannot_be_pulled_says_so(ministack: Ministack, ecs: Ecs) -> None:
    source = source_of(ministack.url, ecs_system("pull"))
    await ecs.create("pull", await ecs.define("pull", "missing-1"), breaker=False)

    seen: list[Reading] = []

    async def said() -> bool:
        seen.extend((await source.read_health()).readings)
        return "CannotPullContainerError" in seen[-1].note

    await eventually_answers(said, "the reason why nothing runs", PATIENCE)
    # Without a circuit breaker the scheduler would try for ever.
    await ecs.call("UpdateService", cluster=CLUSTER, service="pull", desiredCount=0)

    assert {reading.value for reading in seen} <= {0.0, 2.0}
    assert seen[-1].value == 2.0
    assert seen[-1].note.startswith("0/2 running: CannotPullContainerError")
    await source.close()


async def test_a_deployment_that_another_one_replaces_is_stopped(ministack: Ministack, ecs: Ecs) -> None:
    watch, _ = await deploying(ministack, ecs, "twice", "v2-twice")
    await ecs.deploy("twice", await ecs.define("twice", "v3"))
    first = await watch.end("twice:2")
    ministack.release("v2-twice")
    second = await watch.end("twice:3")

    assert (first.phase, first.message) == (Phase.SUPERSEDED, "another deployment took its place")
    assert (second.phase, second.old) == (Phase.SUCCEEDED, "twice:1")
    await watch.source.close()


async def test_a_service_or_a_cluster_that_is_not_there_is_unknown(ministack: Ministack, ecs: Ecs) -> None:
    systems = ecs_system("there", "not-there")
    systems["shop"].resources["lost"] = ecs_system("there", cluster="no-such")["shop"].resources["there"]
    source = source_of(ministack.url, systems)
    await ecs.create("there", await ecs.define("there", "v1"))

    update = await source.read_health()
    rollouts = await source.read_rollouts()

    by = {str(reading.indicator): reading for reading in update.readings}
    assert by["resource:there"].unknown == ""
    assert by["resource:not-there"].unknown == f"no service not-there in cluster {CLUSTER} (MISSING)"
    assert by["resource:lost"].unknown == "ecs: Cluster not found (ClusterNotFoundException)"
    assert set(update.warnings) == {by["resource:not-there"].unknown, by["resource:lost"].unknown}
    assert [one.service for one in rollouts.rollouts] == ["there"]
    await source.close()


async def test_drift_is_told_against_what_is_expected(ministack: Ministack, ecs: Ecs) -> None:
    expect = EcsExpectation(desired=4, circuit_breaker=True, max_tasks=8)
    nobody = f"http://127.0.0.1:{free_port()}"
    source = source_of({"ecs": ministack.url, "application-autoscaling": nobody}, ecs_system("drifts", expect=expect))
    await ecs.create("drifts", await ecs.define("drifts", "v1"), breaker=False)

    update = await source.read_rollouts()

    assert [str(drift.text()) for drift in update.drifts] == [
        "desired tasks 2, expected 4",
        "circuit breaker off, expected on",
    ]
    # What cannot be read is no drift, and a warning.
    assert len(update.warnings) == 1
    assert update.warnings[0].startswith("scaling bounds are not known: 127.0.0.1:")
    await source.close()
