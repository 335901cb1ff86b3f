"""Commands, calls and looks as the engine asks for them."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from tests.runbooks.execution.places import Heard, lines_of, local, resolve, until
from tests.sources.bastions import bastion_of as bastion
from tests.sources.hostile import Hostile, Request
from tuiops.config.values import Secret
from tuiops.core.clock import SystemClock
from tuiops.errors import Unreachable
from tuiops.runbooks.effects import End
from tuiops.runbooks.execution.base import Command
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.execution.local import LocalCommands
from tuiops.runbooks.format.model import Capture, CommandAction, CommandCheck, HttpAction, HttpCheck
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tests.servers.sshd import Sshd
    from tuiops.core.text import SafeText
    from tuiops.runbooks.effects import Outcome
    from tuiops.sources.bastion import Bastion


def effects(folder: Path, **bastions: Bastion) -> Executions:
    connector = HttpConnector(resolve, SystemClock(), bastions)
    return Executions(resolve, lambda: connector, bastions.__getitem__, folder / "executions")


def list_of(folder: Path, pattern: str) -> list[Path]:
    """What is anywhere in a folder."""
    return sorted(folder.rglob(pattern))


def script(text: str, *words: str, **settings: object) -> CommandAction:
    return CommandAction(argv=("/bin/sh", "-c", text, "sh", *words), **settings)  # type: ignore[arg-type] # by the test


async def ran(folder: Path, do: CommandAction, execution: str = "r1.1", **bastions: Bastion) -> Outcome:
    return await effects(folder, **bastions).command(execution, do, sec=False, seconds=30, printed=lambda _: None)


@pytest.mark.parametrize(
    ("do", "end", "text"),
    [
        (script("exit 0"), End.SUCCEEDED, "ended with status 0"),
        (script("exit 3"), End.FAILED, "ended with status 3"),
        (script("exit 3", statuses=(0, 3)), End.SUCCEEDED, "ended with status 3"),
        (CommandAction(argv=("/no/such",)), End.NOT_BEGUN, "/no/such: no such file or directory"),
        (script("true", via="nowhere"), End.NOT_BEGUN, "no bastion is called nowhere"),
    ],
)
async def test_how_a_command_ends(tmp_path: Path, do: CommandAction, end: End, text: str) -> None:
    outcome = await ran(tmp_path, do)

    assert (outcome.end, outcome.text) == (end, text)


async def test_a_command_that_is_out_of_time(tmp_path: Path) -> None:
    outcome = await effects(tmp_path).command(
        "r1.1", script("sleep 1000"), sec=False, seconds=0.1, printed=lambda _: None
    )

    assert outcome.end is End.UNKNOWN
    assert outcome.text.startswith("its time was up; all its processes have ended")


@pytest.mark.parametrize(
    ("capture", "values", "text"),
    [
        (Capture(json="/a/1", pattern="[a-z]+"), {"x": "two"}, "ended with status 0"),
        (Capture(line="b=(.*)", pattern="[0-9]+"), {"x": "42"}, "ended with status 0"),
        (Capture(json="/a/9", pattern=".*"), {}, "ended with status 0, but x is not there: the output is not JSON"),
        (Capture(line="(c+)+$", pattern=".*"), {}, "ended with status 0, but x is not there"),
    ],
)
async def test_values_are_taken_from_standard_output(
    tmp_path: Path, capture: Capture, values: dict[str, str], text: str
) -> None:
    out = '{"a": ["one", "two"]}' if capture.json == "/a/1" else "b=42\\n" + "c" * 40 + "!"
    outcome = await ran(tmp_path, script(f"echo noise >&2; printf '{out}'", capture={"x": capture}))

    assert outcome.captured == values
    assert outcome.text.startswith(text)
    assert outcome.end is (End.SUCCEEDED if values else End.FAILED)


async def test_too_much_is_no_ground_for_a_value(tmp_path: Path) -> None:
    do = script("seq 1 400000", capture={"x": Capture(line="^(1)$", pattern="1")})
    outcome = await ran(tmp_path, do)

    assert outcome.end is End.FAILED
    assert outcome.text == "ended with status 0, but what it printed is too long to take values from"


async def test_last_lines_are_handed_on(tmp_path: Path) -> None:
    printed: list[tuple[SafeText, ...]] = []
    await effects(tmp_path).command(
        "r1.1", script("echo one; printf two"), sec=False, seconds=30, printed=printed.append
    )

    assert printed[-1] == ("one", "two")


async def test_who_did_not_begin_it_cannot_say_that_it_was_not_begun(tmp_path: Path) -> None:
    here, elsewhere = effects(tmp_path / "here"), effects(tmp_path / "elsewhere")
    do = script("true")
    name = await here.name("r1", 1, do)

    assert name.startswith("r1.1@")
    assert name == await here.name("r1", 1, do) != await elsewhere.name("r1", 1, do)
    assert (await elsewhere.find(name, do)).end is End.UNKNOWN
    assert (await here.find(name, do)).end is End.NOT_BEGUN
    assert (await here.command(name, do, sec=False, seconds=9, printed=lambda _: None)).end is End.NOT_BEGUN


@pytest.fixture
async def bastions(servers: Servers, tmp_path: Path) -> AsyncIterator[tuple[Bastion, Bastion]]:
    """Two that one name may lead to: each has a folder of executions of its own."""
    found = [bastion(servers.sshd({"XDG_STATE_HOME": str(tmp_path / name)})) for name in ("one", "two")]
    yield found[0], found[1]
    for edge in found:
        await edge.close()


async def test_another_bastion_cannot_say_that_it_was_not_begun(
    tmp_path: Path, bastions: tuple[Bastion, Bastion]
) -> None:
    one, two = (effects(tmp_path, edge=edge) for edge in bastions)
    done = tmp_path / "done"
    do = script('echo done >> "$1"', str(done), via="edge")
    name = await one.name("r1", 1, do)

    assert name == await one.name("r1", 1, do) != await two.name("r1", 1, do)
    assert name.startswith("r1.1@")
    outcome = await one.command(name, do, sec=False, seconds=30, printed=lambda _: None)
    for found in (await two.find(name, do), await two.abort(name, do)):
        assert found.end is End.UNKNOWN
        assert found.text == "there is no trace of it here; it was begun from another machine or by another user"
    await two.settle(name, do)
    assert (await one.find(name, do)).end is outcome.end is End.SUCCEEDED
    assert list_of(tmp_path / "two", "r1*") == []
    assert lines_of(done) == ["done"]


async def test_another_bastion_begins_nothing_of_it(tmp_path: Path, bastions: tuple[Bastion, Bastion]) -> None:
    one, two = (effects(tmp_path, edge=edge) for edge in bastions)
    done = tmp_path / "done"
    do = script('echo done >> "$1"', str(done), via="edge")
    name = await one.name("r1", 1, do)
    await two.name("r1", 1, do)
    outcome = await two.command(name, do, sec=False, seconds=30, printed=lambda _: None)

    assert (outcome.end, outcome.text) == (End.NOT_BEGUN, "it is another machine, user or folder by now")
    # So whoever has the folder that the name says can tell.
    assert (await one.find(name, do)).end is End.NOT_BEGUN
    assert not done.exists()


async def test_a_bastion_that_was_made_anew_cannot_say_that_it_was_not_begun(
    tmp_path: Path, bastions: tuple[Bastion, Bastion]
) -> None:
    place = effects(tmp_path, edge=bastions[0])
    do = script("true", via="edge")
    name = await place.name("r1", 1, do)
    shutil.rmtree(tmp_path / "one")

    assert (await place.find(name, do)).end is End.UNKNOWN
    # An id that names no folder, or that of this machine, says nothing of a bastion's.
    assert (await place.find("r1.1", do)).end is End.UNKNOWN
    assert (await place.find(await place.name("r1", 2, script("true")), do)).end is End.UNKNOWN


async def test_a_folder_that_cannot_be_made_keeps_it_from_beginning(tmp_path: Path) -> None:
    (tmp_path / "executions").write_text("not a folder")

    with pytest.raises(Unreachable, match="cannot be written: file exists"):
        await effects(tmp_path).name("r1", 1, script("true"))


async def test_what_is_not_ours_any_more_is_not_sent(tmp_path: Path, bastions: tuple[Bastion, Bastion]) -> None:
    effect, taken = tmp_path / "effect", threading.Event()

    def slow(_: Secret) -> str:
        """While it is read, another console takes the run over."""
        taken.set()
        return "secret"

    def ours() -> bool:
        return not taken.is_set()

    async def handler(request: Request) -> None:
        await request.answer(b"")

    async with Hostile(handler) as server:
        connector = HttpConnector(slow, SystemClock(), {})
        place = Executions(slow, lambda: connector, {"edge": bastions[0]}.__getitem__, tmp_path / "executions")
        token = Secret(env="TOKEN")
        call = HttpAction(method="POST", url=f"{server.url}/a", headers={"x": token})
        for via in ("", "edge", "http"):
            taken.clear()
            if via == "http":
                outcome = await place.http("r1.3", call, sec=False, seconds=5, ours=ours)
            else:
                do = script('echo > "$1"', str(effect), stdin=token, via=via)
                outcome = await place.command(f"r1.{via}", do, sec=False, seconds=30, printed=print, ours=ours)
            assert taken.is_set()
            assert (outcome.end, outcome.text) == (End.NOT_BEGUN, "not begun: this console stood still for too long")
        assert server.requests == []
    assert not effect.exists()
    assert list_of(tmp_path / "one", "r1.edge") == []


async def test_a_look_that_is_called_off_is_over_though_the_link_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def run(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def abort(*_: object) -> None:
        raise Unreachable("the link was lost")

    monkeypatch.setattr(LocalCommands, "run", run)
    monkeypatch.setattr(LocalCommands, "abort", abort)
    looking = asyncio.create_task(effects(tmp_path).look(CommandCheck(argv=("true",))))
    await begun.wait()
    looking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await looking


@pytest.mark.parametrize("program", ["true", "false", "no-such-program"])
async def test_files_of_a_look_may_go_however_it_came_out(tmp_path: Path, program: str) -> None:
    look = await effects(tmp_path).look(CommandCheck(argv=(program,)))

    assert look.holds is (program == "true")
    (folder,) = list_of(tmp_path, "look-*")
    assert (folder / "settled").exists()


async def test_files_of_a_look_that_is_called_off_may_go_when_it_has_ended(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    check = CommandCheck(argv=("/bin/sh", "-c", 'echo > "$1"; sleep 1000', "sh", str(ready)))
    looking = asyncio.create_task(effects(tmp_path).look(check))
    await until(ready.exists, "the look is under way")
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking

    (folder,) = list_of(tmp_path, "look-*")
    assert (folder / "settled").exists()
    assert (folder / "status").exists()


async def test_it_is_found_running_and_aborted(tmp_path: Path) -> None:
    ready, do = tmp_path / "ready", script('echo > "$1"; sleep 1000', str(tmp_path / "ready"))
    first, second = effects(tmp_path), effects(tmp_path)
    name = await first.name("r1", 1, do)
    running = asyncio.create_task(first.command(name, do, sec=False, seconds=30, printed=lambda _: None))
    await until(ready.exists, "the command is ready")

    found = await second.find(name, do)
    assert (found.end, found.running) == (End.UNKNOWN, True)
    assert (await second.abort(name, do)).end is End.ABORTED
    assert (await running).end is End.ABORTED
    await second.settle(name, do)
    assert (tmp_path / "executions" / name / "settled").exists()


async def test_it_goes_on_when_its_task_is_cancelled(tmp_path: Path) -> None:
    gate, do = tmp_path / "gate", script('read x < "$1"; exit 4', str(tmp_path / "gate"))
    os.mkfifo(gate)
    place = effects(tmp_path)
    running = asyncio.create_task(place.command("r1.1", do, sec=False, seconds=30, printed=lambda _: None))
    await until((tmp_path / "executions" / "r1.1").exists, "it is claimed")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.to_thread(gate.write_text, "\n")

    assert (await local(tmp_path).follow(Command(execution="r1.1", argv=do.argv), Heard())).status == 4
    assert (await place.find("r1.1", do)).end is End.FAILED


async def test_calls(tmp_path: Path) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b'{"id": 7}', "201 Created" if request.target == "/a" else "409 Conflict")

    async with Hostile(handler) as server:
        place = effects(tmp_path)
        capture = {"id": Capture(json="/id", pattern="[0-9]+")}
        made = HttpAction(method="POST", url=f"{server.url}/a", capture=capture)
        refused = HttpAction(method="POST", url=f"{server.url}/b")
        done = await place.http("r1.1", made, sec=False, seconds=5)
        not_done = await place.http("r1.2", refused, sec=False, seconds=5)

        assert (done.end, done.captured) == (End.SUCCEEDED, {"id": "7"})
        assert (not_done.end, not_done.text) == (End.FAILED, "answered 409")
        assert (await place.find("r1.1", made)).end is End.UNKNOWN
        assert (await place.abort("r1.1", made)).end is End.UNKNOWN
        assert [request.header("idempotency-key") for request in server.requests] == ["r1.1", "r1.2"]


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (CommandCheck(argv=("true",)), True),
        (CommandCheck(argv=("false",)), False),
        (CommandCheck(argv=("/no/such",)), False),
        (CommandCheck(argv=("true",), via="nowhere"), False),
        (HttpCheck(url="http://SERVER/up"), True),
        (HttpCheck(url="http://SERVER/down"), False),
        (HttpCheck(url="http://SERVER/down", status=(500,)), True),
        (HttpCheck(url="http://SERVER/up", matches="all.*fine"), True),
        (HttpCheck(url="http://SERVER/up", matches="broken"), False),
        (HttpCheck(url="http://SERVER/up", matches="(a|a)*$x"), False),
        (HttpCheck(url="http://127.0.0.1:1/up"), False),
    ],
)
async def test_looks(tmp_path: Path, check: CommandCheck | HttpCheck, holds: bool) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"all is fine", "200 OK" if request.target == "/up" else "500 Broken")

    async with Hostile(handler) as server:
        if isinstance(check, HttpCheck):
            url = check.url.replace("SERVER", f"127.0.0.1:{server.port}")
            check = HttpCheck(url=url, status=check.status, matches=check.matches)
        look = await effects(tmp_path).look(check)

    assert look.holds is holds
    assert look.reason or look.value != "–"


async def test_on_a_bastion(module_servers: Servers, tmp_path: Path) -> None:
    sshd: Sshd = module_servers.sshd({"XDG_STATE_HOME": str(tmp_path / "state")})
    edge = bastion(sshd)
    done = tmp_path / "done"
    outcome = await ran(tmp_path, script('echo done >> "$1"', str(done), via="edge"), edge=edge)
    place = effects(tmp_path, edge=edge)

    assert outcome.end is End.SUCCEEDED
    assert lines_of(done) == ["done"]
    assert (await place.look(CommandCheck(argv=("false",), via="edge"))).holds is False
    assert (await place.find("r1.1", script("", via="edge"))).end is End.SUCCEEDED
    await edge.close()


async def test_what_was_begun_before_is_never_called_not_begun(tmp_path: Path) -> None:
    done = tmp_path / "done"
    do = script('echo done >> "$1"', str(done))
    place = effects(tmp_path)
    name = await place.name("r1", 1, do)
    outcomes = [await ran(tmp_path, do, name) for _ in range(2)]

    assert [outcome.end for outcome in outcomes] == [End.SUCCEEDED, End.UNKNOWN]
    assert lines_of(done) == ["done"]
