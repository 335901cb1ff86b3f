"""Consoles with engines at work, on ledgers of both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ledger.conftest import home, postgresql
from tests.ledger.homes import FileHome
from tests.runbooks.engine.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.ledger.homes import Home

__all__ = ["home", "postgresql"]


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Consoles beside each other on one SQLite file."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    made = Stage(tmp_path, FileHome(tmp_path))
    yield made
    await made.close()


@pytest.fixture
async def shared(tmp_path: Path, home: Home) -> AsyncIterator[Stage]:
    """The same on either database."""
    made = Stage(tmp_path, home)
    yield made
    await made.close()
