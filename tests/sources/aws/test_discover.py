"""A look around an AWS account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.aws.account import aws_client, aws_config
from tests.sources.hostile import Hostile, Request
from tuiops.config.advice import query_faults
from tuiops.config.draft import Draft
from tuiops.config.load import load
from tuiops.config.proposal import lines
from tuiops.config.resources import EcsResource
from tuiops.errors import SourceError
from tuiops.sources.aws import discover as discovery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.moto import Moto
    from tuiops.config.model import Config
    from tuiops.config.proposal import Proposal


async def look(url: str, **settings: Any) -> Proposal:
    config = aws_config(url, **settings)
    client = aws_client(config)
    try:
        return await discovery.discover(client, config, {"profile": "ops"}, ("aws", "shop"))
    finally:
        await client.close()


def loaded(folder: Path, proposal: Proposal) -> Config:
    file = folder / "proposed.toml"
    file.write_text("\n".join(lines(proposal)), encoding="utf-8")
    return load(file, environ={}, inspections=[query_faults]).config


async def fill(url: str) -> None:
    """What somebody has built in the account."""
    client = aws_client(aws_config(url))
    try:
        await client.call("ecs", "CreateCluster", {"clusterName": "prod"})
        container = {"name": "app", "image": "registry.example/app:1", "memory": 64}
        await client.call("ecs", "RegisterTaskDefinition", {"family": "app", "containerDefinitions": [container]})
        for name in ("api", "Worker_1"):
            params = {"cluster": "prod", "serviceName": name, "taskDefinition": "app", "desiredCount": 1}
            await client.call("ecs", "CreateService", params)
        for name, days in (("main", 7), ("scratch", 0)):
            database = {
                "DBInstanceIdentifier": name, "DBInstanceClass": "db.t3.micro", "Engine": "postgres",
                "AllocatedStorage": 20, "MasterUsername": "admin1", "MasterUserPassword": "not-a-secret",
                "BackupRetentionPeriod": days,
            }  # fmt: skip
            await client.call("rds", "CreateDBInstance", database)
        cache = {"CacheClusterId": "sessions", "Engine": "redis", "CacheNodeType": "cache.t3.micro", "NumCacheNodes": 1}
        await client.call("elasticache", "CreateCacheCluster", cache)
        alarm = {
            "AlarmName": "cpu-high", "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Statistic": "Average",
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold",
        }  # fmt: skip
        await client.call("cloudwatch", "PutMetricAlarm", alarm)
        await client.call("logs", "CreateLogGroup", {"logGroupName": "/ecs/prod/api"})
    finally:
        await client.close()


async def test_everything_in_an_account_is_proposed(moto: Moto, tmp_path: Path) -> None:
    moto.reset()
    await fill(moto.url)

    proposal = await look(moto.url)

    assert proposal.warnings == ()
    config = loaded(tmp_path, proposal)
    system = config.systems["shop"]
    assert {name: service.match for name, service in system.services.items()} == {
        "api": None, "worker_1": "Worker_1", "main": None, "scratch": None, "sessions": None,
    }  # fmt: skip
    api = system.resources["api"]
    assert isinstance(api, EcsResource)
    assert (api.cluster, api.service) == ("prod", "api")
    table = tomli.loads("\n".join(lines(proposal)))
    assert table["credentials"] == {"aws": {"type": "aws", "profile": "ops"}}
    parts = table["systems"]["shop"]
    assert ("backup" in parts["resources"]["main"], "backup" in parts["resources"]["scratch"]) == (True, False)
    assert parts["resources"]["sessions"]["kind"] == "elasticache"
    assert parts["indicators"]["prod-cpu"]["services"] == ["worker_1", "api"]
    assert set(parts["indicators"]) == {"prod-cpu", "prod-mem", "main-cpu", "scratch-cpu"}
    assert parts["logs"]["ecs-prod-api"]["groups"] == ["/ecs/prod/api"]
    assert "all 1 alarms of CloudWatch: cpu-high" in next(
        entry.why for entry in proposal.entries if entry.table == ("sources", "aws")
    )


async def test_an_empty_account_is_no_proposal(moto: Moto) -> None:
    moto.reset()
    proposal = await look(moto.url)
    assert (proposal.entries, proposal.warnings) == ((), ())


async def test_what_refuses_is_named_and_the_rest_is_proposed(moto: Moto, tmp_path: Path) -> None:
    moto.reset()
    await fill(moto.url)

    async def refuse(request: Request) -> None:
        await request.answer(b'{"__type": "AccessDeniedException", "message": "no\\u001b[31m"}', "400 Bad Request")

    async with Hostile(refuse) as closed:
        endpoints = dict.fromkeys(("cloudwatch", "ecs", "elasticache", "logs", "rds"), moto.url)
        config = aws_config(endpoints | {"logs": closed.url})
        client = aws_client(config)
        try:
            proposal = await discovery.discover(client, config, {}, ("aws", "shop"))
        finally:
            await client.close()

    [warning] = proposal.warnings
    assert warning.startswith("log groups: ")
    assert "\x1b" not in warning
    assert loaded(tmp_path, proposal).systems["shop"].logs == {}


async def test_an_account_that_answers_nothing_is_an_error() -> None:
    with pytest.raises(SourceError):
        await look("http://127.0.0.1:9")


NAMES = st.text(max_size=12) | st.sampled_from(
    ["", "a b", "a.b", '"', "x\u202e", "\x1b[2J", "A", "a", "日本", "x" * 600]
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, max_size=6), word=NAMES)
def test_whatever_names_there_are_the_proposal_loads(tmp_path: Path, names: list[str], word: str) -> None:
    draft = Draft("aws", "shop")
    finder = discovery._Finder(aws_config(""), {}, draft)
    finder.ecs([(word if number % 2 else "prod", name) for number, name in enumerate(names)])
    finder.rds([{"DBInstanceIdentifier": name, "Engine": word, "BackupRetentionPeriod": 1} for name in names])
    finder.elasticache([{"ReplicationGroupId": name} for name in names], [{"CacheClusterId": word}])
    finder.alarms([{"AlarmName": name} for name in names])
    finder.logs([{"logGroupName": name} for name in names])
    loaded(tmp_path, draft.proposal())


def test_only_some_log_groups_are_proposed(tmp_path: Path) -> None:
    draft = Draft("aws", "shop")
    finder = discovery._Finder(aws_config(""), {}, draft)
    finder.alarms([])
    finder.logs([{"logGroupName": f"/app/{number}"} for number in range(80)])
    proposal = draft.proposal()
    assert len(loaded(tmp_path, proposal).systems["shop"].logs) == discovery.MOST_LOGS
    assert proposal.warnings == ("log groups: only 50 of 80 are proposed",)
