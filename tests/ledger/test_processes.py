"""Many processes on one ledger: killed at any point, stopped and woken, with the server restarted under them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.ledger import samples
from tests.ledger.homes import ServerHome, opened
from tests.ledger.processes import Child, texts
from tuiops.core.text import lit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.ledger.homes import Home
    from tests.ledger.processes import Wrote
    from tests.servers.fixtures import Servers
    from tuiops.ledger.sql import SqlLedger

KILLS = int(os.environ.get("TEST_KILLS", "20"))
"""How many writers are killed, each at another point."""


async def assert_all_there(home: Home, wrote: Sequence[Wrote]) -> None:
    """Every acknowledged entry, at its number, once; nothing twice; the chain whole."""
    ledger = opened(home)
    there = await texts(ledger)
    verdict = await ledger.verify()
    await ledger.close()
    assert {each.number: each.text for each in wrote}.items() <= there.items()
    assert len(wrote) == len({each.number for each in wrote})
    assert len(set(there.values())) == len(there)
    assert verdict.faults == ()
    assert verdict.entries == len(there)


async def test_entries_of_many_processes_make_one_chain(home: Home, children: list[Child]) -> None:
    child = await Child.of(home, 30, forks=8)
    children.append(child)
    await child.follow()
    assert sorted(wrote.number for wrote in child.wrote) == list(range(1, 241))
    await assert_all_there(home, child.wrote)


async def test_no_acknowledged_entry_is_lost_to_a_kill(home: Home, children: list[Child]) -> None:
    chance = random.Random(20261122)
    child = await Child.of(home, 1_000_000, forks=KILLS)
    children.append(child)
    left: dict[int, int] = {}
    while wrote := await child.next():
        left[wrote.pid] = left.get(wrote.pid, chance.randint(1, 12)) - 1
        if left[wrote.pid] == 0:
            # Its next write is under way by now, and has come to some point.
            os.kill(wrote.pid, signal.SIGKILL)
    assert len(left) == KILLS
    assert max(left.values()) <= 0
    await assert_all_there(home, child.wrote)


async def test_who_wakes_after_a_take_over_writes_nothing(home: Home, children: list[Child], ledger: SqlLedger) -> None:
    child = await Child.of(home)
    children.append(child)
    assert await child.told("lock 0.5") == "done lock"
    assert await child.told("append before") == "done append"
    os.kill(child.process.pid, signal.SIGSTOP)
    lock = (await ledger.locks())[0]
    while not lock.gone:
        lock = (await ledger.locks())[0]
    fence = await ledger.take_over("shop/api", samples.holder(), run="run-1", seconds=30)
    await ledger.append([samples.remark("took over")], fences=[fence])
    assert child.process.stdin is not None
    child.process.stdin.write(b"append a\nclaim run-1.a.1\nrenew 30\n")
    os.kill(child.process.pid, signal.SIGCONT)
    assert [(await child.line()).split()[0] for _ in range(3)] == ["FencedOut"] * 3
    assert list((await texts(ledger)).values()) == [f"{child.process.pid} before", "took over"]
    assert (await ledger.verify()).entries == 2
    [held] = await ledger.locks()
    assert (held.token, held.holder) == (fence.token, samples.holder())


async def test_a_killed_holder_is_gone_at_once(home: Home, children: list[Child], ledger: SqlLedger) -> None:
    child = await Child.of(home)
    children.append(child)
    await child.told("lock 3600")
    [lock] = await ledger.locks()
    assert not lock.gone
    assert lock.holder.pid == child.process.pid
    child.process.kill()
    await child.process.wait()
    [lock] = await ledger.locks()
    assert lock.gone
    fence = await ledger.take_over("shop/api", samples.holder(), run="run-1", seconds=30)
    assert fence.token == lock.token + 1


async def test_a_server_that_restarts_loses_nothing(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, children: list[Child]
) -> None:
    server = servers.postgresql()
    home = ServerHome(tmp_path, server, monkeypatch)
    ledger = opened(home)
    await ledger.append([samples.remark("first")])
    child = await Child.of(home, 300, forks=3)
    children.append(child)
    for end in (server.stop, server.process.kill, server.stop):
        await child.follow(60)
        await asyncio.to_thread(end)
        await asyncio.to_thread(server.start)
    await child.follow()
    [sealed] = await ledger.append([samples.remark("last")])
    assert sealed.number > 3 * 60
    await ledger.close()
    await assert_all_there(home, child.wrote)


async def test_a_server_that_is_gone_is_told_of_and_found_again(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers.postgresql()
    home = ServerHome(tmp_path, server, monkeypatch)
    ledger = opened(home)
    fence = await ledger.acquire("k", samples.holder(), run="r", purpose=lit("p"), seconds=3600)
    await asyncio.to_thread(server.stop)
    with pytest.raises(Exception, match=r"postgresql://127\.0\.0\.1:\d+/postgres: .* → ") as caught:
        await ledger.append([samples.remark()], fences=[fence])
    assert server.password not in str(caught.value)
    await asyncio.to_thread(server.start)
    [sealed] = await ledger.append([samples.remark()], fences=[fence])
    assert sealed.number == 1
    await ledger.close()
