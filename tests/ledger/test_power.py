"""Power cuts: a disk keeps what was synced, and of what was only written any part, torn or not.

What a process writes and syncs is recorded by strace, and played back up to a random moment.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tests.ledger.homes import FileHome
from tests.ledger.processes import ROOT
from tests.servers.fixtures import cannot_be_had, program
from tests.servers.packages import MissingServer
from tuiops.ledger import sqlite
from tuiops.ledger.anchors import Anchors
from tuiops.ledger.sqlite import SqliteDatabase
from tuiops.ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

ENTRIES = 450
"""So many that the write-ahead log is copied into the database and begun anew on the way."""

CUTS = 400
SECTOR = 512
_CALL = re.compile(
    r"(?P<call>pwrite64|write|fsync|fdatasync|ftruncate)\((?P<fd>\d+)<(?P<path>[^>]*)>"
    r'(?:, "(?P<data>[^"]*)")?(?:, (?P<size>\d+))?(?:, (?P<offset>\d+))?\)\s+= (?P<result>-?\d+)'
)


class Step(NamedTuple):
    """Something that a disk, or whoever waits for it, learns of."""

    kind: str
    file: str
    data: bytes = b""
    offset: int = 0


def record(home: FileHome, log: Path) -> list[Step]:
    """The steps of a process that appends entries, one after the other."""
    strace = program("strace")
    config = msgspec.json.encode(home.config).decode()
    calls = "trace=write,pwrite64,fsync,fdatasync,ftruncate"
    done = subprocess.run(
        [strace.path, "-f", "-q", "-y", "-xx", "-s", "65536", "-e", calls, "-o", log,
         sys.executable, "-m", "tests.ledger.child", config, str(ENTRIES), "1"],
        cwd=ROOT, env={**os.environ, **strace.environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Operation not permitted" in done.stderr:
        cannot_be_had(MissingServer(f"strace may not look at processes here: {done.stderr.strip()[-200:]}"))
    assert done.returncode == 0, done.stderr
    return list(_steps(log, home.path.name))


def _steps(log: Path, name: str) -> Iterator[Step]:
    begun: dict[str, str] = {}
    with log.open(encoding="ascii") as lines:
        for line in lines:
            pid, _, call = line.strip().partition(" ")
            call = call.strip()
            if call.endswith("<unfinished ...>"):
                begun[pid] = call.removesuffix("<unfinished ...>")
                continue
            if call.startswith("<... "):
                call = begun.pop(pid, "") + call.partition("resumed>")[2]
            match = _CALL.match(call)
            if match is None or int(match["result"]) < 0:
                continue
            data = bytes.fromhex((match["data"] or "").replace("\\x", ""))
            # strace writes paths as it writes data.
            file = bytes.fromhex(match["path"].replace("\\x", "")).decode().rpartition("/")[2]
            if match["call"] == "write" and data.startswith(b"wrote "):
                yield Step("told", "", data)
            elif file in {name, f"{name}-wal"}:
                kind = {"pwrite64": "write", "ftruncate": "cut"}.get(match["call"], "sync")
                offset = int(match["offset"] or 0) if kind == "write" else int(match["size"] or 0)
                yield Step(kind, file, data, offset)


class Disk:
    """Files as they are after a power cut."""

    def __init__(self) -> None:
        self.kept: dict[str, bytearray] = {}
        self.pending: dict[str, list[Step]] = {}
        self.told = 0

    def take(self, step: Step, *, syncs: bool = True) -> None:
        if step.kind == "told":
            self.told = int(step.data.split()[2])
        elif step.kind == "sync":
            if syncs:
                self.keep(step.file)
        else:
            self.pending.setdefault(step.file, []).append(step)

    def keep(self, file: str) -> None:
        for step in self.pending.pop(file, []):
            _apply(self.kept.setdefault(file, bytearray()), step, step.data)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """What is left: any of the writes that nothing has synced, some of them torn."""
        left = {file: bytearray(kept) for file, kept in self.kept.items()}
        for file, steps in self.pending.items():
            for step in steps:
                fate = chance.choice(["kept", "lost", "torn"])
                if fate != "lost":
                    end = len(step.data) if fate == "kept" else SECTOR * chance.randint(0, len(step.data) // SECTOR)
                    _apply(left.setdefault(file, bytearray()), step, step.data[:end])
        return {file: bytes(content) for file, content in left.items()}


def _apply(content: bytearray, step: Step, data: bytes) -> None:
    if step.kind == "cut":
        del content[step.offset :]
        return
    if len(content) < step.offset:
        content.extend(bytes(step.offset - len(content)))
    content[step.offset : step.offset + len(data)] = data


def lost(steps: list[Step], folder: Path, cuts: int, *, syncs: bool) -> int:
    """How many of the cuts took entries that had been acknowledged, or broke the chain."""
    chance = random.Random(13)
    first = next(place for place, step in enumerate(steps) if step.kind == "told")
    moments = set(chance.sample(range(first + 1, len(steps)), cuts))
    disk, broken = Disk(), 0
    for place, step in enumerate(steps):
        disk.take(step, syncs=syncs)
        if place == first:
            # The files themselves are there from here on.
            for file in list(disk.pending):
                disk.keep(file)
        if place in moments:
            there = folder / str(place)
            there.mkdir()
            for name, content in disk.cut(chance).items():
                (there / name).write_bytes(content)
            broken += not _is_whole(there / "ledger.db", disk.told)
    return broken


def _is_whole(path: Path, told: int) -> bool:
    store = Store(SqliteDatabase(path, create=False), Anchors(path.with_name("anchors")))
    try:
        verification = store.verification()
        after = store.verify(verification, None)
        while after is not None:
            after = store.verify(verification, after)
        verdict = verification.verdict()
    finally:
        store.close()
    return verdict.faults == () and verdict.entries >= told


def test_no_acknowledged_entry_is_lost_to_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = record(FileHome(tmp_path / "home"), tmp_path / "calls")
    # What is left of a disk is only looked at.
    monkeypatch.setattr(sqlite, "_SETTINGS", ("PRAGMA synchronous=OFF",))
    written = [step for step in steps if step.kind == "write"]
    assert sum(step.kind == "told" for step in steps) == ENTRIES
    assert any(step.file == "ledger.db" for step in written[len(written) // 2 :])
    for name in ("synced", "not synced"):
        (tmp_path / name).mkdir()
    assert lost(steps, tmp_path / "synced", CUTS, syncs=True) == 0
    # That the cuts would be felt: on a disk that lies about syncs they are.
    assert lost(steps, tmp_path / "not synced", 10, syncs=False) > 5
