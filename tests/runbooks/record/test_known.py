"""What a console that only looks on believes of other consoles' runs: never that one was left that was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ledger.homes import FileHome, opened
from tests.runbooks.records import KIM, RUN, begun, claimed, entries, intended, plan, step
from tuiops.core.record import RunEnded, StepEnded
from tuiops.core.runs import RunState, StepState
from tuiops.core.text import lit
from tuiops.ledger.holders import this_process
from tuiops.runbooks.record.known import Known

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.core.record import Entry
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
        self.known = Known(self.ledger, "s-2", (), lambda _: None, lambda _: None)
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
