"""The locks of one run: all or none, kept alive, and given up the moment that somebody else has them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import msgspec

from tuiops.errors import LedgerError, Refused
from tuiops.ledger.base import FencedOut, Taken
from tuiops.runbooks.record.history import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

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
    def all(self) -> tuple[Fence, ...]:
        """What every write has to show: each of them may be taken over alone. FencedOut when none is held."""
        if not self._fences:
            raise FencedOut("the locks of this run were given up; nothing was recorded")
        return self._fences

    @property
    def fresh(self) -> bool:
        """Whether nobody else can have taken over by now: only then may anything be begun."""
        return bool(self._fences) and self._clock() - self._renewed < LEASE - _MARGIN

    async def acquire(self, keys: Sequence[str], purpose: SafeText) -> None:
        """Take them all, in an order that is the same for everybody. Refused, with who has one, when one is taken.

        Those that were had until then are kept: `release` or `park` decides about them.
        """
        began = self._clock()
        try:
            for key in sorted(keys):
                await _to_its_end(self._have(key, purpose))
        except Taken as taken:
            raise Refused(_who(taken.lock)) from None
        self._renewed = began

    async def _have(self, key: str, purpose: SafeText) -> None:
        self._fences = (*self._fences, await self._one(key, purpose))

    async def _one(self, key: str, purpose: SafeText) -> Fence:
        try:
            return await self._ledger.acquire(key, self._holder, run=self._run, purpose=purpose, seconds=LEASE)
        except Taken as taken:
            if not taken.lock.gone:
                raise
            if taken.lock.run == self._run:
                return await self._ledger.take_over(key, self._holder, run=self._run, seconds=LEASE)
            if await self._nothing_open(taken.lock.run):
                fence = await self._ledger.take_over(key, self._holder, run=taken.lock.run, seconds=LEASE)
                await self._ledger.release(fence)
                return await self._ledger.acquire(key, self._holder, run=self._run, purpose=purpose, seconds=LEASE)
            raise

    async def _nothing_open(self, run: str) -> bool:
        """Whether a run needs no lock: its console died before the first word of the record, or after the last."""
        entries = [sealed.entry async for sealed in self._ledger.read(run=run)]
        try:
            history = fold(entries)
        except (ValueError, msgspec.MsgspecError):
            return False
        return not entries or (history is not None and not history.view.live)

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
        await _to_its_end(self._release())

    async def park(self) -> None:
        """Leave them to the run and to whoever goes on with it: nobody carries it out from here any more."""
        await _to_its_end(self._park())

    async def _release(self) -> None:
        fences, self._fences = self._fences, ()
        for fence in fences:
            await self._ledger.release(fence)

    async def _park(self) -> None:
        fences, self._fences = self._fences, ()
        for fence in fences:
            with contextlib.suppress(FencedOut):
                await self._ledger.park(fence)


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Do it even when whoever waits is cancelled: a lock that is had by halves stands for the whole of its lease."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.gather(doing, return_exceptions=True)
        raise


def _who(lock: Lock) -> str:
    if lock.gone:
        return f"{lock.key} is held by a run that was cut off ({lock.purpose}); settle that run first (:runs)"
    return f"{lock.holder.name} holds {lock.key}: {lock.purpose}"
