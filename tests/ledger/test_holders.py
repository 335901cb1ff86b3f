"""Whether a holder lives: known of this machine's own processes, of others never."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from tests.ledger import samples
from tests.waiting import wait_until
from tuiops.ledger import holders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.ledger.base import Holder

replaced = msgspec.structs.replace


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def of(process: subprocess.Popen[bytes]) -> Holder:
    born = holders._born(process.pid)
    assert born
    return replaced(samples.holder(), pid=process.pid, born=born)


def test_a_process_lives_until_it_ends(process: subprocess.Popen[bytes]) -> None:
    holder = of(process)
    assert not holders.dead(holder)
    process.kill()
    # It is dead before its parent has asked how it ended.
    wait_until(lambda: holders.dead(holder), "the death of a process that nobody has buried")
    process.wait()
    assert holders.dead(holder)


def test_another_process_of_the_same_number_is_another_one(process: subprocess.Popen[bytes]) -> None:
    assert holders.dead(replaced(of(process), born=1.0))


def test_this_one_lives() -> None:
    holder = samples.holder()
    assert holder.pid == os.getpid()
    assert not holders.dead(holder)


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"boot": "another"}])
def test_nothing_is_known_of_other_machines_and_boots(change: dict[str, str]) -> None:
    assert not holders.dead(replaced(samples.holder(), pid=2**22 + 1, **change))


def test_what_cannot_be_seen_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "_born", lambda _: None)
    assert not holders.dead(samples.holder())


def test_without_a_proc_folder_psutil_knows(monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes]) -> None:
    expected = psutil.Process(process.pid).create_time()
    monkeypatch.setattr(holders, "Path", lambda _: Path("/nonexistent/file"))
    assert holders._born(process.pid) == expected
    process.kill()
    process.wait()
    assert holders._born(process.pid) is None
