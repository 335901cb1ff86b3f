"""What tests of sources share."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Without the collector of cycles, which closes what was forgotten."""
    gc.disable()
    yield
    gc.enable()
