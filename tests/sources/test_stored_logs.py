"""Every record of a store once: in whatever order records come, whatever fails, however the clocks go."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.config.logs import LokiLog
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.errors import SourceError, Unreachable
from tuiops.sources import stored_logs
from tuiops.sources.stored_logs import (
    AHEAD,
    SECOND,
    Follower,
    Page,
    Past,
    Progress,
    Record,
    Window,
    chunk_of,
    nanoseconds,
    rfc3339,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from tuiops.core.updates import LogChunk

START = datetime(2026, 11, 22, 3, tzinfo=UTC)
LATENESS = 60
CONFIG = LokiLog(
    source="s", query="{}", history=Duration(900), interval=Duration(5), lateness=Duration(LATENESS)
)  # fmt: skip


class Written(NamedTuple):
    """A record and when the store has it, both in seconds after the start."""

    at: int
    number: int
    there: int


class Store:
    """A store that shows what has come by the clock, in small pages, and fails where it is told to."""

    def __init__(self, clock: FakeClock, written: Sequence[Written], *, size: int = 2, ascending: bool = True) -> None:
        self.clock = clock
        self.written = list(written)
        self.size = size
        self.ascending = ascending
        self.fails: set[int] = set()
        """Numbers of requests that fail, the first being 1."""
        self.requests = 0
        self.windows: list[Window] = []
        self.counts: int | None = 0
        self.first: Window | None = None

    def _there(self, window: Window) -> list[Record]:
        passed = (self.clock.now() - START).total_seconds()
        records = [record(entry) for entry in self.written if entry.there <= passed]
        return [found for found in records if window.since <= found.at <= window.until]

    def _ask(self) -> None:
        self.requests += 1
        if self.requests in self.fails:
            raise Unreachable("down")

    async def read(self, window: Window) -> AsyncIterator[Page]:
        self.windows.append(window)
        given: set[object] = set()
        last = window.since
        while True:
            self._ask()
            found = [entry for entry in self._there(window) if entry.id not in given]
            found.sort(reverse=not self.ascending)
            if self.ascending:
                # What comes with a time that was paged past is not found by this reading.
                found = [entry for entry in found if entry.at >= last]
            page = found[: self.size]
            given |= {entry.id for entry in page}
            last = page[-1].at if page else last
            yield Page(page, through=last if self.ascending else None)
            if len(found) <= self.size:
                return
            await asyncio.sleep(0)

    async def newest(self, window: Window, most: int) -> Past:
        self._ask()
        self.first = window
        found = sorted(self._there(window), reverse=True)
        return Past(found[:most], whole=len(found) <= most)

    async def count(self, window: Window) -> int | None:
        return self.counts


def record(entry: Written) -> Record:
    return Record(nanoseconds(START) + entry.at * SECOND, entry.number, b'{"n":%d}' % entry.number)


def numbers(chunks: Sequence[LogChunk]) -> list[int]:
    return [msgspec.json.decode(line)["n"] for chunk in chunks for line in chunk.data.splitlines()]


async def polled(follower: Follower) -> list[LogChunk]:
    """One poll; what it yielded before it failed counts."""
    chunks: list[LogChunk] = []
    try:
        async for chunk in follower.poll():
            chunks.append(chunk)  # noqa: PERF401 - what came before a failure is kept
    except SourceError:
        pass
    return chunks


arrivals = st.lists(
    st.tuples(st.integers(-900, 200), st.integers(-30, LATENESS)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=40,
)
steps = st.lists(st.integers(1, 90), min_size=1, max_size=8)
faults = st.sets(st.integers(1, 40), max_size=12)


@given(arrivals, steps, faults, st.booleans(), st.integers(1, 5), st.integers(-200, 200))
def test_every_record_that_is_late_by_no_more_than_the_lateness_comes_once(
    times: list[tuple[int, int]], advances: list[int], fails: set[int], ascending: bool, size: int, skew: int
) -> None:
    clock = FakeClock(START)
    # What our clock runs ahead by and a writer's own clock runs ahead by do not add up to what is promised.
    written = [
        Written(at, number, max(there, at if skew > 0 else -900, -900)) for number, (at, there) in enumerate(times)
    ]
    store = Store(clock, written, size=size, ascending=ascending)
    store.fails = fails

    class Ours(FakeClock):
        """Our clock, which is wrong by some minutes."""

        def now(self) -> datetime:
            return clock.now() + timedelta(seconds=skew)

    follower = Follower(store, CONFIG, Ours(START))

    async def run() -> list[LogChunk]:
        chunks: list[LogChunk] = []
        for step in advances:
            chunks += await polled(follower)
            clock.advance(step)
        clock.advance(600)
        store.fails = set()
        chunks += await polled(follower)
        return chunks + await polled(follower)

    chunks = asyncio.run(run())
    found = Counter(numbers(chunks))
    assert set(found.values()) <= {1}
    assert store.first is not None
    assert set(found) == {entry.number for entry in written if record(entry).at >= store.first.since}


@given(arrivals, steps, st.integers(-4000, 4000))
def test_no_jump_of_the_clock_shows_a_record_twice(
    times: list[tuple[int, int]], advances: list[int], jump: int
) -> None:
    clock = FakeClock(START)
    store = Store(clock, [Written(at, number, max(there, -900)) for number, (at, there) in enumerate(times)])
    follower = Follower(store, CONFIG, clock)

    async def run() -> list[LogChunk]:
        chunks: list[LogChunk] = []
        for number, step in enumerate(advances):
            chunks += await polled(follower)
            clock.advance(step)
            if number == len(advances) // 2:
                clock.jump_wall(jump)
        return chunks + await polled(follower)

    assert set(Counter(numbers(asyncio.run(run()))).values()) <= {1}


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30)), max_size=60), st.integers(1, 5))
def test_what_is_remembered_is_bounded_and_nothing_comes_twice(entries: list[tuple[int, int]], most: int) -> None:
    progress = Progress(history=900, lateness=60, remembered=most)
    shown: list[object] = []
    now = nanoseconds(START)
    for second, number in entries:
        at = now + second * SECOND
        window = progress.window(at)
        key = Record(at - number * SECOND, (second, number), b"{}")
        if window.since <= key.at <= window.until:
            shown += [found.id for found in progress.admit(Page([key, key]))]
        progress.finish()
        assert len(progress._shown) <= most
    assert set(Counter(shown).values()) <= {1}


async def test_a_poll_asks_from_the_last_one_on_less_the_lateness() -> None:
    clock = FakeClock(START)
    store = Store(clock, [Written(-5, 1, -5)])
    follower = Follower(store, CONFIG, clock)
    await polled(follower)
    clock.advance(5)
    await polled(follower)
    (window,) = store.windows
    assert window.since == nanoseconds(START - timedelta(seconds=5 + LATENESS))
    assert window.until == nanoseconds(clock.now()) + AHEAD


async def test_a_quiet_stream_looks_no_further_back_than_clocks_may_differ() -> None:
    clock = FakeClock(START)
    store = Store(clock, [])
    follower = Follower(store, CONFIG, clock)
    await polled(follower)
    clock.advance(7200)
    await polled(follower)
    clock.advance(5)
    await polled(follower)
    assert store.windows[-1].since == nanoseconds(clock.now()) - 5 * SECOND - AHEAD - LATENESS * SECOND


async def test_of_a_long_past_the_newest_records_are_read_and_the_title_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored_logs, "PAST", 3)
    clock = FakeClock(START)
    store = Store(clock, [Written(-number, number, -number) for number in range(1, 10)])
    follower = Follower(store, CONFIG, clock)
    (chunk,) = await polled(follower)
    assert numbers([chunk]) == [3, 2, 1]
    assert chunk.note == "only the newest 3 records of the last 15m are read"
    assert numbers(await polled(follower)) == []


@pytest.mark.parametrize(("counted", "dropped"), [(6, 6), (None, 1)])
async def test_a_burst_beyond_the_bound_is_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch, counted: int | None, dropped: int
) -> None:
    monkeypatch.setattr(stored_logs, "BURST", 4)
    clock = FakeClock(START)
    store = Store(clock, [])
    follower = Follower(store, CONFIG, clock)
    await polled(follower)
    store.written = [Written(number, number, number) for number in range(10)]
    store.counts = counted
    clock.advance(10)
    chunks = await polled(follower)
    assert numbers(chunks) == [0, 1, 2, 3]
    assert sum(chunk.dropped for chunk in chunks) == dropped
    assert any(chunk.uncounted for chunk in chunks) is (counted is None)
    assert any("came too fast" in chunk.note for chunk in chunks)
    store.written.append(Written(11, 11, 11))
    clock.advance(5)
    assert numbers(await polled(follower)) == [11]


async def test_a_tail_sleeps_until_the_next_whole_interval_and_goes_on_after_a_failure() -> None:
    clock = FakeClock(START)
    clock.advance(3)
    store = Store(clock, [Written(1, 1, 1)])
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)
        store.written.append(Written(4 + len(slept), 1 + len(slept), 4 + len(slept)))

    follower = Follower(store, CONFIG, clock, sleep)
    store.fails = {3}
    chunks: list[LogChunk] = []

    async def drain() -> None:
        async with aclosing(cast("AsyncGenerator[LogChunk, None]", follower.tail())) as tail:
            async for chunk in tail:
                chunks.append(chunk)
                if len(slept) == 3:
                    return

    with pytest.raises(Unreachable):
        await drain()
    assert slept == [2, 5]
    await drain()
    assert numbers(chunks) == [1, 2, 3, 4]


async def test_after_an_outage_a_failure_in_the_middle_of_catching_up_loses_nothing() -> None:
    clock = FakeClock(START)
    store = Store(clock, [])
    follower = Follower(store, CONFIG, clock)
    await polled(follower)
    store.written = [Written(second, second, second) for second in range(1, 300, 10)]
    clock.advance(300)
    store.fails = {4}
    first = numbers(await polled(follower))
    assert first == [1, 11, 21, 31]
    clock.advance(5)
    assert first + numbers(await polled(follower)) == list(range(1, 300, 10))
    # What had been read was not asked for again, but for what may have come late.
    assert store.windows[-1].since == nanoseconds(START) + (31 - LATENESS) * SECOND


async def test_records_that_came_another_way_are_not_shown_again() -> None:
    clock = FakeClock(START)
    follower = Follower(Store(clock, [Written(0, 1, 0)]), CONFIG, clock)
    await polled(follower)
    assert numbers([follower.admit([record(Written(1, 2, 1)), record(Written(0, 1, 0))])]) == [2]
    assert numbers([follower.admit([record(Written(1, 2, 1))])]) == []


async def test_a_crowd_within_the_lateness_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(START)
    follower = Follower(Store(clock, []), CONFIG, clock)
    follower._progress._most = 2
    await polled(follower)
    follower._store = Store(clock, [Written(number, number, 0) for number in range(4)])
    notes = [chunk.note for _ in range(3) for chunk in await polled(follower) if chunk.note]
    assert len(notes) == 1
    assert "late will be missed" in notes[0]


def test_a_record_is_one_line_of_bounded_length() -> None:
    chunk = chunk_of([Record(1, 1, b'{"a":\n1}'), Record(2, 2, b"x" * (stored_logs._LONGEST + 7))])
    first, second, rest = chunk.data.split(b"\n")
    assert (first, rest) == (b'{"a": 1}', b"")
    assert second.endswith(" … +7 bytes".encode())
    assert chunk.times == (1, 2)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - made aware below
def test_times_keep_their_microseconds(at: datetime) -> None:
    aware = at.replace(tzinfo=UTC)
    assert datetime.fromisoformat(rfc3339(nanoseconds(aware))[:26] + "+00:00") == aware


@pytest.mark.parametrize(
    ("at", "text"), [(-5, "1970-01-01T00:00:00.000000000Z"), (1 << 70, "9999-12-31T23:59:59.999999999Z")]
)
def test_times_beyond_the_calendar_are_drawn_at_its_edge(at: int, text: str) -> None:
    assert rfc3339(at) == text
