"""How Cloud Run services stand, and what of it is not as expected."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.google.fixtures import REGION
from tests.google.run import RunApi
from tests.waiting import let_pass
from tuiops.errors import AccessDenied, BadAnswer, RateLimited
from tuiops.sources.gcp.run.drift import quantity

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

OSAKA = "asia-northeast2"


def resource(name: str, region: str = "", expect: str = "") -> str:
    """A service of the system `shop`, and the Cloud Run service of that name."""
    return f"""
    [systems.shop.services.{name}]
    [systems.shop.resources.{name}]
    kind = "cloud_run"
    source = "gcp"
    service = "{name}"
    name = "{name}"
    {f'region = "{region}"' if region else ""}
    {expect}
    """


CHAT = resource("chat")


@pytest.fixture
def run(google: GoogleStage) -> RunApi:
    """The API with one service, which serves."""
    found = google.teach(RunApi(google.clock))
    found.deploy("chat", "shop/chat:1")
    google.clock.advance(60)
    return found


async def readings(source: GcpSource) -> dict[str, Reading]:
    return {one.service: one for one in (await source.read_health()).readings}


async def test_a_service_that_serves_is_well(google: GoogleStage, run: RunApi) -> None:
    found = (await readings(google.source(CHAT)))["chat"]

    assert (found.system, found.indicator, found.value) == ("shop", "resource:chat", 0.0)
    assert found.note.startswith("100% chat-00001")
    assert found.at == google.clock.now()


async def test_traffic_that_is_pinned_is_said_to_be(google: GoogleStage, run: RunApi) -> None:
    new = run.deploy("chat", "shop/chat:2", traffic=False)
    google.clock.advance(60)
    first = run.service("chat")["traffic"][0]["revision"]
    run.share("chat", {new: 10, first: 90})
    google.clock.advance(60)

    note = (await readings(google.source(CHAT)))["chat"].note

    assert note == f"pinned · 90% {first}, 10% {new}"


async def test_the_first_revision_on_its_way_is_no_health_yet(google: GoogleStage, run: RunApi) -> None:
    run.deploy("web", "shop/web:1")

    found = (await readings(google.source(resource("web"))))["web"]

    assert (found.value, found.note.partition(" · ")[0]) == (1.0, "nothing serves yet")


async def test_a_first_revision_that_fails_leaves_nothing(google: GoogleStage, run: RunApi) -> None:
    run.failure = "The container failed to start."
    run.deploy("web", "shop/web:1")
    google.clock.advance(60)

    found = (await readings(google.source(resource("web"))))["web"]

    assert found.value == 2.0
    assert "The container failed to start." in found.note


async def test_the_first_condition_is_not_the_state(google: GoogleStage, run: RunApi) -> None:
    def reorder(answer: Any) -> Any:
        for service in answer["services"]:
            service["conditions"].insert(0, {"type": "Ready", "state": "CONDITION_FAILED"})
        return answer

    google.fault("run", "services.list", change=reorder)

    assert (await readings(google.source(CHAT)))["chat"].value == 0.0


async def test_what_no_document_knows_is_unknown_and_breaks_nothing(google: GoogleStage, run: RunApi) -> None:
    def future(answer: Any) -> Any:
        for service in answer["services"]:
            service["terminalCondition"] |= {"state": "CONDITION_DREAMING", "mood": {"a": [1]}}
            service["traffic"][0]["type"] = "TRAFFIC_TARGET_ALLOCATION_TYPE_MOON"
            service["orbit"] = 7
        return answer

    google.fault("run", "services.list", change=future)
    source = google.source(CHAT)

    found = (await readings(source))["chat"]
    await source.read_rollouts()

    assert (found.value, found.unknown) == (None, "Cloud Run says CONDITION_DREAMING")


async def test_a_service_that_is_not_there_is_unknown(google: GoogleStage, run: RunApi) -> None:
    found = await readings(google.source(CHAT + resource("ghost")))

    assert found["chat"].value == 0.0
    assert found["ghost"].unknown == f"no Cloud Run service ghost in {REGION}"


async def test_regions_are_listed_once_each_and_pages_followed(google: GoogleStage, run: RunApi) -> None:
    for number in range(130):
        run.deploy(f"s{number:03}", "shop/s:1")
    run.deploy("kobe", "shop/kobe:1", region=OSAKA)
    google.clock.advance(60)
    services = "".join(resource(f"s{number:03}") for number in range(0, 130, 10))

    found = await readings(google.source(CHAT + services + resource("kobe", OSAKA)))

    assert {one.value for one in found.values()} == {0.0}
    assert len(google.calls) == 3
    assert len(google.tokens.grants) == 1


async def test_a_region_that_does_not_answer_keeps_no_other_back(google: GoogleStage, run: RunApi) -> None:
    run.deploy("kobe", "shop/kobe:1", region=OSAKA)
    google.clock.advance(60)
    source = google.source(CHAT + resource("kobe", OSAKA), settings='timeout = "300s"')
    await source.read_health()
    google.clock.advance(30)
    fault = google.fault("run", path=OSAKA, hold=asyncio.Event())

    reading = asyncio.create_task(source.read_health())
    await fault.met.wait()
    await let_pass(200)
    update = await reading

    found = {str(one.service): one for one in update.readings}
    assert found["chat"].value == 0.0
    assert "gave no complete answer within 180s" in found["kobe"].unknown
    assert any(warning.startswith(f"Cloud Run in {OSAKA}: ") for warning in update.warnings)


async def test_a_region_that_forbids_keeps_no_other_back(google: GoogleStage, run: RunApi) -> None:
    google.fault("run", path=OSAKA, status=403, message="Permission 'run.services.list' denied")
    source = google.source(CHAT + resource("kobe", OSAKA))

    found = await readings(source)
    rollouts = await source.read_rollouts()

    assert found["chat"].value == 0.0
    assert found["kobe"].unknown == "run forbids this (403): Permission 'run.services.list' denied"
    assert any("forbids this" in warning for warning in rollouts.warnings)


async def test_a_service_without_a_region_says_what_is_missing(google: GoogleStage, run: RunApi) -> None:
    found = await readings(google.source(CHAT, region=""))

    assert found["chat"].unknown.startswith("names no region")


async def test_a_listing_that_is_cut_is_a_warning_and_not_an_absence(google: GoogleStage, run: RunApi) -> None:
    for number in range(3):
        run.deploy(f"a{number}", "shop/a:1")
    google.clock.advance(60)

    update = await google.source(CHAT, settings="max_items = 2").read_health()

    said = f"Cloud Run services in {REGION}: only the first 2 were read; raise max_items"
    assert update.readings[0].unknown == said
    assert update.warnings == (said,)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"cut": True}, BadAnswer),
        ({"raw": b'{"services": [{"name": "projects'}, BadAnswer),
        ({"raw": b'{"services": "none"}'}, BadAnswer),
        ({"raw": b"<html>login</html>"}, BadAnswer),
        ({"raw": b'{"nextPageToken": "page-0"}'}, BadAnswer),
        ({"status": 403, "reason": "SERVICE_DISABLED"}, AccessDenied),
        ({"status": 429, "headers": {"Retry-After": "7"}}, RateLimited),
    ],
)
async def test_a_source_of_which_nothing_can_be_read_has_failed(
    google: GoogleStage, run: RunApi, fault: dict[str, Any], error: type[Exception]
) -> None:
    google.fault("run", **fault)
    source = google.source(CHAT)

    with pytest.raises(error):
        await source.read_health()
    with pytest.raises(error):
        await source.read_rollouts()


HOSTILE = "chat\x1b]52;c;\x07\u202e[bold][/]" + "́" * 50


async def test_hostile_names_and_messages_are_text(google: GoogleStage, run: RunApi) -> None:
    def poison(answer: Any) -> Any:
        for service in answer["services"]:
            for key in ("latestCreatedRevision", "latestReadyRevision"):
                service[key] = f"{service['name']}/revisions/{HOSTILE}"
            service["trafficStatuses"] = service["traffic"] = [{"type": "X", "revision": HOSTILE, "percent": 60}]
            service |= {"lastModifier": HOSTILE, "client": HOSTILE, "labels": {"managed-by": HOSTILE}}
            service["terminalCondition"] = {"type": "Ready", "state": "CONDITION_RECONCILING", "message": HOSTILE}
            service["reconciling"] = True
        return answer

    google.fault("run", "services.list", change=poison)
    source = google.source(CHAT)

    texts = [one.note for one in (await source.read_health()).readings]
    for rollout in (await source.read_rollouts()).rollouts:
        texts += [rollout.new, rollout.by, rollout.client, rollout.message, rollout.id]
        texts += [side.revision for side in rollout.sides] + [step.label for step in rollout.steps]

    assert len(texts) > 5
    assert all(text.isprintable() for text in texts)


EXPECT = """
    [systems.shop.resources.chat.expect]
    min_instances = 1
    max_instances = 20
    concurrency = 80
    cpu = "1"
    memory = "2Gi"
    pinned = true
    env = { LOG_LEVEL = "info", MODE = "live", KEY = "x" }
