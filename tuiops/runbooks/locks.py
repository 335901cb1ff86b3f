"""The locks of one run: all or none, kept alive, and given up the moment that somebody else has them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tuiops.errors import LedgerError, Refused
from tuiops.ledger.base import FencedOut, Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tuiops.core.text import SafeText
    from tuiops.ledger.base import Fence, Holder, Ledger, Lock

LEASE = 30.0
"""Seconds that a lock stands without another word of its holder."""

RENEW = 5.0
"""Seconds between two words."""

_MARGIN = 10.0
"""Seconds before the end of a lease from which on nothing is begun any more."""


def awake() -> float:
    """Seconds on a clock that goes on while the machine or the process sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Fences:
    """Holds the locks of a run."""

    def __init__(self, ledger: Ledger, holder: Holder, run: str, *, clock: Callable[[], float] = awake) -> None:
        self._ledger = ledger
        self._holder = holder
        self._run = run
        self._clock = clock
        self._fences: tuple[Fence, ...] = ()
        self._renewed = 0.0

    @property
    def first(self) -> Fence:
        """The one that writes are shown to be allowed by; whoever takes over takes all."""
        return self._fences[0]

    @property
    def fresh(self) -> bool:
        """Whether nobody else can have taken over by now: only then may anything be begun."""
        return bool(self._fences) and self._clock() - self._renewed < LEASE - _MARGIN

    async def acquire(self, keys: Sequence[str], purpose: SafeText) -> None:
        """Take them all, in an order that is the same for everybody. Refused, with who has one, when one is taken."""
        began = self._clock()
        had: list[Fence] = []
        try:
            for key in sorted(keys):
                had.append(await self._one(key, purpose))  # noqa: PERF401 - those had so far must be known when one is taken
        except Taken as taken:
            for fence in had:
                await self._ledger.release(fence)
            raise Refused(_who(taken.lock)) from None
        self._fences, self._renewed = tuple(had), began

    async def _one(self, key: str, purpose: SafeText) -> Fence:
        try:
            return await self._ledger.acquire(key, self._holder, run=self._run, purpose=purpose, seconds=LEASE)
        except Taken as taken:
            if not taken.lock.gone:
                raise
            if taken.lock.run == self._run:
                return await self._ledger.take_over(key, self._holder, run=self._run, seconds=LEASE)
            if await self._nothing_recorded(taken.lock.run):
                # Its console died between the lock and the first word of the record: nothing can have happened.
                fence = await self._ledger.take_over(key, self._holder, run=taken.lock.run, seconds=LEASE)
                await self._ledger.release(fence)
                return await self._ledger.acquire(key, self._holder, run=self._run, purpose=purpose, seconds=LEASE)
            raise

    async def _nothing_recorded(self, run: str) -> bool:
        async for _ in self._ledger.read(run=run):
            return False
        return True

    async def keep(self) -> None:
        """Renew for ever. Ends only by raising: FencedOut, or LedgerError when the lease ran out without a word."""
        while True:
            await asyncio.sleep(RENEW)
            try:
                await self.renew()
            except FencedOut:
                raise
            except LedgerError:
                if not self.fresh:
                    raise

    async def renew(self) -> None:
        """Say that the run is alive. FencedOut, LedgerError."""
        began = self._clock()
        for fence in self._fences:
            await self._ledger.renew(fence, LEASE)
        self._renewed = began

    async def release(self) -> None:
        """Give them all back."""
        fences, self._fences = self._fences, ()
        for fence in fences:
            await self._ledger.release(fence)


def _who(lock: Lock) -> str:
    if lock.gone:
        return f"{lock.key} is held by a run that was cut off ({lock.purpose}); settle that run first (:runs)"
    return f"{lock.holder.name} holds {lock.key}: {lock.purpose}"
