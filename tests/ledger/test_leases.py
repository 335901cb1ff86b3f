"""Whose a lock is: whatever clocks are set to, and whatever of it somebody else has by now."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ledger import samples
from tests.ledger.homes import FileHome, opened
from tuiops.core.clock import FakeClock
from tuiops.core.text import lit
from tuiops.errors import Refused
from tuiops.ledger import holders
from tuiops.ledger.base import FencedOut, Taken
from tuiops.ledger.postgresql import PostgresDatabase
from tuiops.ledger.sqlite import SqliteDatabase
from tuiops.runbooks.engine.locks import Fences
from tuiops.runbooks.engine.scribe import Scribe
from tuiops.runbooks.record.book import RunBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ledger.homes import Home
    from tuiops.ledger.base import Fence, Lock
    from tuiops.ledger.sql import SqlLedger


async def lock(ledger: SqlLedger, key: str = "shop/api", seconds: float = 30) -> Fence:
    return await ledger.acquire(key, samples.holder(), run="run-1", purpose=lit("run #42"), seconds=seconds)


async def seen(home: Home) -> Lock:
    """The lock as another console sees it."""
    ledger = opened(home)
    [found] = await ledger.locks()
    with pytest.raises(Taken) as caught:
        await ledger.acquire("shop/api", samples.holder("s-2"), run="run-1", purpose=lit("p"), seconds=30)
    assert caught.value.lock == found
    await ledger.close()
    return found


@contextmanager
def clock_set(by: float) -> Iterator[None]:
    """The time of day of both databases, wrong by so many seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (SqliteDatabase, PostgresDatabase):
            patch.setattr(kind, "now", f"{kind.now} + ({by})")
        yield


@pytest.mark.parametrize("by", [60.0, 1e6, -60.0])
async def test_setting_the_clock_of_the_machine_ends_no_lease_and_keeps_none(
    home: Home, ledger: SqlLedger, by: float
) -> None:
    if home.name == "sqlite":
        fence = await lock(ledger)
        with clock_set(by):
            assert not (await seen(home)).gone
            await ledger.append([samples.remark()], fences=[fence])
        await lock(ledger, seconds=0)
        with clock_set(by):
            assert (await seen(home)).gone
    else:
        # Consoles of several machines have no other clock in common than the server's; this one's is none of it.
        with clock_set(0):
            await lock(ledger)
            assert not (await seen(home)).gone


@pytest.mark.parametrize("by", [-1e6, -60.0, 0.0, 60.0])
async def test_a_parked_lock_is_anybodys_whatever_the_clock_says(home: Home, ledger: SqlLedger, by: float) -> None:
    fence = await lock(ledger)
    await ledger.park(fence)
    with clock_set(by):
        assert (await seen(home)).gone
        taken = await ledger.take_over("shop/api", samples.holder("s-3"), run="run-1", seconds=30)
        assert taken.token == fence.token + 1
        assert not (await seen(home)).gone


async def test_a_lease_of_another_boot_has_ended_where_all_consoles_are_of_one_machine(
    home: Home, ledger: SqlLedger
) -> None:
    holder = samples.holder()
    _, _, counting = holder.boot.partition(" ")
    before = msgspec.structs.replace(holder, boot=f"11111111-2222-3333-4444-555555555555 {counting}")
    await ledger.acquire("shop/api", before, run="run-1", purpose=lit("p"), seconds=3_600)
    assert (await seen(home)).gone == (home.name == "sqlite")


async def test_a_container_of_this_boot_keeps_its_lease(home: Home, ledger: SqlLedger) -> None:
    holder = samples.holder()
    boot, _, _ = holder.boot.partition(" ")
    inside = msgspec.structs.replace(holder, host="c0ffee", boot=f"{boot} pid:[1]", pid=1)
    assert holders.of_this_boot(inside.boot)
    await ledger.acquire("shop/api", inside, run="run-1", purpose=lit("p"), seconds=3_600)
    assert not (await seen(home)).gone


@pytest.mark.parametrize("how", ["release", "park"])
async def test_a_fence_that_was_given_up_writes_nothing(ledger: SqlLedger, how: str) -> None:
    fence = await lock(ledger)
    await ledger.append([samples.remark()], fences=[fence])
    await getattr(ledger, how)(fence)
    with pytest.raises(FencedOut):
        await ledger.append([samples.remark()], fences=[fence])
    with pytest.raises(FencedOut):
        await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    with pytest.raises(FencedOut):
        await ledger.renew(fence, 30)
    with pytest.raises(FencedOut):
        await ledger.park(fence)
    assert await ledger.last() == 1


async def test_a_write_shows_every_fence_and_one_that_is_gone_is_enough(ledger: SqlLedger) -> None:
    fences = [await lock(ledger, key) for key in ("a", "b", "c")]
    await ledger.append([samples.remark()], fences=fences)
    await lock(ledger, "b")
    with pytest.raises(FencedOut, match="b was given up, or taken over; nothing was recorded"):
        await ledger.append([samples.remark()], fences=fences)
    with pytest.raises(FencedOut):
        await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), fences)
    assert await ledger.last() == 1


async def test_whoever_lost_one_lock_of_several_records_nothing_more(home: Home, ledger: SqlLedger) -> None:
    """Another run takes single locks of one that has recorded nothing yet."""
    fences = Fences(ledger, samples.holder(), "run-1")
    await fences.acquire(["a", "b"], lit("run #1"))
    scribe = Scribe(ledger, FakeClock(samples.START), RunBook(), fences, "run-1", lambda: None)
    await ledger.park(fences.all[1])
    other = Fences(ledger, samples.holder("s-2"), "run-2")
    await other.acquire(["b"], lit("run #2"))
    with pytest.raises(FencedOut):
        await scribe.write(samples.KIM, samples.request().event)
    with pytest.raises(FencedOut):
        await scribe.claim(samples.KIM, samples.claim("run-1.a.1").event, "run-1.a.1")
    assert await ledger.last() == 0
    with pytest.raises(Refused, match="holds b: run #2"):
        await Fences(ledger, samples.holder("s-3"), "run-3").acquire(["b"], lit("run #3"))


@pytest.mark.parametrize("how", ["release", "park"])
async def test_who_has_let_go_of_all_locks_records_nothing_more(ledger: SqlLedger, how: str) -> None:
    fences = Fences(ledger, samples.holder(), "run-1")
    await fences.acquire(["a", "b"], lit("run #1"))
    scribe = Scribe(ledger, FakeClock(samples.START), RunBook(), fences, "run-1", lambda: None)
    await getattr(fences, how)()
    with pytest.raises(FencedOut, match="given up; nothing was recorded"):
        await scribe.write(samples.KIM, samples.request().event)
    assert await ledger.last() == 0


async def test_a_probe_leaves_nothing(home: Home, ledger: SqlLedger) -> None:
    assert await ledger.next_run_number() == 1
    held = await lock(ledger, "console")
    await ledger.probe()
    assert [(one.key, one.token) for one in await ledger.locks()] == [("console", held.token)]
    await ledger.release(held)
    await ledger.probe()
    assert (await ledger.locks(), await ledger.last(), await ledger.next_run_number()) == ((), 0, 2)
    if isinstance(home, FileHome):
        assert not home.anchors.exists()
