"""Firebase Hosting: what is live, what was released, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.google.hosting import HostingApi
from tuiops.core.rollouts import Phase
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import Progress, RollsBack, StateChanged, Target

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

SITE = """
[systems.shop.services.web]
[systems.shop.resources.site]
kind = "firebase_hosting"
source = "gcp"
service = "web"
name = "shop-web"
"""
TARGET = Target("shop", "site")


@pytest.fixture
def hosting(google: GoogleStage) -> HostingApi:
    """The API with a site that shows nothing yet."""
    api = google.teach(HostingApi(google.clock))
    api.create("shop-web")
    return api


async def reading(source: GcpSource) -> Reading:
    (found,) = (await source.read_health()).readings
    return found


async def test_a_site_says_what_is_live_since_when_and_by_whom(google: GoogleStage, hosting: HostingApi) -> None:
    version = hosting.deploy("shop-web")
    google.clock.advance(7200)

    found = await reading(google.source(SITE))

    assert (found.value, found.note) == (0, f"{version} deployed 2h00 ago by kim@shop.example")


async def test_a_site_that_was_disabled_is_down_and_one_without_a_release_is_degraded(
    google: GoogleStage, hosting: HostingApi
) -> None:
    before = await reading(google.source(SITE))
    hosting.deploy("shop-web")
    hosting.disable("shop-web", by="lee@shop.example")

    after = await reading(google.source(SITE))

    assert (before.value, before.note) == (1, "nothing has been released yet")
    assert (after.value, after.note) == (2, "was disabled 0s ago by lee@shop.example")


async def test_releases_are_the_history_of_rollouts(google: GoogleStage, hosting: HostingApi) -> None:
    old = hosting.deploy("shop-web", took=40)
    google.clock.advance(3600)
    new = hosting.deploy("shop-web", took=90, message="spring")
    google.clock.advance(60)
    hosting.disable("shop-web")

    update = await google.source(SITE).read_rollouts()
    disabled, second, first = update.rollouts

    assert (second.strategy, second.old, second.new, second.by) == ("deploy", old, new, "kim@shop.example")
    assert (second.client, second.message, second.phase) == ("cli-firebase", "spring", Phase.SUCCEEDED)
    assert (first.took, second.took, disabled.took) == (40, 90, 0)
    assert (first.old, disabled.old, disabled.new, disabled.weight) == ("", new, "disabled", 1)
    assert len({rollout.id for rollout in update.rollouts}) == 3
    assert update.again_in is None


async def test_a_version_that_was_made_long_before_its_release_did_not_roll_out_all_that_time(
    google: GoogleStage, hosting: HostingApi
) -> None:
    hosting.deploy("shop-web", took=86_400)

    (rollout,) = (await google.source(SITE).read_rollouts()).rollouts

    assert rollout.took == 0


async def test_a_type_that_nobody_knows_is_a_release_all_the_same(google: GoogleStage, hosting: HostingApi) -> None:
    version = hosting.deploy("shop-web")
    google.fault(
        "firebasehosting",
        change=lambda page: {"releases": [one | {"type": "TELEPORT", "x": {}} for one in page["releases"]]},
    )
    source = google.source(SITE)

    assert (await reading(source)).note == f"{version} released 0s ago by kim@shop.example"
    assert (await source.read_rollouts()).rollouts[0].strategy == "release"


async def test_hostile_words_are_only_words(google: GoogleStage, hosting: HostingApi) -> None:
    hosting.deploy("shop-web", by="\x1b[2Jkim", message="[bold]x[/]\n\x07")

    source = google.source(SITE)
    note = (await reading(source)).note
    (rollout,) = (await source.read_rollouts()).rollouts

    assert all(text.isprintable() for text in (note, rollout.by, rollout.message))


async def test_health_and_rollouts_share_a_request(google: GoogleStage, hosting: HostingApi) -> None:
    hosting.deploy("shop-web")
    source = google.source(SITE)
    await source.read_health()
    await source.read_rollouts()

    assert len(google.asked("releases.list")) == 1


async def test_an_earlier_version_is_released_again(google: GoogleStage, hosting: HostingApi) -> None:
    old = hosting.deploy("shop-web")
    new = hosting.deploy("shop-web")
    source = google.source(SITE)
    prepared = await source.prepare_rollback(TARGET, old, "token-1")
    receipt = await source.perform(prepared)
    later = await source.look_up(receipt)

    assert isinstance(source, RollsBack)
    assert " ".join(prepared.argv) == (
        f"firebase hosting:clone shop-web:@{old} shop-web:live --project shop-production"
    )
    assert (prepared.before[0].value, prepared.after[0].value, prepared.undo) == (new, old, f"release {new} again")
    assert (receipt.progress, later.progress, later.facts[0].value) == (Progress.DONE, Progress.DONE, old)
    assert hosting.live("shop-web")["type"] == "ROLLBACK"
    assert (await source.read_rollouts()).rollouts[0].strategy == "rollback"


async def test_a_release_by_somebody_else_is_a_reason_to_stop(google: GoogleStage, hosting: HostingApi) -> None:
    old = hosting.deploy("shop-web")
    hosting.deploy("shop-web")
    source = google.source(SITE)
    prepared = await source.prepare_rollback(TARGET, old, "1")
    hosting.deploy("shop-web")

    with pytest.raises(StateChanged):
        await source.perform(prepared)

    assert google.asked("releases.create") == []


async def test_a_release_whose_answer_was_lost_is_known_by_its_message(
    google: GoogleStage, hosting: HostingApi
) -> None:
    old = hosting.deploy("shop-web")
    hosting.deploy("shop-web")
    source = google.source(SITE)
    prepared = await source.prepare_rollback(TARGET, old, "token-1")
    google.fault("firebasehosting", "releases.create", lost=True)

    lost = await source.perform(prepared)
    found = await source.look_up(lost)

    assert (lost.progress, found.progress) == (Progress.UNKNOWN, Progress.DONE)
    assert len(google.asked("releases.create")) == 1


async def test_a_release_that_never_arrived_is_not_found(google: GoogleStage, hosting: HostingApi) -> None:
    old = hosting.deploy("shop-web")
    hosting.deploy("shop-web")
    source = google.source(SITE)
    prepared = await source.prepare_rollback(TARGET, old, "token-1")
    google.fault("firebasehosting", "releases.create", raw=b"<html>")

    found = await source.look_up(await source.perform(prepared))

    assert (found.progress, found.text) == (Progress.UNKNOWN, "nothing was released so far")


@pytest.mark.parametrize("version", ["", "nope", "../x", "a b"])
async def test_a_version_that_was_not_released_is_refused(
    google: GoogleStage, hosting: HostingApi, version: str
) -> None:
    hosting.deploy("shop-web")

    with pytest.raises(QueryRefused, match="has not released a version"):
        await google.source(SITE).prepare_rollback(TARGET, version, "1")


async def test_the_version_that_is_live_and_one_that_is_gone_are_refused(
    google: GoogleStage, hosting: HostingApi
) -> None:
    old = hosting.deploy("shop-web")
    hosting.live("shop-web")["version"]["status"] = "EXPIRED"
    live = hosting.deploy("shop-web")
    source = google.source(SITE)

    with pytest.raises(QueryRefused, match="is EXPIRED and cannot be released"):
        await source.prepare_rollback(TARGET, old, "1")
    with pytest.raises(QueryRefused, match="is live already"):
        await source.prepare_rollback(TARGET, live, "1")
