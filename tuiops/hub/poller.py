"""Polling one feed for ever: never two polls at once, never dead, patient with a source in trouble."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.snapshot import Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import ANNOTATION, EMPTY, lit, safe
from tuiops.core.updates import RolloutsUpdate, Update
from tuiops.errors import SourceError, TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.core.clock import Clock

log = logging.getLogger(__name__)

FAILING_PAUSE = 5.0
"""Seconds between polls of a failing source: at most twelve a minute, whoever asks."""
LONGEST_PAUSE = 15.0
"""Seconds after which a failing source is asked again at the latest, unless it named a time itself."""
SOONEST = 2.0
"""Seconds between polls of a source that wants to be asked again sooner than its interval, at least."""
LONGEST_RETRY_AFTER = 3600.0
"""A vendor that asks for more than an hour is asked again after an hour."""
_SPREAD = 0.25
"""Share of a pause that chance adds, so that consoles do not return to a recovering source in step."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll led to: the feed's status after it and, when it succeeded, the answer."""

    topic: Topic
    status: SourceStatus
    update: Update | None = None


async def wait_on_loop(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


class Poller:
    """One feed: asks, reports, waits."""

    def __init__(
        self,
        topic: Topic,
        status: SourceStatus,
        read: Callable[[], Awaitable[Update]],
        report: Callable[[Result], None],
        clock: Clock,
        *,
        siblings: int = 1,
        wait: Callable[[asyncio.Event, float], Awaitable[None]] = wait_on_loop,
        chance: Callable[[], float],
    ) -> None:
        """`siblings`: how many feeds share the source, and so its allowance; `chance` yields 0–1."""
        self.topic = topic
        self.status = status
        self._read = read
        self._report = report
        self._clock = clock
        self._floor = FAILING_PAUSE * siblings
        self._wait = wait
        self._chance = chance
        self._again_in: float | None = None
        """Seconds after which the last answer asked to be renewed."""
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Poll without waiting for the next turn, unless the source is in trouble or asked us to wait."""
        if not self.status.failing:
            self._poked.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            started = self._clock.monotonic()
            try:
                await self.poll()
            except Exception:  # a fault of ours while reporting must not end the feed
                log.exception("reporting feed %s", self.status.name)
            took = self._clock.monotonic() - started
            await self._wait(self._poked, self._pause(took))
            self._poked.clear()

    async def poll(self) -> None:
        """Ask once and report what came of it."""
        asked = self._clock.now()
        try:
            async with asyncio.timeout(self.status.grace):
                update = await self._read()
        except TimeoutError:
            self._failed(TimedOut(f"no complete answer within {self.status.grace:g} s"))
        except SourceError as error:
            self._failed(error)
        except Exception as error:  # a fault of ours in one source must not end the others
            log.exception("feed %s", self.status.name)
            self._failed(SourceError(f"internal error: {type(error).__name__}: {error}"))
        else:
            self.status = msgspec.structs.replace(
                self.status,
                answered=asked,
                tried=asked,
                failing=0,
                word=EMPTY,
                error=EMPTY,
                retry_at=None,
                warnings=update.warnings,
                requests=self.status.requests + update.requests,
                dropped=update.dropped,
            )
            self._again_in = update.again_in if isinstance(update, RolloutsUpdate) else None
            self._report(Result(topic=self.topic, status=self.status, update=update))

    def _failed(self, error: SourceError) -> None:
        retry_at = None
        if error.retry_after is not None:
            retry_at = self._clock.now() + timedelta(seconds=min(error.retry_after, LONGEST_RETRY_AFTER))
        self.status = msgspec.structs.replace(
            self.status,
            tried=self._clock.now(),
            failing=self.status.failing + 1,
            word=safe(error.word) or lit("failed"),
            error=safe(str(error), ANNOTATION),
            retry_at=retry_at,
            requests=self.status.requests + 1,
        )
        self._report(Result(topic=self.topic, status=self.status))

    def _pause(self, took: float) -> float:
        """Seconds until the next poll, counted from the end of one that took so long."""
        if not self.status.failing:
            interval = self.status.interval
            if self._again_in is not None:
                interval = min(interval, max(SOONEST, self._again_in))
            return max(0.0, interval - took)
        if self.status.retry_at is not None:
            # Measured on the wall clock, but never negative and never beyond the longest wait.
            left = (self.status.retry_at - self._clock.now()).total_seconds()
            return min(max(left, self._floor), LONGEST_RETRY_AFTER) * (1 + _SPREAD * self._chance() / 2)
        doubled = max(self.status.interval, self._floor) * 2.0 ** min(self.status.failing - 1, 10)
        pause = min(doubled, max(LONGEST_PAUSE, self._floor, self.status.interval))
        return pause * (1 + _SPREAD * self._chance())
