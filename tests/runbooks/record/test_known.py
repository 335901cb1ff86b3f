"""What a console that only looks on believes of other consoles' runs: never that one was left that was not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.ledger.homes import FileHome, opened
from tests.runbooks.records import KIM, RUN, begun, claimed, entries, intended, plan, step
from tests.waiting import eventually
from tuiops.core.record import RunEnded, StepEnded
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.ledger.holders import this_process
from tuiops.runbooks.record.known import Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tuiops.core.record import Entry
    from tuiops.core.text import SafeText
    from tuiops.ledger.base import Fence
    from tuiops.ledger.sql import SqlLedger

ONE = plan(step("one"))
CLAIMED = begun(ONE, intended("one"), claimed())
OVER = entries(
    StepEnded(step="one", state=StepState.SUCCEEDED.value, execution="run-1.1"),
    RunEnded(state=RunState.SUCCEEDED.value),
)


class Onlooker:
    """A console beside one that carries a run out; it takes in what the test lets it."""

    def __init__(self, folder: Path) -> None:
        self.ledger: SqlLedger = opened(FileHome(folder))
        self.said: list[SafeText] = []
        self.known = Known(self.ledger, "s-2", (), lambda _: None, self.said.append)
        self._read = 0

    async def hold(self) -> Fence:
        """Another console takes the run's lock."""
        holder = this_process(lit("kim's"), KIM.session)
        return await self.ledger.acquire("shop/api", holder, run=RUN, purpose=lit("run #42"), seconds=30)

    async def write(self, events: list[Entry]) -> None:
        await self.ledger.append(events)

    async def read(self) -> None:
        """Take in all that was written."""
        async for sealed in self.ledger.read(after=self._read):
            self.known.book.take(sealed)
            self._read = sealed.number

    def unsure(self) -> bool:
        return self.known.unsure

    def state(self) -> RunState:
        found = self.known.find(RUN)
        assert found is not None
        return found.view.state


async def test_a_run_that_began_after_the_locks_were_looked_at(tmp_path: Path) -> None:
    console = Onlooker(tmp_path)
    await console.known.look_at_locks()
    await console.hold()
    await console.write(CLAIMED)
    await console.read()

    assert console.state() is RunState.RUNNING
    assert console.unsure()
    await console.known.look_at_locks()
    assert console.state() is RunState.RUNNING
    assert not console.unsure()
    await console.ledger.close()


async def test_a_run_that_ended_before_the_locks_were_looked_at(tmp_path: Path) -> None:
    console = Onlooker(tmp_path)
    fence = await console.hold()
    await console.write(CLAIMED)
    await console.read()
    await console.known.look_at_locks()
    await console.write(OVER)
    await console.ledger.release(fence)

    await console.known.look_at_locks()

    assert console.state() is RunState.SUCCEEDED
    await console.ledger.close()


async def test_a_run_that_was_left(tmp_path: Path) -> None:
    console = Onlooker(tmp_path)
    fence = await console.hold()
    await console.write(CLAIMED)
    await console.read()
    await console.known.look_at_locks()
    await console.ledger.renew(fence, 0)

    await console.known.look_at_locks()

    assert console.state() is RunState.UNKNOWN
    assert not console.unsure()
    await console.ledger.close()


async def test_a_run_that_was_left_and_taken_up_again(tmp_path: Path) -> None:
    console = Onlooker(tmp_path)
    await console.write(begun(ONE, intended("one")))
    await console.read()
    await console.known.look_at_locks()
    assert console.state() is RunState.PAUSED

    await console.hold()
    await console.write(entries(intended("one", execution="run-1.2"), claimed("run-1.2")))
    await console.read()

    assert console.state() is RunState.RUNNING
    assert console.unsure()
    await console.ledger.close()


async def ends(console: Onlooker) -> None:
    await console.write(OVER)
    await console.read()


async def is_taken_up(console: Onlooker) -> None:
    await console.hold()
    await console.known.look_at_locks()


@pytest.mark.parametrize("comes", [ends, is_taken_up], ids=["over", "on another console"])
async def test_what_is_wrong_with_a_run_is_said_until_nobody_waits_for_it_here(
    tmp_path: Path, comes: Callable[[Onlooker], Awaitable[None]]
) -> None:
    console = Onlooker(tmp_path)
    await console.write(CLAIMED)
    await console.read()
    await console.known.look_at_locks()
    console.known.trouble("locks", lit("they cannot be read"))
    console.known.trouble(RUN, lit("run cut off"))
    showing = asyncio.create_task(console.known.publish(asyncio.sleep, lambda: None))
    await eventually(lambda: len(console.said) == 2, "what is wrong")

    await comes(console)
    console.known.changed()
    await eventually(lambda: console.said[-1] == "they cannot be read", "the rest of what is wrong")
    assert console.said[-2] == "they cannot be read; run cut off"
    console.known.trouble(RUN, lit("run cut off"))
    assert len(console.said) == 3, "what is of no account is not said at all"
    showing.cancel()
    await console.ledger.close()
