"""The ledger in a SQL database, for an event loop. Whatever blocks is done in threads; so are heavy imports."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tuiops.core.record import RunEnded, RunRequested
from tuiops.errors import LedgerError
from tuiops.ledger.chain import unseal
from tuiops.ledger.worker import CLOSING, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tuiops.core.clock import Clock
    from tuiops.core.record import Entry, Sealed
    from tuiops.core.text import SafeText
    from tuiops.ledger.base import Fence, Holder, Lock, Verdict
    from tuiops.ledger.chain import Row
    from tuiops.ledger.opening import Opening
    from tuiops.ledger.verify import Verification

log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two looks for what others have added."""

ANCHOR_EVERY = 600.0
"""Seconds within which every entry comes under an anchor."""


class SqlLedger:
    """`base.Ledger` in SQLite or PostgreSQL. Constructing is free; it is opened by the first call."""

    def __init__(self, opening: Opening, clock: Clock, *, poll: float = POLL) -> None:
        self._opening = opening
        self._clock = clock
        self._poll = poll
        # Long reads must not keep an intent waiting.
        self._writer = Worker("ledger", opening.store)
        self._reader = Worker("ledger: reads", opening.store)
        self._anchored = float("-inf")
        """When the last anchor was noted, by the monotonic clock."""
        self._late: asyncio.Task[None] | None = None
        """Anchors entries after which no further ones come."""

    async def append(self, entries: Sequence[Entry], *, fences: Sequence[Fence] = ()) -> tuple[Sealed, ...]:
        sealed = await self._writer.run(lambda store: store.append(entries, fences))
        await self._keep_anchored(entries)
        return sealed

    async def claim(self, execution: str, entry: Entry, fences: Sequence[Fence]) -> Sealed:
        (sealed,) = await self._writer.run(lambda store: store.append([entry], fences, execution))
        await self._keep_anchored([entry])
        return sealed

    async def probe(self) -> None:
        await self._writer.run(lambda store: store.probe())

    async def next_run_number(self) -> int:
        return await self._writer.run(lambda store: store.next_run_number())

    async def read(self, *, after: int = 0, until: int | None = None, run: str | None = None) -> AsyncIterator[Sealed]:
        while page := await self._read(after, until, run):
            for sealed in page:
                yield sealed
            after = page[-1].number

    async def rows(self, *, after: int = 0, until: int | None = None, run: str | None = None) -> AsyncIterator[Row]:
        """Entries as they are stored, right or wrong."""
        while rows := await self._page(after, until, run):
            for row in rows:
                yield row
            after = rows[-1].number

    async def requests(self, *, after: int = 0) -> AsyncIterator[Sealed]:
        """The requests of runs alone, those that this version can read."""
        while page := await self._requested(after):
            for sealed in page:
                if isinstance(sealed.entry.event, RunRequested):
                    yield sealed
            after = page[-1].number

    async def _page(self, after: int, until: int | None, run: str | None) -> list[Row]:
        return await self._reader.run(lambda store: store.page(after, until, run))

    async def _read(self, after: int, until: int | None, run: str | None) -> list[Sealed]:
        return await self._reader.run(lambda store: [unseal(row) for row in store.page(after, until, run)])

    async def _requested(self, after: int) -> list[Sealed]:
        return await self._reader.run(lambda store: [unseal(row) for row in store.requests(after)])

    async def last(self) -> int:
        number, _ = await self._reader.run(lambda store: store.end())
        return number

    async def acquire(self, key: str, holder: Holder, *, run: str, purpose: SafeText, seconds: float) -> Fence:
        return await self._writer.run(lambda store: store.acquire(key, holder, run, purpose, seconds))

    async def take_over(self, key: str, holder: Holder, *, run: str, seconds: float) -> Fence:
        return await self._writer.run(lambda store: store.take_over(key, holder, run, seconds))

    async def renew(self, fence: Fence, seconds: float) -> None:
        await self._writer.run(lambda store: store.renew(fence, seconds))

    async def park(self, fence: Fence) -> None:
        await self._writer.run(lambda store: store.park(fence))

    async def release(self, fence: Fence) -> None:
        await self._writer.run(lambda store: store.release(fence))

    async def locks(self) -> tuple[Lock, ...]:
        return await self._reader.run(lambda store: store.locks())

    async def verify(self) -> Verdict:
        verification = await self._reader.run(lambda store: store.verification())
        after: int | None = None
        while True:
            after = await self._look(verification, after)
            if after is None:
                return verification.verdict()

    async def _look(self, verification: Verification, after: int | None) -> int | None:
        return await self._reader.run(lambda store: store.verify(verification, after))

    async def anchor(self) -> None:
        now = self._clock.now()
        await self._writer.run(lambda store: store.anchor(now))
        self._anchored = self._clock.monotonic()

    async def news(self) -> AsyncIterator[int]:
        known = -1
        database = await self._reader.run(lambda store: store.database)
        async for _ in database.hints(self._poll):
            last = await self.last()
            if last != known:
                known = last
                yield last

    async def close(self) -> None:
        late, self._late = self._late, None
        try:
            if late is not None:
                late.cancel()
                async with asyncio.timeout(CLOSING):
                    await self._try_to_anchor()
        except TimeoutError:
            log.warning("the ledger did not answer in time to be anchored once more")
        finally:
            await asyncio.gather(self._writer.close(), self._reader.close())

    async def _keep_anchored(self, entries: Sequence[Entry]) -> None:
        """Note an anchor at the end of a run and ten minutes after the last one, at once or later.

        The entries are recorded by now, so that a file which cannot be written is told of and no more.
        """
        wait = self._anchored + ANCHOR_EVERY - self._clock.monotonic()
        if wait > 0 and not any(isinstance(entry.event, RunEnded) for entry in entries):
            if self._late is None:
                self._late = asyncio.create_task(self._anchor_later(wait))
            return
        if self._late is not None:
            self._late.cancel()
            self._late = None
        await self._try_to_anchor()

    async def _anchor_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._late = None
        await self._try_to_anchor()

    async def _try_to_anchor(self) -> None:
        try:
            await self.anchor()
        except LedgerError as error:
            log.warning("%s", error)
