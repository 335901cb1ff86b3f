"""Whatever is done to a ledger behind its back is found, at the entry where it was done."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ledger import samples
from tests.ledger.homes import FileHome, opened
from tuiops.core.access import Role
from tuiops.core.clock import FakeClock
from tuiops.core.record import NO_DIGEST, Unknown, name_of
from tuiops.core.text import lit
from tuiops.errors import LedgerError
from tuiops.ledger.anchors import Anchors
from tuiops.ledger.chain import digest
from tuiops.ledger.sqlite import SqliteDatabase
from tuiops.ledger.store import Store
from tuiops.ledger.verify import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ledger.homes import Home
    from tuiops.ledger.database import Driver
    from tuiops.ledger.sql import SqlLedger

ENTRIES = 12
MUTATIONS = 1_000


async def fill(ledger: SqlLedger) -> None:
    """Twelve entries, the seventh of which claims an execution, anchored at the end."""
    fence = await ledger.acquire("k", samples.holder(), run="run-1", purpose=lit("p"), seconds=30)
    await ledger.append([samples.request(), *(samples.remark(f"number {number}", "run-1") for number in range(5))])
    await ledger.claim("run-1.a.1", samples.claim("run-1.a.1"), [fence])
    await ledger.append([samples.remark("価格", "run-1") for _ in range(4)])
    await ledger.append([samples.end()])
    await ledger.anchor()


async def faults_after(home: Home, *statements: str) -> tuple[str, ...]:
    ledger = opened(home)
    await fill(ledger)
    assert not (await ledger.verify()).faults
    await ledger.close()
    home.by_hand(*statements)
    again = opened(home)
    verdict = await again.verify()
    await again.close()
    return verdict.faults


E = "ledger_entries"


def copy(number: int, of: int) -> str:
    columns = "at, run, event, person, body, previous, digest"
    return f"INSERT INTO {E} SELECT {number}, {columns} FROM {E} WHERE number = {of}"


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ([f"UPDATE {E} SET body = replace(body, 'kim', 'lee') WHERE number = 3"],
         "entry 3: it is not what was recorded"),
        ([f"UPDATE {E} SET person = 'lee' WHERE number = 3"],
         "entry 3: its columns say something else than its content"),
        ([f"UPDATE {E} SET body = 'x' WHERE number = 3"], "entry 3: it is not what was recorded"),
        ([f"UPDATE {E} SET previous = '{NO_DIGEST}' WHERE number = 3"],
         "entry 3: it does not follow entry 2; one of them was put there or changed"),
        ([f"DELETE FROM {E} WHERE number = 4"], "entry 4: it is missing"),
        ([f"DELETE FROM {E} WHERE number BETWEEN 1 AND 3"], "entries 1 to 3: they are missing"),
        ([f"DELETE FROM {E} WHERE number > 10"],
         "entry 10: the ledger ends here, but by an anchor of 2026-05-01T12:00:00+00:00 it had come to entry 12"),
        ([f"DELETE FROM {E}", "DELETE FROM ledger_claims"],
         "entry 0: the ledger ends here, but by an anchor of 2026-05-01T12:00:00+00:00 it had come to entry 12"),
        ([f"UPDATE {E} SET number = 99 WHERE number = 8", f"UPDATE {E} SET number = 8 WHERE number = 9",
          f"UPDATE {E} SET number = 9 WHERE number = 99"],
         "entry 8: it does not follow entry 7; one of them was put there or changed"),
        ([f"UPDATE {E} SET number = number + 100 WHERE number > 8",
          f"UPDATE {E} SET number = number - 99 WHERE number > 100",
          copy(9, 3)],
         "entry 9: it does not follow entry 8; one of them was put there or changed"),
        ([copy(-5, 1)],
         "entry -5: its number cannot be"),
        (["DELETE FROM ledger_claims"], "entry 7: the claim that it tells of was taken back or changed"),
        (["UPDATE ledger_claims SET execution = 'other'"],
         "entry 7: the claim that it tells of was taken back or changed"),
        (["INSERT INTO ledger_claims VALUES ('made up', 3)"],
         "entry 3: made up counts as claimed, but no entry says so"),
    ],
)  # fmt: skip
async def test_each_is_found_and_named(home: Home, statements: list[str], fault: str, frozen: None) -> None:
    assert fault in await faults_after(home, *statements)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anchors are noted at one and the same time."""
    monkeypatch.setattr("tuiops.ledger.opening.SystemClock", lambda: FakeClock(samples.START))


