"""Runs whose steps are on a bastion: the link is cut, its key is another one, its disk is full, or ours is."""

from __future__ import annotations

import os
import resource
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.engine.stage import person, step
from tests.runbooks.execution.cutting import SCRIPT, Cutter
from tests.runbooks.execution.places import until
from tests.servers.sshd import generate_key
from tests.sources.bastions import bastion_of
from tuiops.config.values import Duration
from tuiops.core.record import StepClaimed
from tuiops.core.runs import RunState, StepState
from tuiops.errors import Refused
from tuiops.runbooks.execution.remote import RemoteCommands

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

    from tests.runbooks.engine.stage import Console, Stage
    from tests.servers.fixtures import Servers
    from tests.servers.sshd import Sshd

BASTION = """
[bastions.edge]
host = "127.0.0.1"
user = "somebody"
"""
NONE = {"undo": '"none"', "undo_reason": '"a test"'}


class Link(Cutter):
    """A link that can be cut and stay so."""

    down = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.transport.abort()
        else:
            await super()._connected(reader, writer)

    def lose(self) -> None:
        """Cut it; it cannot be made again until it is up."""
        self.down = True
        self.cut()
        self.answers.set()

    def restore(self) -> None:
        self.down, self.up = False, None


class Scene:
    """A stage with a bastion behind a link, and a runbook whose first step is there."""

    def __init__(self, stage: Stage, sshd: Sshd, link: Link) -> None:
        self.stage = stage
        self.sshd = sshd
        self.link = link
        self.base = stage.folder / "far" / "tuiops" / "executions"
        self.gate = stage.folder / "gate"
        os.mkfifo(self.gate)
        self.known = stage.folder / "known"
        self.known.write_text(sshd.known_hosts.read_text().replace(str(sshd.port), str(link.port)))
        script = stage.folder / "far.sh"
        script.write_text(SCRIPT)
        stage.configure(BASTION)
        stage.bastions["edge"] = bastion_of(
            sshd, port=link.port, known_hosts=str(self.known), connect_timeout=Duration(20)
        )
        far = f'{{ kind = "command", via = "edge", argv = ["sh", "{script}", "{stage.effects}", "{self.gate}"] }}'
        stage.runbook(step("far", far, **NONE) + step("near", stage.append("near"), **NONE))

    def has(self, name: str) -> bool:
        """Whether the execution has such a file; with an empty name: whether it is claimed."""
        return any(self.base.glob(f"[!.]*/{name}" if name else "[!.]*"))

    def finished(self) -> bool:
        """Let the command end, and say whether it has."""
        try:
            gate = os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return self.has("status")
        os.write(gate, b"\n")
        os.close(gate)
        return False

    def let_go(self, console: Console, run: str, state: RunState) -> bool:
        """Let the command end if it waits, and say whether the run stands so."""
        self.finished()
        return console.engine.find(run) is not None and console.view(run).state is state


@pytest.fixture
async def scene(stage: Stage, servers: Servers) -> AsyncIterator[Scene]:
    sshd = servers.sshd({"XDG_STATE_HOME": str(stage.folder / "far")})
    async with Link(sshd.port) as link:
        yield Scene(stage, sshd, link)
        for console in stage.consoles:
            await console.close()
        await stage.bastions["edge"].close()


async def in_the_middle_of_the_script(scene: Scene) -> None:
    await until(lambda: scene.link.up is not None and scene.link.up <= 0, "a part of the script is sent")


async def as_soon_as_it_is_claimed(scene: Scene) -> None:
    await until(partial(scene.has, ""), "it is claimed")


async def after_it_began(scene: Scene) -> None:
    await until(partial(scene.has, "go"), "it has begun")


async def after_the_effect(scene: Scene) -> None:
    await until(lambda: bool(scene.stage.done), "the effect is there")


async def before_the_status_is_told(scene: Scene) -> None:
    await until(lambda: bool(scene.stage.done), "the effect is there")
    scene.link.answers.clear()
    await until(scene.finished, "its status is written")


