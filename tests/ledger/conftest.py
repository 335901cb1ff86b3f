"""Ledgers on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ledger.homes import FileHome, Home, ServerHome, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.ledger.processes import Child
    from tests.servers.fixtures import Servers
    from tests.servers.postgresql import Postgresql
    from tuiops.ledger.sql import SqlLedger


@pytest.fixture(scope="module")
def postgresql(module_servers: Servers) -> Postgresql:
    """One server for all tests of a module; each has a database of its own."""
    return module_servers.postgresql()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    if request.param == "sqlite":
        return FileHome(tmp_path)
    return ServerHome(tmp_path, request.getfixturevalue("postgresql"), monkeypatch)


@pytest.fixture
async def ledger(home: Home) -> AsyncIterator[SqlLedger]:
    ledger = opened(home)
    yield ledger
    await ledger.close()


@pytest.fixture
async def children() -> AsyncIterator[list[Child]]:
    """Whatever is put in here is ended with the test."""
    some: list[Child] = []
    yield some
    for child in some:
        await child.close()