async def test_a_chain_that_was_written_anew_is_not_the_one_that_was_anchored(home: Home) -> None:
    ledger = opened(home)
    await fill(ledger)
    rows = [row async for row in ledger.rows()]
    await ledger.close()
    statements, previous = [], rows[3].previous
    for row in rows[3:]:
        body = row.body.replace("kim", "lee")
        own = digest(previous, body)
        escaped = body.replace("'", "''")
        statements.append(
            f"UPDATE {E} SET body = '{escaped}', person = 'lee', previous = '{previous}', digest = '{own}'"
            f" WHERE number = {row.number}"
        )
        previous = own
    home.by_hand(*statements)
    again = opened(home)
    verdict = await again.verify()
    await again.close()
    assert [fault.partition(" of 20")[0] for fault in verdict.faults] == [
        f"entry {number}: its digest is not the one of an anchor" for number in (6, 12)
    ]
    assert verdict.anchored == 0


def _edit(chance: random.Random) -> list[str]:
    column = chance.choice(["at", "run", "event", "person", "body", "previous", "digest"])
    number = chance.randint(1, ENTRIES)
    place = chance.randint(1, 20)
    value = f"substr({column}, 1, {place - 1}) || '{chance.choice('~#@')}' || substr({column}, {place + 1})"
    return [f"UPDATE {E} SET {column} = {value} WHERE number = {number}"]


def _delete(chance: random.Random) -> list[str]:
    numbers = ", ".join(map(str, chance.sample(range(1, ENTRIES + 1), chance.randint(1, 4))))
    return [f"DELETE FROM {E} WHERE number IN ({numbers})"]


def _cut(chance: random.Random) -> list[str]:
    keep = chance.randint(0, ENTRIES - 1)
    return [f"DELETE FROM ledger_claims WHERE number > {keep}", f"DELETE FROM {E} WHERE number > {keep}"]


def _swap(chance: random.Random) -> list[str]:
    one, other = chance.sample(range(1, ENTRIES + 1), 2)
    return [
        f"UPDATE {E} SET number = 99 WHERE number = {one}",
        f"UPDATE {E} SET number = {one} WHERE number = {other}",
        f"UPDATE {E} SET number = {other} WHERE number = 99",
    ]


def _insert(chance: random.Random) -> list[str]:
    """A copy of an entry, or one with a digest that is right in itself, anywhere but behind the end."""
    after, of = chance.randint(0, ENTRIES - 1), chance.randint(1, ENTRIES)
    return [
        f"UPDATE {E} SET number = number + 100 WHERE number > {after}",
        f"UPDATE {E} SET number = number - 99 WHERE number > 100",
        f"UPDATE ledger_claims SET number = number + 1 WHERE number > {after}",
        copy(after + 1, of if of <= after else of + 1),
    ]


def _claims(chance: random.Random) -> list[str]:
    return [
        chance.choice(
            [
                "DELETE FROM ledger_claims",
                "UPDATE ledger_claims SET execution = execution || '2'",
                f"UPDATE ledger_claims SET number = {chance.choice([1, 6, 8, 12])}",
                f"INSERT INTO ledger_claims VALUES ('x', {chance.choice([1, 6, 8, 12])})",
            ]
        )
    ]


MUTATE: list[Callable[[random.Random], list[str]]] = [_edit, _edit, _delete, _cut, _swap, _insert, _claims]


class _Copy(SqliteDatabase):
    """A copy of a ledger in memory, with something done to it."""

    def __init__(self, content: bytes, statements: list[str]) -> None:
        super().__init__(Path("copy"))
        self._content = content
        self._statements = statements

    def connect(self) -> Driver:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.deserialize(self._content)
        for statement in self._statements:
            connection.execute(statement)
        return connection


async def test_a_thousand_mutations_are_found(tmp_path: Path) -> None:
    home = FileHome(tmp_path)
    ledger = opened(home)
    await fill(ledger)
    await ledger.close()
    # There is no write-ahead log in memory.
    home.by_hand("PRAGMA journal_mode=DELETE")
    original, anchors = home.path.read_bytes(), Anchors(home.anchors)
    chance = random.Random(14)

    def faults(statements: list[str]) -> tuple[str, ...]:
        store = Store(_Copy(original, statements), anchors)
        verification = store.verification()
        after = store.verify(verification, None)
        while after is not None:
            after = store.verify(verification, after)
        store.close()
        return verification.verdict().faults

    assert faults([]) == ()
    mutations = [chance.choice(MUTATE)(chance) for _ in range(MUTATIONS)]
    assert [statements for statements in mutations if not faults(statements)] == []


async def test_no_changed_entry_is_ever_read(home: Home, ledger: SqlLedger) -> None:
    await fill(ledger)
    home.by_hand(f"UPDATE {E} SET body = replace(body, 'number 2', 'number 3') WHERE number = 4")
    with pytest.raises(LedgerError, match=r"entry 4 is not what was recorded: .* → `tuiops ledger verify`"):
        _ = [sealed async for sealed in ledger.read()]
    assert [row.number async for row in ledger.rows()] == list(range(1, 13))


