"""Acting on the simulated world: what is told, what it changes, what it refuses, and that it is the same every time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.acted import API, CHAT, DATABASE, PHASE, RDS, SITE, TOKEN, WORKER, Acted
from tuiops.core.rollouts import Origin, Phase
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import (
    Acts,
    Prepared,
    Progress,
    Restarts,
    RestoresBackup,
    RollsBack,
    Scales,
    ShiftsTraffic,
    StateChanged,
    TakesBackup,
    Target,
    Tells,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ABILITIES = (Acts, Tells, ShiftsTraffic, RollsBack, Restarts, Scales, TakesBackup, RestoresBackup)
ASIA = ("--region=asia-northeast1", "--project=manga-demo")


@pytest.fixture
def acted() -> Acted:
    return Acted()


@pytest.mark.parametrize(
    ("target", "able"),
    [
        (PHASE, {Acts, Tells, ShiftsTraffic, RollsBack, Restarts, Scales}),
        (API, {Acts, Tells, RollsBack, Restarts, Scales}),
        (SITE, {Acts, Tells, RollsBack}),
        (DATABASE, {Acts, Tells, TakesBackup, RestoresBackup}),
        (RDS, {Acts, Tells, TakesBackup, RestoresBackup}),
        (Target("manga", "redis"), set()),
        (Target("nowhere", "api"), set()),
    ],
)
def test_a_resource_has_the_abilities_of_its_kind_and_no_others(acted: Acted, target: Target, able: set[type]) -> None:
    found = acted.acting(target)

    assert {ability for ability in ABILITIES if isinstance(found, ability)} == able


ACTIONS: dict[str, tuple[Target, Callable[[Acted], Awaitable[Prepared]], str]] = {
    "shift": (
        PHASE,
        lambda acted: acted.on(PHASE).prepare_shift(PHASE, {"phase6-00028": 90, "phase6-00029": 10}, TOKEN),
        (
            "gcloud run services update-traffic manga-phase6 --to-revisions=phase6-00028=90,phase6-00029=10 "
            "--region=asia-northeast1 --project=manga-demo"
        ),
    ),
    "deploy": (
        PHASE,
        lambda acted: acted.on(PHASE).prepare_rollback(PHASE, "phase6-00029", TOKEN),
        (
            "gcloud run services update-traffic manga-phase6 --to-revisions=phase6-00029=100 "
            "--region=asia-northeast1 --project=manga-demo"
        ),
    ),
    "restart": (
        PHASE,
        lambda acted: acted.on(PHASE).prepare_restart(PHASE, TOKEN),
        (
            f"gcloud run services update manga-phase6 --update-env-vars=OPS_RESTARTED_AT={TOKEN} "
            "--region=asia-northeast1 --project=manga-demo"
        ),
    ),
    "scale": (
        PHASE,
        lambda acted: acted.on(PHASE).prepare_scale(PHASE, 2, 30, TOKEN),
        (
            "gcloud run services update manga-phase6 --min-instances=2 --max-instances=30 "
            "--region=asia-northeast1 --project=manga-demo"
        ),
    ),
    "roll back ecs": (
        API,
        lambda acted: acted.on(API).prepare_rollback(API, "api:117", TOKEN),
        (
            "aws ecs update-service --cluster pricealert --service pricealert-api --task-definition api:117 "
            "--region ap-northeast-1"
        ),
    ),
    "restart ecs": (
        WORKER,
        lambda acted: acted.on(WORKER).prepare_restart(WORKER, TOKEN),
        (
            "aws ecs update-service --cluster pricealert --service pricealert-worker --force-new-deployment "
            "--region ap-northeast-1"
        ),
    ),
    "scale ecs": (
        WORKER,
        lambda acted: acted.on(WORKER).prepare_scale(WORKER, 6, 6, TOKEN),
        (
            "aws ecs update-service --cluster pricealert --service pricealert-worker --desired-count 6 "
            "--region ap-northeast-1"
        ),
    ),
    "release": (
        SITE,
        lambda acted: acted.on(SITE).prepare_rollback(SITE, "v61", TOKEN),
        "firebase hosting:clone omniy:@v61 omniy:live --project omniy-demo",
    ),
    "back up": (
        DATABASE,
        lambda acted: acted.on(DATABASE).prepare_backup(DATABASE, "before", TOKEN),
        "gcloud sql backups create --instance=manga-db --description=before --project=manga-demo",
    ),
    "clone": (
        DATABASE,
        lambda acted: acted.on(DATABASE).prepare_restore(
            DATABASE, acted.world.wall(-3600), "copy-1", TOKEN
        ),
        "gcloud sql instances clone manga-db copy-1 --point-in-time=2026-05-03T23:00:00Z --project=manga-demo",
    ),
    "restore rds": (
        RDS,
        lambda acted: acted.on(RDS).prepare_restore(RDS, "rds:pricealert-db-2026-05-03-18-00", "copy-1", TOKEN),
        (
            "aws rds restore-db-instance-from-db-snapshot --db-instance-identifier copy-1 "
            "--db-snapshot-identifier rds:pricealert-db-2026-05-03-18-00 --region ap-northeast-1"
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS)
async def test_it_is_told_in_the_vendors_words_and_the_same_each_time(acted: Acted, action: str) -> None:
    _, prepare, words = ACTIONS[action]
    first = await prepare(acted)
    acted.clock.advance(120)

    assert " ".join(first.argv) == words
    assert await prepare(acted) == first
    assert msgspec.json.decode(msgspec.json.encode(first), type=Prepared) == first


@pytest.mark.parametrize("action", ACTIONS)
async def test_it_is_done_once_and_nothing_happens_twice(acted: Acted, action: str) -> None:
    target, prepare, _ = ACTIONS[action]
    prepared = await prepare(acted)
    done = len(acted.world.changes)

    receipt = await acted.done(prepared)

    with pytest.raises(StateChanged) as caught:
        await acted.on(target).perform(prepared)
    assert caught.value.facts == receipt.facts
    assert len(acted.world.changes) == done + 1
    lost = msgspec.structs.replace(receipt, operation="", progress=Progress.UNKNOWN)
    assert (await acted.on(target).look_up(lost)).progress is Progress.DONE


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"restart ecs", "back up", "clone", "restore rds"}))
async def test_the_way_back_leads_back(acted: Acted, action: str) -> None:
    target, prepare, _ = ACTIONS[action]
    prepared = await prepare(acted)
    await acted.done(prepared)
    wish = prepared.reversal
    assert wish is not None
    on, arguments = acted.on(target), wish.arguments
    match wish.ability:
        case "shift_traffic":
            pairs = (pair.partition("=") for pair in arguments["shares"].split(","))
            back = await on.prepare_shift(target, {name: int(share) for name, _, share in pairs}, TOKEN)
        case "roll_back":
            back = await on.prepare_rollback(target, arguments["revision"], TOKEN)
        case _:
            back = await on.prepare_scale(target, int(arguments["least"]), int(arguments["most"]), TOKEN)

    receipt = await acted.done(back)

    assert receipt.facts == prepared.before
    assert set(back.after) <= set(prepared.before)


@pytest.mark.parametrize("action", ["restart ecs", "back up", "clone", "restore rds"])
async def test_what_cannot_be_put_back_says_why_or_how(acted: Acted, action: str) -> None:
    prepared = await ACTIONS[action][1](acted)

    assert prepared.reversal is None
    assert prepared.undo


async def test_somebody_else_in_between_is_a_reason_to_stop(acted: Acted) -> None:
    prepared = await ACTIONS["shift"][1](acted)
    acted.simulation.inject("manga", "phase6")

    with pytest.raises(StateChanged) as caught:
        await acted.on(PHASE).perform(prepared)

    assert caught.value.facts[0].value == "100% phase6-00029"


async def test_another_world_knows_nothing_of_it(acted: Acted) -> None:
    receipt = await acted.done(await ACTIONS["shift"][1](acted))

    found = await Acted().on(PHASE).look_up(receipt)

    assert (found.progress, found.text.partition(":")[0]) == (
        Progress.UNKNOWN,
        "the simulated world knows no such operation",
    )


async def test_operations_of_equal_worlds_are_told_apart() -> None:
    """Another console's world is as far as this one, and what it calls its operations must mean nothing here."""
    acted, other = Acted(nonce=None), Acted(nonce=None)
    await acted.done(await ACTIONS["shift"][1](acted))
    elsewhere = await other.done(await ACTIONS["shift"][1](other))

    assert (await acted.on(PHASE).look_up(msgspec.structs.replace(elsewhere, progress=Progress.RUNNING))).progress is (
        Progress.UNKNOWN
    )


