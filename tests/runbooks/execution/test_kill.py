"""kill -9 of a console or of a supervisor, wherever it hurts: no effect comes twice, and what is said is true."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.runbooks.execution.places import Heard, lines_of, local, shell, until
from tuiops.runbooks.execution import processes
from tuiops.runbooks.execution.base import Kind, Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.runbooks.execution.base import Command, Outcome
    from tuiops.runbooks.execution.local import LocalCommands

KILLS = int(os.environ.get("TEST_KILLS", "20"))
"""How often each point is tried."""
SCRIPT = 'echo begun; echo effect >> "$1"; read x < "$2"; echo done'
"""The effect is a line in a file; what comes after it waits to be let go."""
ROOT = Path(__file__).parents[3]

BEFORE = ("before the supervisor", "order 0", "order 0.5", "order 0.99", "order 1")
AFTER = ("after the answer", "at the first output")


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    yield
    for folder in (tmp_path / "executions").glob("[!.]*"):
        for left in processes.marked(folder.name):
            with suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)


def named(number: int) -> str:
    """An execution that nobody else on this machine has: processes are found by it."""
    return f"r{os.getpid()}.kill.{number}"


class Scene:
    """One execution, its effects, and the gate that lets it end."""

    def __init__(self, folder: Path, execution: str) -> None:
        self.folder = folder
        self.execution = execution
        self.effects = folder / f"{execution}.effects"
        self.gate = folder / f"{execution}.gate"
        os.mkfifo(self.gate)
        self.command: Command = shell(execution, SCRIPT, str(self.effects), str(self.gate))

    async def dies(self, point: str) -> None:
        """Let a console begin it and die at a point."""
        console = [sys.executable, "-m", "tests.runbooks.execution.console_that_dies"]
        words = [*console, str(self.folder / "executions"), self.execution, point, *self.command.argv]
        ended = await asyncio.to_thread(subprocess.run, words, cwd=ROOT, capture_output=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()

    def let_go(self) -> None:
        """Open the gate; nobody need be waiting."""
        with suppress(OSError):
            gate = os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK)
            os.write(gate, b"\n")
            os.close(gate)

    async def outcome(self, place: LocalCommands) -> Outcome:
        """What another console finds out in the end."""
        following = asyncio.create_task(place.follow(self.command, Heard()))
        while not following.done():
            self.let_go()
            await asyncio.wait([following], timeout=0.02)
        return following.result()


@pytest.mark.parametrize("point", [*BEFORE, *AFTER])
async def test_a_console_that_is_killed(tmp_path: Path, point: str) -> None:
    place = local(tmp_path)
    scenes = [Scene(tmp_path, named(number)) for number in range(KILLS)]
    found: list[Sight] = []
    for scene in scenes:
        await scene.dies(point)
        finding = await place.find(scene.execution)
        found.append(finding.sight)
        outcome = await scene.outcome(place)
        again = await place.run(scene.command, Heard())

        assert again.kind is (Kind.UNKNOWN if outcome.kind is Kind.ENDED else Kind.NOT_DONE)
        assert len(lines_of(scene.effects)) == (1 if outcome.kind is Kind.ENDED else 0)
        assert outcome.kind in {Kind.ENDED, Kind.NOT_DONE}
        assert outcome.status == (0 if outcome.kind is Kind.ENDED else None)
    if point in AFTER:
        assert set(found) == {Sight.RUNNING}
    elif point != "order 1":
        assert set(found) == {Sight.NOT_BEGUN}


async def test_a_console_that_is_killed_between_effect_and_status(tmp_path: Path) -> None:
    place = local(tmp_path)
    for number in range(KILLS):
        scene = Scene(tmp_path, named(number))
        dying = asyncio.create_task(scene.dies("at the first output"))
        await until(scene.effects.exists, "the effect is there")
        await dying
        assert (await place.find(scene.execution)).sight is Sight.RUNNING
        outcome = await scene.outcome(place)

        assert (outcome.kind, outcome.status) == (Kind.ENDED, 0)
        assert outcome.output.head == ("begun", "done")
        assert (await place.run(scene.command, Heard())).kind is Kind.UNKNOWN
        assert lines_of(scene.effects) == ["effect"]


@pytest.mark.parametrize("effect_first", [True, False], ids=["after the effect", "at any moment"])
async def test_a_supervisor_that_is_killed(tmp_path: Path, effect_first: bool) -> None:
    place = local(tmp_path)
    for number in range(KILLS):
        scene = Scene(tmp_path, named(number))
        running = asyncio.create_task(place.run(scene.command, Heard()))
        folder = tmp_path / "executions" / scene.execution
        await until(scene.effects.exists if effect_first else folder.exists, "it has begun")
        _kill_supervisor(scene.execution)
        outcome = await running
        finding = await place.find(scene.execution)

        assert outcome.kind is Kind.UNKNOWN
        assert finding.sight is Sight.NOBODY_KNOWS
        if effect_first:
            assert {left.name for left in finding.left} == {"sh"}
        finding = await place.abort(scene.execution)
        assert (finding.sight, finding.left) == (Sight.NOBODY_KNOWS, ())
        assert (await place.run(scene.command, Heard())).kind is Kind.UNKNOWN
        assert len(lines_of(scene.effects)) <= 1


def _kill_supervisor(execution: str) -> None:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or ()
        if execution in words and any("supervisor" in word for word in words):
            process.kill()
