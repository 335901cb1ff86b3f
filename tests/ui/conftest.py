"""What the tests of screens share."""

from __future__ import annotations

import asyncio
from copy import copy

import pytest

from tests.ui.still import StillBackend, still
from tuiops.core.clock import FakeClock


@pytest.fixture(scope="session")
def fleet() -> StillBackend:
    """The simulated fleet at one moment; built once, not to be changed."""
    return asyncio.run(still())


@pytest.fixture
def backend(fleet: StillBackend) -> StillBackend:
    """The fleet for one test, which may change it."""
    own = copy(fleet)
    own.clock = FakeClock(fleet.clock.now())
    own.poked, own.asked = [], []
    own.forget_listeners()
    return own
