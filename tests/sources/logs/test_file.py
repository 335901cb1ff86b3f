"""A file is followed through everything that happens to log files: real files, real rotation, no waiting."""

from __future__ import annotations

import errno
import gzip
import os
import subprocess
import sys
import tracemalloc
import weakref
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tuiops.config.logs import FileLog
from tuiops.config.values import Size
from tuiops.core.clock import FakeClock
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, Unreachable
from tuiops.sources.logs.file import FileLogSource
from tuiops.sources.logs.lines import LONGEST

if TYPE_CHECKING:
    from pathlib import Path


class Tail:
    """Steps a source and keeps what it said."""

    def __init__(self, *paths: Path, history: int = 1_000_000) -> None:
        self.clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
        config = FileLog(paths=tuple(str(path) for path in paths), history=Size(history))
        self.source = FileLogSource(lit("a"), lit("s"), lit("v"), config, self.clock)
        self.notes: list[str] = []
        self.dropped = 0
        self.older: list[bytes] = []

    def step(self, seconds: float = 0.1) -> bytes:
        self.clock.advance(seconds)
        chunks = self.source.step()
        self.notes += [chunk.note for chunk in chunks if chunk.note]
        self.dropped += sum(chunk.dropped for chunk in chunks)
        self.older += [chunk.data for chunk in chunks if chunk.older and chunk.data]
        for chunk in chunks:
            if chunk.backing is not None:
                assert chunk.backing.read(chunk.offset, len(chunk.data)) == chunk.data
        return b"".join(chunk.data for chunk in chunks if not chunk.older)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\n")
    return path


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_new_lines_come_once(log: Path) -> None:
    tail = Tail(log)
    assert tail.step() == b"one\n"
    add(log, b"two\nthree\n")
    assert tail.step() == b"two\nthree\n"
    assert tail.step() == b""


