"""What a runbook needs of AWS: calls that stay the same, the way back, and names to choose from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.sources.aws.account import Ecs, aws_client, aws_config, ecs_system, source_of
from tests.sources.aws.deployments import ARN, definition, deployment, deployment_arn, revisions
from tests.sources.aws.scripted import Scripted, at
from tests.sources.hostile import Hostile
from tuiops.config.resources import ElastiCacheResource, RdsResource, SecretsManagerResource
from tuiops.config.systems import Service, System
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import (
    Acts,
    AddsSecretVersion,
    Prepared,
    Restarts,
    RestoresBackup,
    RollsBack,
    Scales,
    ShiftsTraffic,
    Snoozes,
    TakesBackup,
    Target,
    Tells,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto
    from tuiops.config.resources import AnyResource
    from tuiops.sources.aws.source import AwsSource

TOKEN = "20260501T120000Z-ab12cd34ef56"
SHOP_API = Target("shop", "api")
ORDERS = Target("shop", "orders")
ABILITIES = (Acts, AddsSecretVersion, ShiftsTraffic, RollsBack, Restarts, Scales, TakesBackup, RestoresBackup, Tells)


def service(running: dict[int, int], wanted: int, desired: int = 2) -> dict[str, Any]:
    """A service whose task definitions, by number, have so many tasks each."""
    return {
        "serviceName": "api",
        "serviceArn": f"{ARN}:service/prod/api",
        "status": "ACTIVE",
        "desiredCount": desired,
        "runningCount": sum(running.values()),
        "taskDefinition": f"{ARN}:task-definition/api:{wanted}",
        "deployments": [
            {
                "id": f"ecs-svc/{number}",
                "status": "PRIMARY" if number == wanted else "ACTIVE",
                "taskDefinition": f"{ARN}:task-definition/api:{number}",
                "runningCount": tasks,
                "rolloutState": "COMPLETED",
                "createdAt": at(-number),
            }
            for number, tasks in running.items()
        ],
    }


def listed(*numbers: int, **others: int) -> dict[str, Any]:
    names = [f"api:{number}" for number in numbers] + [f"{family}:{number}" for family, number in others.items()]
    return {"taskDefinitionArns": [f"{ARN}:task-definition/{name}" for name in names]}


def telling(source: AwsSource, target: Target) -> Tells:
    acts = source.acting(target)
    assert acts is not None
    assert isinstance(acts, Tells)
    return acts


def systems() -> dict[str, System]:
    api = ecs_system("api")["shop"]
    others: dict[str, AnyResource] = {
        "orders": RdsResource(source="aws", service="api", name="orders"),
        "cache": ElastiCacheResource(source="aws", service="api", name="cache"),
        "key": SecretsManagerResource(source="aws", service="api", name="key"),
    }
    return {"shop": System(services={"api": Service()}, resources={**api.resources, **others})}


@pytest.mark.parametrize(
    ("resource", "able"),
    [
        ("api", {Acts, RollsBack, Restarts, Scales, Tells}),
        ("orders", {Acts, TakesBackup, RestoresBackup, Tells}),
        ("cache", set()),
        ("key", {Acts, AddsSecretVersion, Tells}),
        ("other", set()),
    ],
)
async def test_a_resource_has_the_abilities_of_its_part_and_no_others(resource: str, able: set[type]) -> None:
    source = source_of("http://127.0.0.1:1", systems())

    found = source.acting(Target("shop", resource))

    assert {ability for ability in ABILITIES if isinstance(found, ability)} == able
    await source.close()


async def test_whoever_acts_on_a_resource_can_mute_alarms_of_its_region() -> None:
    source = source_of("http://127.0.0.1:1", systems(), alerts=True)

    assert isinstance(source.acting(Target("shop", "api")), Snoozes)
    assert source.acting(Target("shop", "other")) is None
    await source.close()


@pytest.fixture
async def script() -> Scripted:
    """A service on api:3, of which 1 to 3 were deployed well, and api:4 not."""
    deployed = {
        deployment_arn(f"d{number}"): deployment(
            f"d{number}", "SUCCESSFUL" if number < 4 else "ROLLBACK_SUCCESSFUL", new=number, createdAt=at(number - 20)
        )
        for number in (1, 3, 4)
    }
    return Scripted(
        "ecs",
        DescribeServices={"services": [service({3: 2}, wanted=3)]},
        ListTaskDefinitions=listed(5, 4, 3, 2, 1, api_v2=9),
        ListServiceDeployments={"serviceDeployments": [{"serviceDeploymentArn": arn} for arn in deployed]},
        DescribeServiceDeployments={"serviceDeployments": list(deployed.values())},
        DescribeServiceRevisions=revisions,
        DescribeTaskDefinition=definition,
    )


@pytest.fixture
async def source(script: Scripted) -> AsyncIterator[AwsSource]:
    unscaled = Scripted("application-autoscaling", DescribeScalableTargets={"ScalableTargets": []})
    async with Hostile(script) as server, Hostile(unscaled) as scaling:
        found = source_of({"ecs": server.url, "application-autoscaling": scaling.url}, ecs_system("api"))
        yield found
        await found.close()


async def test_definitions_are_told_newest_first_and_one_before_was_deployed_well(source: AwsSource) -> None:
    acts = telling(source, SHOP_API)

    assert await acts.tell(SHOP_API, "revisions") == ("api:5", "api:4", "api:3", "api:2", "api:1")
    assert await acts.tell(SHOP_API, "serving") == ("api:3",)
    assert await acts.tell(SHOP_API, "previous") == ("api:1",)  # api:2 was registered, and never deployed
    with pytest.raises(QueryRefused, match="an ECS service has no backups"):
        await acts.tell(SHOP_API, "backups")


async def test_during_a_deployment_most_tasks_say_what_serves(source: AwsSource, script: Scripted) -> None:
    script.answers["DescribeServices"] = {"services": [service({4: 1, 3: 3}, wanted=4)]}
    acts = telling(source, SHOP_API)

    assert await acts.tell(SHOP_API, "serving") == ("api:3",)
    script.answers["DescribeServices"] = {"services": [service({4: 0}, wanted=4)]}
    assert await acts.tell(SHOP_API, "serving") == ("api:4",)


async def test_without_an_account_of_deployments_the_definition_before_counts(
    source: AwsSource, script: Scripted
) -> None:
    script.answers["ListServiceDeployments"] = {"serviceDeployments": []}
    acts = telling(source, SHOP_API)

    assert await acts.tell(SHOP_API, "previous") == ("api:2",)
    script.answers["DescribeServices"] = {"services": [service({1: 2}, wanted=1)]}
    assert await acts.tell(SHOP_API, "previous") == ()


async def test_tasks_that_come_and_go_change_nothing_of_what_is_prepared(source: AwsSource, script: Scripted) -> None:
    async def prepared() -> list[Prepared]:
        return [await source.prepare_restart(SHOP_API, TOKEN), await source.prepare_rollback(SHOP_API, "api:2", TOKEN)]

    script.answers["DescribeTaskDefinition"] = definition({"taskDefinition": f"{ARN}:task-definition/api:2"})
    first = await prepared()
    script.answers["DescribeServices"] = {"services": [service({3: 1}, wanted=3)]}

    assert await prepared() == first
    assert [one.reversal for one in first] == [None, Wish("roll_back", {"revision": "api:3"})]
    assert first[0].undo.startswith("there is nothing to put back")
    assert msgspec.json.decode(msgspec.json.encode(first), type=list[Prepared]) == first


async def test_a_number_of_tasks_is_set_again(source: AwsSource) -> None:
    prepared = await source.prepare_scale(SHOP_API, 4, 4, TOKEN)

    assert prepared == await source.prepare_scale(SHOP_API, 4, 4, TOKEN)
    assert prepared.reversal == Wish("scale", {"least": "2", "most": "2"})


@pytest.fixture
async def orders(moto: Moto) -> AsyncIterator[AwsSource]:
    moto.reset()
    client = aws_client(aws_config(moto.url))
    made = {
        "DBInstanceIdentifier": "orders", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres",
        "AllocatedStorage": 20, "MasterUsername": "root", "MasterUserPassword": "not-a-secret",
        "BackupRetentionPeriod": 7,
    }  # fmt: skip
    await client.call("rds", "CreateDBInstance", made)
    for name in ("first", "second"):
        params = {"DBInstanceIdentifier": "orders", "DBSnapshotIdentifier": name}
        await client.call("rds", "CreateDBSnapshot", params)
    found = source_of(moto.url, systems())
    yield found
    await found.close()
    await client.close()


async def test_snapshots_are_told_newest_first(orders: AwsSource) -> None:
    acts = telling(orders, ORDERS)

    told = await acts.tell(ORDERS, "backups")

    assert told[:2] == ("second", "first")
    with pytest.raises(QueryRefused, match="an RDS instance has no revisions"):
        await acts.tell(ORDERS, "revisions")


async def test_backups_and_restores_stay_the_same_and_say_how_they_are_undone(moto: Moto, orders: AwsSource) -> None:
    client = aws_client(aws_config(moto.url))
    (there,) = (await client.call("rds", "DescribeDBInstances"))["DBInstances"]
    moment = there["LatestRestorableTime"]
    await client.close()

    async def prepared() -> list[Prepared]:
        return [
            await orders.prepare_backup(ORDERS, "x", TOKEN),
            await orders.prepare_restore(ORDERS, "second", "orders-then", TOKEN),
            await orders.prepare_restore(ORDERS, moment, "orders-then", TOKEN),
        ]

    first = await prepared()

    assert await prepared() == first
    assert [(one.reversal, one.undo.partition(" ")[0]) for one in first] == [(None, "delete")] * 3


async def test_a_token_of_a_runbook_makes_names_that_rds_takes(orders: AwsSource) -> None:
    receipt = await orders.perform(await orders.prepare_backup(ORDERS, "x", TOKEN))

    assert re.fullmatch("orders-tuiops-[0-9a-f]{16}", receipt.operation)


async def test_ministack_tells_the_definitions_of_a_family(ministack: Ministack) -> None:
    account = Ecs(ministack.url)
    defined = [await account.define("told", tag) for tag in ("v1", "v2", "v3")]
    await account.create("told", defined[-1])
    source = source_of({"ecs": ministack.url}, ecs_system("told"))
    target = Target("shop", "told")
    acts = telling(source, target)

    told = [await acts.tell(target, of) for of in ("revisions", "serving", "previous")]

    assert told == [("told:3", "told:2", "told:1"), ("told:3",), ("told:2",)]
    await source.close()
    await account.close()
