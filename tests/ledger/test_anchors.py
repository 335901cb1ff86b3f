"""The file of anchors: when lines are added, and that each is whole."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from tests.ledger import samples
from tests.ledger.homes import FileHome, opened
from tests.ledger.processes import Child
from tests.waiting import eventually
from tuiops.core.clock import FakeClock
from tuiops.errors import LedgerError
from tuiops.ledger import sql
from tuiops.ledger.anchors import Anchors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ledger.homes import Home

DIGEST = "a" * 64


def numbers(anchors: Anchors) -> list[int]:
    return [anchor.number for anchor in anchors.read()[0]]


def test_a_torn_line_makes_room_for_a_whole_one(tmp_path: Path) -> None:
    anchors = Anchors(tmp_path / "folder" / "anchors")
    assert anchors.read() == ([], [])
    anchors.add(1, DIGEST, samples.START)
    anchors.path.write_bytes(anchors.path.read_bytes() + b"2 aaaa")
    assert anchors.read() == ([(1, DIGEST, "2026-05-01T12:00:00+00:00")], [])
    anchors.add(3, DIGEST, samples.START)
    assert numbers(anchors) == [1, 3]
    anchors.path.write_bytes(b"4 a")
    anchors.add(5, DIGEST, samples.START)
    assert anchors.read()[1] == []
    assert numbers(anchors) == [5]


@pytest.mark.parametrize("line", [b"", b"x", b"\xff\xfe", b"0 " + b"a" * 64 + b" t", b"1 " + b"a" * 64 + b" \x1b[2J",
                                  b"9" * 300])  # fmt: skip
def test_whatever_else_is_in_it_is_told_safely(tmp_path: Path, line: bytes) -> None:
    anchors = Anchors(tmp_path / "anchors")
    anchors.path.write_bytes(line + b"\n")
    found, faults = anchors.read()
    if b"\x1b" not in line:
        assert (found, faults) == ([], ["line 1 of the anchors is none: somebody has changed it"])


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    anchors = Anchors(tmp_path / "file" / "anchors")
    with pytest.raises(LedgerError, match=r"file/anchors: cannot be written: (File exists|Not a directory) → "):
        anchors.add(1, DIGEST, samples.START)
    with pytest.raises(LedgerError, match=r"cannot be read: Not a directory → check who may read it"):
        anchors.read()


async def test_anchors_are_ten_minutes_apart_and_at_the_ends_of_runs(tmp_path: Path) -> None:
    home, clock = FileHome(tmp_path), FakeClock(samples.START)
    ledger, anchors = opened(home, clock), Anchors(home.anchors)
    await ledger.append([samples.remark()])
    assert numbers(anchors) == [1]
    clock.advance(599)
    await ledger.append([samples.remark()])
    assert numbers(anchors) == [1]
    clock.advance(1)
    await ledger.append([samples.remark()])
    assert numbers(anchors) == [1, 3]
    await ledger.append([samples.end()])
    await ledger.anchor()
    assert numbers(anchors) == [1, 3, 4]
    await ledger.append([samples.remark()])
    assert numbers(anchors) == [1, 3, 4]
    await ledger.close()
    assert numbers(anchors) == [1, 3, 4, 5]


async def test_the_last_entry_is_anchored_even_when_none_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "ANCHOR_EVERY", 0.1)
    home = FileHome(tmp_path)
    ledger, anchors = opened(home, FakeClock(samples.START)), Anchors(home.anchors)
    await ledger.append([samples.remark()])
    await ledger.append([samples.remark()])
    assert numbers(anchors) == [1]
    await eventually(lambda: numbers(anchors) == [1, 2], "the anchor of an entry that none follows")
    await ledger.close()


async def test_what_a_killed_console_left_comes_under_an_anchor_once(home: Home, children: list[Child]) -> None:
    child = await Child.of(home)
    children.append(child)
    for _ in range(2):
        assert await child.told("append a") == "done append"
    child.process.kill()
    await child.process.wait()
    anchors = Anchors(home.anchors)
    assert numbers(anchors) == [1]
    for _ in range(3):
        ledger = opened(home)
        await asyncio.gather(ledger.anchor(), ledger.anchor())
        assert (await ledger.verify()).anchored == 2
        await ledger.close()
    assert numbers(anchors) == [1, 2]
    home.anchors.unlink()
    ledger = opened(home)
    await ledger.anchor()
    assert numbers(anchors) == [2]
    await ledger.close()


async def test_an_entry_is_recorded_though_its_anchor_cannot_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = FileHome(tmp_path)
    home.anchors.mkdir()
    ledger = opened(home)
    with caplog.at_level(logging.WARNING):
        [sealed] = await ledger.append([samples.end()])
    assert sealed.number == 1
    assert "anchors: cannot be written: Is a directory" in caplog.text
    with pytest.raises(LedgerError, match="Is a directory"):
        await ledger.anchor()
    await ledger.close()


async def test_an_empty_ledger_has_nothing_to_anchor(tmp_path: Path) -> None:
    home = FileHome(tmp_path)
    ledger = opened(home)
    await ledger.anchor()
    assert not home.anchors.exists()
    await ledger.close()
