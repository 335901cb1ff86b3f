"""The pump outlives whatever its sources do, waits longer each time, and hides nothing of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.waiting import eventually
from tuiops.core.clock import FakeClock
from tuiops.core.text import lit
from tuiops.core.updates import LogChunk
from tuiops.errors import AccessDenied, Unreachable
from tuiops.hub.logbook import LogBook
from tuiops.hub.tail import LogPump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tuiops.core.text import SafeText

AT = datetime(2026, 11, 22, tzinfo=UTC)

Step = LogChunk | Exception
"""What a source does next: deliver, or fail."""


class Script:
    """A source that plays one list of steps for each time it is opened; after the last it stays open."""

    name = lit("a")
    kind = lit("file")
    system = lit("s")
    service = lit("v")
    interval = 1.0
    timeout = 1.0

    def __init__(self, *openings: Sequence[Step]) -> None:
        self._openings = list(openings)
        self.opened = 0
        self.closed = 0

    async def tail(self) -> AsyncIterator[LogChunk]:
        self.opened += 1
        try:
            if not self._openings:
                await asyncio.Event().wait()
            for step in self._openings.pop(0):
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.closed += 1

    async def close(self) -> None:
        pass


class Run:
    """A pump over a script, up to a number of waits."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.book = LogBook()
        self.waits: list[float] = []
        self.states: list[tuple[bool, str]] = []

    async def until(self, waits: int) -> None:
        done = asyncio.Event()

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            (status,) = self.book.statuses()
            self.states.append((status.opened, status.error))
            if len(self.waits) == waits:
                done.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(LogPump(self.book, FakeClock(AT), sleep)(self.script))
        await done.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def lines(self) -> list[bytes | None]:
        found = (self.book.line(seq) for seq in range(self.book.first, self.book.end))
        return [line.raw for line in found if line is not None]


def lines(*texts: bytes, dropped: int = 0, uncounted: bool = False, older: bool = False) -> LogChunk:
    return LogChunk(data=b"".join(text + b"\n" for text in texts), dropped=dropped, uncounted=uncounted, older=older)


async def test_waits_double_up_to_a_bound_and_begin_anew_after_a_line() -> None:
    failing = [[Unreachable("gone")] for _ in range(7)]
    run = Run(Script(*failing, [lines(b"one"), Unreachable("gone")], [Unreachable("gone")]))
    await run.until(9)
    assert run.waits == [0.5, 1, 2, 4, 8, 15, 15, 0.5, 1]


async def test_every_failure_is_the_state_of_the_stream_and_lines_take_it_back() -> None:
    run = Run(
        Script([AccessDenied("permission denied")], [ValueError("a defect")], [], [lines(b"one"), Unreachable("gone")])
    )
    await run.until(4)
    assert run.states == [
        (False, "permission denied"),
        (False, "ValueError: a defect"),
        (False, "the stream ended"),
        (False, "gone"),
    ]
    assert run.lines() == [b"one"]


async def test_an_open_stream_says_so_after_its_first_chunk() -> None:
    book = LogBook()
    opened = asyncio.Event()

    class Open(Script):
        async def tail(self) -> AsyncIterator[LogChunk]:
            yield lines(b"one")
            opened.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(LogPump(book, FakeClock(AT))(Open()))
    await opened.wait()
    (status,) = book.statuses()
    assert (status.opened, status.error, status.lines) == (True, "", 1)
    task.cancel()


async def test_it_is_opened_again_and_nothing_comes_twice() -> None:
    run = Run(Script([lines(b"one"), Unreachable("gone")], [lines(b"two"), Unreachable("gone")]))
    await run.until(2)
    assert run.lines() == [b"one", b"two"]
    assert run.script.opened == run.script.closed == 2


async def test_lost_lines_notes_and_the_past_find_their_places() -> None:
    note = LogChunk(data=b"", note=lit("app.log was truncated"))
    run = Run(Script([lines(b"now", dropped=7, uncounted=True), note, lines(b"before", older=True)]))
    await run.until(1)
    assert run.lines() == [b"before", b"now", b"app.log was truncated"]
    (status,) = run.book.statuses()
    assert (status.dropped, status.uncounted) == (7, True)
    assert status.lines == 2


async def test_cancelling_closes_the_source() -> None:
    script = Script()
    task = asyncio.create_task(LogPump(LogBook(), FakeClock(AT))(script))
    await eventually(lambda: script.opened > 0, "the source to be opened")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert script.closed == 1


async def test_streams_opened_together_are_merged_once_all_have_spoken() -> None:
    class Named(Script):
        def __init__(self, name: SafeText, *steps: Step) -> None:
            super().__init__([*steps, Unreachable("gone")])
            self.name = name

        async def tail(self) -> AsyncIterator[LogChunk]:
            # Files are read in a thread: no stream delivers before the others are begun.
            await asyncio.sleep(0)
            async for chunk in super().tail():
                yield chunk

    book = LogBook()

    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    pump = LogPump(book, FakeClock(AT), never)
    early, middle, late = (b"2026-11-22T00:00:0%dZ INFO x" % second for second in (1, 2, 3))
    scripts = [Named(lit("a"), lines(early, late)), Named(lit("b"), lines(middle)), Named(lit("c"))]
    tasks = [asyncio.create_task(pump(script)) for script in scripts]
    await eventually(lambda: all(script.closed for script in scripts), "the end of every source")
    found = [book.line(seq) for seq in range(book.first, book.end)]
    assert [line.raw for line in found if line] == [early, middle, late]
    for task in tasks:
        task.cancel()


class Live(Script):
    """Delivers what it is given, when it is given."""

    def __init__(self, name: SafeText) -> None:
        super().__init__()
        self.name = name
        self.steps: asyncio.Queue[LogChunk] = asyncio.Queue()

    async def tail(self) -> AsyncIterator[LogChunk]:
        while True:
            yield await self.steps.get()

    async def say(self, *texts: bytes) -> None:
        self.steps.put_nowait(lines(*texts))
        for _ in range(5):
            await asyncio.sleep(0)


async def test_lines_of_others_do_not_come_between_those_of_a_record() -> None:
    book = LogBook()
    pump = LogPump(book, FakeClock(AT))
    one, other = Live(lit("one")), Live(lit("other"))
    tasks = [asyncio.create_task(pump(source)) for source in (one, other)]
    await one.say(b"first")
    await other.say(b"first of the other")
    await one.say(b"INFO fine", b"ERROR failed", b"Traceback (most recent call last):")
    await other.say(b"INFO meanwhile")
    await one.say(b'  File "a.py", line 1')
    await other.say(b'{"level": "info"}')
    await one.say(b"ValueError: what", b"INFO after")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    found = [line.raw for seq in range(book.first, book.end) if (line := book.line(seq)) is not None]
    assert found[2:] == [
        b"INFO fine",
        b"INFO meanwhile",
        b'{"level": "info"}',
        b"ERROR failed",
        b"Traceback (most recent call last):",
        b'  File "a.py", line 1',
        b"ValueError: what",
        b"INFO after",
    ]


async def test_a_record_that_nothing_continues_comes_by_itself() -> None:
    book = LogBook()
    pump = LogPump(book, FakeClock(AT))
    one, other = Live(lit("one")), Live(lit("other"))
    tasks = [asyncio.create_task(pump(source)) for source in (one, other)]
    await one.say(b"first")
    await other.say(b"first of the other")
    await one.say(b"last")
    await eventually(lambda: book.end == 3, "all three lines")
    for task in tasks:
        task.cancel()
