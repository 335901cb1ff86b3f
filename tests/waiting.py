"""Waiting for what a process, a thread or another task brings about, and saying what never came."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE = 30.0
"""Seconds: far more than anything takes, however busy the machine. Only a failure waits so long."""
_POLL_SECONDS = 0.02
_TURNS = 200
"""Of the loop: enough for any answer that has been sent on loopback to reach the one who asked."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Ask until it is true. AssertionError, naming `what`, when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(_POLL_SECONDS)


async def eventually(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """`wait_until` that lets the loop run meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(_POLL_SECONDS)


async def eventually_answers(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = PATIENCE) -> None:
    """`eventually` for a condition that has to ask somebody, whose silence counts too."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            while not await condition():  # noqa: ASYNC110 - what is asked sets no event
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        assert not limit.expired(), f"not within {seconds:g} s: {what}"
        raise error from None


async def let_pass(seconds: float) -> None:
    """Let deadlines of the running loop that lie so far ahead run out, once all that was answered has been read.

    Whoever waits for an answer that never comes is kept waiting without anybody's time being spent, and whoever has
    an answer does not miss a deadline because the machine is busy.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign] # each test has a loop of its own
