"""What the tests of screens share."""

from __future__ import annotations

import asyncio
import signal
from copy import copy
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.ui.still import StillBackend, still
from tuiops.core.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 60
"""Seconds that a test of the user interface may take on a busy machine."""


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


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """End a test whose app never comes to rest, where it hangs."""

    def too_long(_number: int, _frame: object) -> NoReturn:
        raise TimeoutError(f"not done after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
