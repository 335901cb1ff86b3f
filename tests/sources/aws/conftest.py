"""What the tests of AWS share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sources.aws.account import Ecs, only_keys_of_the_test
from tests.sources.aws.deployments import Stage
from tests.sources.aws.scripted import Scripted
from tests.sources.hostile import Hostile
from tuiops.sources.aws.ecs import reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers.fixtures import Servers
    from tests.servers.ministack import Ministack
    from tests.servers.moto import Moto


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    only_keys_of_the_test(monkeypatch)


@pytest.fixture(scope="module")
def ministack(module_servers: Servers) -> Ministack:
    """One for all tests of a module: each deploys services of its own."""
    return module_servers.ministack()


@pytest.fixture(scope="module")
def moto(module_servers: Servers) -> Moto:
    """One for all tests of a module, empty for each."""
    return module_servers.moto()


@pytest.fixture
async def ecs(ministack: Ministack) -> AsyncIterator[Ecs]:
    """Somebody else who is at work in ECS."""
    account = Ecs(ministack.url)
    yield account
    await account.close()


@pytest.fixture
def always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of ECS is not kept for the next read: a test polls faster than people do."""
    monkeypatch.setattr(reader, "FRESH", 0.0)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """An account with one service, which a test shows as it likes."""
    script = Scripted()
    async with Hostile(script) as server:
        account = Stage(script, server.url)
        yield account
        await account.source.close()
