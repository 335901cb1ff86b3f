"""One request to AWS, answered as a test says, and the error that it ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.ministack import KEYS
from tests.sources.aws.account import aws_client, aws_config
from tests.sources.aws.scripted import Refuses, Scripted, at
from tests.sources.hostile import Hostile
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.errors import SourceError

if TYPE_CHECKING:
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
    """ECS that answers one read and one write with this error."""

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refuses(code, message, status, **headers)

    return Scripted(ListClusters=refuse, UpdateService=refuse)