"""


async def test_drift_is_what_is_not_as_expected(google: GoogleStage, run: RunApi) -> None:
    container = {
        "image": "shop/chat:1",
        "resources": {"limits": {"cpu": "1000m", "memory": "512Mi"}},
        "env": [
            {"name": "LOG_LEVEL", "value": "debug"},
            {"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "key", "version": "1"}}},
        ],
    }
    run.deploy("chat", "shop/chat:1", containers=[container])
    google.clock.advance(60)

    update = await google.source(resource("chat", expect=EXPECT)).read_rollouts()

    assert [drift.text() for drift in update.drifts] == [
        "min instances 0, expected 1",
        "max instances 10, expected 20",
        "memory 512Mi, expected 2Gi",
        "traffic floating with the latest revision, expected pinned to revisions",
        "env LOG_LEVEL debug, expected info",
        "env MODE not set, expected live",
        "env KEY a secret, expected x",
    ]
    assert {(drift.system, drift.resource, drift.source) for drift in update.drifts} == {
        ("shop", "chat", "gcp/rollouts")
    }


async def test_a_drift_outlasts_a_region_that_cannot_be_read_but_not_its_service(
    google: GoogleStage, run: RunApi
) -> None:
    run.deploy("kobe", "shop/kobe:1", region=OSAKA)
    google.clock.advance(60)
    expect = "expect = { max_instances = 20 }"
    source = google.source(resource("chat", expect=expect) + resource("kobe", OSAKA, expect))

    async def drifted() -> list[str]:
        google.clock.advance(5)
        return [str(drift.resource) for drift in (await source.read_rollouts()).drifts]

    assert await drifted() == ["chat", "kobe"]
    google.fault("run", path=OSAKA, status=503)
    assert await drifted() == ["chat", "kobe"]
    google.mend()
    run.delete("kobe", region=OSAKA)
    assert await drifted() == ["chat"]


async def test_what_is_as_expected_is_no_drift(google: GoogleStage, run: RunApi) -> None:
    expect = "expect = { min_instances = 0, max_instances = 10, cpu = '1', memory = '0.5Gi', pinned = false }"

    assert (await google.source(resource("chat", expect=expect)).read_rollouts()).drifts == ()


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), ("1000m", 1.0), ("2Gi", 2.0**31), ("2G", 2e9), ("512Mi", 2.0**29), ("much", "much")]
)
def test_quantities_are_compared_by_value(text: str, value: float | str) -> None:
    assert quantity(text) == value
