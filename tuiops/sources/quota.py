"""How often a vendor's API may be asked: one allowance for each API, shared by everything that asks it.

A vendor's limit counts what a project or an account asks, not what a pane asks. Whoever wants to ask takes from the
allowance first; when the vendor refuses all the same, everybody waits as long as it says.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.source import limit_note
from tuiops.core.text import EMPTY, SafeText, safe
from tuiops.core.units import span
from tuiops.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tuiops.core.clock import Clock

PAUSE = 30.0
"""Seconds to wait when a vendor refuses without saying how long."""


class Quota:
    """The allowance of one API: a bucket that fills evenly and holds a sixth of a minute's requests."""

    def __init__(
        self,
        name: SafeText,
        per_minute: float,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._rate = per_minute / 60
        self._size = max(1.0, per_minute / 6)
        self._left = self._size
        self._clock = clock
        self._sleep = sleep
        self._counted = clock.monotonic()
        self._barred_until = 0.0
        self.waits = 0
        """Requests that had to wait for the allowance."""

    async def take(self, patience: float) -> None:
        """Return when one request may be sent. RateLimited when that would take more than `patience` seconds, and when
        the vendor refuses, be it while this waits.
        """
        self._check_bar()
        self._refill()
        self._left -= 1
        wait = -self._left / self._rate
        if wait <= 0:
            return
        if wait > patience:
            self._left += 1
            raise RateLimited(
                f"{self.name} may be asked {self._rate * 60:g} times a minute, and has been; raise interval or quotas",
                retry_after=wait,
            )
        self.waits += 1
        try:
            await self._sleep(wait)
            self._check_bar()
        except BaseException:  # whoever is refused, or gives up waiting, sends nothing; raised again
            self._left += 1
            raise

    def refused(self, retry_after: float | None) -> None:
        """The vendor said that it was too much: nobody asks again before it allows it."""
        self._refill()
        self._left = min(self._left, 0.0)
        until = self._clock.monotonic() + (PAUSE if retry_after is None else retry_after)
        self._barred_until = max(self._barred_until, until)

    def _check_bar(self) -> None:
        barred = self._barred_until - self._clock.monotonic()
        if barred > 0:
            raise RateLimited(f"{self.name} refused for its limit; asked again in {span(barred)}", retry_after=barred)

    def note(self) -> SafeText:
        """What makes data late, such as `run limit 12s`; empty when nothing does."""
        barred = self._barred_until - self._clock.monotonic()
        return limit_note(self.name, barred) if barred > 0 else EMPTY

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._left = min(self._size, self._left + (now - self._counted) * self._rate)
        self._counted = now


class Quotas:
    """The allowances of one project or account, made when they are first asked for."""

    def __init__(self, defaults: Mapping[str, float], own: Mapping[str, float], clock: Clock) -> None:
        """`defaults` and `own`: requests a minute by API; `own` counts before `defaults`, 60 where neither says."""
        self._per_minute = {**defaults, **own}
        self._clock = clock
        self._known: dict[str, Quota] = {}

    def of(self, api: str) -> Quota:
        """The allowance of one API."""
        if api not in self._known:
            self._known[api] = Quota(safe(api), self._per_minute.get(api, 60.0), self._clock)
        return self._known[api]

    def notes(self) -> tuple[SafeText, ...]:
        """What each API that refuses has to say."""
        return tuple(note for quota in self._known.values() if (note := quota.note()))