async def test_escape_sequences_put_there_by_hand_do_not_come_out(home: Home, ledger: SqlLedger) -> None:
    await fill(ledger)
    evil = "kim\x1b[2J\x9b31m"
    home.by_hand(
        f"UPDATE ledger_locks SET name = '{evil}', purpose = '{evil}', run = '{evil}', session = '{evil}'",
        f"UPDATE ledger_claims SET execution = '{evil}'",
    )
    [lock] = await ledger.locks()
    for text in (lock.holder.name, lock.purpose, lock.run, lock.holder.session):
        assert text.isprintable()
    verdict = await ledger.verify()
    assert verdict.faults
    assert all(fault.isprintable() for fault in verdict.faults)


@pytest.mark.parametrize("change", ["since = 1e300", "expires = -1", "pid = 9e15", "born = -5"])
async def test_locks_that_cannot_be_are_told_of(home: Home, ledger: SqlLedger, change: str) -> None:
    await fill(ledger)
    home.by_hand(f"UPDATE ledger_locks SET {change}")
    with pytest.raises(LedgerError, match="a lock is not what was recorded: somebody has changed the ledger"):
        await ledger.locks()
    with pytest.raises(LedgerError, match="a lock is not what was recorded"):
        await ledger.acquire("k", samples.holder(), run="run-1", purpose=lit("p"), seconds=30)


async def test_a_counter_that_was_taken_away_is_told_of(home: Home, ledger: SqlLedger) -> None:
    await fill(ledger)
    home.by_hand("DELETE FROM ledger_counters")
    with pytest.raises(LedgerError, match="the number of the last run is missing"):
        await ledger.next_run_number()


async def test_what_is_no_text_at_all_is_found(tmp_path: Path) -> None:
    for value in ("x'ff00'", "CAST(x'7bff7d' AS TEXT)", "7", "x'1b5b324a'", "''"):
        home = FileHome(tmp_path / value.replace(" ", ""))
        assert "entry 4: it is not what was recorded" in await faults_after(
            home, f"UPDATE {E} SET body = {value} WHERE number = 4"
        )
        ledger = opened(home)
        with pytest.raises(LedgerError, match="entry 4 is not what was recorded"):
            _ = [sealed async for sealed in ledger.read()]
        assert len([row async for row in ledger.rows()]) == ENTRIES
        await ledger.close()


async def add_by_hand(home: Home, ledger: SqlLedger, body: str, event: str, run: str = "run-1") -> None:
    """An entry that follows the last one as it should, whatever it says."""
    *_, last = [row async for row in ledger.rows()]
    values = (last.number + 1, last.at, run, event, "kim", body, last.digest, digest(last.digest, body))
    said = ", ".join(f"'{value}'" for value in values)
    home.plainly(f"INSERT INTO {E} VALUES ({said})")


async def test_what_a_newer_version_wrote_is_kept_and_has_no_effect(home: Home, ledger: SqlLedger) -> None:
    await fill(ledger)
    end = [row async for row in ledger.rows()][-1].body
    for body, event in (
        (end.replace("run.ended", "run.dreamt"), "run.dreamt"),
        (end.replace("run.ended", "run.dreamt").replace('"role":"operator"', '"role":"auditor"'), "run.dreamt"),
        (end.replace("run.ended", "?"), "?"),
        (end.replace("run.ended", "x\x1b[2J"), "x"),
    ):
        await add_by_hand(home, ledger, body.replace("\x1b", "\\u001b"), event)
    await ledger.append([samples.remark("behind them")])
    read = [sealed async for sealed in ledger.read(after=12)]
    assert [sealed.number for sealed in read] == [13, 14, 15, 16, 17]
    assert [sealed.entry.event for sealed in read[:3]] == [
        Unknown(name=lit("run.dreamt")), Unknown(name=lit("run.dreamt")), Unknown(name=lit("?")),
    ]  # fmt: skip
    assert all(isinstance(sealed.entry.event, Unknown) for sealed in read[:4])
    assert name_of(read[3].entry.event).isprintable()
    assert read[0].entry.by.role is Role.VIEWER
    assert {(sealed.entry.at, sealed.entry.by.person, sealed.entry.run) for sealed in read[:4]} == {
        (samples.START, "kim", "run-1")
    }
    assert [row.number async for row in ledger.rows(run="run-1")][-4:] == [13, 14, 15, 16]
    faults = (await ledger.verify()).faults
    assert faults == ("entry 16: its columns say something else than its content",)
    with pytest.raises(LedgerError, match="what this version cannot read cannot be recorded by it"):
        await ledger.append([read[0].entry])


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("run.ended", '{"event":"run.ended"}'),
        ("run.ended", '{"event":"run.ended","state":7}'),
        ("run.requested", '{"event":"run.requested","number":1}'),
        ("run.approved", '{"event":"run.approved","plan_digest":"short"}'),
    ],
)
async def test_an_event_that_no_version_writes_has_no_effect_and_is_told_of(
    home: Home, ledger: SqlLedger, event: str, body: str
) -> None:
    await fill(ledger)
    at = [row async for row in ledger.rows()][-1].at
    by = '{"person":"kim","account":"local:kim","session":"s-1","role":"operator"}'
    await add_by_hand(home, ledger, f'{{"at":"{at}","by":{by},"event":{body},"run":"run-1"}}', event)
    await ledger.append([samples.remark("behind it")])
    read = [sealed async for sealed in ledger.read(after=12)]
    assert [name_of(sealed.entry.event) for sealed in read] == [event, "commented"]
    assert isinstance(read[0].entry.event, Unknown)
    assert (await ledger.verify()).faults == (f"entry 13: it is no {event} of any version",)
    assert [sealed.number async for sealed in ledger.requests()] == [1]