async def test_revisions_are_told_newest_first_and_the_newest_has_never_served(acted: Acted) -> None:
    assert await acted.tell(API, "revisions") == ("api:119", "api:118", "api:117", "api:116", "api:115")
    assert await acted.tell(API, "serving") == ("api:118",)
    assert await acted.tell(API, "previous") == ("api:117",)
    assert await acted.tell(PHASE, "revisions") == ("phase6-00029", "phase6-00028", "phase6-00027")
    assert await acted.tell(PHASE, "previous") == ("phase6-00027",)
    assert await acted.tell(SITE, "revisions") == ("v63", "v62", "v61", "v60")
    with pytest.raises(QueryRefused, match="api has no backups"):
        await acted.tell(API, "backups")


async def test_going_back_twice_goes_further_back_and_never_forward(acted: Acted) -> None:
    for expected in ("api:117", "api:115"):  # api:116 had been taken back before
        (before,) = await acted.tell(API, "previous")
        assert before == expected
        await acted.done(await acted.on(API).prepare_rollback(API, before, TOKEN))
    assert await acted.tell(API, "previous") == ()


async def test_backups_are_taken_daily_and_by_hand(acted: Acted) -> None:
    before = await acted.tell(RDS, "backups")
    await acted.done(await acted.on(RDS).prepare_backup(RDS, "x", TOKEN))
    acted.clock.advance(86_400)
    after = await acted.tell(RDS, "backups")

    assert before[:2] == ("rds:pricealert-db-2026-05-03-18-00", "rds:pricealert-db-2026-05-02-18-00")
    assert after[0] == "rds:pricealert-db-2026-05-04-18-00"
    assert after[1].startswith("pricealert-db-tuiops-")
    assert len(before) == len(after) - 1 == 7


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (lambda acted: acted.on(PHASE).prepare_shift(PHASE, {"phase6-00028": 50}, TOKEN), "add up to 100"),
        (lambda acted: acted.on(PHASE).prepare_shift(PHASE, {"x": 100}, TOKEN), "manga-phase6 has no revision x"),
        (lambda acted: acted.on(PHASE).prepare_rollback(PHASE, "phase6-00028", TOKEN), "serves already"),
        (lambda acted: acted.on(PHASE).prepare_scale(PHASE, 5, 2, TOKEN), "5 to 2 instances cannot be"),
        (lambda acted: acted.on(CHAT).prepare_restart(CHAT, TOKEN), "a rollout is under way"),
        (lambda acted: acted.on(API).prepare_scale(API, 1, 4, TOKEN), "give one number"),
        (lambda acted: acted.on(RDS).prepare_restore(RDS, "none", "copy-1", TOKEN), "has no backup none"),
        (lambda acted: acted.on(RDS).prepare_restore(RDS, "none", "-", TOKEN), "is no name for an instance"),
        (lambda acted: acted.on(RDS).prepare_restore(RDS, "none", "pricealert-db", TOKEN), "never writes over"),
        (
            lambda acted: acted.on(RDS).prepare_restore(RDS, acted.clock.now() + timedelta(1), "copy-1", TOKEN),
            "cannot be restored",
        ),
        (lambda acted: acted.on(RDS).prepare_backup(API, "x", TOKEN), "another resource"),
    ],
)
async def test_what_cannot_be_is_refused(
    acted: Acted, refused: Callable[[Acted], Awaitable[Prepared]], why: str
) -> None:
    with pytest.raises(QueryRefused, match=why):
        await refused(acted)


