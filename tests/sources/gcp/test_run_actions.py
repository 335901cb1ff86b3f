"""What can be done to Cloud Run services: prepared, carried out, followed, refused."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.google.run import RunApi, digest
from tuiops.core.rollouts import Origin
from tuiops.core.text import safe
from tuiops.errors import AccessDenied, QueryRefused, RateLimited, Unreachable
from tuiops.sources.abilities import (
    Acts,
    Fact,
    Prepared,
    Progress,
    Receipt,
    Restarts,
    RollsBack,
    Scales,
    ShiftsTraffic,
    StateChanged,
    Target,
)

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.sources.gcp.source import GcpSource

CHAT = """
[systems.shop.services.chat]
[systems.shop.resources.chat]
kind = "cloud_run"
source = "gcp"
service = "chat"
name = "chat"
"""
TARGET = Target("shop", "chat")
WHERE = ("--region=asia-northeast1", "--project=shop-production")


def fact(what: str, value: str) -> Fact:
    return Fact(safe(what), safe(value))


class Desk:
    """A service with two revisions, the first of which serves, and a source that can change it."""

    def __init__(self, google: GoogleStage) -> None:
        self.google = google
        self.run = google.teach(RunApi(google.clock))
        self.old = self.run.deploy("chat", "shop/chat:1")
        google.clock.advance(60)
        self.new = self.run.deploy("chat", "shop/chat:2", traffic=False, tag="green")
        google.clock.advance(60)
        self.source: GcpSource = google.source(CHAT)

    def actual(self) -> dict[str, int]:
        """The traffic as it flows."""
        statuses = self.run.service("chat")["trafficStatuses"]
        return {one["revision"]: one["percent"] for one in statuses if one.get("percent")}

    async def done(self, prepared: Prepared) -> Receipt:
        """Carry it out and let the time pass that it takes."""
        receipt = await self.source.perform(prepared)
        assert receipt.progress is Progress.RUNNING
        assert (await self.source.look_up(receipt)).progress is Progress.RUNNING
        self.google.clock.advance(30)
        return await self.source.look_up(receipt)


@pytest.fixture
def desk(google: GoogleStage) -> Desk:
    return Desk(google)


def test_the_source_has_the_abilities(desk: Desk) -> None:
    assert isinstance(desk.source, Acts)
    assert isinstance(desk.source, ShiftsTraffic)
    assert isinstance(desk.source, RollsBack)
    assert isinstance(desk.source, Restarts)
    assert isinstance(desk.source, Scales)


async def test_traffic_is_shared_as_gcloud_would(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")

    assert prepared.argv == (
        "gcloud",
        "run",
        "services",
        "update-traffic",
        "chat",
        f"--to-revisions={desk.new}=10,{desk.old}=90",
        *WHERE,
    )
    assert fact("traffic", f"100% {desk.old}") in prepared.before
    assert prepared.after == (fact("traffic", f"90% {desk.old}, 10% {desk.new}"),)
    assert prepared.undo == f"share it again as {desk.old}=100"

    receipt = await desk.done(prepared)

    assert receipt.progress is Progress.DONE
    assert set(prepared.after) <= set(receipt.facts)
    assert desk.actual() == {desk.new: 10, desk.old: 90}
    (sent,) = desk.google.asked("services.patch")
    assert sent.parameter("updateMask") == "traffic,client"
    assert sent.body["client"] == "tuiops"
    assert any(target.get("tag") == "green" for target in sent.body["traffic"])


async def test_our_own_rollout_is_told_apart(desk: Desk) -> None:
    desk.run.share("chat", {desk.new: 100})
    desk.google.clock.advance(30)
    await desk.source.read_rollouts()
    await desk.source.perform(await desk.source.prepare_rollback(TARGET, desk.old, "t1"))
    desk.google.clock.advance(3)

    rollout = (await desk.source.read_rollouts()).rollouts[0]

    assert (rollout.new, rollout.strategy, rollout.origin) == (desk.old, "rollback", Origin.OURS)
    assert rollout.client.startswith("tuiops")


async def test_a_tag_names_its_revision(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {"green": 100}, "t1")

    assert prepared.argv[5] == f"--to-revisions={desk.new}=100"


async def test_traffic_floats_again_with_latest(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {"LATEST": 100}, "t1")
    assert prepared.argv[4:6] == ("chat", "--to-latest")

    receipt = await desk.done(prepared)

    assert receipt.progress is Progress.DONE
    assert set(prepared.after) <= set(receipt.facts)
    assert desk.actual() == {desk.new: 100}


@pytest.mark.parametrize(
    ("percents", "why"),
    [
        ({"LATEST": 10}, "add up to 10%, not to 100%"),
        ({"LATEST": 10, "chat-00002": 90}, "LATEST is chat-00002.* at present, which has a share of its own"),
        ({"nothing": 100}, "chat has no revision or tag nothing"),
        ({"chat-00001": 110, "chat-00002": -10}, "from 0 to 100"),
        ({"green": 50, "chat-00002": 50}, "is named twice"),
        ({}, "add up to 0%"),
    ],
)
async def test_shares_that_cannot_be_are_refused_before_anything_is_sent(
    desk: Desk, percents: dict[str, int], why: str
) -> None:
    names = {"chat-00001": desk.old, "chat-00002": desk.new}

    with pytest.raises(QueryRefused, match=why):
        await desk.source.prepare_shift(TARGET, {names.get(key, key): share for key, share in percents.items()}, "t1")

    assert desk.google.asked("services.patch") == []


async def test_latest_with_a_share_is_refused_by_cloud_run_too(desk: Desk) -> None:
    """What the shell script of a runbook would run into: it is the API that refuses, not our caution alone."""
    client = desk.google.client(desk.google.config(CHAT))
    body = {"traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 10}]}
    path = "v2/projects/shop-production/locations/asia-northeast1/services/chat"

    with pytest.raises(QueryRefused, match="must add up to 100"):
        await client.send(dict, "run", "PATCH", path, body, (("updateMask", "traffic"),))


async def test_a_revision_that_is_not_ready_gets_no_traffic(desk: Desk) -> None:
    desk.run.failure = "The container failed to start."
    bad = desk.run.deploy("chat", "shop/chat:3", traffic=False)

    with pytest.raises(QueryRefused, match=f"{bad} is not ready yet"):
        await desk.source.prepare_rollback(TARGET, bad, "t1")
    desk.google.clock.advance(60)
    with pytest.raises(QueryRefused, match=f"{bad} is not ready and cannot serve: The container failed"):
        await desk.source.prepare_rollback(TARGET, bad, "t1")


async def test_going_back_sends_everything_to_one_revision(desk: Desk) -> None:
    desk.run.share("chat", {desk.new: 100})
    desk.google.clock.advance(30)

    prepared = await desk.source.prepare_rollback(TARGET, desk.old, "t1")
    receipt = await desk.done(prepared)

    assert (prepared.verb, receipt.progress) == ("roll back", Progress.DONE)
    assert desk.actual() == {desk.old: 100}


async def test_a_change_in_between_is_noticed_before_anything_is_sent(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")
    desk.run.share("chat", {desk.new: 50, desk.old: 50})

    with pytest.raises(StateChanged) as changed:
        await desk.source.perform(prepared)

    assert fact("traffic", f"50% {desk.old}, 50% {desk.new}") in changed.value.facts
    assert desk.google.asked("services.patch") == []


async def test_a_change_at_the_same_moment_is_stopped_by_the_etag(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")
    hold = asyncio.Event()
    fault = desk.google.fault("run", "services.patch", hold=hold, times=1)
    performing = asyncio.create_task(desk.source.perform(prepared))
    await fault.met.wait()
    desk.run.share("chat", {desk.new: 50, desk.old: 50})
    hold.set()

    with pytest.raises(StateChanged):
        await performing


async def test_a_second_attempt_at_the_same_action_does_nothing(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")
    await desk.done(prepared)

    with pytest.raises(StateChanged):
        await desk.source.perform(prepared)


async def test_a_lost_answer_is_unknown_until_the_service_tells(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")
    desk.google.fault("run", "services.patch", lost=True, times=1)

    receipt = await desk.source.perform(prepared)

    assert (receipt.progress, receipt.operation) == (Progress.UNKNOWN, "")
    assert len(desk.google.asked("services.patch")) == 1
    assert (await desk.source.look_up(receipt)).progress is Progress.RUNNING
    desk.google.clock.advance(30)
    assert (await desk.source.look_up(receipt)).progress is Progress.DONE


async def test_an_answer_lost_before_it_was_carried_out_stays_unknown(desk: Desk) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")
    desk.google.fault("run", "services.patch", status=503, times=1)

    receipt = await desk.source.look_up(await desk.source.perform(prepared))

    assert (receipt.progress, receipt.text) == (Progress.UNKNOWN, "nothing has changed so far")


@pytest.mark.parametrize(("status", "error"), [(403, AccessDenied), (429, RateLimited), (400, QueryRefused)])
async def test_a_refusal_is_certain(desk: Desk, status: int, error: type[Exception]) -> None:
    prepared = await desk.source.prepare_shift(TARGET, {desk.new: 10, desk.old: 90}, "t1")
    desk.google.fault("run", "services.patch", status=status)

    with pytest.raises(error):
        await desk.source.perform(prepared)


async def test_an_operation_that_fails_says_why(desk: Desk) -> None:
    desk.run.share("chat", {desk.new: 100})
    desk.google.clock.advance(30)
    prepared = await desk.source.prepare_restart(TARGET, "t1")
    desk.run.failure = "The container failed to start."

    receipt = await desk.done(prepared)

    assert receipt.progress is Progress.FAILED
    assert "The container failed to start." in receipt.text


async def test_an_operation_that_never_ends_stays_under_way(desk: Desk) -> None:
    receipt = await desk.source.perform(await desk.source.prepare_shift(TARGET, {desk.new: 100}, "t1"))
    desk.run.endless()

    for _ in range(5):
        desk.google.clock.advance(3600)
        receipt = await desk.source.look_up(receipt)
        assert (receipt.progress, receipt.text) == (Progress.RUNNING, "Routing traffic.")


async def test_an_operation_that_is_forgotten_is_judged_by_the_service(desk: Desk) -> None:
    receipt = await desk.source.perform(await desk.source.prepare_shift(TARGET, {desk.new: 100}, "t1"))
    desk.google.clock.advance(30)
    desk.google.fault("run", "operations.get", status=404)

    assert (await desk.source.look_up(receipt)).progress is Progress.DONE


async def test_looking_up_tells_when_it_cannot(desk: Desk) -> None:
    receipt = await desk.source.perform(await desk.source.prepare_shift(TARGET, {desk.new: 100}, "t1"))
    desk.google.fault("run", status=503)

    with pytest.raises(Unreachable):
        await desk.source.look_up(receipt)


async def test_a_restart_is_a_revision_of_the_same_images(desk: Desk) -> None:
    desk.run.share("chat", {"LATEST": 100})
    desk.google.clock.advance(30)

    prepared = await desk.source.prepare_restart(TARGET, "t1")
    assert prepared.argv == (
        "gcloud",
        "run",
        "services",
        "update",
        "chat",
        f"--image={digest('shop/chat:2')}",
        "--update-env-vars=OPS_RESTARTED_AT=t1",
        *WHERE,
    )
    assert prepared.after == (fact("traffic", "goes to the new revision when it is ready"),)

    receipt = await desk.done(prepared)

    assert receipt.progress is Progress.DONE
    container = desk.run.service("chat")["template"]["containers"][0]
    assert container["image"] == digest("shop/chat:2")
    assert container["resources"]["limits"] == {"cpu": "1000m", "memory": "512Mi"}
    assert desk.actual() == {desk.run.service("chat")["latestReadyRevision"].rpartition("/")[2]: 100}


async def test_a_restart_says_that_pinned_traffic_stays(desk: Desk) -> None:
    desk.run.share("chat", {desk.new: 100})
    desk.google.clock.advance(30)

    prepared = await desk.source.prepare_restart(TARGET, "t1")

    assert prepared.after == (
        fact("traffic", f"stays with {desk.new}, to which it is pinned; the new revision gets none"),
    )


async def test_a_restart_never_releases_what_does_not_serve(desk: Desk) -> None:
    with pytest.raises(QueryRefused, match=f"would be made from {desk.new}, but {desk.old} serves"):
        await desk.source.prepare_restart(TARGET, "t1")
    with pytest.raises(QueryRefused, match=f"would be made from {desk.new}, but {desk.old} serves"):
        await desk.source.prepare_scale(TARGET, 1, 5, "t1")


async def test_instances_are_bound_anew(desk: Desk) -> None:
    desk.run.share("chat", {"LATEST": 100})
    desk.google.clock.advance(30)

    prepared = await desk.source.prepare_scale(TARGET, 2, 20, "t1")
    image = f"--image={digest('shop/chat:2')}"
    assert prepared.argv[4:] == ("chat", "--min-instances=2", "--max-instances=20", image, *WHERE)
    assert fact("instances", "0 to 10") in prepared.before
    assert prepared.undo == "set 0 to 10 again"

    receipt = await desk.done(prepared)

    assert receipt.progress is Progress.DONE
    assert fact("instances", "2 to 20") in receipt.facts
    assert desk.run.service("chat")["template"]["scaling"] == {"minInstanceCount": 2, "maxInstanceCount": 20}


async def test_what_is_prepared_holds_no_value_of_the_environment(desk: Desk) -> None:
    desk.run.share("chat", {"LATEST": 100})
    desk.google.clock.advance(30)
    secret = {"name": "DB_PASSWORD", "value": "canary-7f3a"}
    container = desk.run.service("chat")["template"]["containers"][0]
    container["env"] = [secret]

    for prepared in (
        await desk.source.prepare_restart(TARGET, "t1"),
        await desk.source.prepare_scale(TARGET, 2, 20, "t1"),
    ):
        assert b"canary" not in msgspec.json.encode(prepared)
        assert "canary" not in repr(prepared)
        assert b"canary" not in base64.b64decode(msgspec.json.decode(msgspec.json.encode(prepared))["call"])
    receipt = await desk.done(await desk.source.prepare_restart(TARGET, "t2"))

    assert receipt.progress is Progress.DONE
    assert desk.run.service("chat")["template"]["containers"][0]["env"] == [
        secret,
        {"name": "OPS_RESTARTED_AT", "value": "t2"},
    ]


async def test_the_images_of_all_containers_are_shown_and_sent(desk: Desk) -> None:
    desk.run.share("chat", {"LATEST": 100})
    desk.google.clock.advance(30)
    containers = desk.run.service("chat")["template"]["containers"]
    web = digest("shop/web:1")
    containers[0] |= {"name": "web", "image": web, "ports": [{"containerPort": 8080}]}
    containers.append({"name": "proxy", "image": digest("shop/proxy:1")})

    prepared = await desk.source.prepare_restart(TARGET, "t1")

    assert prepared.argv[5:-2] == (
        "--container=web",
        f"--image={web}",
        "--update-env-vars=OPS_RESTARTED_AT=t1",
        "--container=proxy",
        f"--image={digest('shop/proxy:1')}",
    )


@pytest.mark.parametrize(("least", "most"), [(-1, 5), (6, 5), (0, 0)])
async def test_bounds_that_cannot_be_are_refused(desk: Desk, least: int, most: int) -> None:
    with pytest.raises(QueryRefused, match="cannot be"):
        await desk.source.prepare_scale(TARGET, least, most, "t1")


async def test_what_is_not_configured_cannot_be_changed(desk: Desk) -> None:
    with pytest.raises(QueryRefused, match="shop has no Cloud Run resource other"):
        await desk.source.prepare_rollback(Target("shop", "other"), desk.old, "t1")
