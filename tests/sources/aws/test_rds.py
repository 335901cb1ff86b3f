"""How database instances stand, how old their backups are, and what can be done with these."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.scripted import Refuses, at
from tests.sources.aws.scripted_query import ScriptedQuery
from tests.sources.hostile import Hostile
from tuiops.config.resources import RdsResource
from tuiops.config.systems import Service, System
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, NotFound, QueryRefused, RateLimited
from tuiops.sources.abilities import Progress, RestoresBackup, StateChanged, TakesBackup, Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.moto import Moto
    from tuiops.core.health import Reading
    from tuiops.core.updates import HealthUpdate
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.source import AwsSource

TARGET = Target("shop", "db")


def system(backup: str | None = None, name: str = "orders") -> dict[str, System]:
    resource = RdsResource(source="aws", service="db", name=name, backup=backup)
    return {"shop": System(services={"db": Service()}, resources={"db": resource})}


def instance(status: str = "available", **members: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": "orders",
        "DBInstanceStatus": status,
        "DbiResourceId": "db-ABC",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "EngineVersion": "16.4",
        "AllocatedStorage": 20,
        **members,
    }


def snapshot(name: str, minute: float, status: str = "available", **members: Any) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": "orders",
        "Status": status,
        "SnapshotType": "automated",
        "SnapshotCreateTime": at(minute),
        "DBSnapshotArn": f"arn:aws:rds:us-east-1:123456789012:snapshot:{name}",
        **members,
    }


@asynccontextmanager
async def scripted(
    systems: dict[str, System] | None = None, **answers: Any
) -> AsyncIterator[tuple[AwsSource, ScriptedQuery, FakeClock]]:
    script, clock = ScriptedQuery("rds", **answers), FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"rds": server.url}, systems or system(), clock)
        try:
            yield source, script, clock
        finally:
            await source.close()


async def state(source: AwsSource) -> Reading:
    return (await source.read_health()).readings[0]


@pytest.mark.parametrize(
    ("status", "value"),
    [
        ("available", 0.0),
        ("backing-up", 0.0),
        ("storage-optimization", 0.0),
        ("modifying", 0.0),
        ("rebooting", 1.0),
        ("upgrading", 1.0),
        ("storage-full", 2.0),
        ("failed", 2.0),
        ("stopped", 2.0),
        ("incompatible-parameters", 2.0),
    ],
)
async def test_a_state_of_rds_says_how_an_instance_stands(status: str, value: float) -> None:
    async with scripted(DescribeDBInstances={"DBInstances": [instance(status)]}) as (source, _, _):
        found = await state(source)

    assert found.value == value
    assert found.note == ("" if status == "available" else status)


async def test_a_state_that_is_not_known_is_unknown() -> None:
    async with scripted(DescribeDBInstances={"DBInstances": [instance("contemplating\u202e")]}) as (source, _, _):
        found = await state(source)

    assert (found.value, found.unknown) == (None, "RDS calls it contemplating\ufffd, which is no known state")


async def test_an_instance_that_is_not_there_is_unknown_and_others_are_not() -> None:
    systems = system()
    other = RdsResource(source="aws", service="db", name="gone")
    systems = {"shop": System(services={"db": Service()}, resources={**systems["shop"].resources, "old": other})}
    async with scripted(systems, DescribeDBInstances={"DBInstances": [instance()]}) as (source, _, _):
        there, gone = (await source.read_health()).readings

    assert there.value == 0.0
    assert gone.unknown == "there is no database instance gone in this region"


async def test_a_replica_that_has_stopped_is_degraded() -> None:
    info = {"StatusType": "read replication", "Normal": False, "Status": "error", "Message": "binlog is gone"}
    async with scripted(DescribeDBInstances={"DBInstances": [instance(StatusInfos=[info])]}) as (source, _, _):
        found = await state(source)

    assert (found.value, found.note) == (1.0, "read replication: binlog is gone")


async def test_what_happened_lately_is_told_beside_the_state() -> None:
    events = [
        {"SourceIdentifier": "orders", "EventCategories": ["failover"], "Date": at(-9), "Message": "failover started"},
        {
            "SourceIdentifier": "orders",
            "EventCategories": ["failover"],
            "Date": at(-5),
            "Message": "failover completed",
        },
        {"SourceIdentifier": "orders", "EventCategories": ["backup"], "Date": at(-1), "Message": "Finished backup"},
        {"SourceIdentifier": "other", "EventCategories": ["failure"], "Date": at(-1), "Message": "not mine"},
    ]
    answers: dict[str, Any] = {
        "DescribeDBInstances": {"DBInstances": [instance()]},
        "DescribeEvents": {"Events": events},
    }
    async with scripted(**answers) as (source, _, _):
        found = await state(source)

    assert (found.value, found.note) == (0.0, "5m ago: failover completed")


async def test_the_age_of_a_backup_is_that_of_the_newest_one_that_can_be_restored() -> None:
    taken = [snapshot("night", -600), snapshot("older", -2000), snapshot("broken", -10, "failed")]
    answers: dict[str, Any] = {
        "DescribeDBInstances": {"DBInstances": [instance(BackupRetentionPeriod=7, LatestRestorableTime=at(-4))]},
        "DescribeDBSnapshots": {"DBSnapshots": taken},
    }
    async with scripted(system("> 26h"), **answers) as (source, script, clock):
        _, first = (await source.read_health()).readings
        clock.advance(60)
        _, second = (await source.read_health()).readings

    assert (first.indicator, first.value) == ("resource:db:age", 36_000.0)
    assert first.note == "automated night · restorable to 4m ago"
    assert second.value == 36_060.0
    assert script.count("DescribeDBSnapshots") == 1


async def test_no_backup_at_all_is_not_good_news() -> None:
    async with scripted(system("> 26h"), DescribeDBInstances={"DBInstances": [instance()]}) as (source, _, _):
        _, found = (await source.read_health()).readings

    assert (found.value, found.unknown) == (None, "no snapshot can be restored · automated backups are off")


async def test_what_is_forbidden_beside_the_state_is_a_warning() -> None:
    def forbidden(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: rds:Some", 403)

    answers: dict[str, Any] = {
        "DescribeDBInstances": {"DBInstances": [instance()]},
        "DescribeEvents": forbidden,
        "DescribeDBSnapshots": forbidden,
    }
    async with scripted(system("> 26h"), **answers) as (source, script, _):
        update = await source.read_health()
        await source.read_health()

    assert [reading.value for reading in update.readings] == [0.0, None]
    assert len(update.warnings) == 2
    assert all("rds:Some is missing" in warning for warning in update.warnings)
    assert script.count("DescribeEvents") == 1


async def test_a_storm_of_throttling_is_a_limit_and_ends_the_asking() -> None:
    def throttled(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("Throttling", "Rate exceeded")

    async with scripted(DescribeDBInstances=throttled) as (source, script, _):
        for _ in range(3):
            with pytest.raises(RateLimited):
                await source.read_health()

    assert script.count("DescribeDBInstances") == 1


async def test_keys_that_expire_while_it_runs_are_a_state_of_their_own() -> None:
    answers: dict[str, Any] = {"DescribeDBInstances": {"DBInstances": [instance()]}}

    def expired(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("ExpiredToken", "The security token included in the request is expired", 403)

    async with scripted(**answers) as (source, script, _):
        before = await state(source)
        script.answers["DescribeDBInstances"] = expired
        with pytest.raises(AccessDenied, match="logged out: the AWS credentials have expired"):
            await source.read_health()

    assert before.value == 0.0


async def test_pages_without_end_are_cut_and_said_so() -> None:
    def page(params: dict[str, Any]) -> dict[str, Any]:
        number = int(params.get("Marker", "0"))
        return {"DBInstances": [instance(DBInstanceIdentifier=f"db-{number}")], "Marker": str(number + 1)}

    script, clock = ScriptedQuery("rds", DescribeDBInstances=page), FakeClock(at(0))
    async with Hostile(script) as server:
        source = source_of({"rds": server.url}, system(), clock, max_items=5)
        update: HealthUpdate = await source.read_health()
        await source.close()

    assert update.readings[0].unknown == "orders is not among the first 5 instances"
    assert update.warnings == ("database instances: only the first 5 were read; raise max_items",)


# What can be done, against Moto.


class Rds:
    """What somebody else does in RDS."""

    def __init__(self, url: str) -> None:
        self.client: AwsClient = aws_client(aws_config(url))

    async def call(self, operation: str, **params: object) -> dict[str, Any]:
        return await self.client.call("rds", operation, params)

    async def snapshots(self) -> list[dict[str, Any]]:
        """Those that were taken by hand: Moto takes others by itself."""
        found: list[dict[str, Any]] = (await self.call("DescribeDBSnapshots", SnapshotType="manual"))["DBSnapshots"]
        return found

    async def create(self, name: str = "orders") -> None:
        await self.call(
            "CreateDBInstance",
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="root",
            MasterUserPassword="not-a-secret",
            BackupRetentionPeriod=7,
        )


@pytest.fixture
async def rds(moto: Moto) -> AsyncIterator[Rds]:
    moto.reset()
    found = Rds(moto.url)
    await found.create()
    yield found
    await found.client.close()


@pytest.fixture
async def source(moto: Moto) -> AsyncIterator[AwsSource]:
    found = source_of(moto.url, system("> 26h"))
    yield found
    await found.close()


async def test_the_states_of_moto_are_understood(rds: Rds, source: AwsSource) -> None:
    await rds.call("CreateDBSnapshot", DBInstanceIdentifier="orders", DBSnapshotIdentifier="by-hand")
    stands, old = (await source.read_health()).readings

    assert stands.value == 0.0
    assert old.value is not None
    assert old.value < 60
    assert old.note.startswith("manual by-hand")


async def test_a_backup_is_prepared_taken_and_looked_up(rds: Rds, source: AwsSource) -> None:
    assert isinstance(source, TakesBackup)
    prepared = await source.prepare_backup(TARGET, "before the (big) migration", "token-1")
    receipt = await source.perform(prepared)
    done = await source.look_up(receipt)
    made = await rds.snapshots()

    name = receipt.operation
    assert name.startswith("orders-tuiops-")
    assert prepared.argv[:8] == (
        "aws",
        "rds",
        "create-db-snapshot",
        "--db-instance-identifier",
        "orders",
        "--db-snapshot-identifier",
        name,
        "--tags",
    )
    assert prepared.argv[9:] == ("Key=note,Value=before the  big  migration", "--region", "us-east-1")
    assert (receipt.progress, done.progress) == (Progress.RUNNING, Progress.DONE)
    assert [one["DBSnapshotIdentifier"] for one in made] == [name]
    assert {"Key": "note", "Value": "before the  big  migration"} in made[0]["TagList"]


async def test_the_same_action_twice_takes_one_backup(rds: Rds, source: AwsSource) -> None:
    prepared = await source.prepare_backup(TARGET, "", "token-1")
    await source.perform(prepared)
    again = await source.perform(prepared)

    assert again.progress is Progress.DONE
    assert len(await rds.snapshots()) == 1


async def test_nothing_is_done_to_an_instance_that_has_changed(rds: Rds, source: AwsSource) -> None:
    prepared = await source.prepare_backup(TARGET, "", "token-1")
    await rds.call("ModifyDBInstance", DBInstanceIdentifier="orders", AllocatedStorage=40, ApplyImmediately=True)

    with pytest.raises(StateChanged) as changed:
        await source.perform(prepared)

    assert "40 GiB" in changed.value.facts[1].value
    assert await rds.snapshots() == []


async def test_a_snapshot_is_restored_into_an_instance_of_its_own(rds: Rds, source: AwsSource) -> None:
    assert isinstance(source, RestoresBackup)
    await rds.call("CreateDBSnapshot", DBInstanceIdentifier="orders", DBSnapshotIdentifier="by-hand")
    prepared = await source.prepare_restore(TARGET, "by-hand", "orders-restored", "token-2")
    receipt = await source.perform(prepared)
    done = await source.look_up(receipt)
    names = [one["DBInstanceIdentifier"] for one in (await rds.call("DescribeDBInstances"))["DBInstances"]]

    assert prepared.argv[2] == "restore-db-instance-from-db-snapshot"
    assert "--db-snapshot-identifier" in prepared.argv
    assert done.progress is Progress.DONE
    assert done.facts[0].value == "orders-restored, available"
    assert sorted(names) == ["orders", "orders-restored"]


async def test_a_moment_is_restored_into_an_instance_of_its_own(rds: Rds, source: AwsSource) -> None:
    (there,) = (await rds.call("DescribeDBInstances"))["DBInstances"]
    moment = there["LatestRestorableTime"]
    prepared = await source.prepare_restore(TARGET, moment, "orders-at", "token-3")
    receipt = await source.perform(prepared)
    done = await source.look_up(receipt)

    assert prepared.argv[2] == "restore-db-instance-to-point-in-time"
    assert prepared.argv[prepared.argv.index("--restore-time") + 1] == moment.isoformat()
    assert done.progress is Progress.DONE


@pytest.mark.parametrize("name", ["orders", "-x", "a--b", "Upper", "a;rm", "--force", "x" * 64, "a-"])
async def test_nothing_is_restored_over_an_instance_or_under_a_name_that_none_may_have(
    rds: Rds, source: AwsSource, name: str
) -> None:
    await rds.call("CreateDBSnapshot", DBInstanceIdentifier="orders", DBSnapshotIdentifier="by-hand")
    with pytest.raises(QueryRefused):
        await source.prepare_restore(TARGET, "by-hand", name, "token")


async def test_a_snapshot_that_is_not_there_is_refused_before_anything_is_done(rds: Rds, source: AwsSource) -> None:
    del rds
    with pytest.raises(NotFound):
        await source.prepare_restore(TARGET, "nothing", "orders-restored", "token")


async def test_a_resource_that_is_not_configured_is_refused(source: AwsSource) -> None:
    with pytest.raises(NotFound, match="shop has no RDS instance other"):
        await source.prepare_backup(Target("shop", "other"), "", "token")


# What Moto does not do.


async def test_the_snapshot_of_another_instance_is_refused() -> None:
    answers: dict[str, Any] = {
        "DescribeDBInstances": lambda params: {
            "DBInstances": [instance()] if params["DBInstanceIdentifier"] == "orders" else []
        },
        "DescribeDBSnapshots": {"DBSnapshots": [snapshot("night", -5, DBInstanceIdentifier="other")]},
    }
    async with scripted(**answers) as (source, _, _):
        with pytest.raises(QueryRefused, match="night is a snapshot of other, not of orders"):
            await source.prepare_restore(TARGET, "night", "orders-2", "token")


@pytest.mark.parametrize("minutes", [-10_081, -3, 5])
async def test_moments_that_cannot_be_restored_are_refused(minutes: float) -> None:
    there = instance(BackupRetentionPeriod=7, LatestRestorableTime=at(-4), InstanceCreateTime=at(-900_000))

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        return {"DBInstances": [there] if params["DBInstanceIdentifier"] == "orders" else []}

    async with scripted(DescribeDBInstances=describe) as (source, _, _):
        with pytest.raises(QueryRefused, match="can be restored to moments from"):
            await source.prepare_restore(TARGET, at(0) + timedelta(minutes=minutes), "orders-2", "token")


async def test_an_instance_that_is_not_available_is_not_backed_up() -> None:
    async with scripted(DescribeDBInstances={"DBInstances": [instance("rebooting")]}) as (source, _, _):
        with pytest.raises(QueryRefused, match="orders is rebooting"):
            await source.prepare_backup(TARGET, "", "token")


async def test_a_lost_answer_leaves_it_unknown_until_it_is_looked_up() -> None:
    async def cut(request: Any) -> None:
        if "Action=CreateDBSnapshot" in request.body:
            request.writer.close()
            return
        await script(request)

    script = ScriptedQuery("rds", DescribeDBInstances={"DBInstances": [instance()]})
    async with Hostile(cut) as server:
        source = source_of({"rds": server.url}, system(), FakeClock(at(0)))
        prepared = await source.prepare_backup(TARGET, "", "token")
        lost = await source.perform(prepared)
        nothing = await source.look_up(lost)
        script.answers["DescribeDBSnapshots"] = {
            "DBSnapshots": [snapshot(lost.operation, 0, "creating", PercentProgress=40)]
        }
        going = await source.look_up(nothing)
        script.answers["DescribeDBSnapshots"] = {"DBSnapshots": [snapshot(lost.operation, 0, "failed")]}
        failed = await source.look_up(going)
        await source.close()

    assert [one.progress for one in (lost, nothing, going, failed)] == [
        Progress.UNKNOWN,
        Progress.UNKNOWN,
        Progress.RUNNING,
        Progress.FAILED,
    ]
    assert "creating, 40%" in going.facts[0].value


async def test_a_refusal_that_only_quotes_the_code_of_another_is_a_refusal() -> None:
    def create(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("InvalidParameterValue", "not one of (DBSnapshotAlreadyExists)")

    answers: dict[str, Any] = {"DescribeDBInstances": {"DBInstances": [instance()]}, "CreateDBSnapshot": create}
    async with scripted(**answers) as (source, _, _):
        prepared = await source.prepare_backup(TARGET, "", "token")
        with pytest.raises(QueryRefused, match="not one of"):
            await source.perform(prepared)


async def test_what_an_earlier_attempt_made_is_unknown_while_it_cannot_be_read() -> None:
    def throttled(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("Throttling", "Rate exceeded")

    def create(_: dict[str, Any]) -> dict[str, Any]:
        script.answers["DescribeDBSnapshots"] = throttled
        raise Refuses("DBSnapshotAlreadyExists", "DB snapshot already exists")

    answers: dict[str, Any] = {"DescribeDBInstances": {"DBInstances": [instance()]}, "CreateDBSnapshot": create}
    async with scripted(**answers) as (source, script, _):
        receipt = await source.perform(await source.prepare_backup(TARGET, "", "token"))

    assert receipt.progress is Progress.UNKNOWN
    assert receipt.text == (
        f"{receipt.operation} is there already, and cannot be read: rds limit (Throttling): Rate exceeded"
    )


async def test_an_instance_of_the_same_name_by_somebody_else_is_not_taken_for_ours() -> None:
    made: list[dict[str, Any]] = []

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        return {"DBInstances": [instance()] if params["DBInstanceIdentifier"] == "orders" else made}

    def restore(_: dict[str, Any]) -> dict[str, Any]:
        made.append(instance(DBInstanceIdentifier="orders-2"))
        raise Refuses("DBInstanceAlreadyExists", "DB instance already exists")

    answers: dict[str, Any] = {
        "DescribeDBInstances": describe,
        "DescribeDBSnapshots": {"DBSnapshots": [snapshot("night", -5)]},
        "RestoreDBInstanceFromDBSnapshot": restore,
    }
    async with scripted(**answers) as (source, _, _):
        receipt = await source.perform(await source.prepare_restore(TARGET, "night", "orders-2", "token"))

    assert (receipt.progress, receipt.text) == (
        Progress.UNKNOWN,
        "there is an instance of this name, made by somebody else",
    )
