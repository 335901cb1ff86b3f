"""Command lines in processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.processes import Commands
from tests.cli.shop import Shop
from tests.runbooks.engine.stage import step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """Whatever begins processes; imports are done once for all of them."""
    made = Commands()
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path, commands: Commands) -> Iterator[Shop]:
    """A shop whose runbook adds `one` and `two`, each with its undo."""
    made = Shop(tmp_path, commands)
    made.write(*(step(word, made.add % word, undo=made.add % f"un{word}") for word in ("one", "two")))
    yield made
    made.close()
