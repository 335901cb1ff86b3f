"""Requests to AWS: what is sent, in which protocol, how pages are followed, and what is no answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers.ministack import KEYS, REGION
from tests.servers.ports import free_port
from tests.sources.aws.calls import SECRET, client, failure
from tests.sources.aws.scripted import Refuses, Scripted
from tests.sources.hostile import Hostile, Request
from tuiops.config.values import Duration
from tuiops.errors import BadAnswer, NotFound, QueryRefused, TimedOut, Unreachable

if TYPE_CHECKING:
    from tests.servers.moto import Moto


async def test_requests_are_signed_as_aws_checks_them() -> None:
    """The signature is computed again from what arrived."""

    async def check(request: Request) -> None:
        given = request.header("authorization")
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"host", "x-amz-date", "x-amz-target", "x-amz-security-token", "content-type"} <= set(names)
        headers = {name: request.header(name) for name in names}
        again = AWSRequest("POST", f"http://{request.header('host')}/", headers=headers, data=request.body.encode())
        again.context["timestamp"] = request.header("x-amz-date")
        signer = SigV4Auth(Credentials(KEYS["AWS_ACCESS_KEY_ID"], SECRET, "session"), "ecs", REGION)
        expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
        right = given.endswith(f"Signature={expected}")
        await request.answer(json.dumps({"clusterArns": ["right" if right else "wrong"]}).encode())

    async with Hostile(check) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_SESSION_TOKEN", "session")
            aws = client(server.url)
            assert (await aws.pages("ecs", "ListClusters", {}, result="clusterArns")).items == ("right",)
            assert aws.requests == 1
            await aws.close()


async def test_every_protocol_in_use_is_spoken(moto: Moto) -> None:
    moto.reset()
    aws = client(moto.url, clock=None)
    await aws.call("ecs", "CreateCluster", {"clusterName": "c"})
    await aws.call("rds", "CreateDBInstance", _database("one"))
    await aws.call("cloudwatch", "PutMetricData", _metric())

    clusters = await aws.call("ecs", "DescribeClusters", {"clusters": ["c"]})
    databases = await aws.pages("rds", "DescribeDBInstances", {}, result="DBInstances", kind=_Database)
    metrics = await aws.pages("cloudwatch", "ListMetrics", {}, result="Metrics", kind=dict)
    groups = await aws.call("elasticache", "DescribeReplicationGroups")
    logs = await aws.call("logs", "DescribeLogGroups")

    assert clusters["clusters"][0]["clusterName"] == "c"
    assert [found.identifier for found in databases.items] == ["one"]
    assert metrics.items[0]["MetricName"] == "requests"
    assert groups == {"ReplicationGroups": []}
    assert logs == {"logGroups": []}
    with pytest.raises(NotFound, match=r"rds: DBInstance two not found \(DBInstanceNotFound\)"):
        await aws.call("rds", "DescribeDBInstances", {"DBInstanceIdentifier": "two"})
    await aws.close()


class _Target(msgspec.Struct):
    name: str = msgspec.field(name="ResourceId")
    role: str = msgspec.field(name="RoleARN", default="")


class _Database(msgspec.Struct):
    identifier: str = msgspec.field(name="DBInstanceIdentifier")


def _database(name: str) -> dict[str, object]:
    return {"DBInstanceIdentifier": name, "DBInstanceClass": "db.t3.micro", "Engine": "postgres"}


def _metric() -> dict[str, object]:
    return {"Namespace": "shop", "MetricData": [{"MetricName": "requests", "Value": 1.0}]}


async def test_parameters_that_the_model_does_not_allow_are_not_sent() -> None:
    async with Hostile(Scripted()) as server:
        aws = client(server.url)
        with pytest.raises(QueryRefused, match="ecs DescribeServices: Parameter validation failed"):
            await aws.call("ecs", "DescribeServices", {"services": "not-a-list"})
        await aws.close()
    assert not server.requests


async def test_pages_are_read_to_the_end_and_up_to_a_number() -> None:
    def page(params: dict[str, Any]) -> dict[str, Any]:
        number = int(params.get("nextToken", "0"))
        more = {"nextToken": str(number + 1)} if number < 4 else {}
        return {"clusterArns": [f"c{number}a", f"c{number}b"], **more}

    script = Scripted(ListClusters=page)
    async with Hostile(script) as server:
        aws = client(server.url)
        whole = await aws.pages("ecs", "ListClusters", {"maxResults": 2}, result="clusterArns")
        part = await aws.pages("ecs", "ListClusters", {"maxResults": 2}, result="clusterArns", most=3)
        await aws.close()

    assert len(whole.items) == 10
    assert not whole.truncated
    assert whole.warnings(SERVICES) == ()
    assert part.items == ("c0a", "c0b", "c1a")
    assert part.warnings(SERVICES) == ("clusters: only the first 3 were read; raise max_items",)


async def test_members_that_are_null_count_as_left_out_in_pages_too() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b'{"ScalableTargets": [{"ResourceId": "one", "RoleARN": null}], "NextToken": null}')

    async with Hostile(handler) as server:
        aws = client(server.url)
        found = await aws.pages(
            "application-autoscaling",
            "DescribeScalableTargets",
            {"ServiceNamespace": "ecs"},
            result="ScalableTargets",
            kind=_Target,
        )
        await aws.close()

    assert found.items == (_Target("one", ""),)
    assert not found.truncated


SERVICES: Any = "clusters"


async def test_a_page_that_names_itself_as_the_next_one_ends_the_reading() -> None:
    script = Scripted(ListClusters={"clusterArns": ["a"], "nextToken": "again"})
    async with Hostile(script) as server:
        aws = client(server.url)
        with pytest.raises(BadAnswer, match="ListClusters names a page twice"):
            await aws.pages("ecs", "ListClusters", {}, result="clusterArns")
        await aws.close()
    assert script.count("ListClusters") == 2


async def test_a_page_token_that_was_cut_off_is_a_refusal_not_a_short_list() -> None:
    def page(params: dict[str, Any]) -> dict[str, Any]:
        if "nextToken" in params:
            raise Refuses("InvalidParameterException", "Invalid token")
        return {"clusterArns": ["a"], "nextToken": "abc"}

    async with Hostile(Scripted(ListClusters=page)) as server:
        aws = client(server.url)
        with pytest.raises(QueryRefused, match=r"ecs: Invalid token \(InvalidParameterException\)"):
            await aws.pages("ecs", "ListClusters", {}, result="clusterArns")
        await aws.close()


class _Cluster(msgspec.Struct, rename="camel"):
    cluster_name: str = "none"
    running_tasks_count: int = 0


class _Clusters(msgspec.Struct):
    clusters: list[_Cluster]


async def test_members_that_are_null_or_new_break_nothing() -> None:
    async def odd(request: Request) -> None:
        await request.answer(b'{"clusters":[{"clusterName":null,"runningTasksCount":2,"mood":{"x":[1]}}],"new":1}')

    async with Hostile(odd) as server:
        aws = client(server.url)
        (cluster,) = (await aws.call("ecs", "DescribeClusters", kind=_Clusters)).clusters
        await aws.close()
    assert (cluster.cluster_name, cluster.running_tasks_count) == ("none", 2)


async def test_what_changes_something_leaves_this_machine_once() -> None:
    cut: list[str] = []

    async def handler(request: Request) -> None:
        operation = request.header("x-amz-target").rpartition(".")[2]
        cut.append(operation)
        if operation == "UpdateService" or cut.count(operation) == 2:
            request.writer.close()
        else:
            await request.answer(b'{"clusterArns": []}')

    async with Hostile(handler) as server:
        aws = client(server.url)
        await aws.call("ecs", "ListClusters")
        with pytest.raises(Unreachable):
            await aws.call("ecs", "UpdateService", {"service": "a"})
        await aws.call("ecs", "ListClusters")
        await aws.close()
    assert cut.count("UpdateService") == 1
    assert cut.count("ListClusters") == 3  # one was cut off, and reading may be repeated


@pytest.mark.parametrize(
    ("service", "operation", "body", "said"),
    [
        ("ecs", "ListClusters", b"<html>Sign in</html>", "sent what is no answer to ListClusters"),
        ("ecs", "ListClusters", b"[1, 2", "sent what is no answer to ListClusters"),
        ("ecs", "ListClusters", b'"text"', "sent what is no answer to ListClusters"),
        ("rds", "DescribeDBInstances", b"<html>Sign in</html>", "sent what is no answer to DescribeDBInstances"),
        ("rds", "DescribeDBInstances", b"<DescribeDBInst", "sent what is no answer to DescribeDBInstances"),
    ],
)
async def test_what_is_no_answer_is_not_taken_for_an_empty_one(
    service: str, operation: str, body: bytes, said: str
) -> None:
    async def handler(request: Request) -> None:
        await request.answer(body)

    async with Hostile(handler) as server:
        aws = client(server.url)
        with pytest.raises(BadAnswer, match=said):
            await aws.call(service, operation)
        await aws.close()


async def test_an_operation_without_an_answer_is_done(moto: Moto) -> None:
    moto.reset()
    aws = client(moto.url)
    assert await aws.call("logs", "CreateLogGroup", {"logGroupName": "g"}) == {}
    assert len((await aws.call("logs", "DescribeLogGroups"))["logGroups"]) == 1
    await aws.close()


async def test_a_page_of_a_proxy_is_told_by_its_status() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"<html><h1>Bad gateway</h1></html>", "502 Bad Gateway")

    error = await failure(handler)
    assert isinstance(error, Unreachable)
    assert "(502)" in str(error)


async def test_a_region_that_does_not_answer_ends_at_the_deadline() -> None:
    async def silent(request: Request) -> None:
        await asyncio.Event().wait()

    error = await failure(silent, timeout=Duration(0.3))
    assert isinstance(error, TimedOut)


async def test_a_region_that_is_not_there_is_unreachable() -> None:
    aws = client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable, match="refused the connection"):
        await aws.call("ecs", "ListClusters")
    await aws.close()


def test_addresses_are_those_of_the_region() -> None:
    """Partitions of their own included; nothing is asked for it."""
    program = """
