"""Rollouts of Cloud Run services that others make, as they are seen from one poll to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.google.run import RunApi, digest
from tuiops.core.rollouts import Origin, Phase, Rollout, StepKind

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.updates import RolloutsUpdate
    from tuiops.sources.gcp.source import GcpSource

CHAT = """
[systems.shop.services.chat]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
"""


class Watch:
    """A service that serves its first revision, the API it is in, and a source that looks at it."""

    def __init__(self, google: GoogleStage) -> None:
        self.google = google
        self.run = google.teach(RunApi(google.clock))
        self.first = self.run.deploy("chat", "shop/chat:1", by="lee@shop.example")
        google.clock.advance(3600)
        self.source: GcpSource = google.source(CHAT)

    async def look(self, seconds: float = 0.0) -> RolloutsUpdate:
        """Let time pass and poll."""
        self.google.clock.advance(max(seconds, 3.0))
        return await self.source.read_rollouts()

    async def one(self, seconds: float = 0.0) -> Rollout:
        """The newest rollout."""
        return (await self.look(seconds)).rollouts[0]


@pytest.fixture
def watch(google: GoogleStage) -> Watch:
    return Watch(google)


def steps(rollout: Rollout) -> list[tuple[str, str]]:
    return [(step.label, step.phase.value) for step in rollout.steps]


async def test_a_service_at_rest_has_a_past_and_nothing_under_way(watch: Watch) -> None:
    update = await watch.look()

    (past,) = update.rollouts
    assert (past.new, past.old, past.phase, past.by) == (watch.first, "", Phase.SUCCEEDED, "lee@shop.example")
    assert past.took == pytest.approx(20)
    assert past.client == "gcloud 528.0.0"
    assert past.sides[0].image == digest("shop/chat:1")
    assert update.again_in is None


async def test_a_deployment_that_takes_all_traffic_is_seen_from_start_to_end(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2")

    rollout = await watch.one()
    assert (rollout.phase, rollout.new, rollout.old) == (Phase.RUNNING, new, watch.first)
    assert (rollout.strategy, rollout.by, rollout.client) == ("all at once", "kim@shop.example", "gcloud 528.0.0")
    assert rollout.origin is Origin.OBSERVED
    assert rollout.message == "Deploying Revision."
    assert steps(rollout)[0] == (f"deploy {new}", "running")
    assert (rollout.share_set, rollout.share_actual, rollout.lags) == (1.0, 0.0, True)

    rollout = await watch.one(30)
    assert (rollout.phase, rollout.weight) == (Phase.SUCCEEDED, 1.0)
    assert [phase for _, phase in steps(rollout)] == ["succeeded", "succeeded"]
    assert rollout.took == pytest.approx(20)
    assert [side.image for side in rollout.sides] == [digest("shop/chat:2"), digest("shop/chat:1")]


async def test_a_canary_that_another_client_moves_is_followed_step_by_step(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    rollout = await watch.one(30)
    assert (rollout.phase, steps(rollout)[-1]) == (Phase.WAITING, ("wait for traffic", "running"))

    watch.run.share("chat", {new: 10, watch.first: 90})
    update = await watch.look()
    rollout = update.rollouts[0]
    assert (rollout.phase, rollout.strategy) == (Phase.RUNNING, "canary")
    assert (rollout.share_set, rollout.share_actual) == (0.1, 0.0)
    assert update.again_in == 5.0

    rollout = await watch.one(10)
    assert (rollout.share_set, rollout.share_actual) == (0.1, 0.1)
    assert rollout.steps[-1].label == "hold at 10%"
    assert rollout.steps[-1].kind is StepKind.WAIT

    for share in (50, 100):
        watch.run.share("chat", {new: share, watch.first: 100 - share} if share < 100 else {new: 100})
        rollout = await watch.one(300)

    assert rollout.phase is Phase.SUCCEEDED
    assert [label for label, _ in steps(rollout)] == [
        f"deploy {new}",
        "wait for traffic",
        "10%",
        "hold at 10%",
        "50%",
        "hold at 50%",
        "100%",
    ]
    assert {phase for _, phase in steps(rollout)} == {"succeeded"}
    assert len((await watch.look()).rollouts) == 2


async def test_traffic_that_returns_is_a_rollback(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    await watch.look(30)
    watch.run.share("chat", {new: 50, watch.first: 50})
    await watch.look(30)
    watch.run.share("chat", {watch.first: 100})

    rollout = await watch.one()
    assert (rollout.phase, steps(rollout)[-1]) == (Phase.RUNNING, (f"back to {watch.first}", "running"))
    assert (rollout.share_set, rollout.share_actual) == (0.0, 0.5)

    rollout = await watch.one(30)
    assert (rollout.phase, rollout.weight) == (Phase.ROLLED_BACK, 0.0)
    assert rollout.new == new


async def test_going_back_after_the_end_is_a_rollout_of_its_own(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2")
    await watch.look(30)
    await watch.look(300)
    watch.run.share("chat", {watch.first: 100}, by="lee@shop.example", client="cloud-console")

    rollout = await watch.one()
    assert (rollout.strategy, rollout.new, rollout.old) == ("rollback", watch.first, new)
    assert (rollout.by, rollout.client) == ("lee@shop.example", "Cloud Console 528.0.0")

    update = await watch.look(30)
    assert [(one.new, one.phase) for one in update.rollouts] == [
        (watch.first, Phase.SUCCEEDED),
        (new, Phase.SUCCEEDED),
        (watch.first, Phase.SUCCEEDED),
    ]
    assert len({one.id for one in update.rollouts}) == 3


async def test_a_revision_that_never_becomes_ready_fails_with_its_own_words(watch: Watch) -> None:
    await watch.look()
    watch.run.failure = "The user-provided container failed to start and listen on the port 8080."
    new = watch.run.deploy("chat", "shop/chat:2")
    await watch.look()

    rollout = await watch.one(30)

    assert (rollout.phase, rollout.new) == (Phase.FAILED, new)
    assert rollout.message == watch.run.failure
    assert steps(rollout) == [(f"deploy {new}", "failed")]
    health = (await watch.source.read_health()).readings[0]
    assert health.value == 1.0
    assert f"{new} fails, {watch.first} serves" in health.note
    assert (await watch.one(600)).phase is Phase.FAILED


async def test_blue_and_green_are_told_by_the_tag(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2", traffic=False, tag="green")
    rollout = await watch.one(30)
    assert (rollout.strategy, rollout.sides[0].tag) == ("blue-green", "green")

    watch.run.share("chat", {new: 100})
    rollout = await watch.one(30)

    assert (rollout.phase, rollout.strategy) == (Phase.SUCCEEDED, "blue-green")


async def test_a_rollout_under_way_at_the_first_look_is_found(watch: Watch) -> None:
    new = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    watch.google.clock.advance(30)
    watch.run.share("chat", {new: 10, watch.first: 90})
    watch.google.clock.advance(30)

    rollout = await watch.one()

    assert (rollout.phase, rollout.new, rollout.old) == (Phase.RUNNING, new, watch.first)
    assert rollout.strategy == "canary"
    assert (rollout.share_set, rollout.share_actual) == (0.1, 0.1)


async def test_one_that_was_over_between_two_looks_is_told_as_past(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2")

    rollout = await watch.one(120)

    assert (rollout.phase, rollout.new, rollout.old) == (Phase.SUCCEEDED, new, watch.first)
    assert rollout.took == pytest.approx(20)


async def test_a_deployment_over_another_ends_the_former(watch: Watch) -> None:
    await watch.look()
    second = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    await watch.look(30)
    third = watch.run.deploy("chat", "shop/chat:3", traffic=False)

    update = await watch.look(30)

    live, former, *_ = update.rollouts
    assert (live.new, live.phase) == (third, Phase.WAITING)
    assert (former.new, former.phase, former.message) == (second, Phase.SUPERSEDED, f"replaced by {third}")
    assert former.steps[-1].phase is Phase.SUPERSEDED


async def test_one_that_took_all_traffic_before_the_next_was_made_has_succeeded(watch: Watch) -> None:
    await watch.look()
    second = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    watch.run.share("chat", {second: 10, watch.first: 90})
    await watch.look(60)
    watch.run.share("chat", {second: 100})
    watch.google.clock.advance(600)
    third = watch.run.deploy("chat", "shop/chat:3", traffic=False)

    live, former, *_ = (await watch.look(30)).rollouts

    assert (live.new, live.phase) == (third, Phase.WAITING)
    assert (former.new, former.phase, former.weight, former.message) == (second, Phase.SUCCEEDED, 1.0, "")
    assert steps(former)[-1] == ("100%", "succeeded")


async def test_how_one_ended_that_lost_its_traffic_to_the_next_out_of_sight_is_unknown(watch: Watch) -> None:
    await watch.look()
    second = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    watch.run.share("chat", {second: 10, watch.first: 90})
    await watch.look(60)
    third = watch.run.deploy("chat", "shop/chat:3", traffic=False)
    watch.run.share("chat", {third: 100})

    update = await watch.look(600)

    former = next(one for one in update.rollouts if one.new == second)
    assert (former.live, former.phase) == (False, Phase.UNKNOWN)
    assert former.message == f"replaced by {third}; how it ended was not seen"
    assert former.steps[-1].phase is Phase.UNKNOWN


async def test_one_that_failed_before_the_next_was_made_has_failed(watch: Watch) -> None:
    await watch.look()
    watch.run.failure = "It does not start."
    second = watch.run.deploy("chat", "shop/chat:2")
    await watch.look()
    watch.google.clock.advance(60)
    watch.run.failure = ""
    watch.run.deploy("chat", "shop/chat:3")

    update = await watch.look(60)

    former = next(one for one in update.rollouts if one.new == second)
    assert (former.phase, former.message) == (Phase.FAILED, "It does not start.")


async def test_a_candidate_that_nobody_wants_is_no_rollout_for_ever(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    await watch.look(30)

    update = await watch.look(25 * 3600)

    assert [(one.new, one.live) for one in update.rollouts] == [(new, False), (watch.first, False)]
    assert update.again_in is None


async def test_a_service_that_is_deleted_leaves_a_rollout_without_a_phase(watch: Watch) -> None:
    await watch.look()
    watch.run.deploy("chat", "shop/chat:2")
    await watch.look()
    watch.run.delete("chat")

    rollout = await watch.one()

    assert (rollout.live, rollout.phase, rollout.message) == (False, Phase.UNKNOWN, "the service is gone")


async def test_pinning_what_serves_already_is_no_rollout(watch: Watch) -> None:
    await watch.look()
    watch.run.share("chat", {watch.first: 100})
    await watch.look()

    update = await watch.look(30)

    assert [rollout.new for rollout in update.rollouts] == [watch.first]
    assert (await watch.source.read_health()).readings[0].note == f"pinned · 100% {watch.first}"


async def test_pinning_to_what_still_serves_after_a_failure_is_none_either(watch: Watch) -> None:
    await watch.look()
    watch.run.failure = "It does not start."
    bad = watch.run.deploy("chat", "shop/chat:2")
    await watch.look(30)
    watch.run.share("chat", {watch.first: 100})

    update = await watch.look(30)

    assert [(one.new, one.phase) for one in update.rollouts] == [(bad, Phase.FAILED), (watch.first, Phase.SUCCEEDED)]


async def test_traffic_that_moves_costs_no_look_at_revisions(watch: Watch) -> None:
    new = watch.run.deploy("chat", "shop/chat:2", traffic=False)
    await watch.look(60)
    asked = len(watch.google.asked("revisions.list"))

    for share in (10, 50):
        watch.run.share("chat", {new: share, watch.first: 100 - share})
        assert (await watch.one()).share_set == share / 100
        assert (await watch.one(30)).share_actual == share / 100

    assert len(watch.google.asked("revisions.list")) == asked


async def test_revisions_that_cannot_be_read_leave_the_rollouts_as_they_were(watch: Watch) -> None:
    await watch.look()
    new = watch.run.deploy("chat", "shop/chat:2")
    fault = watch.google.fault("run", "revisions.list", status=503)

    update = await watch.look()
    assert [rollout.new for rollout in update.rollouts] == [watch.first]
    assert update.warnings[0].startswith("Cloud Run revisions of chat: run at ")

    fault.times = 0
    assert (await watch.one()).new == new


async def test_revisions_are_asked_for_when_something_changed_and_not_else(watch: Watch) -> None:
    for _ in range(3):
        await watch.look(30)
    assert len(watch.google.asked("revisions.list")) == 1

    watch.run.deploy("chat", "shop/chat:2")
    await watch.look()
    await watch.look(60)
    await watch.look(60)

    assert len(watch.google.asked("revisions.list")) == 3
    assert len(watch.google.asked("services.list")) == 6


async def test_health_and_rollouts_share_one_listing(watch: Watch) -> None:
    await watch.source.read_health()
    await watch.source.read_rollouts()

    assert len(watch.google.asked("services.list")) == 1
