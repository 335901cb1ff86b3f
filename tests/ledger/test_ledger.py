"""What a ledger promises, on each database."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.ledger import samples
from tests.ledger.homes import FileHome, opened
from tuiops.core.record import NO_DIGEST, Commented, RunRequested
from tuiops.core.text import SafeText, lit, safe
from tuiops.errors import LedgerError
from tuiops.ledger import chain
from tuiops.ledger.base import AlreadyClaimed, Fence, FencedOut, Taken

if TYPE_CHECKING:
    from tests.ledger.homes import Home
    from tuiops.core.record import Sealed
    from tuiops.ledger.base import Ledger
    from tuiops.ledger.sql import SqlLedger


async def all_of(ledger: Ledger, run: str | None = None) -> list[Sealed]:
    return [sealed async for sealed in ledger.read(run=run)]


async def lock(ledger: Ledger, run: str = "run-1", key: str = "shop/api") -> Fence:
    return await ledger.acquire(key, samples.holder(), run=run, purpose=lit("run #42"), seconds=30)


async def test_entries_come_back_as_they_were(home: Home, ledger: SqlLedger) -> None:
    wrote = await ledger.append([samples.request(), samples.remark("価格が違う 🙂")])
    wrote += await ledger.append([samples.end()])
    await ledger.close()

    again = opened(home)
    assert [sealed.number for sealed in wrote] == [1, 2, 3]
    assert tuple(await all_of(again)) == wrote
    assert [sealed.number for sealed in await all_of(again, "run-1")] == [1, 3]
    assert [sealed.number async for sealed in again.read(after=1, until=2)] == [2]
    assert [sealed.number async for sealed in again.requests()] == [1]
    assert await again.last() == 3
    await again.close()


async def test_pages_join_without_a_seam(ledger: SqlLedger) -> None:
    await ledger.append([samples.remark(f"number {number}") for number in range(2_500)])
    assert [sealed.number for sealed in await all_of(ledger)] == list(range(1, 2_501))
    assert (await ledger.verify()).entries == 2_500


async def test_an_empty_one_is_whole(ledger: SqlLedger) -> None:
    assert await ledger.last() == 0
    assert await all_of(ledger) == []
    assert await ledger.append([]) == ()
    verdict = await ledger.verify()
    assert (verdict.entries, verdict.faults) == (0, ())


async def test_each_digest_covers_the_one_before(home: Home, ledger: SqlLedger) -> None:
    wrote = await ledger.append([samples.remark("a"), samples.remark("b")])
    rows = [row async for row in ledger.rows()]
    assert [row.previous for row in rows] == [NO_DIGEST, wrote[0].digest]
    assert [(row.run, row.event, row.person) for row in rows] == [("", "commented", "kim")] * 2


async def test_a_plan_keeps_its_very_bytes(home: Home, ledger: SqlLedger) -> None:
    plan = b'{"argv":["a b","\\u001b[31m \\u0000"],"b":1.50}'
    await ledger.append([samples.request(plan=plan)])
    await ledger.close()
    again = opened(home)
    [sealed] = await all_of(again)
    assert isinstance(sealed.entry.event, RunRequested)
    assert bytes(sealed.entry.event.plan) == plan
    assert not (await again.verify()).faults
    await again.close()


HOSTILE = ["\x00", "a\x00b", "\ud800", "\udfff\ud800", "\x1b]0;x\x07", "\x9b31m", "\u202eevil", "\u200b", "a\nb\tc",
           "\\u0000", '"\\', "a" + "\u0301" * 50, "漢字" * 100]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_neither_breaks_it_nor_comes_back(home: Home, ledger: SqlLedger, text: str) -> None:
    hostile = SafeText(text)
    principal = msgspec.structs.replace(samples.KIM, person=hostile, session=text)
    wrong = samples.entry(Commented(subject=hostile, text=hostile), run=text)
    wrong = msgspec.structs.replace(wrong, by=principal)
    [sealed] = await ledger.append([wrong])
    fence = await ledger.acquire(text, samples.holder(text), run=text, purpose=hostile, seconds=30)
    await ledger.claim(text, samples.claim(text), [fence])
    with pytest.raises(AlreadyClaimed):
        await ledger.claim(text, samples.claim(text), [fence])
    await ledger.renew(fence, 30)
    found = [each async for each in ledger.read(run=text)]
    assert [each.number for each in found] == [1]
    assert sealed == found[0]
    [lock] = await ledger.locks()
    for shown in (found[0].entry.run, found[0].entry.by.person, found[0].entry.by.session, lock.key, lock.purpose,
                  lock.holder.session):  # fmt: skip
        assert shown.isprintable()
    assert (await ledger.verify()).faults == ()


@given(st.text(max_size=60))
@example("日本語 — „ü“ → ✓ 한국어 ﹏ e\u0301")
def test_what_is_called_common_is_safe(text: str) -> None:
    """The quick way and the slow one agree about every text."""
    body = msgspec.json.encode(text).decode()
    assert chain._shows_safely(body) == (safe(text, 60) == text)


async def test_what_is_no_json_is_refused_and_nothing_written(ledger: SqlLedger) -> None:
    for plan in (b"{", b'"\xff"', b'"\xed\xa0\x80"', b'{"a":"\x00"}'):
        with pytest.raises(LedgerError, match="not JSON in UTF-8"):
            await ledger.append([samples.remark(), samples.request(plan=plan)])
    with pytest.raises(LedgerError, match="too long"):
        await ledger.append([samples.request(plan=b'"' + b"x" * 9_000_000 + b'"')])
    fence = await lock(ledger)
    long = "漢" * 700
    for refused in (
        ledger.append([samples.remark(run=long)]),
        ledger.claim(long, samples.claim(long), [fence]),
        lock(ledger, key=long),
        lock(ledger, run=long, key="other"),
    ):
        with pytest.raises(LedgerError, match="has 700 characters; a name has 600 at most"):
            await refused
    most = "漢" * 600
    await ledger.claim(most, samples.claim(most, run=most), [await lock(ledger, key=most, run=most)])
    assert await ledger.last() == 1


async def test_it_refuses_changes(home: Home, ledger: SqlLedger) -> None:
    fence = await lock(ledger)
    await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    for statement in (
        "UPDATE ledger_entries SET body = 'x'", "DELETE FROM ledger_entries", "DELETE FROM ledger_claims",
        "UPDATE ledger_claims SET execution = 'x'", "DELETE FROM ledger_locks",
    ):  # fmt: skip
        with pytest.raises(Exception, match="append-only"):
            home.plainly(statement)
    with pytest.raises(Exception, match="only grows"):
        home.plainly("UPDATE ledger_locks SET token = 0")
    assert not (await ledger.verify()).faults


async def test_an_execution_is_claimed_once_for_ever(home: Home, ledger: SqlLedger) -> None:
    fence = await lock(ledger)
    sealed = await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    assert sealed.number == 1
    other = opened(home)
    for one in (ledger, other):
        with pytest.raises(AlreadyClaimed, match=r"run-1\.a\.1"):
            await one.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    await other.claim("run-1.a.2", samples.claim("run-1.a.2"), [fence])
    assert await ledger.last() == 2
    await other.close()


async def test_of_all_who_claim_at_once_one_does(home: Home, ledger: SqlLedger) -> None:
    fence = await lock(ledger)
    some = [ledger, *(opened(home) for _ in range(4))]
    for attempt in ("run-1.a.1", "run-1.a.2", "run-1.a.3"):
        outcomes = await asyncio.gather(
            *(one.claim(attempt, samples.claim(attempt), [fence]) for one in some), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyClaimed"] * 4 + ["Sealed"]
    assert (await ledger.verify()).entries == 3
    for one in some[1:]:
        await one.close()


async def test_runs_get_numbers_that_no_other_has(home: Home, ledger: SqlLedger) -> None:
    other = opened(home)
    numbers = await asyncio.gather(*(one.next_run_number() for one in (ledger, other) for _ in range(20)))
    assert sorted(numbers) == list(range(1, 41))
    await other.close()


async def test_a_lock_is_one_runs_alone(ledger: SqlLedger) -> None:
    fence = await lock(ledger)
    with pytest.raises(Taken, match=r"kim on bastion-1 holds shop/api: run #42") as caught:
        await lock(ledger, "run-2")
    taken = caught.value.lock
    assert (taken.run, taken.token, taken.gone) == ("run-1", 1, False)
    assert taken.holder == samples.holder()
    assert await ledger.locks() == (taken,)
    again = await lock(ledger)
    assert again.token == 2
    for stale in (fence, Fence(key="nobody's", token=1)):
        with pytest.raises(FencedOut):
            await ledger.append([samples.remark()], fences=[stale])
        with pytest.raises(FencedOut):
            await ledger.renew(stale, 30)
    await ledger.release(fence)
    assert len(await ledger.locks()) == 1
    await ledger.release(again)
    assert await ledger.locks() == ()
    assert (await lock(ledger, "run-2")).token == 3
    assert await ledger.last() == 0


async def test_not_even_the_same_holder_takes_a_lock_from_another_of_its_runs(ledger: SqlLedger) -> None:
    fence = await lock(ledger)
    with pytest.raises(Taken):
        await ledger.take_over("shop/api", samples.holder(), run="run-2", seconds=30)
    renamed = msgspec.structs.replace(samples.holder(), name=lit("lee on bastion-1"))
    again = await ledger.acquire("shop/api", renamed, run="run-1", purpose=lit("p"), seconds=30)
    assert again.token == fence.token + 1
    assert (await ledger.take_over("shop/api", renamed, run="run-1", seconds=30)).token == again.token + 1
    free = await ledger.take_over("shop/web", renamed, run="run-1", seconds=30)
    assert free.token == 1


async def test_the_same_run_elsewhere_has_to_take_over(ledger: SqlLedger) -> None:
    await lock(ledger)
    elsewhere = samples.holder("s-2")
    with pytest.raises(Taken):
        await ledger.acquire("shop/api", elsewhere, run="run-1", purpose=lit("x"), seconds=30)
    with pytest.raises(Taken):
        await ledger.take_over("shop/api", elsewhere, run="run-1", seconds=30)


async def test_the_file_is_its_owners_alone(home: Home, ledger: SqlLedger) -> None:
    await ledger.append([samples.end()])
    files = [home.anchors]
    if isinstance(home, FileHome):
        assert stat.S_IMODE(home.path.parent.stat().st_mode) == 0o700
        files += list(home.path.parent.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
