"""The allowance of one API, and what a refusal does to everybody who shares it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tuiops.core.clock import FakeClock
from tuiops.core.text import lit
from tuiops.errors import RateLimited
from tuiops.sources.quota import Quota

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class Sleeps:
    """A clock, and sleeps that end when a test says so."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.asked: list[float] = []
        self.over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self.over.wait()

    def quota(self) -> Quota:
        """One request a second, ten at once."""
        return Quota(lit("run"), 60, self.clock, self)


async def spent(quota: Quota) -> None:
    for _ in range(10):
        await quota.take(0)


async def test_who_waits_while_the_vendor_refuses_does_not_ask() -> None:
    sleeps = Sleeps()
    quota = sleeps.quota()
    await spent(quota)
    waiting = asyncio.create_task(quota.take(5))
    await asyncio.sleep(0)
    assert sleeps.asked == [1]

    quota.refused(60)
    sleeps.clock.advance(1)
    sleeps.over.set()

    with pytest.raises(RateLimited) as refused:
        await waiting
    assert refused.value.retry_after == 59


async def test_who_waits_asks_when_nothing_has_come_between() -> None:
    sleeps = Sleeps()
    quota = sleeps.quota()
    await spent(quota)
    sleeps.over.set()

    await quota.take(5)

    assert sleeps.asked == [1]
    assert quota.waits == 1


async def test_who_gives_up_waiting_spends_nothing() -> None:
    sleeps = Sleeps()
    quota = sleeps.quota()
    await spent(quota)
    waiting = [asyncio.create_task(quota.take(20)) for _ in range(8)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    sleeps.over.set()

    await quota.take(1)

    assert sleeps.asked[-1] == 1


async def test_a_shorter_refusal_does_not_shorten_a_longer_one() -> None:
    sleeps = Sleeps()
    quota = sleeps.quota()
    quota.refused(60)
    quota.refused(None)
    sleeps.clock.advance(40)

    with pytest.raises(RateLimited) as refused:
        await quota.take(5)
    assert refused.value.retry_after == 20


async def test_a_refusal_forgives_no_debt() -> None:
    sleeps = Sleeps()
    quota = sleeps.quota()
    await spent(quota)
    sleeps.over.set()
    for _ in range(4):
        await quota.take(5)

    quota.refused(0)
    await quota.take(5)

    assert sleeps.asked == [1, 2, 3, 4, 5]
