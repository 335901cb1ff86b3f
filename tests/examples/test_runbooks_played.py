"""Runbooks of manga, tokyo and sagebase on the fake of Google: what the traffic does, and what goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.answers import CommandFailed
from tests.examples.playing import Play
from tests.google.fixtures import REGION
from tests.runbooks.playing import failed
from tuiops.core.rollouts import Phase
from tuiops.core.runs import RunState, StepState
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.google.fixtures import GoogleStage

PHASES = tuple(f"phase{number}" for number in range(1, 9))
SERVICES = tuple(f"{phase}-service" for phase in PHASES)
CHAT = "tokyo-ai-chat-service"
STREAMLIT = "sagebase-streamlit"


class Manga(Play):
    """Eight phases with a candidate each."""

    def __init__(self, google: GoogleStage, folder: Path) -> None:
        super().__init__(google, folder, "manga")
        self.old = {service: self.run.deploy(service, f"manga/{service}:1") for service in SERVICES}
        google.clock.advance(60)
        self.new = {
            service: self.run.deploy(service, f"manga/{service}:2", traffic=False, tag="cand") for service in SERVICES
        }
        google.clock.advance(60)


@pytest.fixture
async def manga(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Manga]:
    play = Manga(google, tmp_path)
    await play.begin()
    play.world.rolls = tuple((phase, Phase.WAITING) for phase in PHASES)
    yield play
    await play.close()


def whole(revisions: dict[str, str]) -> dict[str, dict[str, int]]:
    return {service: {revision: 100} for service, revision in revisions.items()}


async def test_the_update_ends_with_every_phase_at_its_newest_revision(manga: Manga) -> None:
    view = manga.view(await manga.played("manga-rolling-update"))
    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    assert manga.traffic(*SERVICES) == whole(manga.new)
    assert [url.rpartition("/")[2] for url in manga.answers.asked] == ["health", *PHASES]
    assert {source for source, _ in manga.world.queried} == {"manga-metrics"}


async def test_a_canary_that_does_badly_stays_at_a_tenth_and_goes_back_when_it_is_undone(manga: Manga) -> None:
    manga.world.good = 0.9
    run = await manga.played("manga-rolling-update")
    assert (manga.view(run).state, failed(manga.view(run))) == (RunState.FAILED, ["good_at_tenth"])
    first, second = SERVICES[:2]
    assert manga.traffic(first, second) == {
        first: {manga.new[first]: 10, manga.old[first]: 90}, second: {manga.old[second]: 100},
    }  # fmt: skip

    assert (await manga.undone(run)).state is RunState.UNDONE
    assert manga.traffic(*SERVICES) == whole(manga.old)


async def test_a_phase_that_does_not_answer_stops_the_ones_after_it_and_all_go_back(manga: Manga) -> None:
    manga.answers.down = "phase3"
    run = await manga.played("manga-rolling-update")
    assert (manga.view(run).state, failed(manga.view(run))) == (RunState.FAILED, ["roll[phase3].well"])
    third, fourth = SERVICES[2:4]
    assert manga.traffic(third, fourth) == {third: {manga.new[third]: 100}, fourth: {manga.old[fourth]: 100}}

    assert (await manga.undone(run)).state is RunState.UNDONE
    assert manga.traffic(*SERVICES) == whole(manga.old)


async def test_the_rollback_takes_back_what_the_update_did(manga: Manga) -> None:
    await manga.played("manga-rolling-update")
    view = manga.view(await manga.played("manga-rollback", phases=PHASES))
    assert view.state is RunState.SUCCEEDED
    assert manga.traffic(*SERVICES) == whole(manga.old)
    assert [step.key for step in view.steps][:2] == ["back[phase8].shift", "back[phase8].well"]


async def test_a_restart_moves_the_traffic_to_what_it_made(manga: Manga) -> None:
    manga.world.rolls = (("phase4", Phase.SUCCEEDED),)
    service = "phase4-service"
    manga.run.share(service, {manga.new[service]: 100})
    manga.stage.google.clock.advance(60)
    view = manga.view(await manga.played("manga-restart", phases=("phase4",)))
    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    ((serving, percent),) = manga.traffic(service)[service].items()
    assert percent == 100
    assert serving not in {manga.old[service], manga.new[service]}


@pytest.fixture
async def tokyo(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Play]:
    play = Play(google, tmp_path, "tokyo")
    old = play.run.deploy(CHAT, "chat:1")
    google.clock.advance(60)
    play.run.share(CHAT, {old: 100})
    google.clock.advance(60)
    await play.begin()
    play.world.rolls = (("chat", Phase.SUCCEEDED),)
    play.world.levels = {("chat", "probe:health"): (Unit.SECONDS, 0.2), ("chat", "errors"): (Unit.RATIO, 0.0)}
    yield play
    await play.close()


async def test_maintenance_closes_the_chat_and_opens_it_again(tokyo: Play) -> None:
    before = list(tokyo.gcloud.settings)
    view = tokyo.view(await tokyo.played("tokyo-maintenance", attested=True))
    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    revisions = [step.call for step in view.steps if step.key in {"close", "open"}]
    assert len(set(revisions)) == 2
    assert tokyo.gcloud.settings == before


async def test_maintenance_goes_off_even_when_the_page_does_not_say_so(tokyo: Play) -> None:
    tokyo.answers.down = "chat.example"
    before = list(tokyo.gcloud.settings)
    view = tokyo.view(await tokyo.played("tokyo-maintenance", attested=True))
    states = {step.key: step.state for step in view.steps}
    assert (states["closed"], states["work"]) == (StepState.FAILED, StepState.SKIPPED)
    assert (states["off"], states["open"]) == (StepState.SUCCEEDED, StepState.SUCCEEDED)
    assert tokyo.gcloud.settings == before


@pytest.mark.parametrize("written", [True, False])
async def test_maintenance_goes_off_even_when_turning_it_on_failed(tokyo: Play, written: bool) -> None:
    """As gcloud does when it cannot reach the service, or when the revision that it has made does not get ready."""
    before, flows, update = list(tokyo.gcloud.settings), tokyo.traffic(CHAT), tokyo.gcloud._update

    def failing(name: str, options: dict[str, str]) -> None:
        on = "update-env-vars" in options
        if written or not on:
            update(name, options)
        if on:
            raise CommandFailed("ERROR: (gcloud.run.services.update) the revision is not ready")

    tokyo.gcloud._update = failing  # type: ignore[method-assign] # somebody else's mistake
    view = tokyo.view(await tokyo.played("tokyo-maintenance", attested=True))
    states = {step.key: step.state for step in view.steps}
    assert states["on"] is StepState.FAILED
    assert {states[key] for key in ("on_is", "close", "closed", "work")} == {StepState.SKIPPED}
    assert {states[key] for key in ("off", "after", "off_is", "open", "well")} == {StepState.SUCCEEDED}
    assert tokyo.gcloud.settings == before
    assert tokyo.traffic(CHAT) != flows


@pytest.mark.parametrize("time", ["0159", "0400", "1400", "2200"])
async def test_maintenance_begins_only_in_its_window(tokyo: Play, time: str) -> None:
    tokyo.gcloud.time = time
    flows = tokyo.traffic(CHAT)
    view = tokyo.view(await tokyo.played("tokyo-maintenance", attested=True))
    assert (view.state, failed(view)) == (RunState.FAILED, ["window"])
    assert not [argv for argv in tokyo.gcloud.called if "update" in argv]
    assert tokyo.traffic(CHAT) == flows


async def test_maintenance_stops_where_a_variable_got_lost(tokyo: Play) -> None:
    update = tokyo.gcloud._update

    def losing(name: str, options: dict[str, str]) -> None:
        update(name, options)
        if "remove-env-vars" in options:
            tokyo.gcloud.settings.remove("REDIS_URL")

    tokyo.gcloud._update = losing  # type: ignore[method-assign] # somebody else's mistake
    view = tokyo.view(await tokyo.played("tokyo-maintenance", attested=True))
    assert (view.state, failed(view)) == (RunState.FAILED, ["after"])
    assert next(step.text for step in view.steps if step.key == "after") == "names is not NODE_ENV,REDIS_URL"


@pytest.fixture
async def sagebase(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Play]:
    play = Play(google, tmp_path, "sagebase")
    play.stage.sql.create("sagebase-db")
    play.stage.sql.backup("sagebase-db", hours_ago=200)
    play.stage.secrets.create("database-password")
    for value in (b"one", b"two"):
        play.stage.secrets.add("database-password", value)
    first = play.run.deploy(STREAMLIT, "sagebase:1")
    play.gcloud.connections[first] = connection(play, "sagebase-db")
    google.clock.advance(60)
    await play.begin()
    play.world.rolls = (("streamlit", Phase.SUCCEEDED),)
    play.world.levels = {
        ("cloudsql", "resource:cloudsql"): (Unit.STATE, 0.0),
        ("streamlit", "resource:streamlit"): (Unit.STATE, 0.0),
        ("cloudsql", "connections"): (Unit.COUNT, 3.0),
    }
    yield play
    await play.close()


def connection(play: Play, database: str) -> str:
    return f"{play.stage.project}:{REGION}:{database}"


def connected(play: Play) -> str:
    """What the revision that serves connects to."""
    (serving,) = play.traffic(STREAMLIT)[STREAMLIT]
    return play.gcloud.connections[serving]


async def test_a_clone_of_the_database_stands_beside_it(sagebase: Play) -> None:
    values = {"moment": ("2026-04-30T21:00:00+09:00",), "clone": ("sagebase-0430",)}
    view = sagebase.view(await sagebase.played("sagebase-pitr-clone", attested=True, **values))
    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    assert sagebase.stage.sql.instances == {"sagebase-db", "sagebase-0430"}
    verified = next(step for step in view.steps if step.key == "verify")
    assert verified.call.startswith("Connect to sagebase-0430")
    assert "done by hand" in verified.text


async def test_the_application_is_switched_to_a_clone(sagebase: Play) -> None:
    sagebase.stage.sql.create("sagebase-0430")
    view = sagebase.view(await sagebase.played("sagebase-pitr-switch", attested=True, clone=("sagebase-0430",)))
    assert (view.state, failed(view)) == (RunState.SUCCEEDED, [])
    assert connected(sagebase) == connection(sagebase, "sagebase-0430")


async def test_an_application_that_does_not_do_well_with_a_clone_goes_back(sagebase: Play) -> None:
    sagebase.stage.sql.create("sagebase-0430")
    sagebase.world.levels = {**sagebase.world.levels, ("streamlit", "resource:streamlit"): (Unit.STATE, 2.0)}
    run = await sagebase.played("sagebase-pitr-switch", attested=True, clone=("sagebase-0430",))
    assert (sagebase.view(run).state, failed(sagebase.view(run))) == (RunState.FAILED, ["well"])
    assert connected(sagebase) == connection(sagebase, "sagebase-0430")

    assert (await sagebase.undone(run, attested=True)).state is RunState.UNDONE
    assert connected(sagebase) == connection(sagebase, "sagebase-db")


@pytest.mark.parametrize("wrong", ["floats", "then"])
async def test_nothing_is_switched_where_traffic_is_pinned_or_no_clone_runs(sagebase: Play, wrong: str) -> None:
    if wrong == "floats":
        (serving,) = sagebase.traffic(STREAMLIT)[STREAMLIT]
        sagebase.run.share(STREAMLIT, {serving: 100})
        sagebase.stage.google.clock.advance(60)
    run = await sagebase.played("sagebase-pitr-switch", attested=True, clone=("sagebase-0430",))
    assert (sagebase.view(run).state, failed(sagebase.view(run))) == (RunState.FAILED, [wrong])
    assert not [argv for argv in sagebase.gcloud.called if "update" in argv]


async def test_an_old_password_is_retired_and_comes_back_where_it_was_in_use(sagebase: Play) -> None:
    view = sagebase.view(await sagebase.played("sagebase-retire-password", attested=True, number=("1",)))
    assert (view.state, sagebase.stage.secrets.enabled("database-password")) == (RunState.SUCCEEDED, ["2"])

    sagebase.stage.secrets.add("database-password", b"three")
    sagebase.world.levels = {("cloudsql", "connections"): (Unit.COUNT, 0.0)}
    run = await sagebase.played("sagebase-retire-password", attested=True, number=("2",))
    assert (sagebase.view(run).state, failed(sagebase.view(run))) == (RunState.FAILED, ["connected"])
    assert (await sagebase.undone(run)).state is RunState.UNDONE
    assert sagebase.stage.secrets.enabled("database-password") == ["3", "2"]
