"""What becomes of work that an abort overtakes."""

from __future__ import annotations

import asyncio

import pytest

from tests.waiting import eventually
from tuiops.runbooks.engine.step import or_aborted


class Work:
    """Something that takes a while to end when it is cancelled, such as the look of a gate at a bastion."""

    def __init__(self) -> None:
        self.cancelled = False
        self.released = asyncio.Event()
        self.over = False

    async def __call__(self) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            await self.released.wait()
            self.over = True
            raise
        return "done"


async def test_nothing_of_it_goes_on_when_the_run_does() -> None:
    abort, work = asyncio.Event(), Work()
    waiting = asyncio.create_task(or_aborted(work(), abort))
    abort.set()
    await eventually(lambda: work.cancelled, "the end of the work is asked for")
    assert not waiting.done()
    work.released.set()

    assert await waiting is None
    assert work.over


async def test_what_is_done_counts_although_the_run_is_aborted() -> None:
    abort = asyncio.Event()
    abort.set()

    async def done() -> str:
        return "done"

    assert await or_aborted(done(), abort) == "done"


async def test_what_fails_says_so() -> None:
    async def fails() -> str:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        await or_aborted(fails(), asyncio.Event())
