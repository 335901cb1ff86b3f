"""Moves log lines from their sources into the book; never dies, never grows, says what is wrong."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Protocol, cast

from tuiops.core.logformat import LineFormat
from tuiops.core.text import EMPTY, LINE, SafeText, lit, safe
from tuiops.errors import SourceError
from tuiops.hub.merging import HOLD, Merger
from tuiops.hub.opening import Held, interleave, parted
from tuiops.hub.records import Records
from tuiops.sources.base import DescribesLines, StatesTimes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from datetime import datetime

    from tuiops.core.clock import Clock
    from tuiops.core.updates import LogChunk
    from tuiops.hub.logbook import LogBook, Stream
    from tuiops.sources.base import Source, TailsLogs

    class LogSource(Source, TailsLogs, Protocol):
        """What the pump wants to know of a source."""


log = logging.getLogger(__name__)

_GATHERING: Final = 0.15
"""Seconds that the first lines wait for those of other streams."""
_GATHERING_STORES: Final = 1.5
"""The same when some come out of a log store, which is asked over a network."""
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 15.0
"""Seconds before a stream that ended is opened again, doubling from the first to the longest."""


class LogPump:
    """One call for each source, each a task of the hub's; runs until cancelled."""

    def __init__(self, book: LogBook, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._book = book
        self._clock = clock
        self._sleep = sleep
        self._tails = 0
        self._stores = 0
        self._held: list[Held] = []
        self._heard: set[str] = set()
        """Streams that have delivered or failed while the first lines are held."""
        self._told = False
        self._records = Records(self._append)
        self._merger = Merger()
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, source: TailsLogs) -> None:
        named = cast("LogSource", source)
        form = source.format if isinstance(source, DescribesLines) else LineFormat()
        stream = self._book.register(
            named.name, system=source.system, service=source.service, kind=named.kind, form=form
        )
        wait = _FIRST_WAIT
        self._tails += 1
        stored = isinstance(source, StatesTimes)
        self._stores += stored
        try:
            while True:
                received = stream.lines
                if stored:
                    self._merger.join(stream.name)
                error, asked = await self._drain(source, stream)
                self._leave(stream)
                self._hear(stream)
                self._book.mark(stream, opened=False, error=error)
                if stream.lines > received:
                    wait = _FIRST_WAIT
                await self._sleep(max(wait, asked))
                wait = min(2 * wait, _LONGEST_WAIT)
        finally:
            self._tails -= 1
            self._stores -= stored
            self._heard.discard(stream.name)
            self._leave(stream)

    async def _drain(self, source: TailsLogs, stream: Stream) -> tuple[SafeText, float]:
        """Read until the stream ends; why it did, and how many seconds the vendor asks to wait."""
        try:
            # Closing it explicitly lets a source end its process before it is opened again.
            async with aclosing(cast("AsyncGenerator[LogChunk, None]", source.tail())) as chunks:
                async for chunk in chunks:
                    self._take(chunk, stream)
        except SourceError as error:
            return safe(str(error), LINE), error.retry_after or 0.0
        except Exception as error:  # a defect in a source must not end the others
            log.exception("log stream %s failed", stream.name)
            return safe(f"{type(error).__name__}: {error}", LINE), 0.0
        finally:
            self._records.let_go(stream)
        return lit("the stream ended"), 0.0

    def _take(self, chunk: LogChunk, stream: Stream) -> None:
        book, now = self._book, self._clock.now()
        self._note(chunk, stream, now)
        if chunk.data and chunk.older:
            book.prepend(stream, chunk.data, now, backing=chunk.backing, offset=chunk.offset)
        elif chunk.data and not self._told and self._tails > 1:
            if not self._held:
                gathering = _GATHERING_STORES if self._stores else _GATHERING
                asyncio.get_running_loop().call_later(gathering, self._tell)
            self._held.append((stream, chunk))
        elif self._stores and (chunk.times or not chunk.data):
            self._hold(stream, chunk)
        elif chunk.data and self._tails > 1:
            self._records.take(stream, chunk)
        elif chunk.data:
            self._append((stream, chunk))
        self._hear(stream)
        book.mark(stream, opened=True, error=EMPTY)

    def _note(self, chunk: LogChunk, stream: Stream, now: datetime) -> None:
        """What a chunk says beside its lines."""
        book = self._book
        if chunk.dropped:
            book.lost(stream, chunk.dropped, uncounted=chunk.uncounted)
        if chunk.note:
            self._records.let_go(stream)
            book.note(stream, chunk.note, now)
        if chunk.thinned is not None:
            book.thin(stream, chunk.thinned)
        if chunk.times:
            book.delay(stream, now.timestamp() - chunk.times[-1] / 1e9)

    def _hold(self, stream: Stream, chunk: LogChunk) -> None:
        """Lines out of a store are merged with those of others, which are asked at the same time."""
        if self._merger.add(stream, chunk):
            self._timer = asyncio.get_running_loop().call_later(HOLD, self._merge)
        if self._merger.complete:
            self._merge()

    def _leave(self, stream: Stream) -> None:
        self._merger.leave(stream.name)
        if self._merger.complete:
            self._merge()

    def _merge(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock.now()
        for stream, chunk, late in self._merger.tell():
            self._book.append(stream, chunk.data, now, late=late)

    def _hear(self, stream: Stream) -> None:
        self._heard.add(stream.name)
        if self._held and len(self._heard) >= self._tails:
            self._tell()

    def _tell(self) -> None:
        """Streams that opened together tell one story; what comes later comes as it arrives."""
        held, self._held, self._told = self._held, [], True
        for number, (stream, chunk) in enumerate(held):
            if chunk.times:
                before, last = parted(chunk)
                self._merger.add(stream, before)
                held[number] = stream, last
        self._merge()
        for _, chunk in held:
            if chunk.times:
                self._merger.reach(chunk.times[-1])
        for each in interleave(held, self._clock.now()):
            self._append(each)

    def _append(self, held: Held) -> None:
        stream, chunk = held
        self._book.append(stream, chunk.data, self._clock.now(), backing=chunk.backing, offset=chunk.offset)