@pytest.mark.parametrize(
    "cut",
    [
        in_the_middle_of_the_script,
        as_soon_as_it_is_claimed,
        after_it_began,
        after_the_effect,
        before_the_status_is_told,
    ],
    ids=lambda point: point.__name__.replace("_", " "),
)
async def test_a_link_that_is_cut(scene: Scene, cut: Callable[[Scene], object]) -> None:
    def at(where: str) -> None:
        if where == "after the claim" and cut is in_the_middle_of_the_script:
            scene.link.up = 6000

    first = await scene.stage.console(fault=at)
    run = await first.begun()
    await cut(scene)  # type: ignore[misc] # each of them is a coroutine function
    scene.link.lose()
    view = await first.comes_to(run, RunState.UNKNOWN, RunState.FAILED)
    if view.state is RunState.FAILED:
        # The loss may be noticed before the last word was sent, without which nothing begins.
        assert cut is in_the_middle_of_the_script
        assert "before anything was begun" in view.steps[0].text
        assert scene.stage.done == []
        return

    assert first.step(run, "far").state is StepState.UNKNOWN
    with pytest.raises(Refused):
        await first.sitting.resume(first.view(run))
    assert first.step(run, "near").state is StepState.PENDING
    await first.close()

    scene.link.restore()
    second = await scene.stage.console(person("lee"))
    await until(partial(scene.let_go, second, run, RunState.PAUSED), "it is found out how it ended")
    began = second.step(run, "far").state is StepState.SUCCEEDED
    assert began or cut in {in_the_middle_of_the_script, as_soon_as_it_is_claimed}
    assert scene.stage.done == (["effect"] if began else [])
    await second.sitting.resume(second.view(run))
    await until(partial(scene.let_go, second, run, RunState.SUCCEEDED), "the run is over")
    assert scene.stage.done == ["effect", "near"]
    assert len(await scene.stage.events(StepClaimed)) == 2 + (not began)


async def failed(scene: Scene) -> str:
    """What is said of the first step of a run that fails at it, with nothing done."""
    console = await scene.stage.console()
    run = await console.begun()
    view = await console.comes_to(run, RunState.FAILED)

    assert view.steps[0].state is StepState.FAILED
    assert view.steps[1].state is StepState.PENDING
    assert scene.stage.done == []
    return view.steps[0].text


async def test_a_link_that_is_not_there(scene: Scene) -> None:
    scene.link.lose()

    assert "bastion edge" in await failed(scene)
    assert await scene.stage.events(StepClaimed) == []


async def test_another_host_key(scene: Scene) -> None:
    other = generate_key(scene.stage.folder / "other").with_suffix(".pub").read_text()
    scene.known.write_text(f"[127.0.0.1]:{scene.link.port} {other}")

    text = await failed(scene)
    assert "host key" in text
    assert "bastion edge" in text
    assert await scene.stage.events(StepClaimed) == []


def fill_its_disk(sshd: Sshd) -> None:
    """Have no file of the bastion's grow, as on a disk that is full."""
    keys = sshd.identity.parent / "authorized_keys"
    limited = "trap '' XFSZ; ulimit -f 0; exec sh -c \\\"$SSH_ORIGINAL_COMMAND\\\""
    keys.write_text(f'command="{limited}" {keys.read_text()}')


async def test_a_bastion_whose_disk_is_full(scene: Scene) -> None:
    fill_its_disk(scene.sshd)

    assert (await failed(scene)).endswith(".origin cannot be written")
    assert await scene.stage.events(StepClaimed) == []


async def test_a_bastion_whose_disk_fills_up(scene: Scene) -> None:
    before = bastion_of(scene.sshd)
    await RemoteCommands(before, lambda _: "").origin()
    await before.close()
    fill_its_disk(scene.sshd)

    assert (await failed(scene)).endswith("cannot be written")
    assert len(await scene.stage.events(StepClaimed)) == 1
    assert scene.has("barred")


@pytest.mark.parametrize("size", [0, 5000])
async def test_a_disk_of_ours_that_is_full(stage: Stage, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Of the executions alone: the ledger may be elsewhere."""
    stage.two_steps()
    console = await stage.console()
    limit = (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    limited = partial(subprocess.Popen, preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, limit))
    monkeypatch.setattr(subprocess, "Popen", limited)
    run = await console.begun()
    view = await console.comes_to(run, RunState.FAILED)

    assert view.steps[0].text == f"{stage.executions} cannot be written: file too large"
    assert stage.done == []
