"""Following a log store by asking it again and again: every record once, late ones too, nothing lost to a failure.

Each poll asks for all records from a little before the last one on: as far back as records may be late. What was
shown already is known by its identity and left out. Times are in nanoseconds since 1970, by the store's account.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from tuiops.core.text import EMPTY, SafeText, fmt, safe
from tuiops.core.units import span
from tuiops.core.updates import LogChunk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterable, Sequence

    from tuiops.config.logs import StoredLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat

SECOND: Final = 1_000_000_000
AHEAD: Final = 300 * SECOND
"""How far the clocks of writers and stores may be from ours: vendors refuse to talk to clocks that are further off."""
PAST: Final = 5_000
"""Records of the past that are read at the start, the newest ones."""
BURST: Final = 100_000
"""Records that one poll reads; when more wait for it the rest is left out and counted."""
REMEMBERED: Final = 100_000
"""Identities that are kept; some 130 bytes each."""
_LONGEST: Final = 256 * 1024
"""Bytes kept of a record."""


class Record(NamedTuple):
    """One record as a line of JSON without its newline."""

    at: int
    id: Hashable
    """The same whenever the record is read, and no other record's."""
    line: bytes


class Window(NamedTuple):
    """A span of time, both ends included."""

    since: int
    until: int


class Page(NamedTuple):
    """A part of what a window holds."""

    records: Sequence[Record]
    through: int | None = None
    """The time up to which, itself excluded, the pages so far are complete; None when that cannot be said yet."""
    withheld: SafeText = EMPTY
    """Which records of this part the store does not give, as a sentence; nobody knows how many."""


class Past(NamedTuple):
    """The newest records of a window."""

    records: Sequence[Record]
    whole: bool
    """Whether the window holds no others."""


class LogStore(Protocol):
    """What is asked of a store. Raises SourceError."""

    def read(self, window: Window) -> AsyncIterator[Page]:
        """All records of a window. A page at a time, oldest first where the store can do that."""
        ...

    async def newest(self, window: Window, most: int) -> Past:
        """The newest records of a window, at most `most`, in any order."""
        ...

    async def count(self, window: Window) -> int | None:
        """How many records a window holds; None when the store cannot say without handing them out."""
        ...


class Progress:
    """Which records have been shown and where to look for others. Pure: it is told what time it is.

    Two rules keep it right whatever comes in which order: a record whose identity is remembered is not shown again,
    and nothing is asked for or shown from the time up to which identities have been forgotten.
    """

    def __init__(self, history: float, lateness: float, remembered: int = REMEMBERED) -> None:
        """`history` and `lateness` in seconds."""
        self._history = int(history * SECOND)
        self._lateness = int(lateness * SECOND)
        self._most = remembered
        self._shown: dict[Hashable, int] = {}
        self._forgotten = -1
        """The time up to which, itself included, identities may have been forgotten."""
        self._complete: int | None = None
        """The time of the clock up to which all that there was has been read."""
        self._newest = 0
        self._asked = 0
        self.crowded = False
        """Whether more records lie within the lateness than can be remembered."""

    @property
    def began(self) -> bool:
        """Whether the past has been read."""
        return self._complete is not None

    def window(self, now: int) -> Window:
        """Begin a poll: what to ask for."""
        self._asked = now
        # A clock that was set back must not leave the window behind it.
        since = now - self._history if self._complete is None else min(self._complete, now) - self._lateness
        since = max(since, self._forgotten + 1, 0)
        return Window(since, max(since, now + AHEAD))

    def admit(self, page: Page) -> list[Record]:
        """Those records of a page that have not been shown yet, oldest first."""
        fresh: list[Record] = []
        for record in page.records:
            if record.at > self._forgotten and record.id not in self._shown:
                self._shown[record.id] = record.at
                fresh.append(record)
        fresh.sort(key=_time)
        if fresh:
            self._newest = max(self._newest, fresh[-1].at)
        if page.through is not None and self._complete is not None:
            self._complete = max(self._complete, min(page.through, self._asked))
        return fresh

    def finish(self) -> None:
        """The whole window has been read."""
        # When our clock is ahead of the store's, what it says next would lie before our last poll.
        self._complete = min(self._asked, max(self._newest, self._asked - AHEAD))
        self._forget(self._complete - self._lateness)

    def give_up(self, until: int) -> None:
        """What is not read before this time will not be."""
        self._forgotten = max(self._forgotten, until)
        self._complete = max(self._complete or 0, min(until, self._asked))

    def _forget(self, before: int) -> None:
        gone = [key for key, at in self._shown.items() if at < before]
        self.crowded = len(self._shown) - len(gone) > self._most
        if self.crowded:
            excess = len(self._shown) - self._most
            last = sorted(self._shown.values())[excess - 1]
            gone = [key for key, at in self._shown.items() if at <= last]
        for key in gone:
            self._forgotten = max(self._forgotten, self._shown.pop(key))


