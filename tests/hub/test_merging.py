"""Lines out of several stores read as one story, and none waits for a store that does not answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from hypothesis import given
from hypothesis import strategies as st

from tests.waiting import eventually
from tuiops.core.clock import FakeClock
from tuiops.core.text import EMPTY, SafeText, lit, safe
from tuiops.core.updates import LogChunk
from tuiops.errors import RateLimited, SourceError
from tuiops.hub import merging, tail
from tuiops.hub.logbook import LogBook, Stream
from tuiops.hub.merging import Merger
from tuiops.hub.tail import LogPump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
START = int(AT.timestamp()) * 10**9
SECOND = 10**9
A, B = Stream(lit("a")), Stream(lit("b"))


def lines(name: str, *seconds: float) -> LogChunk:
    """A line for each time, which says it and whose it is."""
    data = b"".join(f"{name}{second:g}\n".encode() for second in seconds)
    return LogChunk(data=data, times=tuple(START + int(second * SECOND) for second in seconds))


def told(merger: Merger) -> list[tuple[str, bool]]:
    return [(line, part.late) for part in merger.tell() for line in part.chunk.data.decode().splitlines()]


def test_lines_of_two_stores_are_ordered_by_their_own_times() -> None:
    merger = Merger()
    merger.add(A, lines("a", 1, 3, 5))
    merger.add(B, lines("b", 2, 4))
    assert told(merger) == [("a1", False), ("b2", False), ("a3", False), ("b4", False), ("a5", False)]


def test_a_line_older_than_what_was_told_is_marked() -> None:
    merger = Merger()
    merger.add(A, lines("a", 10))
    assert told(merger) == [("a10", False)]
    merger.add(B, lines("b", 3, 9.5, 11))
    assert told(merger) == [("b3", True), ("b9.5", False), ("b11", False)]


def test_all_who_take_part_are_waited_for_and_nobody_else() -> None:
    merger = Merger()
    merger.join("a")
    merger.join("b")
    steps = [merger.add(A, lines("a", 1)), merger.complete, merger.add(B, LogChunk(data=b"")), merger.complete]
    assert steps == [True, False, False, True]
    merger.tell()
    merger.add(A, lines("a", 2))
    merger.leave("b")
    assert merger.complete


def test_a_store_that_has_said_that_there_is_nothing_is_not_waited_for() -> None:
    merger = Merger()
    merger.join("a")
    merger.join("b")
    merger.add(B, LogChunk(data=b""))
    alone = merger.complete
    merger.add(A, lines("a", 1))
    assert (alone, merger.complete) == (False, True)


def test_what_was_said_in_one_round_is_no_answer_in_the_next() -> None:
    merger = Merger()
    merger.join("a")
    merger.join("b")
    for stream in (A, B, B):
        merger.add(stream, LogChunk(data=b""))
    merger.add(B, lines("b", 1))
    steps = [merger.complete]
    merger.add(A, lines("a", 1))
    steps.append(merger.complete)
    merger.tell()
    merger.add(A, LogChunk(data=b""))
    merger.add(B, lines("b", 2))
    steps.append(merger.complete)
    assert steps == [False, True, False]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 40), min_size=1, max_size=9)), max_size=6))
def test_nothing_is_lost_and_few_lines_are_in_exact_order(chunks: list[tuple[str, list[int]]]) -> None:
    merger = Merger()
    streams = {"a": A, "b": B}
    for name, seconds in chunks:
        merger.add(streams[name], lines(name, *sorted(seconds)))
    found = told(merger)
    expected = sorted(f"{name}{second}" for name, seconds in chunks for second in seconds)
    assert sorted(text for text, _ in found) == expected
    assert [int(text[1:]) for text, _ in found] == sorted(int(text[1:]) for text in expected)


def test_of_many_lines_those_of_a_part_of_their_span_stay_together() -> None:
    merger = Merger()
    merger.add(A, lines("a", *(number / 1000 for number in range(1_000))))
    merger.add(B, lines("b", *(number / 1000 + 0.0005 for number in range(1_000))))
    parts = merger.tell()
    assert 2 <= len(parts) <= 2 * 202
    assert sum(len(part.chunk.times) for part in parts) == 2_000
    firsts = [part.chunk.times[0] for part in parts]
    assert all(after - before > -SECOND // 100 for before, after in pairwise(firsts))


class Store:
    """A source whose lines a test hands over."""

    kind = lit("loki")
    system = lit("shop")
    service = EMPTY
    interval = 5.0
    timeout = 1.0
    states_times = True

    def __init__(self, name: str) -> None:
        self.name: SafeText = safe(name)
        self.says: asyncio.Queue[LogChunk | SourceError] = asyncio.Queue()

    async def tail(self) -> AsyncIterator[LogChunk]:
        while True:
            said = await self.says.get()
            if isinstance(said, SourceError):
                raise said
            yield said

    async def close(self) -> None:
        pass


class Run:
    """A pump over some stores, whose opening is over."""

    def __init__(self, *names: str) -> None:
        self.book = LogBook()
        self.waits: list[float] = []
        self.stores = [Store(name) for name in names]
        self.pump = LogPump(self.book, FakeClock(AT), self._sleep)
        self.tasks: list[asyncio.Task[None]] = []

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        self.tasks = [asyncio.create_task(self.pump(store)) for store in self.stores]
        await asyncio.sleep(0)
        for store in self.stores:
            store.says.put_nowait(lines(store.name, 0))
        await self.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def lines(self) -> list[str]:
        found = (self.book.line(seq) for seq in range(self.book.first, self.book.end))
        return [f"{'late ' if line.late else ''}{(line.raw or b'').decode()}" for line in found if line is not None]


async def test_stores_that_answer_together_are_merged() -> None:
    async with Run("a", "b") as run:
        one, two = run.stores
        one.says.put_nowait(lines("a", 1, 3))
        await run.settle()
        assert run.lines() == ["a0", "b0"]
        two.says.put_nowait(lines("b", 2))
        await run.settle()
        assert run.lines() == ["a0", "b0", "a1", "b2", "a3"]


async def test_a_store_with_nothing_to_say_keeps_nobody_waiting() -> None:
    async with Run("a", "b") as run:
        one, two = run.stores
        for store in run.stores:
            store.says.put_nowait(LogChunk(data=b""))
        await run.settle()
        one.says.put_nowait(LogChunk(data=b""))
        await run.settle()
        two.says.put_nowait(lines("b", 1))
        await run.settle()
        assert run.lines() == ["a0", "b0", "b1"]


async def test_who_is_left_alone_waits_for_nobody() -> None:
    async with Run("a", "b") as run:
        run.tasks[1].cancel()
        await run.settle()
        run.stores[0].says.put_nowait(LogChunk(data=b"alone\n"))
        await run.settle()
        assert run.lines() == ["a0", "b0", "alone"]


async def test_a_store_that_fails_holds_nobody_up_and_its_vendor_s_wish_is_obeyed() -> None:
    async with Run("a", "b") as run:
        one, two = run.stores
        one.says.put_nowait(lines("a", 1))
        await run.settle()
        two.says.put_nowait(RateLimited("limit", retry_after=42))
        await run.settle()
        assert run.lines() == ["a0", "b0", "a1"]
        assert run.waits == [42]


async def test_a_store_that_does_not_answer_holds_the_others_up_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tail, "HOLD", 0)
    async with Run("a", "b") as run:
        one, two = run.stores
        one.says.put_nowait(lines("a", 10))
        await run.settle()
        assert run.lines() == ["a0", "b0", "a10"]
        two.says.put_nowait(lines("b", 5, 11))
        await run.settle()
        assert run.lines() == ["a0", "b0", "a10", "late b5", "b11"]


async def test_a_long_past_of_two_stores_is_one_story() -> None:
    book = LogBook()
    stores = [Store("a"), Store("b")]
    pump = LogPump(book, FakeClock(AT))
    tasks = [asyncio.create_task(pump(store)) for store in stores]
    await asyncio.sleep(0)
    stores[0].says.put_nowait(lines("a", *range(0, 900, 2)))
    stores[1].says.put_nowait(lines("b", *range(1, 900, 2)))
    await eventually(lambda: book.end == 900, "every line")
    found = [int((line.raw or b"")[1:]) for seq in range(900) if (line := book.line(seq)) is not None]
    assert found == list(range(900))
    for task in tasks:
        task.cancel()


async def test_one_store_alone_waits_for_nobody_and_its_lateness_is_known() -> None:
    async with Run("a") as run:
        run.stores[0].says.put_nowait(lines("a", -12))
        await run.settle()
        assert run.lines() == ["a0", "late a-12"]
        (status,) = run.book.statuses()
        assert status.late == 12
        run.stores[0].says.put_nowait(LogChunk(data=b"", thinned=lit("sampled")))
        await run.settle()
        assert run.book.statuses()[0].thinned == "sampled"


def test_what_is_held_is_held_for_no_longer_than_people_notice() -> None:
    assert merging.HOLD <= 2
