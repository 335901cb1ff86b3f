"""What becomes of every kind of refusal by AWS, of a clock that is wrong, and of keys that expire."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Any

import pytest

from tests.servers.ministack import KEYS
from tests.sources.aws.calls import client, failure, refusing
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile, Request
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, NotFound, QueryRefused, RateLimited, SourceError, TimedOut, Unreachable


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
        ("RequestTimeout", "too slow", TimedOut, r"ecs: too slow \(RequestTimeout\)"),
        ("RequestTimeoutException", "too slow", TimedOut, r"ecs: too slow \(RequestTimeoutException\)"),
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