def test_an_unfinished_line_is_held_until_its_end(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    add(log, b"ha")
    assert tail.step() == b""
    add(log, b"lf\n")
    assert tail.step() == b"half\n"


def test_an_unfinished_line_is_shown_after_a_while(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    add(log, b"prompt> ")
    assert tail.step() == b""
    assert tail.step(5) == b"prompt> \n"
    add(log, b"\nnext\n")
    assert tail.step() == b"next\n"


def test_rotation_by_rename_loses_nothing(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    add(log, b"last of the old\n")
    log.rename(log.with_suffix(".log.1"))
    log.write_bytes(b"first of the new\n")
    assert tail.step() + tail.step() == b"last of the old\nfirst of the new\n"
    assert any("rotated" in note for note in tail.notes)


def test_copytruncate_goes_on_at_the_beginning(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    os.truncate(log, 0)
    add(log, b"x\n")
    assert tail.step() == b"x\n"
    assert any("truncated" in note for note in tail.notes)


def test_a_truncated_file_that_has_outgrown_our_place_is_noticed(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    log.write_bytes(b"a whole other beginning\n")
    assert tail.step() == b"a whole other beginning\n"


def test_a_hole_left_by_a_writer_that_kept_its_offset_is_stepped_over(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    with log.open("r+b") as file:
        file.truncate(0)
        file.seek(10_000_000)
        file.write(b"after\n")
    assert tail.step() == b"after\n"


def test_deletion_and_return(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    log.unlink()
    tail.step()
    assert any("vanished" in note for note in tail.notes)
    with pytest.raises(Unreachable, match="no such file"):
        tail.step()
    log.write_bytes(b"back\n")
    assert tail.step() == b"back\n"


def test_a_file_that_is_not_there_says_so_and_is_picked_up_later(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "later.log")
    with pytest.raises(Unreachable, match="no such file"):
        tail.step()
    (tmp_path / "later.log").write_bytes(b"hello\n")
    assert tail.step() == b"hello\n"


def test_a_fifo_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    with pytest.raises(Unreachable, match="not a regular file"):
        Tail(tmp_path / "pipe.log").step()


def test_a_glob_picks_up_new_files_and_leaves_rotated_ones(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"a\n")
    (tmp_path / "a.log.1").write_bytes(b"older a\n")
    tail = Tail(tmp_path / "*.log*")
    assert tail.step() == b"a\n"
    assert tail.older == [b"older a\n"]
    (tmp_path / "b.log").write_bytes(b"b\n")
    assert tail.step(3) == b"b\n"


def test_history_goes_back_through_rotated_and_gzipped_files(log: Path) -> None:
    log.with_name("app.log.1").write_bytes(b"minus one\n")
    os.utime(log.with_name("app.log.1"), (2000, 2000))
    with gzip.open(log.with_name("app.log.2.gz"), "wb") as file:
        file.write(b"minus three\nminus two\n")
    os.utime(log.with_name("app.log.2.gz"), (1000, 1000))
    tail = Tail(log)
    assert tail.step() == b"one\n"
    assert tail.older == [b"minus one\n", b"minus three\nminus two\n"]


def test_a_broken_gzip_is_a_note_and_no_end(log: Path) -> None:
    log.with_name("app.log.1.gz").write_bytes(b"\x1f\x8b no gzip at all")
    tail = Tail(log)
    assert tail.step() == b"one\n"
    assert any("cannot be read" in note for note in tail.notes)


def test_a_large_file_shows_its_end_first_and_then_all_of_it(log: Path) -> None:
    lines = [b"%07d %s\n" % (number, b"x" * 90) for number in range(40_000)]
    log.write_bytes(b"".join(lines))
    tail = Tail(log, history=10_000_000)
    live = tail.step()
    assert live.endswith(lines[-1])
    assert len(live) <= 256 * 1024
    while tail.older and tail.step() == b"" and len(b"".join(tail.older)) + len(live) < 40_000 * 99:
        pass
    assert b"".join(reversed(tail.older)) + live == b"".join(lines)


@pytest.mark.parametrize("rotated", ["", ".1", ".1.gz"])
def test_no_record_is_cut_where_the_past_is_cut(log: Path, rotated: str) -> None:
    record = b"ERROR failed\nTraceback (most recent call last):\n" + b"  in a function\n" * 5 + b"ValueError: what\n"
    data = record * (4_000_000 // len(record))
    place = log.with_name(log.name + rotated)
    place.write_bytes(gzip.compress(data) if rotated.endswith("gz") else data)
    tail = Tail(log, history=10_000_000)
    pieces = [tail.step()]
    while before := len(tail.older) or len(pieces) == 1:
        pieces.append(tail.step())
        if len(tail.older) == before:
            break
    assert len(tail.older) > 2
    pieces += tail.older
    assert all(piece.startswith((b"ERROR", b"one")) for piece in pieces if piece)
    assert sum(piece.count(record) for piece in pieces) == data.count(record)


def test_a_line_of_a_hundred_megabytes_is_cut_and_costs_no_memory(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    out = b""
    tracemalloc.start()
    try:
        for _ in range(100):
            add(log, b"x" * 1_000_000)
            out += tail.step()
        add(log, b"\nnext\n")
        out += tail.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert out == b"x" * LONGEST + f" … +{100_000_000 - LONGEST:,} bytes\nnext\n".encode()
    assert tail.dropped == 0
    assert peak < 6_000_000


def test_a_line_too_long_to_catch_up_with_is_left_out(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    with log.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nnext\n")
    assert b"".join(tail.step() for _ in range(40)) == b"next\n"
    assert tail.dropped == 1


class Doors:
    """Opens files as a user would who may not read some of them; root, who runs tests in containers, may read all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shut = False
        opened = os.open

        def open_(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if self.shut:
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return opened(path, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr("tuiops.sources.logs.history.os.open", open_)


def test_permission_lost_over_a_rotation_and_given_back(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doors = Doors(monkeypatch)
    tail = Tail(log)
    tail.step()
    log.rename(log.with_suffix(".log.1"))
    log.write_bytes(b"first of the new\n")
    doors.shut = True
    assert tail.step() + tail.step() == b""
    assert [note for note in tail.notes if "permission denied" in note] == tail.notes[-1:]
    doors.shut = False
    assert tail.step() + tail.step() == b"first of the new\n"


def test_a_file_that_may_not_be_read_says_so_until_it_may(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doors = Doors(monkeypatch)
    doors.shut = True
    tail = Tail(log)
    with pytest.raises(AccessDenied, match="permission denied"):
        tail.step()
    doors.shut = False
    assert tail.step() == b"one\n"


def test_a_symbolic_link_that_is_turned_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n")
    (tmp_path / "b").write_bytes(b"two\n")
    current = tmp_path / "current.log"
    current.symlink_to("a")
    tail = Tail(current)
    assert tail.step() == b"one\n"
    add(tmp_path / "a", b"last of a\n")
    (tmp_path / "next.log").symlink_to("b")
    (tmp_path / "next.log").rename(current)
    assert tail.step() + tail.step() == b"last of a\ntwo\n"


def test_a_long_line_says_how_much_was_cut(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    add(log, b"x" * 3_000_000 + b"\nnext\n")
    out = tail.step() + tail.step()
    assert out == b"x" * LONGEST + f" … +{3_000_000 - LONGEST:,} bytes\nnext\n".encode()


def test_what_cannot_be_caught_up_with_is_counted(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    add(log, b"0123456789abcde\n" * 5_000_000)
    out = b"".join(tail.step() for _ in range(4))
    assert out.count(b"\n") + tail.dropped == 5_000_000


def test_binary_content_survives(log: Path) -> None:
    tail = Tail(log)
    tail.step()
    raw = bytes(range(1, 256)).replace(b"\n", b"") + b"\x00\n"
    add(log, raw)
    assert tail.step() == raw


async def test_lines_that_were_handed_on_can_be_read_after_the_end_and_then_the_file_is_closed(log: Path) -> None:
    add(log, b"two\n")
    tail = Tail(log)
    (chunk,) = tail.source.step()
    backing = chunk.backing
    assert backing is not None
    gone = weakref.ref(backing)
    await tail.source.close()
    assert backing.read(chunk.offset, len(chunk.data)) == b"one\ntwo\n"
    del chunk, backing
    assert gone() is None


_STUCK = """
import asyncio, os, sys
from datetime import UTC, datetime
from tuiops.config.logs import FileLog
from tuiops.config.values import Size
from tuiops.core.clock import SystemClock
from tuiops.core.text import lit
from tuiops.sources.logs import follow
from tuiops.sources.logs.file import FileLogSource

reader, writer = os.pipe()
reached = []
def stuck(path):
    reached.append(path)
    os.read(reader, 1)
follow.OpenFile = stuck

async def main():
    source = FileLogSource(lit("a"), lit("s"), lit("v"), FileLog(paths=(sys.argv[1],)), SystemClock())
    tailing = asyncio.create_task(anext(source.tail()))
    while not reached:
        await asyncio.sleep(0)
    tailing.cancel()
    await asyncio.gather(tailing, return_exceptions=True)
    await source.close()
    print("over")

asyncio.run(main())
"""


def test_a_read_that_never_returns_does_not_keep_the_program(log: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _STUCK, str(log)], capture_output=True, timeout=60, check=True)
    assert ended.stdout.split() == [b"over"]
    assert not ended.stderr
