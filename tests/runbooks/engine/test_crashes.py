"""Consoles that are killed, or stand still, at every moment: nothing is done twice, and what is left is told."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ledger.homes import FileHome
from tests.runbooks.engine import child, vendor
from tests.runbooks.engine.stage import Stage, person, step
from tests.runbooks.engine.vendor import Distant, Vendor
from tests.waiting import eventually
from tuiops.core.runs import RunState
from tuiops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.ledger.homes import Home
    from tests.runbooks.engine.stage import Console

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("TEST_KILLS", "20"))
"""At each point, on a ledger in a file; a quarter of it on a server's."""

POINTS = [
    "before the intent",
    "after the intent",
    "before the claim",
    "after the claim",
    "during the effect",
    "after the effect",
    "before the outcome",
]
_TOLD = {RunState.PAUSED, RunState.UNKNOWN}


class Forks:
    """The process that makes others."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def begin(self, folder: Path, how: str, point: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{folder} {how} {point}\n".encode())
        await self.process.stdin.drain()

    async def says(self, word: str) -> str:
        """What comes behind a word that is waited for."""
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while line := (await self.process.stdout.readline()).decode().strip():
                if line.startswith(word):
                    return line.partition(" ")[2]
        raise AssertionError(f"{word} was never said")


@pytest.fixture
async def forks() -> AsyncIterator[Forks]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.runbooks.engine.child", cwd=ROOT, stdin=-1, stdout=-1
    )
    yield Forks(process)
    process.kill()
    await process.wait()


def prepared(folder: Path, home: Home, *, kills: bool = False) -> Stage:
    """A shop whose first step kills the console that carries it out, when that is what is wanted."""
    folder.mkdir()
    stage = Stage(folder, home)
    child.hand_over(folder, home)
    if kills:
        script = folder / "append.py"
        stage.append("")
        text = script.read_text(encoding="utf-8")
        killing = f"""
import signal, time
if sys.argv[2] == "one":
    os.kill(int(open({str(folder / "victim")!r}).read()), signal.SIGKILL)
    time.sleep(0.1)
"""
        words = f'"{sys.executable}", "{folder / "killing.py"}", "{stage.effects}"'
        stage.append = lambda word: f'{{ kind = "command", argv = [{words}, "{word}"] }}'  # type: ignore[method-assign] # another script
        (folder / "killing.py").write_text(text + killing, encoding="utf-8")
    stage.two_steps()
    return stage


async def known(console: Console) -> str:
    """The only run there is, as soon as the console tells how it stands."""
    await eventually(lambda: bool(console.engine.runs) and console.engine.runs[0].state in _TOLD, "word of the run")
    return console.engine.runs[0].id


@pytest.mark.parametrize("point", POINTS)
async def test_nothing_is_done_twice_wherever_a_console_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks, home: Home, point: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    longest = 0.0
    kills = KILLS if home.name == "sqlite" else -(-KILLS // 4)
    for number in range(kills):
        stage = prepared(tmp_path / str(number), home, kills=point == "during the effect")
        await forks.begin(stage.folder, "kill", point)
        await forks.says("dead")
        before = stage.done
        assert before == (["one"] if point in POINTS[4:] else [])

        started = time.monotonic()
        console = await stage.console(person("lee"))
        run = await known(console)
        longest = max(longest, time.monotonic() - started)
        # On the machine that began it everything can be found out.
        await console.lost(run)
        await console.sitting.resume(console.view(run))
        await console.comes_to(run, RunState.SUCCEEDED)
        assert stage.done == ["one", "two"]
        assert (await console.engine.ledger.verify()).faults == ()
        await stage.close()
    print(f"killed {kills} times {point}: told at most {longest:.1f} s after another console began")  # noqa: T201 - for the soak


SHIFT = '{ kind = "api", ability = "shift_traffic", resource = "api", arguments = { shares = "two=100" } }'


@pytest.mark.parametrize("point", [*vendor.POINTS, "before the outcome"])
async def test_a_vendor_is_told_once_wherever_a_console_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks, point: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    stage = prepared(tmp_path / "shop", FileHome(tmp_path))
    stage.runbook(step("shift", SHIFT, undo='"before"') + step("two", stage.append("two"), undo=stage.append("untwo")))
    async with Vendor() as outside:
        child.hand_over(stage.folder, stage.home, outside.port)
        await forks.begin(stage.folder, "kill", point)
        await forks.says("dead")
        told = list(outside.told)
        assert len(told) == (0 if point == "before sending" else 1)

        stage.service = Distant(outside.port)
        console = await stage.console(person("lee"))
        run = await known(console)
        if not told:
            # Nobody can tell that it was not sent: a person has to look.
            await console.until(lambda: "no answer tells" in console.step(run, "shift").text)
            with pytest.raises(Refused, match="not done a second time"):
                await console.sitting.resume(console.view(run))
            await console.sitting.settle(console.view(run), "shift", succeeded=False, note="it stands as it did")
        else:
            assert "it has worked" in (await console.lost(run)).reason
        await console.sitting.resume(console.view(run))
        await console.comes_to(run, RunState.SUCCEEDED if told else RunState.FAILED)

        assert outside.told == told
        assert stage.done == (["two"] if told else [])
        await stage.close()


@pytest.mark.parametrize("point", ["before the intent", "before the claim", "after the claim"])
async def test_a_console_that_stood_still_and_was_replaced_does_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: Forks, point: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    for name, value in zip(("LEASE", "RENEW", "_MARGIN"), child.SHORT, strict=True):
        monkeypatch.setattr(f"tuiops.runbooks.engine.locks.{name}", value)
    stage = prepared(tmp_path / "shop", FileHome(tmp_path))
    await forks.begin(stage.folder, "stop", point)
    still = int(await forks.says("there"))
    console = await stage.console(person("lee"))
    await console.until(lambda: bool(console.engine.runs))
    run = console.engine.runs[0].id
    await console.lost(run)
    await console.sitting.resume(console.view(run))
    await console.comes_to(run, RunState.SUCCEEDED)
    entries = await stage.entries()

    os.kill(still, signal.SIGCONT)
    await forks.says("over")
    await forks.says("dead")
    assert await stage.entries() == entries
    assert stage.done == ["one", "two"]
    await stage.close()
