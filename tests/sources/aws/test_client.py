"""Requests to AWS: what is sent, and what becomes of every kind of refusal and bad answer."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
import zlib
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.servers.ministack import KEYS, REGION
from tests.servers.processes import free_port
from tests.sources.aws.account import aws_client, aws_config
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile, Request
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.errors import (
    AccessDenied,
    BadAnswer,
    NotFound,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)

if TYPE_CHECKING:
    from tests.servers.moto import Moto
    from tuiops.sources.aws.client import AwsClient

SECRET = KEYS["AWS_SECRET_ACCESS_KEY"]


def client(url: str, clock: FakeClock | None = None, **settings: Any) -> AwsClient:
    return aws_client(aws_config(url, **{"timeout": Duration(5)} | settings), clock=clock or FakeClock(at(0)))


async def failure(answering: Any, operation: str = "ListClusters", **settings: Any) -> SourceError:
    """The error that one request ends with."""
    async with Hostile(answering) as server:
        aws = client(server.url, **settings)
        with pytest.raises(SourceError) as caught:
            await aws.call("ecs", operation)
        await aws.close()
    assert SECRET not in str(caught.value)
    return caught.value


def refusing(code: str, message: str = "", status: int = 400, **headers: str) -> Scripted:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses(code, message, status, **headers)

    return Scripted(ListClusters=refuse, UpdateService=refuse)


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


@pytest.mark.parametrize(
    ("code", "message", "kind", "said"),
    [
        (
            "ExpiredTokenException",
            "x",
            AccessDenied,
            "logged out: the AWS credentials have expired; run `aws sso login`",
        ),
        ("UnrecognizedClientException", "bad token", AccessDenied, "logged out: AWS does not know the credentials"),
        ("InvalidSignatureException", "no match", AccessDenied, "the AWS secret key does not belong to the access key"),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/ops is not authorized to perform: ecs:ListClusters on resource: *",
            AccessDenied,
            "the permission ecs:ListClusters is missing for arn:aws:iam::1:user/ops",
        ),
        ("AccessDeniedException", "no", AccessDenied, r"ecs forbids this \(AccessDeniedException\): no"),
        ("ThrottlingException", "Rate exceeded", RateLimited, r"ecs limit \(ThrottlingException\): Rate exceeded"),
        ("ClusterNotFoundException", "Cluster not found.", NotFound, r"ecs: Cluster not found \(ClusterNotFound"),
        ("SomethingNewException", "\x1b[2Jboo", QueryRefused, r"ecs: ␛\[2Jboo \(SomethingNewException\)"),
    ],
)
async def test_each_refusal_says_what_to_do(code: str, message: str, kind: type[SourceError], said: str) -> None:
    error = await failure(refusing(code, message))
    assert type(error) is kind or issubclass(type(error), kind)
    with pytest.raises(kind, match=said):
        raise error


async def test_a_server_that_fails_is_unreachable() -> None:
    error = await failure(refusing("ServerException", "oops", 500))
    assert isinstance(error, Unreachable)
    assert "failed (500, ServerException): oops" in str(error)


@pytest.mark.parametrize(("minutes", "how"), [(-11, "11m ahead of"), (11, "11m behind")])
@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed", "SignatureDoesNotMatch"])
async def test_a_clock_that_is_wrong_is_named_with_the_difference(code: str, minutes: int, how: str) -> None:
    date = format_datetime(at(minutes), usegmt=True)
    error = await failure(refusing(code, "Signature expired: 1 is now earlier than 2", Date=date))
    assert str(error) == f"this machine's clock is {how} AWS', which allows 5m: set it (timedatectl)"


async def test_a_clock_that_is_wrong_is_named_without_a_date_too() -> None:
    error = await failure(refusing("InvalidSignatureException", "Signature not yet current: 1 is still later than 2"))
    assert str(error).startswith("this machine's clock differs from AWS' by more than 5m")


async def test_throttling_keeps_everybody_from_asking_until_it_is_over() -> None:
    script = refusing("ThrottlingException", "Rate exceeded")
    clock = FakeClock(at(0))
    async with Hostile(script) as server:
        aws = client(server.url, clock)
        waits: list[float | None] = []
        for _ in range(50):
            with pytest.raises(RateLimited) as caught:
                await aws.call("ecs", "ListClusters")
            waits.append(caught.value.retry_after)
        notes = aws.quotas.notes()
        clock.advance(11)
        script.answers["ListClusters"] = {"clusterArns": []}
        later = await aws.call("ecs", "ListClusters")
        await aws.close()

    assert set(waits) == {10.0}
    assert notes == ("ecs limit 10s",)
    assert later == {"clusterArns": []}
    assert script.count("ListClusters") == 2


async def test_keys_that_expire_are_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody logs in while the console runs: the request that was refused is the last to notice."""
    script = Scripted()
    seen: list[str] = []

    async def handler(request: Request) -> None:
        seen.append(request.header("authorization").partition("Credential=")[2].partition("/")[0])
        if seen[-1] == KEYS["AWS_ACCESS_KEY_ID"]:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIARENEWED")
            script.answers["ListClusters"] = _expired
        else:
            script.answers["ListClusters"] = {"clusterArns": ["c"]}
        await script(request)

    async with Hostile(handler) as server:
        aws = client(server.url)
        found = await aws.pages("ecs", "ListClusters", {}, result="clusterArns")
        await aws.close()

    assert found.items == ("c",)
    assert seen == [KEYS["AWS_ACCESS_KEY_ID"], "AKIARENEWED"]


