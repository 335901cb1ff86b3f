"""The runbooks of the examples, planned on the fake of Google: what abilities say of every step, and what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.sample_values import VALUES
from tests.examples.stages import Stage
from tuiops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tuiops.runbooks.planning.plan import Plan


@pytest.fixture
async def manga(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(google, tmp_path, "manga")
    for number in range(1, 9):
        stage.run.deploy(f"phase{number}-service", f"manga/phase{number}:1")
    google.clock.advance(60)
    yield stage
    await stage.close()


def calls(made: Plan) -> dict[str, str]:
    return {step.key: step.call.text for step in made.steps}


async def test_mangas_update_says_what_gcloud_would_do(manga: Stage) -> None:
    olds = {phase: manga.run.service(f"{phase}-service")["latestReadyRevision"] for phase in ("phase1", "phase2")}
    news = {
        f"phase{number}": manga.run.deploy(
            f"phase{number}-service", f"manga/phase{number}:2", traffic=False, tag="cand"
        )
        for number in range(1, 9)
    }
    manga.google.clock.advance(60)
    planner = manga.begin()
    made = await planner.plan("manga-rolling-update", "manga", {})
    said = calls(made)
    old = {phase: name.rpartition("/")[2] for phase, name in olds.items()}
    where = f"--region=asia-northeast1 --project={manga.project}"
    update = "gcloud run services update-traffic phase1-service"
    assert said["pin_canary"] == f"{update} --to-revisions={old['phase1']}=100 {where}"
    assert said["tenth"] == f"{update} --to-revisions={news['phase1']}=10,{old['phase1']}=90 {where}"
    assert said["half"] == f"{update} --to-revisions={news['phase1']}=50,{old['phase1']}=50 {where}"
    assert said["whole"] == f"{update} --to-revisions={news['phase1']}=100 {where}"
    assert said["roll[phase2].shift"].endswith(f"--to-revisions={news['phase2']}=100 {where}")
    tenth = next(step for step in made.steps if step.key == "tenth")
    assert ("traffic", f"100% {old['phase1']}") in {(fact.what, fact.value) for fact in tenth.call.before}
    assert tenth.call.seen

    again = await planner.again(made)
    assert again.digest == made.digest
    manga.run.share("phase3-service", {news["phase3"]: 100})
    manga.google.clock.advance(60)
    with pytest.raises(Refused, match=r"new .* must be another one than old"):
        await planner.again(made)


async def test_mangas_update_is_refused_where_nothing_new_is(manga: Stage) -> None:
    with pytest.raises(Refused, match=r"canary_new .* must be another one than canary_old"):
        await manga.begin().plan("manga-rolling-update", "manga", {})


async def test_mangas_restart_is_of_what_serves(manga: Stage) -> None:
    made = await manga.begin().plan("manga-restart", "manga", {"phases": ("phase4",)})
    fresh = calls(made)["restart[phase4].fresh"]
    assert fresh.startswith("gcloud run services update phase4-service --image=manga/phase4@sha256:")
    assert "--update-env-vars=OPS_RESTARTED_AT=" in fresh
    assert calls(made)["restart[phase4].look"] == (
        f"gcloud run services describe phase4-service --region=asia-northeast1 --project={manga.project} --format=json"
    )
    assert calls(made)["restart[phase4].shift"] == "shift_traffic phase4 shares={restart[phase4].look.revision}=100"


async def test_mangas_rollback_is_to_what_served_before(manga: Stage) -> None:
    old = manga.run.service("phase2-service")["latestReadyRevision"].rpartition("/")[2]
    new = manga.run.deploy("phase2-service", "manga/phase2:2")
    manga.google.clock.advance(60)
    made = await manga.begin().plan("manga-rollback", "manga", {"phases": ("phase2",)})
    assert f"--to-revisions={old}=100" in calls(made)["back[phase2].shift"]
    assert made.steps[0].undo_text == f"shift_traffic phase2 shares={new}=100"


@pytest.fixture
async def tokyo(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(google, tmp_path, "tokyo")
    stage.run.deploy("tokyo-ai-chat-service", "chat:1")
    google.clock.advance(60)
    yield stage
    await stage.close()


async def test_tokyos_release_reads_late_what_it_makes_itself(tokyo: Stage) -> None:
    made = await tokyo.begin().plan("tokyo-blue-green", "tokyo", VALUES["tokyo-blue-green"])
    old = tokyo.run.service("tokyo-ai-chat-service")["latestReadyRevision"].rpartition("/")[2]
    said = calls(made)
    assert said["pin"].startswith("gcloud run services update-traffic tokyo-ai-chat-service --to-revisions=")
    assert said["tenth"] == f"shift_traffic chat shares=tokyo-ai-chat-service-r20260501-1=10,{old}=90"
    assert next(step for step in made.steps if step.key == "tenth").call.seen == ""


async def test_tokyos_maintenance_is_refused_where_the_newest_revision_does_not_serve(tokyo: Stage) -> None:
    planner = tokyo.begin()
    assert (await planner.plan("tokyo-maintenance", "tokyo", {})).danger.value == "X"
    tokyo.run.deploy("tokyo-ai-chat-service", "chat:2", traffic=False)
    tokyo.google.clock.advance(60)
    with pytest.raises(Refused, match=r"newest .* must be the same as old"):
        await planner.plan("tokyo-maintenance", "tokyo", {})


@pytest.fixture
async def sagebase(google: GoogleStage, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(google, tmp_path, "sagebase")
    stage.run.deploy("sagebase-streamlit", "sagebase:1")
    stage.sql.create("sagebase-db")
    stage.sql.backup("sagebase-db", hours_ago=200)
    stage.secrets.create("database-password")
    for value in (b"one", b"two"):
        stage.secrets.add("database-password", value)
    google.clock.advance(60)
    yield stage
    await stage.close()


async def test_sagebases_clone_is_within_what_can_be_restored(sagebase: Stage) -> None:
    planner = sagebase.begin()
    values = {"moment": ("2026-04-30T21:00:00+09:00",), "clone": ("sagebase-0430",)}
    made = await planner.plan("sagebase-pitr-clone", "sagebase", values)
    assert calls(made)["clone"] == (
        "gcloud sql instances clone sagebase-db sagebase-0430 --point-in-time=2026-04-30T12:00:00Z "
        f"--project={sagebase.project}"
    )
    with pytest.raises(Refused, match="exists; a restore never writes over an instance"):
        await planner.plan("sagebase-pitr-clone", "sagebase", {**values, "clone": ("sagebase-db",)})
    with pytest.raises(Refused, match="lies further back than 7d"):
        await planner.plan("sagebase-pitr-clone", "sagebase", {**values, "moment": ("2026-04-20T00:00:00Z",)})


async def test_sagebases_rotation_knows_the_version_that_goes(sagebase: Stage) -> None:
    made = await sagebase.begin().plan("sagebase-rotate-password", "sagebase", {})
    said = calls(made)
    assert said["add"] == f"gcloud secrets versions add database-password --data-file=- --project={sagebase.project}"
    assert next(step for step in made.steps if step.key == "roll").undo_text.endswith("=database-password:2")


async def test_sagebases_old_version_is_one_that_there_is(sagebase: Stage) -> None:
    planner = sagebase.begin()
    made = await planner.plan("sagebase-retire-password", "sagebase", {"number": ("1",)})
    assert calls(made)["disable"].startswith("gcloud secrets versions disable 1 --secret=database-password")
    with pytest.raises(Refused, match=r"newest \(2\) must be another one than number \(2\)"):
        await planner.plan("sagebase-retire-password", "sagebase", {"number": ("2",)})
    for number in ("3", "latest"):
        with pytest.raises(Refused, match="is not among the secret versions that there are: 2, 1"):
            await planner.plan("sagebase-retire-password", "sagebase", {"number": (number,)})
