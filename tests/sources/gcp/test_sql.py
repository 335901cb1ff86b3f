"""Cloud SQL: how instances stand, how old their backups are, and what can be done for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.google.sql import SqlApi
from tuiops.errors import AccessDenied, QueryRefused
from tuiops.sources.abilities import (
    Acts,
    Prepared,
    Progress,
    Receipt,
    RestoresBackup,
    StateChanged,
    TakesBackup,
    Target,
)

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.health import Reading
    from tuiops.sources.gcp.source import GcpSource

ORDERS = """
[systems.shop.services.db]
[systems.shop.resources.db]
kind = "cloud_sql"
source = "gcp"
service = "db"
name = "orders"
backup = "> 26h"
"""
TARGET = Target("shop", "db")


@pytest.fixture
def sql(google: GoogleStage) -> SqlApi:
    """The API with one instance and a backup of three hours ago."""
    api = google.teach(SqlApi(google.clock))
    api.create("orders")
    api.backup("orders", hours_ago=3)
    return api


async def readings(source: GcpSource) -> dict[str, Reading]:
    return {reading.indicator: reading for reading in (await source.read_health()).readings}


async def test_an_instance_that_runs_is_well_and_says_how_it_is_kept(google: GoogleStage, sql: SqlApi) -> None:
    found = await readings(google.source(ORDERS))

    state, age = found["resource:db"], found["resource:db:age"]
    assert state.value == 0
    assert state.note == ("POSTGRES_15 · db-custom-2-8192 · zonal · 50 GB · any moment from 7d0h ago to 3m ago")
    assert (age.value, age.note) == (3 * 3600, "")


@pytest.mark.parametrize(
    ("changes", "value", "note"),
    [
        ({"state": "MAINTENANCE"}, 2, "is down for maintenance"),
        ({"state": "FAILED"}, 2, "has failed"),
        ({"state": "SUSPENDED", "suspensionReason": ["BILLING_ISSUE"]}, 2, "is suspended · BILLING_ISSUE"),
        ({"state": "PENDING_CREATE"}, 1, "is being created"),
        ({"outOfDiskReport": {"sqlOutOfDiskState": "SOFT_SHUTDOWN"}}, 2, "is shut down: its disk is almost full"),
    ],
)
async def test_a_state_is_judged_by_what_it_means_for_clients(
    google: GoogleStage, sql: SqlApi, changes: dict[str, object], value: float, note: str
) -> None:
    sql.instance("orders").update(changes)

    state = (await readings(google.source(ORDERS)))["resource:db"]

    assert state.value == value
    assert state.note.startswith(note)


async def test_an_instance_that_its_owner_stopped_is_down_although_it_is_called_runnable(
    google: GoogleStage, sql: SqlApi
) -> None:
    sql.instance("orders")["settings"]["activationPolicy"] = "NEVER"

    state = (await readings(google.source(ORDERS)))["resource:db"]

    assert (state.value, state.note.split(" · ")[0]) == (2, "was stopped by its owner")


async def test_a_state_that_nobody_knows_is_unknown_and_the_backup_still_has_its_age(
    google: GoogleStage, sql: SqlApi
) -> None:
    google.fault(
        "sqladmin",
        "instances.list",
        change=lambda page: page | {"items": [page["items"][0] | {"state": "DREAMING", "novelty": {"a": [1]}}]},
    )

    found = await readings(google.source(ORDERS))

    assert (found["resource:db"].value, found["resource:db"].unknown) == (None, "Cloud SQL says DREAMING")
    assert found["resource:db:age"].value == 3 * 3600


async def test_settings_that_are_regretted_later_are_told(google: GoogleStage, sql: SqlApi) -> None:
    settings = sql.instance("orders")["settings"]
    settings["backupConfiguration"] = {"enabled": False, "pointInTimeRecoveryEnabled": False}
    settings["deletionProtectionEnabled"] = False

    note = (await readings(google.source(ORDERS)))["resource:db"].note

    assert note.endswith("backups are off · no point-in-time recovery · may be deleted")


async def test_the_age_is_that_of_the_newest_good_backup(google: GoogleStage, sql: SqlApi) -> None:
    sql.backup("orders", hours_ago=1, status="FAILED", message="disk full")

    age = (await readings(google.source(ORDERS)))["resource:db:age"]

    assert (age.value, age.note) == (3 * 3600, "the last one failed: disk full")


async def test_without_any_good_backup_the_age_is_that_of_the_instance(google: GoogleStage) -> None:
    google.teach(SqlApi(google.clock)).create("orders")

    age = (await readings(google.source(ORDERS)))["resource:db:age"]

    assert (age.value, age.note) == (90 * 86_400, "no good backup so far")


async def test_where_all_backups_that_are_looked_through_failed_the_age_is_at_least_that_of_the_oldest(
    google: GoogleStage,
) -> None:
    sql = google.teach(SqlApi(google.clock))
    sql.create("orders")
    for hours in range(60):
        sql.backup("orders", hours_ago=hours, status="FAILED")

    age = (await readings(google.source(ORDERS)))["resource:db:age"]

    assert (age.value, age.note) == (48 * 3600, "none of the last 49 backups is good · the last one failed: no reason")


async def test_a_clock_that_is_behind_googles_makes_nothing_negative(google: GoogleStage, sql: SqlApi) -> None:
    sql.backup("orders", hours_ago=-1)
    sql.begin("orders", "UPDATE")["insertTime"] = "2026-05-01T13:00:00Z"

    found = await readings(google.source(ORDERS))

    assert found["resource:db:age"].value == 0
    assert found["resource:db"].note.startswith("UPDATE waits for 0s")


async def test_an_operation_that_is_not_known_any_more_is_not_taken_for_a_later_one(
    google: GoogleStage, sql: SqlApi
) -> None:
    source = google.source(ORDERS)
    receipt = await source.perform(await source.prepare_backup(TARGET, "x", "1"))
    google.clock.advance(600)
    sql.begin("orders", "BACKUP_VOLUME")
    google.fault("sqladmin", "operations.get", status=404, message="no such operation")

    assert (await source.look_up(receipt)).progress is Progress.UNKNOWN


async def test_an_operation_under_way_is_told_and_one_that_never_ends_is_a_defect(
    google: GoogleStage, sql: SqlApi
) -> None:
    source = google.source(ORDERS)
    sql.begin("orders", "UPDATE")
    google.clock.advance(240)
    soon = (await readings(source))["resource:db"]
    google.clock.advance(7200)
    late = (await readings(source))["resource:db"]

    assert (soon.value, soon.note.split(" · ")[0]) == (0, "UPDATE runs for 3m by kim@shop.example")
    assert (late.value, late.note.split(" · ")[0]) == (1, "UPDATE runs for 2h03 by kim@shop.example")


async def test_a_backup_that_takes_long_is_no_defect(google: GoogleStage, sql: SqlApi) -> None:
    sql.begin("orders", "BACKUP_VOLUME")
    google.clock.advance(7200)

    assert (await readings(google.source(ORDERS)))["resource:db"].value == 0


async def test_backups_are_asked_for_again_when_something_was_done_and_not_at_every_poll(
    google: GoogleStage, sql: SqlApi
) -> None:
    source = google.source(ORDERS)
    await source.read_health()
    await source.read_health()
    before = len(google.asked("backupRuns.list"))
    sql.begin("orders", "BACKUP_VOLUME")
    await source.read_health()

    assert (before, len(google.asked("backupRuns.list"))) == (1, 2)


async def test_backups_that_may_not_be_read_leave_the_state_alone(google: GoogleStage, sql: SqlApi) -> None:
    google.fault("sqladmin", "backupRuns.list", status=403, reason="PERMISSION", message="no cloudsql.backupRuns.list")

    source = google.source(ORDERS)
    update = await source.read_health()
    found: dict[str, Reading] = {reading.indicator: reading for reading in update.readings}

    assert found["resource:db"].value == 0
    assert found["resource:db:age"].unknown == "sqladmin forbids this (403): no cloudsql.backupRuns.list"
    assert update.warnings == ("Cloud SQL orders: sqladmin forbids this (403): no cloudsql.backupRuns.list",)


async def test_operations_that_may_not_be_read_are_said_not_to_be_known(google: GoogleStage, sql: SqlApi) -> None:
    google.fault("sqladmin", "operations.list", status=403, reason="PERMISSION", message="no cloudsql.operations.list")

    state = (await readings(google.source(ORDERS)))["resource:db"]

    assert (state.value, state.note.split(" · ")[0]) == (0, "operations not known")


async def test_an_instance_that_is_missing_because_its_region_does_not_answer_is_not_called_gone(
    google: GoogleStage, sql: SqlApi
) -> None:
    sql.unreachable.append(sql.region)

    update = await google.source(ORDERS).read_health()

    assert {reading.unknown for reading in update.readings} == {"Cloud SQL instances: asia-northeast1 did not answer"}


async def test_an_instance_that_is_not_there_is_said_not_to_be_there(google: GoogleStage) -> None:
    google.teach(SqlApi(google.clock))

    found = await readings(google.source(ORDERS))

    assert found["resource:db"].unknown == "no Cloud SQL instance orders"


# What can be done.


async def begun(source: GcpSource, prepared: Prepared) -> Receipt:
    receipt = await source.perform(prepared)
    assert receipt.progress is Progress.RUNNING
    return receipt


async def test_a_backup_is_taken_and_followed_to_its_end(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    prepared = await source.prepare_backup(TARGET, "before the change", "1")
    receipt = await begun(source, prepared)
    google.clock.advance(30)
    meanwhile = await source.look_up(receipt)
    google.clock.advance(120)
    after = await source.look_up(meanwhile)

    assert " ".join(prepared.argv) == (
        "gcloud sql backups create --instance=orders --description=before the change --project=shop-production"
    )
    assert (meanwhile.progress, meanwhile.text) == (Progress.RUNNING, "BACKUP_VOLUME running for 25s")
    assert after.progress is Progress.DONE
    assert (await readings(source))["resource:db:age"].value == 30


async def test_an_action_is_refused_when_something_was_begun_since(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    prepared = await source.prepare_backup(TARGET, "before the change", "1")
    sql.begin("orders", "RESTART")

    with pytest.raises(StateChanged) as raised:
        await source.perform(prepared)

    assert "RESTART" in {fact.value for fact in raised.value.facts}
    assert google.asked("backupRuns.insert") == []


async def test_an_operation_that_fails_says_why(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    sql.failure = "the disk is on fire"
    receipt = await begun(source, await source.prepare_backup(TARGET, "x", "1"))
    google.clock.advance(600)

    after = await source.look_up(receipt)

    assert (after.progress, after.text) == (Progress.FAILED, "the disk is on fire")


async def test_an_operation_that_never_ends_is_said_to_run_as_long_as_it_does(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    sql.delay = 1e9
    receipt = await begun(source, await source.prepare_backup(TARGET, "x", "1"))
    google.clock.advance(86_400)
    meanwhile = await source.look_up(receipt)
    google.clock.advance(86_400)

    after = await source.look_up(meanwhile)

    assert (after.progress, after.text) == (Progress.RUNNING, "BACKUP_VOLUME running for 1d23h")


async def test_a_backup_whose_answer_was_lost_is_found_by_its_operation(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    prepared = await source.prepare_backup(TARGET, "x", "1")
    google.fault("sqladmin", "backupRuns.insert", lost=True)

    lost = await source.perform(prepared)
    found = await source.look_up(lost)

    assert lost.progress is Progress.UNKNOWN
    assert found.progress is Progress.RUNNING
    assert len(google.asked("backupRuns.insert")) == 1


async def test_a_backup_whose_answer_was_lost_is_not_taken_for_somebody_elses(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    prepared = await source.prepare_backup(TARGET, "x", "1")
    google.fault("sqladmin", "backupRuns.insert", lost=True)
    lost = await source.perform(prepared)
    google.clock.advance(600)
    sql.begin("orders", "BACKUP_VOLUME")

    found = await source.look_up(lost)

    assert (found.progress, found.operation) == (Progress.UNKNOWN, "")
    assert found.text == "several such operations have begun since; which of them is this one is not told"


async def test_a_backup_that_never_arrived_is_not_taken_for_an_older_one(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    await begun(source, await source.prepare_backup(TARGET, "the first", "1"))
    google.clock.advance(600)
    prepared = await source.prepare_backup(TARGET, "the second", "2")
    google.fault("sqladmin", "backupRuns.insert", raw=b"<html>")

    found = await source.look_up(await source.perform(prepared))

    assert (found.progress, found.text) == (Progress.UNKNOWN, "Cloud SQL knows no such operation so far")


async def test_a_moment_is_restored_into_an_instance_of_its_own(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    moment = google.clock.now() - timedelta(hours=1)
    prepared = await source.prepare_restore(TARGET, moment, "orders-then", "1")
    receipt = await begun(source, prepared)
    google.clock.advance(600)
    after = await source.look_up(receipt)

    assert " ".join(prepared.argv) == (
        "gcloud sql instances clone orders orders-then --point-in-time=2026-05-01T11:00:00Z --project=shop-production"
    )
    assert prepared.undo == "delete orders-then; orders is not touched"
    assert after.progress is Progress.DONE
    assert sql.instances == {"orders", "orders-then"}
    assert sql.instance("orders-then")["state"] == "RUNNABLE"


async def test_a_backup_is_restored_into_an_instance_of_its_own(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    backup = sql.backup("orders", hours_ago=1)
    prepared = await source.prepare_restore(TARGET, backup, "orders-backup", "1")
    await begun(source, prepared)

    assert prepared.argv[:5] == (
        *("gcloud", "sql", "backups", "restore"),
        f"projects/shop-production/backups/uid-{backup}",
    )
    assert "--restore-instance=orders-backup" in prepared.argv
    (sent,) = google.asked("restoreBackup")
    assert sent.variables[1] == "orders-backup"


@pytest.mark.parametrize("name", ["orders", "reports"])
async def test_a_restore_over_an_instance_that_exists_is_refused(google: GoogleStage, sql: SqlApi, name: str) -> None:
    sql.create("reports")
    source = google.source(ORDERS)
    backup = sql.backup("orders", hours_ago=1)

    for wanted in (backup, google.clock.now() - timedelta(hours=1)):
        with pytest.raises(QueryRefused, match=f"{name} exists; a restore never writes over an instance"):
            await source.prepare_restore(TARGET, wanted, name, "1")

    assert google.asked("clone") + google.asked("restoreBackup") == []


async def test_a_restore_is_refused_when_its_target_has_come_into_being_since(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    prepared = await source.prepare_restore(TARGET, sql.backup("orders", hours_ago=1), "orders-backup", "1")
    sql.create("orders-backup")

    with pytest.raises(QueryRefused, match="orders-backup exists"):
        await source.perform(prepared)

    assert google.asked("restoreBackup") == []


async def test_a_restore_is_refused_while_a_region_hides_what_exists(google: GoogleStage, sql: SqlApi) -> None:
    sql.unreachable.append("us-central1")

    with pytest.raises(QueryRefused, match=r"whether orders-new exists is not certain: .*us-central1 did not answer"):
        await google.source(ORDERS).prepare_restore(TARGET, "1", "orders-new", "1")


@pytest.mark.parametrize("name", ["", "Orders", "orders/../x", "orders new", "o" * 99, "-orders"])
async def test_a_name_that_no_instance_can_have_is_refused(google: GoogleStage, sql: SqlApi, name: str) -> None:
    with pytest.raises(QueryRefused, match="cannot be the name of an instance"):
        await google.source(ORDERS).prepare_restore(TARGET, "1", name, "1")


@pytest.mark.parametrize("hours", [-1, 24 * 8])
async def test_a_moment_outside_of_the_window_is_refused(google: GoogleStage, sql: SqlApi, hours: int) -> None:
    moment = google.clock.now() - timedelta(hours=hours)

    with pytest.raises(QueryRefused, match=r"only 2026-04-24T12:00:00Z to 2026-05-01T11:57:00Z can"):
        await google.source(ORDERS).prepare_restore(TARGET, moment, "orders-then", "1")


async def test_without_logs_only_backups_can_be_restored(google: GoogleStage) -> None:
    google.teach(SqlApi(google.clock)).create("orders", logs=False)

    with pytest.raises(QueryRefused, match="orders keeps no logs"):
        await google.source(ORDERS).prepare_restore(TARGET, google.clock.now(), "orders-then", "1")


async def test_a_backup_that_is_not_there_or_not_good_is_refused(google: GoogleStage, sql: SqlApi) -> None:
    bad = sql.backup("orders", hours_ago=1, status="FAILED")
    source = google.source(ORDERS)

    with pytest.raises(QueryRefused, match="orders has no backup 42"):
        await source.prepare_restore(TARGET, "42", "orders-new", "1")
    with pytest.raises(QueryRefused, match="is FAILED and cannot be restored"):
        await source.prepare_restore(TARGET, bad, "orders-new", "1")


async def test_who_may_not_is_told_so(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)
    prepared = await source.prepare_backup(TARGET, "x", "1")
    google.fault("sqladmin", "backupRuns.insert", status=403, message="no cloudsql.backupRuns.create")

    with pytest.raises(AccessDenied, match=r"no cloudsql\.backupRuns\.create"):
        await source.perform(prepared)


def test_the_source_has_these_abilities(google: GoogleStage, sql: SqlApi) -> None:
    source = google.source(ORDERS)

    assert isinstance(source, Acts)
    assert isinstance(source, TakesBackup)
    assert isinstance(source, RestoresBackup)