def _expired(_: dict[str, Any]) -> dict[str, Any]:
    raise Refuses("ExpiredTokenException", "The security token included in the request is expired")


async def test_keys_that_stay_expired_are_not_tried_twice() -> None:
    script = Scripted(ListClusters=_expired)
    async with Hostile(script) as server:
        aws = client(server.url)
        with pytest.raises(AccessDenied, match="logged out: the AWS credentials have expired"):
            await aws.call("ecs", "ListClusters")
        await aws.close()
    assert script.count("ListClusters") == 1


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


def _message(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of AWS' event streams, written after its specification."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + head + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def _event(kind: str, body: object) -> bytes:
    return _message({":message-type": "event", ":event-type": kind}, json.dumps(body).encode())


async def _streamed(*parts: bytes) -> tuple[list[tuple[str, dict[str, Any]]], SourceError | None]:
    """The events of a stream that consists of these parts, and what it ended with."""

    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n")
        await request.write(b"connection: close\r\n\r\n")
        for part in parts:
            await request.write(part)
        request.writer.close()

    found: list[tuple[str, dict[str, Any]]] = []
    ended: SourceError | None = None
    async with Hostile(handler) as server:
        aws = client(server.url)
        params = {"logGroupIdentifiers": ["arn:aws:logs:us-east-1:000000000000:log-group:g"]}
        try:
            async with aws.events("logs", "StartLiveTail", params) as events:
                found = [event async for event in events]
        except SourceError as error:
            ended = error
        await aws.close()
    return found, ended


async def test_streams_of_events_are_read_as_they_come() -> None:
    update = {"sessionMetadata": {"sampled": True}, "sessionResults": [{"message": "héllo", "timestamp": 1}]}
    whole = (
        _event("initial-response", {}) + _event("sessionStart", {"sessionId": "s"}) + _event("sessionUpdate", update)
    )

    found, ended = await _streamed(*(whole[start : start + 7] for start in range(0, len(whole), 7)))

    assert ended is None
    assert found == [("sessionStart", {"sessionId": "s"}), ("sessionUpdate", update)]


async def test_a_stream_ends_with_what_aws_says() -> None:
    headers = {":message-type": "exception", ":exception-type": "SessionTimeoutException"}
    found, ended = await _streamed(_event("sessionStart", {}), _message(headers, b'{"message": "3 hours are over"}'))

    assert len(found) == 0 or found[0][0] == "sessionStart"
    assert str(ended) == "logs: 3 hours are over (SessionTimeoutException)"


async def test_a_broken_stream_is_a_bad_answer() -> None:
    _, ended = await _streamed(b"\x00" * 64)
    assert isinstance(ended, BadAnswer)
    assert "broke its stream of events" in str(ended)


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
    except Exception as error:
        print(type(error).__name__, error)
    try:
        await aws.log_in()
    except Exception as error:
        print(type(error).__name__, error)
asyncio.run(main())
"""
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert out == "SourceError AWS needs botocore, which is not installed; pip install 'tuiops[aws]'\n" * 2