@pytest.mark.parametrize("body", ["x", "{}", "7", '{"at":"tomorrow","by":{"person":"kim"},"event":{"event":"x"}}'])
async def test_what_is_no_entry_at_all_is_never_read(home: Home, ledger: SqlLedger, body: str) -> None:
    await fill(ledger)
    await add_by_hand(home, ledger, body, "x")
    with pytest.raises(LedgerError, match=r"entry 13 cannot be understood: .* → `tuiops ledger verify`"):
        _ = [sealed async for sealed in ledger.read()]
    assert (await ledger.verify()).faults


async def test_a_broken_line_of_anchors_is_told(home: Home, ledger: SqlLedger) -> None:
    await fill(ledger)
    home.anchors.write_text(f"12 {'0' * 63}\n{home.anchors.read_text()}")
    verdict = await ledger.verify()
    assert verdict.faults == ("line 1 of the anchors is none: somebody has changed it",)
    assert verdict.anchored == 12


ALL = "Anchors prove all of it, as of 2026-05-01T12:00:00+00:00; what came later and was cut off could not be seen."
NOTHING = "There is no anchor either: that nothing was ever recorded, or all of it deleted, looks the same."


@pytest.mark.parametrize(
    ("statements", "unanchored", "said"),
    [
        ([], False, ALL),
        ([], True, "There is no anchor: that its end was cut off, or all of it written anew, could not be seen."),
        ([f"DELETE FROM {E} WHERE number > 5"], False, "Anchors prove it up to entry 5, and nothing beyond."),
        ([f"DELETE FROM {E} WHERE number > 4"], False, "No anchor proves any of it."),
        ([f"DELETE FROM {E} WHERE number = 3"], False, "No anchor proves any of it."),
        ([f"DELETE FROM {E} WHERE number = 7"], False, "Anchors prove it up to entry 5, and nothing beyond."),
        ([f"DELETE FROM {E} WHERE number = 3", copy(9, 8)], False, "No anchor proves any of it."),
        ([f"UPDATE {E} SET body = '' WHERE number = 7"], False, "Anchors prove it up to entry 5, and nothing beyond."),
        ([f"UPDATE {E} SET body = '' WHERE number = 7"], True, "No anchor proves any of it."),
        ([f"DELETE FROM {E}"], False, "No anchor proves any of it."),
        ([f"DELETE FROM {E}"], True, NOTHING),
    ],
)
async def test_no_more_is_said_to_be_proven_than_is(
    home: Home, statements: list[str], unanchored: bool, said: str
) -> None:
    """Eight entries, of which the fifth and the last have an anchor."""
    ledger = opened(home, FakeClock(samples.START))
    for count in (5, 3):
        await ledger.append([samples.remark(str(number)) for number in range(count)])
        await ledger.anchor()
    home.by_hand(*statements or ["SELECT 1"])
    if unanchored:
        home.anchors.unlink()
    verdict = await ledger.verify()
    await ledger.close()
    assert sentence(verdict) == said
    assert verdict.whole is (None if said == NOTHING else not statements)
    assert (not verdict.faults) == (verdict.whole is not False)


async def test_what_came_after_the_last_anchor_is_told_apart(home: Home) -> None:
    ledger = opened(home, FakeClock(samples.START))
    for text in "ab":
        await ledger.append([samples.remark(text)])
    assert sentence(await ledger.verify()) == (
        "Anchors prove it up to entry 1; what came later is proven by the chain alone."
    )
    await ledger.close()


async def test_faults_beyond_number_are_counted(home: Home, ledger: SqlLedger) -> None:
    await ledger.append([samples.remark(str(number)) for number in range(300)])
    home.by_hand(f"UPDATE {E} SET digest = '{NO_DIGEST}'")
    verdict = await ledger.verify()
    assert len(verdict.faults) == 101
    assert verdict.faults[-1] == "and 500 more"