from tuiops.sources.aws.wire import Wires
for region in ("ap-northeast-1", "cn-north-1", "us-gov-west-1"):
    for service in ("ecs", "cloudwatch", "logs", "rds", "elasticache", "application-autoscaling"):
        wire = Wires(region).load(service)
        print(wire.url, wire.signing_name, wire.signing_region)
"""
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split("\n")
    assert out[:6] == [
        "https://ecs.ap-northeast-1.amazonaws.com ecs ap-northeast-1",
        "https://monitoring.ap-northeast-1.amazonaws.com monitoring ap-northeast-1",
        "https://logs.ap-northeast-1.amazonaws.com logs ap-northeast-1",
        "https://rds.ap-northeast-1.amazonaws.com rds ap-northeast-1",
        "https://elasticache.ap-northeast-1.amazonaws.com elasticache ap-northeast-1",
        "https://application-autoscaling.ap-northeast-1.amazonaws.com application-autoscaling ap-northeast-1",
    ]
    assert out[6].startswith("https://ecs.cn-north-1.amazonaws.com.cn ")
    assert out[12].startswith("https://ecs.us-gov-west-1.amazonaws.com ")


def test_a_source_that_is_only_made_imports_nothing_heavy() -> None:
    """Nothing of it is needed before the first frame."""
    program = """
import sys
from tests.sources.aws.account import ecs_system, source_of
source_of("http://127.0.0.1:1", ecs_system("api"), alerts=True)
print(sorted({"botocore", "httpx", "urllib3"} & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert out == "[]\n"


def test_without_botocore_the_remedy_is_named() -> None:
    program = """
import asyncio, sys
sys.modules["botocore"] = None
from tests.sources.aws.account import aws_client, aws_config
async def main():
    aws = aws_client(aws_config("http://127.0.0.1:1"))
    try:
        await aws.call("ecs", "ListClusters")
    except Exception as error:  # whatever it is, it is compared with what it should be
        print(type(error).__name__, error)
    try:
        await aws.log_in()
    except Exception as error:  # whatever it is, it is compared with what it should be
        print(type(error).__name__, error)
asyncio.run(main())
"""
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert out == "SourceError AWS needs botocore, which is not installed; pip install 'tuiops[aws]'\n" * 2