async def test_nothing_is_restored_twice_under_one_name(acted: Acted) -> None:
    await acted.done(await ACTIONS["clone"][1](acted))

    with pytest.raises(QueryRefused, match="copy-1 exists"):
        await ACTIONS["clone"][1](acted)


async def test_a_tenth_of_the_traffic_has_a_tenth_of_the_errors(acted: Acted) -> None:
    await acted.done(await ACTIONS["shift"][1](acted))
    tenth = acted.errors(PHASE)
    await acted.done(await acted.on(PHASE).prepare_shift(PHASE, {"phase6-00029": 100}, TOKEN))

    assert tenth == pytest.approx(0.1 * acted.errors(PHASE), rel=0.15)
    assert acted.traffic(PHASE) == {"phase6-00029": 1.0}


async def test_fresh_instances_of_a_bad_revision_are_bad(acted: Acted) -> None:
    await acted.done(await ACTIONS["deploy"][1](acted))
    await acted.done(await ACTIONS["restart"][1](acted))

    assert await acted.tell(PHASE, "serving") == ("phase6-00030",)
    assert acted.errors(PHASE) > 0.25
    assert len(acted.alerts(PHASE)) == 1 + len(Acted().alerts(PHASE))


async def test_a_release_that_harms_by_itself_is_mended_by_going_back(acted: Acted) -> None:
    """The demonstration opens with one, and somebody on call would take it back half an hour later."""
    acted.clock.advance(30)
    assert "ErrorBudgetBurnFast" in {alert.name for alert in acted.alerts(API)}
    assert acted.errors(API) > 0.05

    await acted.done(await acted.on(API).prepare_rollback(API, "api:117", TOKEN))

    assert acted.errors(API) < 0.001
    assert acted.alerts(API) == []
    acted.clock.advance(2400)
    assert [one.by for one in acted.rollouts(API)[:2]] == ["you", "CI"]


