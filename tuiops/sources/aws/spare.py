"""Reads that can be done without: one that is refused, or hangs, is a warning, and is not tried again for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import AccessDenied, NotFound, QueryRefused, SourceError, TimedOut
from tuiops.sources.http_errors import deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.core.clock import Clock

_T = TypeVar("_T")

BARRED = 300.0
"""Seconds that a read is left alone after it was forbidden, or is not known there."""

HUNG = 60.0
"""Seconds that a read is left alone after it took too long."""

SHARE = 0.25
"""Of the time of a poll, what one read may take: two that hang must leave time for what cannot be done without."""


class Unread(NamedTuple):
    """Why there is no answer."""

    reason: SafeText
    """What was in the way; empty where there is nothing to be read."""
    lasts: bool
    """Whether asking again soon would find the same: it is refused, or not there."""


class Spare:
    """Keeps what was refused, and why."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        """`timeout`: seconds of a whole poll."""
        self._clock = clock
        self._seconds = SHARE * timeout
        self._barred: dict[str, tuple[float, Unread]] = {}

    async def read(self, what: SafeText, ask: Callable[[], Awaitable[_T]], said: dict[SafeText, None]) -> _T | None:
        """What `ask` answers, None when it does not; why not is added to `said`. `what` it reads, in the plural."""
        found = await self.attempt(what, ask, said)
        return None if isinstance(found, Unread) else found

    async def attempt(
        self, what: SafeText, ask: Callable[[], Awaitable[_T]], said: dict[SafeText, None]
    ) -> _T | Unread:
        """The same for who must tell what is not there from what cannot be read at present."""
        barred = self._barred.get(what)
        if barred is not None and self._clock.monotonic() < barred[0]:
            said[barred[1].reason] = None
            return barred[1]
        try:
            async with deadline(self._seconds, lit("AWS")):
                found = await ask()
        except NotFound:
            return Unread(EMPTY, lasts=True)
        except SourceError as error:
            text = fmt("{} are not known: {}", what, safe(str(error), 300))
            said[text] = None
            unread = Unread(text, lasts=isinstance(error, AccessDenied | QueryRefused))
            wait = _pause(error)
            if wait:
                self._barred[what] = (self._clock.monotonic() + wait, unread)
            return unread
        self._barred.pop(what, None)
        return found


def _pause(error: SourceError) -> float:
    """Seconds to leave a read alone after it failed so."""
    if isinstance(error, AccessDenied | QueryRefused):
        return BARRED
    return HUNG if isinstance(error, TimedOut) else 0.0
