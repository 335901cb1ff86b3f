"""What is found once for all who ask, kept for its time, and never waited for without end."""

from __future__ import annotations

import asyncio
import gc
import threading
from datetime import UTC, datetime

import pytest

from tests.waiting import eventually_answers
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, TimedOut
from tuiops.sources import look_up
from tuiops.sources.look_up import AGAIN, Keep, LookUp

KEPT = 60.0
DENIED = AccessDenied("logged out: x")


class Desk:
    """Hands out numbers, one for each time that it is asked; shut, it keeps who asks waiting."""

    def __init__(self) -> None:
        self.clock = FakeClock(datetime(2026, 5, 1, 12, 0, tzinfo=UTC))
        self.asked = 0
        self.error: Exception | None = None
        self.begun = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def find(self) -> int:
        self.asked += 1
        mine = self.asked
        self.begun.set()
        assert self.open.wait(30)
        if self.error is not None:
            raise self.error
        return mine

    def look_up(self) -> LookUp[int]:
        """Each number is kept as long as it is high, and serves half as long again while the next one is found."""
        late = ("no number came", "the desk")
        return LookUp("desk", self.clock, self.find, lambda number: Keep(KEPT * number, 1.5 * KEPT * number), late)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_was_found_is_kept_as_long_as_it_says_itself(desk: Desk) -> None:
    numbers = desk.look_up()
    assert [await numbers.get(), await numbers.get()] == [1, 1]
    desk.clock.advance(1.5 * KEPT)
    assert await numbers.get() == 2
    desk.clock.advance(2 * KEPT - 1)
    assert await numbers.get() == 2
    assert desk.asked == 2
    numbers.close()


async def test_it_serves_while_the_next_one_is_looked_for(desk: Desk) -> None:
    numbers = desk.look_up()
    await numbers.get()
    desk.clock.advance(KEPT)
    desk.begun.clear()
    desk.open.clear()
    assert [await numbers.get(), await numbers.get()] == [1, 1]
    await asyncio.to_thread(desk.begun.wait, 30)
    assert desk.asked == 2
    desk.open.set()

    async def next_one() -> bool:
        return await numbers.get() == 2

    await eventually_answers(next_one, "the next number")
    numbers.close()


async def test_it_serves_while_the_next_one_cannot_be_had_but_no_longer(desk: Desk) -> None:
    numbers = desk.look_up()
    await numbers.get()
    desk.error = DENIED
    desk.clock.advance(KEPT)
    assert await numbers.get() == 1
    await asyncio.sleep(0)  # the look-up is in the thread's queue then, before what runs next
    await numbers.run(lambda: None)
    assert await numbers.get() == 1
    assert desk.asked == 2
    desk.clock.advance(KEPT / 2)
    with pytest.raises(AccessDenied):
        await numbers.get()
    numbers.close()


async def test_the_wall_clock_does_not_count(desk: Desk) -> None:
    numbers = desk.look_up()
    await numbers.get()
    desk.clock.jump_wall(86_400)
    assert await numbers.get() == 1
    numbers.close()


async def test_all_who_ask_meanwhile_share_one_look_up(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.open.clear()
    asking = [asyncio.create_task(numbers.get()) for _ in range(20)]
    await asyncio.to_thread(desk.begun.wait, 30)
    desk.open.set()
    assert set(await asyncio.gather(*asking)) == {1}
    numbers.close()


async def test_a_failure_stands_for_some_seconds(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.error = DENIED
    for _ in range(3):
        with pytest.raises(AccessDenied, match="logged out: x"):
            await numbers.get()
    assert desk.asked == 1
    desk.error = None
    desk.clock.advance(AGAIN)
    assert await numbers.get() == 2
    numbers.close()


async def test_a_failure_that_stands_does_not_grow_with_those_it_is_told_to(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.error = AccessDenied("logged out: x")
    depths = []
    for _ in range(4):
        with pytest.raises(AccessDenied) as denied:
            await numbers.get()
        depths.append(len(denied.traceback))
    numbers.close()

    assert depths[1] == depths[2] == depths[3]


async def test_a_failure_does_not_outlive_what_is_found_afterwards(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.error = DENIED
    with pytest.raises(AccessDenied):
        await numbers.get()
    desk.error = None
    desk.clock.advance(AGAIN)
    await numbers.get()
    assert numbers.drop(lambda _: True)
    assert await numbers.get() == 3
    numbers.close()


async def test_a_fault_of_the_program_does_not_stand(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.error = RuntimeError("a fault")
    with pytest.raises(RuntimeError):
        await numbers.get()
    desk.error = None
    assert await numbers.get() == 2
    numbers.close()


async def test_only_what_is_unfit_is_dropped(desk: Desk) -> None:
    numbers = desk.look_up()
    assert not numbers.drop(lambda _: True)
    await numbers.get()
    assert not numbers.drop(lambda number: number == 7)
    assert await numbers.get() == 1
    assert numbers.drop(lambda number: number == 1)
    assert await numbers.get() == 2
    numbers.close()


async def test_what_runs_beside_runs_after_the_look_up(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.open.clear()
    found = asyncio.create_task(numbers.get())
    await asyncio.to_thread(desk.begun.wait, 30)
    beside = asyncio.create_task(numbers.run(lambda: desk.open.is_set()))  # noqa: PLW0108 - asked in its turn
    desk.open.set()
    assert await beside
    assert await found == 1
    numbers.close()


async def test_who_loses_patience_leaves_the_answer_to_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = desk.look_up()
    desk.open.clear()
    with monkeypatch.context() as patch:
        patch.setattr(look_up, "PATIENCE", 0.0)
        with pytest.raises(TimedOut, match=r"^no number came within 0s; does the desk hang\?$"):
            await numbers.get()
        with pytest.raises(TimedOut):
            await numbers.run(lambda: None)
    next_one = asyncio.create_task(numbers.get())
    desk.open.set()
    assert await next_one == 1
    assert desk.asked == 1
    numbers.close()


async def test_who_gives_up_takes_nobody_along(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.open.clear()
    first, second = (asyncio.create_task(numbers.get()) for _ in range(2))
    await asyncio.to_thread(desk.begun.wait, 30)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    desk.open.set()
    assert await second == 1
    numbers.close()


async def test_closing_forgets_but_takes_nothing_from_those_who_wait(desk: Desk) -> None:
    numbers = desk.look_up()
    desk.open.clear()
    waiting = asyncio.create_task(numbers.get())
    await asyncio.to_thread(desk.begun.wait, 30)
    numbers.close()
    numbers.close()
    desk.open.set()
    assert await waiting == 1
    assert await numbers.get() == 2
    numbers.close()


async def test_a_look_up_that_was_cancelled_is_made_again(desk: Desk) -> None:
    """As an event loop does that ends while one is under way."""
    numbers = desk.look_up()
    desk.open.clear()
    waiting = asyncio.create_task(numbers.get())
    await asyncio.to_thread(desk.begun.wait, 30)
    for task in asyncio.all_tasks():
        if task.get_name() == "desk":
            task.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    desk.open.set()
    assert await numbers.get() == 2
    numbers.close()


async def test_a_failure_that_nobody_waits_for_is_no_news_for_the_event_loop(desk: Desk) -> None:
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    numbers = desk.look_up()
    desk.open.clear()
    desk.error = DENIED
    waiting = asyncio.create_task(numbers.get())
    await asyncio.to_thread(desk.begun.wait, 30)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    desk.open.set()
    with pytest.raises(AccessDenied):
        await numbers.get()
    del waiting
    gc.collect()
    assert not said
    numbers.close()