class Follower:
    """Follows one store. What it knows outlives a failure: the next `tail` goes on where the last one stopped."""

    def __init__(
        self,
        store: LogStore,
        config: StoredLog,
        clock: Clock,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._interval = float(config.interval)
        self._history = float(config.history)
        self._progress = Progress(config.history, config.lateness)
        self._crowded = False
        self._withheld: frozenset[SafeText] = frozenset()
        """What the last poll said of records that the store does not give: it will say so again while it looks back."""

    async def tail(self) -> AsyncIterator[LogChunk]:
        """Ends by SourceError; every poll yields at least one chunk, if only an empty one."""
        while True:
            async for chunk in self.poll():
                yield chunk
            await self._sleep(self.rest())

    async def poll(self) -> AsyncIterator[LogChunk]:
        """What there is that has not been shown."""
        window = self._progress.window(nanoseconds(self._clock.now()))
        if not self._progress.began:
            yield await self._past(window)
            return
        async for chunk in self._present(window):
            yield chunk
        self._progress.finish()
        note = EMPTY
        if self._progress.crowded and not self._crowded:
            note = fmt("more than {:,} records lie within lateness: some that are late will be missed", REMEMBERED)
        self._crowded = self._progress.crowded
        yield LogChunk(data=b"", note=note)

    def admit(self, records: Sequence[Record]) -> LogChunk:
        """Records that came another way, such as by a vendor's own tail, and are all that came since the last ones.

        Those that were shown are left out.
        """
        self._progress.window(nanoseconds(self._clock.now()))
        chunk = chunk_of(self._progress.admit(Page(records)))
        self._progress.finish()
        return chunk

    def rest(self) -> float:
        """Seconds to the next poll. All streams of one interval poll at the same time, so that they can be merged."""
        return self._interval - self._clock.monotonic() % self._interval

    async def _past(self, window: Window) -> LogChunk:
        records, whole = await self._store.newest(window, PAST)
        note = EMPTY
        if records and not whole:
            self._progress.give_up(min(record.at for record in records) - 1)
            note = fmt("only the newest {:,} records of the last {} are read", len(records), span(self._history))
        chunk = chunk_of(self._progress.admit(Page(records)), note)
        self._progress.finish()
        return chunk

    async def _present(self, window: Window) -> AsyncIterator[LogChunk]:
        read, reached = 0, window.since
        before, withheld = self._withheld, set[SafeText]()
        # The store may hold something open for the time of the reading.
        async with aclosing(cast("AsyncGenerator[Page, None]", self._store.read(window))) as pages:
            async for page in pages:
                read += len(page.records)
                reached = max([reached, *(record.at for record in page.records)])
                fresh = self._progress.admit(page)
                if fresh:
                    yield chunk_of(fresh)
                if page.withheld:
                    withheld.add(page.withheld)
                    self._withheld = frozenset(withheld)
                    if page.withheld not in before:
                        yield LogChunk(data=b"", dropped=1, uncounted=True, note=page.withheld)
                if read >= BURST:
                    break
            else:
                self._withheld = frozenset(withheld)
                return
        yield await self._leave_out(Window(reached + 1, window.until))

    async def _leave_out(self, rest: Window) -> LogChunk:
        count = await self._store.count(rest)
        self._progress.give_up(min(rest.until, nanoseconds(self._clock.now())))
        since = safe(rfc3339(rest.since))
        if count is None:
            note = fmt("records from {} on were left out, the store does not say how many: they came too fast", since)
        else:
            note = fmt("{:,} records from {} on were left out: they came too fast", count, since)
        return LogChunk(data=b"", dropped=1 if count is None else count, uncounted=count is None, note=note)


class StoredLogSource:
    """A log stream that is read from a store."""

    timeout = 10.0
    states_times = True

    def __init__(
        self,
        name: SafeText,
        system: SafeText,
        service: SafeText,
        config: StoredLog,
        store: LogStore,
        form: LineFormat,
        clock: Clock,
    ) -> None:
        self.name = name
        self.system = system
        self.service = service
        self.interval = float(config.interval)
        self.format = form
        self.follower = Follower(store, config, clock)

    def tail(self) -> AsyncIterator[LogChunk]:
        """Ends by SourceError only; another call goes on where the last one stopped."""
        return self.follower.tail()

    async def close(self) -> None:
        """The connection belongs to everything that asks the store."""


def chunk_of(records: Iterable[Record], note: SafeText = EMPTY) -> LogChunk:
    """Records, oldest first, as a chunk."""
    lines, times = [], []
    for record in records:
        lines.append(_one_line(record.line))
        times.append(min(record.at, _LATEST))
    lines.append(b"")
    return LogChunk(data=b"\n".join(lines), times=tuple(times), note=note)


def nanoseconds(at: datetime) -> int:
    """An aware time in nanoseconds since 1970."""
    passed = at - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds * 1_000


def rfc3339(at: int) -> str:
    """Nanoseconds since 1970 as RFC 3339 writes them, in UTC; years after 9999 are drawn as the last moment of it."""
    seconds, nanos = divmod(min(max(at, 0), _LATEST), SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09}Z"


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 253_402_300_799 * SECOND + 999_999_999


def _time(record: Record) -> int:
    return record.at


def _one_line(line: bytes) -> bytes:
    if len(line) > _LONGEST:
        line = line[:_LONGEST] + b" \xe2\x80\xa6 +%d bytes" % (len(line) - _LONGEST)
    return line.replace(b"\n", b" ") if b"\n" in line else line
