"""The link to a bastion is cut, wherever it hurts: unknown until it is looked up, then true; nothing is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.execution.cutting import SCRIPT, Cutter
from tests.runbooks.execution.places import Heard, lines_of, resolve, shell, until
from tests.sources.bastions import bastion_of as bastion
from tuiops.config.values import Duration
from tuiops.errors import SourceError
from tuiops.runbooks.execution.base import Kind, Sight
from tuiops.runbooks.execution.remote import RemoteCommands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tests.servers.sshd import Sshd
    from tuiops.runbooks.execution.base import Finding, Outcome

TIMES = int(os.environ.get("TEST_CUTS", "3"))
"""How often each point is tried."""


class Scene:
    """One execution through a link that can be cut, and a second console whose link is whole."""

    def __init__(self, relay: Cutter, sshd: Sshd, state: Path, folder: Path, execution: str) -> None:
        known = folder / f"{execution}.known"
        known.write_text(sshd.known_hosts.read_text().replace(str(sshd.port), str(relay.port)))
        self.relay = relay
        self.edge = bastion(sshd, port=relay.port, known_hosts=str(known), connect_timeout=Duration(20))
        self.here = RemoteCommands(self.edge, resolve)
        self.execution = execution
        self.folder = state / "tuiops" / "executions" / execution
        self.effects = folder / f"{execution}.effects"
        self.gate = folder / f"{execution}.gate"
        os.mkfifo(self.gate)
        self.command = shell(execution, SCRIPT, str(self.effects), str(self.gate))
        self.heard = Heard()

    def begin(self) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.here.run(self.command, self.heard))

    def let_go(self) -> None:
        with contextlib.suppress(OSError):
            gate = os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK)
            os.write(gate, b"\n")
            os.close(gate)


async def in_the_handshake(scene: Scene) -> Outcome:
    scene.relay.up = 700
    return await scene.begin()


async def before_the_channel(scene: Scene) -> Outcome:
    await scene.edge.connect()
    scene.relay.up = 20
    return await scene.begin()


async def in_the_middle_of_the_script(scene: Scene) -> Outcome:
    await scene.edge.connect()
    scene.relay.up = 6000
    return await scene.begin()


async def at_the_end_of_the_script(scene: Scene) -> Outcome:
    await scene.edge.connect()
    scene.relay.answers.clear()
    running = scene.begin()
    scene.relay.answers.set()
    await until(scene.folder.exists, "it is claimed")
    scene.relay.cut()
    return await running


async def before_the_claim_is_told(scene: Scene) -> Outcome:
    await scene.edge.connect()
    running = scene.begin()
    await until(scene.folder.exists, "it is claimed")
    scene.relay.answers.clear()
    scene.relay.cut()
    return await running


async def after_it_began(scene: Scene) -> Outcome:
    running = scene.begin()
    await until((scene.folder / "go").exists, "it has begun")
    scene.relay.cut()
    return await running


async def at_the_first_output(scene: Scene) -> Outcome:
    running = scene.begin()
    await until(lambda: "begun" in scene.heard.lines, "output is told")
    scene.relay.cut()
    return await running


async def after_the_effect(scene: Scene) -> Outcome:
    running = scene.begin()
    await until(scene.effects.exists, "the effect is there")
    scene.relay.cut()
    return await running


async def before_the_status_is_told(scene: Scene) -> Outcome:
    running = scene.begin()
    await until(scene.effects.exists, "the effect is there")
    scene.relay.answers.clear()
    await until(lambda: _opened(scene), "its status is written")
    scene.relay.cut()
    return await running


def _opened(scene: Scene) -> bool:
    scene.let_go()
    return (scene.folder / "status").exists()


POINTS: tuple[Callable[[Scene], object], ...] = (
    in_the_handshake,
    before_the_channel,
    in_the_middle_of_the_script,
    at_the_end_of_the_script,
    before_the_claim_is_told,
    after_it_began,
    at_the_first_output,
    after_the_effect,
    before_the_status_is_told,
)
NOTHING_SENT = (in_the_handshake, before_the_channel)
MAYBE_SENT = (in_the_middle_of_the_script, at_the_end_of_the_script, before_the_claim_is_told)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def sshd(module_servers: Servers, state: Path) -> Sshd:
    return module_servers.sshd({"XDG_STATE_HOME": str(state)})


@pytest.fixture
async def elsewhere(sshd: Sshd) -> AsyncIterator[RemoteCommands]:
    """Another console, whose link is whole."""
    edge = bastion(sshd)
    yield RemoteCommands(edge, resolve)
    await edge.close()


@pytest.mark.parametrize("cut", POINTS, ids=lambda point: point.__name__.replace("_", " "))
async def test_a_link_that_is_cut(
    sshd: Sshd, state: Path, elsewhere: RemoteCommands, tmp_path: Path, cut: Callable[[Scene], object]
) -> None:
    for number in range(TIMES):
        async with Cutter(sshd.port) as relay:
            scene = Scene(relay, sshd, state, tmp_path, f"{cut.__name__}.{number}")
            outcome: Outcome = await cut(scene)  # type: ignore[misc] # each of them is a coroutine function
            # What is on its way when the link is cut may have arrived.
            allowed = {Kind.NOT_DONE, Kind.UNKNOWN} if cut is in_the_middle_of_the_script else {Kind.UNKNOWN}
            assert outcome.kind in ({Kind.NOT_DONE} if cut in NOTHING_SENT else allowed), outcome.text
            finding = await _in_the_end(scene, elsewhere)

            begun = finding.sight is Sight.ENDED
            assert begun or finding.sight is Sight.NOT_BEGUN
            assert begun or cut in {*NOTHING_SENT, *MAYBE_SENT}
            assert not begun or cut is not in_the_middle_of_the_script
            if finding.outcome is not None:
                assert (finding.outcome.kind, finding.outcome.status) == (Kind.ENDED, 0)
                assert finding.outcome.output.head == ("begun", "done")
            again = await elsewhere.run(scene.command, Heard())
            assert again.kind is (Kind.UNKNOWN if begun else Kind.NOT_DONE)
            assert lines_of(scene.effects) == ["effect"] * begun
            await scene.edge.close()


async def _in_the_end(scene: Scene, elsewhere: RemoteCommands) -> Finding:
    """Look it up until it does not run any more."""
    while (finding := await elsewhere.find(scene.execution)).sight is Sight.RUNNING:
        scene.let_go()
    return finding


async def test_a_link_that_goes_silent(sshd: Sshd, state: Path, elsewhere: RemoteCommands, tmp_path: Path) -> None:
    async with Cutter(sshd.port) as relay:
        scene = Scene(relay, sshd, state, tmp_path, "silent.1")
        scene.edge = bastion(
            sshd, port=relay.port, known_hosts=str(tmp_path / "silent.1.known"), keepalive=Duration(0.3)
        )
        scene.here = RemoteCommands(scene.edge, resolve)
        running = scene.begin()
        await until(scene.effects.exists, "the effect is there")
        relay.answers.clear()

        outcome = await running
        assert outcome.kind is Kind.UNKNOWN
        finding = await _in_the_end(scene, elsewhere)
        assert finding.outcome is not None
        assert finding.outcome.status == 0
        assert lines_of(scene.effects) == ["effect"]
        relay.answers.set()
        await scene.edge.close()


async def test_an_abort_that_is_cut_is_finished_by_the_next(
    sshd: Sshd, state: Path, elsewhere: RemoteCommands, tmp_path: Path
) -> None:
    async with Cutter(sshd.port) as relay:
        scene = Scene(relay, sshd, state, tmp_path, "abort.1")
        running = asyncio.create_task(elsewhere.run(scene.command, Heard()))
        await until(scene.effects.exists, "the effect is there")
        aborting = asyncio.create_task(scene.here.abort("abort.1"))
        await until((scene.folder / "aborted").exists, "the abort has begun")
        relay.cut()
        with contextlib.suppress(SourceError):
            await aborting

        finding = await elsewhere.abort("abort.1")
        assert finding.outcome is not None
        assert finding.outcome.kind is Kind.ABORTED
        assert (await running).kind is Kind.ABORTED
        await scene.edge.close()
