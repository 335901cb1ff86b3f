"""How caches stand: from Moto and MiniStack where they can, from a script where they cannot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.aws.account import aws_client, aws_config, source_of
from tests.sources.aws.scripted import Refuses, at
from tests.sources.aws.scripted_query import ScriptedQuery
from tests.sources.hostile import Hostile
from tuiops.config.resources import ElastiCacheResource
from tuiops.config.systems import Service, System
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto
    from tuiops.core.health import Reading
    from tuiops.sources.aws.source import AwsSource


def system(*names: str) -> dict[str, System]:
    resources = {name: ElastiCacheResource(source="aws", service="cache", name=name) for name in names}
    return {"shop": System(services={"cache": Service()}, resources=dict(resources))}


def shard(number: int, *roles: str, status: str = "available") -> dict[str, Any]:
    members = [{"CacheClusterId": f"sessions-00{n}", "CurrentRole": role} for n, role in enumerate(roles, 1)]
    return {"NodeGroupId": f"000{number}", "Status": status, "NodeGroupMembers": members}


def group(*shards: dict[str, Any], status: str = "available", failover: str = "enabled") -> dict[str, Any]:
    return {
        "ReplicationGroupId": "sessions",
        "Status": status,
        "AutomaticFailover": failover,
        "NodeGroups": list(shards),
    }


@asynccontextmanager
async def scripted(*names: str, **answers: Any) -> AsyncIterator[tuple[AwsSource, ScriptedQuery]]:
    script = ScriptedQuery("elasticache", **answers)
    async with Hostile(script) as server:
        source = source_of({"elasticache": server.url}, system(*(names or ("sessions",))), FakeClock(at(0)))
        try:
            yield source, script
        finally:
            await source.close()


async def one(source: AwsSource) -> Reading:
    (found,) = (await source.read_health()).readings
    return found


@pytest.mark.parametrize(
    ("described", "value", "note"),
    [
        (group(shard(1, "primary", "replica")), 0.0, ""),
        (group(shard(1, "primary"), failover="disabled"), 0.0, ""),
        (group(shard(1, "primary", "replica"), failover="disabled"), 0.0, "automatic failover disabled"),
        (group(shard(1, "primary"), status="snapshotting"), 0.0, "snapshotting"),
        (group(shard(1, "primary"), shard(2, "primary", status="modifying")), 1.0, "shard 0002 is modifying"),
        (group(shard(1, "replica", "replica")), 2.0, "shard 0001 has no primary"),
        (group(shard(1), shard(2)), 0.0, ""),
        (group(status="create-failed"), 2.0, "create-failed"),
    ],
)
async def test_a_replication_group_stands_as_its_worst_shard(
    described: dict[str, Any], value: float, note: str
) -> None:
    async with scripted(DescribeReplicationGroups={"ReplicationGroups": [described]}) as (source, script):
        found = await one(source)

    assert (found.value, found.note) == (value, note)
    assert script.count("DescribeCacheClusters") == 0


async def test_a_cluster_of_its_own_is_found_too() -> None:
    nodes = [
        {"CacheNodeId": "0001", "CacheNodeStatus": "available"},
        {"CacheNodeId": "0002", "CacheNodeStatus": "gone"},
    ]
    cluster = {"CacheClusterId": "pages", "CacheClusterStatus": "available", "CacheNodes": nodes}
    answers: dict[str, Any] = {
        "DescribeReplicationGroups": {"ReplicationGroups": [group(shard(1, "primary"))]},
        "DescribeCacheClusters": {"CacheClusters": [cluster]},
    }
    async with scripted("sessions", "pages", "gone", **answers) as (source, _):
        sessions, pages, gone = (await source.read_health()).readings

    assert sessions.value == 0.0
    assert (pages.value, pages.note) == (1.0, "1 of 2 nodes are not available")
    assert gone.unknown == "there is no replication group or cluster gone"


async def test_a_state_that_is_not_known_is_unknown() -> None:
    described = {"ReplicationGroups": [group(status="dreaming")]}
    async with scripted(DescribeReplicationGroups=described) as (source, _):
        found = await one(source)

    assert (found.value, found.unknown) == (None, "ElastiCache calls it dreaming, which is no known state")


async def test_a_failover_of_late_is_told_beside_the_state() -> None:
    events = [
        {"SourceIdentifier": "sessions-001", "Date": at(-8), "Message": "Failover to sessions-002 completed"},
        {"SourceIdentifier": "sessions", "Date": at(-2), "Message": "Snapshot succeeded"},
        {"SourceIdentifier": "sessionsother", "Date": at(-1), "Message": "failover of another one"},
    ]  # fmt: skip
    answers = {
        "DescribeReplicationGroups": {"ReplicationGroups": [group(shard(1, "primary"))]},
        "DescribeEvents": {"Events": events},
    }
    async with scripted(**answers) as (source, _):
        found = await one(source)

    assert (found.value, found.note) == (0.0, "8m ago: Failover to sessions-002 completed")


async def test_what_is_forbidden_takes_only_itself_along() -> None:
    def forbidden(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses("AccessDenied", "no", 403)

    answers: dict[str, Any] = {
        "DescribeReplicationGroups": {"ReplicationGroups": [group(shard(1, "primary"))]},
        "DescribeEvents": forbidden,
    }
    async with scripted(**answers) as (source, script):
        update = await source.read_health()
        script.answers["DescribeReplicationGroups"] = forbidden
        with pytest.raises(AccessDenied):
            await source.read_health()

    assert update.readings[0].value == 0.0
    assert len(update.warnings) == 1


@pytest.mark.parametrize("emulator", ["moto", "ministack"])
async def test_emulators_are_understood(emulator: str, request: pytest.FixtureRequest) -> None:
    server: Moto | Ministack = request.getfixturevalue(emulator)
    client = aws_client(aws_config(server.url))
    wanted = {
        "ReplicationGroupId": "sessions",
        "ReplicationGroupDescription": "of the shop",
        "Engine": "redis",
        "CacheNodeType": "cache.t4g.micro",
        "NumCacheClusters": 2,
        "AutomaticFailoverEnabled": True,
    }
    await client.call("elasticache", "CreateReplicationGroup", wanted)
    cluster = {"CacheClusterId": "pages", "Engine": "memcached", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1}
    await client.call("elasticache", "CreateCacheCluster", cluster)
    await client.close()
    source = source_of(server.url, system("sessions", "pages"))
    readings = (await source.read_health()).readings
    await source.close()

    assert [reading.value for reading in readings] == [0.0, 0.0], [reading.note for reading in readings]
