"""Which processes belong to an execution, on Linux and elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until
from tuiops.runbooks.execution import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTION = f"r{os.getpid()}.processes"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own that has one in a session of its own."""
    script = "import subprocess, sys; subprocess.run(['setsid', 'sleep', '1000'])"
    environment = {**os.environ, processes.VARIABLE: EXECUTION}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, start_new_session=True) as started:
        wait_until(lambda: "sleep" in {found.name for found in processes.marked(EXECUTION)}, "both run")
        yield started
        processes.tell(processes.marked(EXECUTION), signal.SIGKILL)


@pytest.fixture(params=["/proc", "elsewhere"], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What shows processes: Linux, or psutil as on other systems."""
    if request.param == "elsewhere":
        monkeypatch.setattr(processes, "PROC", "/no/such/folder")
    return str(request.param)


def test_descendants_and_marked_ones(child: subprocess.Popen[bytes]) -> None:
    marked = {found.pid: found for found in processes.marked(EXECUTION)}

    assert child.pid in marked
    assert len(marked) == 2
    assert {found.pid for found in processes.descendants(child.pid)} == marked.keys() - {child.pid}
    assert child.pid in {found.pid for found in processes.descendants(os.getpid())}
    assert processes.marked(EXECUTION[:-1]) == []
    assert processes.marked(f"{EXECUTION}x") == []


def test_a_zombie_is_gone(child: subprocess.Popen[bytes]) -> None:
    processes.tell(processes.marked(EXECUTION), signal.SIGKILL)

    wait_until(lambda: processes.marked(EXECUTION) == [], "both are gone")
    assert processes.tell([processes.Process(child.pid, 1, "python", "S")], signal.SIGTERM) == {}
    assert child.pid not in {found.pid for found in processes.descendants(os.getpid())}


def test_whoever_may_not_be_told_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)

    assert processes.tell([processes.Process(4, 1, "sudo", "S")], signal.SIGKILL) == {4: "belongs to somebody else"}


@pytest.mark.parametrize("name", ["sh", "a) S 7 (b", "with space", "(", ""])
def test_names_may_hold_anything(name: str) -> None:
    found = processes._parsed(f"12 ({name}) T 34 12 12 0 -1".encode())

    assert (found.pid, found.name, found.state, found.parent) == (12, name, "T", 34)