async def test_a_canary_under_way_ends_when_somebody_else_shifts_traffic(acted: Acted) -> None:
    acted.clock.advance(100)
    canary = acted.rollouts(CHAT)[0]
    assert canary.live

    await acted.done(await acted.on(CHAT).prepare_rollback(CHAT, canary.old, TOKEN))
    ours, ended = acted.rollouts(CHAT)[:2]

    assert (ended.id, ended.phase, ended.live) == (canary.id, Phase.ROLLED_BACK, False)
    assert ended.message.startswith("replaced")
    assert all(step.phase is not Phase.RUNNING for step in ended.steps)
    assert (ours.new, ours.phase, ours.origin) == (canary.old, Phase.SUCCEEDED, Origin.OURS)
    assert acted.traffic(CHAT) == {canary.old: 1.0}
    acted.clock.advance(4.4 * 3600)
    assert (acted.rollouts(CHAT)[0].old) == canary.old


@given(st.lists(st.tuples(st.integers(1, 400), st.sampled_from(["inject", "back", "restart"])), max_size=6))
@settings(max_examples=25, deadline=None)
def test_what_is_done_changes_no_past_and_the_same_is_done_the_same(done: list[tuple[int, str]]) -> None:
    first, second = Acted(), Acted()
    tracks = first.world.tracks("manga")

    async def act(acted: Acted, what: str) -> None:
        acts = acted.on(PHASE)
        if what == "inject":
            acted.simulation.inject("manga", "phase6")
        elif what == "restart":
            await acts.perform(await acts.prepare_restart(PHASE, TOKEN))
        elif before := await acted.tell(PHASE, "previous"):
            await acts.perform(await acts.prepare_rollback(PHASE, before[0], TOKEN))

    for seconds, what in done:
        now = first.t
        past = [[first.world.value(track, t) for track in tracks] for t in (now - 200, now - 5, now)]
        asyncio.run(act(first, what))
        asyncio.run(act(second, what))
        assert [[first.world.value(track, t) for track in tracks] for t in (now - 200, now - 5, now)] == past
        first.clock.advance(seconds)
        second.clock.advance(seconds)
    assert [first.world.value(track, first.t) for track in tracks] == [
        second.world.value(track, second.t) for track in second.world.tracks("manga")
    ]
    assert first.rollouts(PHASE) == second.rollouts(PHASE)
    assert first.alerts(PHASE) == second.alerts(PHASE)


async def test_time_may_run_faster(acted: Acted) -> None:
    fast = Acted(speed=60)
    prepared = await fast.on(PHASE).prepare_rollback(PHASE, "phase6-00029", TOKEN)
    receipt = await fast.on(PHASE).perform(prepared)
    fast.clock.advance(1)

    assert (await fast.on(PHASE).look_up(receipt)).progress is Progress.DONE
    assert prepared == await acted.on(PHASE).prepare_rollback(PHASE, "phase6-00029", TOKEN)


async def test_a_wish_of_a_shared_service_names_every_share(acted: Acted) -> None:
    await acted.done(await ACTIONS["shift"][1](acted))

    prepared = await acted.on(PHASE).prepare_rollback(PHASE, "phase6-00028", TOKEN)

    assert prepared.reversal == Wish("shift_traffic", {"shares": "phase6-00028=90,phase6-00029=10"})
