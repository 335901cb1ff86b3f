"""What the tests of AWS share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sources.aws.account import only_keys_of_the_test

if TYPE_CHECKING:
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
