"""Commands on a real bastion, in the shells that there are."""

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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runbooks.execution.places import (
    SECRETS,
    Heard,
    command,
    lines_of,
    resolve,
    secret,
    shell,
    until,
    words_of_all_processes,
)
from tests.servers.fixtures import program
from tests.sources.bastions import bastion_of as bastion
from tuiops.errors import SourceError
from tuiops.runbooks.execution import processes
from tuiops.runbooks.execution.base import Kind, Sight
from tuiops.runbooks.execution.output import HEAD_LINES, TAIL_LINES
from tuiops.runbooks.execution.remote import RemoteCommands, quoted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.servers.fixtures import Servers
    from tests.servers.sshd import Sshd

SHELLS = ("dash", "bash --posix", "busybox")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def sshd(module_servers: Servers, state: Path) -> Sshd:
    return module_servers.sshd({"XDG_STATE_HOME": str(state)})


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shell that finds nothing but busybox' own programs."""
    folder = tmp_path_factory.mktemp("busybox")
    found = program("busybox").path
    applets = subprocess.run([found, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        (folder / applet).symlink_to(found)
    wrapper = folder / "posix-shell"
    wrapper.write_text(f"#!{found} sh\nPATH={folder}\nexport PATH\nexec {folder}/sh\n")
    wrapper.chmod(0o755)
    return str(wrapper)


@pytest.fixture(params=SHELLS)
async def place(request: pytest.FixtureRequest, sshd: Sshd) -> AsyncIterator[RemoteCommands]:
    shell = request.getfixturevalue("busybox") if request.param == "busybox" else request.param
    edge = bastion(sshd)
    yield RemoteCommands(edge, resolve, shell)
    await edge.close()


@pytest.fixture
async def dash(sshd: Sshd) -> AsyncIterator[RemoteCommands]:
    edge = bastion(sshd)
    yield RemoteCommands(edge, resolve, "dash")
    await edge.close()


@pytest.fixture
def execution(request: pytest.FixtureRequest, state: Path) -> Iterator[str]:
    """An id that no other test has; whatever it left running is ended."""
    name = f"r{abs(hash(request.node.name))}.a.1"
    yield name
    for left in processes.marked(name):
        with suppress(ProcessLookupError):
            os.kill(left.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("script", "status", "text"),
    [
        ("exit 0", 0, "ended with status 0"),
        ("exit 3", 3, "ended with status 3"),
        ("kill -9 $$", 137, "ended by signal 9"),
    ],
)
async def test_it_ends_with_its_status(
    place: RemoteCommands, execution: str, script: str, status: int, text: str
) -> None:
    outcome = await place.run(shell(execution, f"echo one; echo two >&2; {script}"), Heard())

    assert (outcome.kind, outcome.status, outcome.text) == (Kind.ENDED, status, text)
    assert outcome.output.head == ("one", "two")
    assert (await place.find(execution)).outcome == outcome


AWKWARD = (
    "a b",
    "'",
    '"',
    "$(id)",
    "`id`",
    "; id",
    "a\nb\n",
    "-n",
    "--",
    "*",
    "\\",
    "é漢",
    "",
    "~",
    "!!",
    "\x1b[1m",
    "#",
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_quoting_is_undone_by_shells(words: list[str], busybox: str) -> None:
    for name in ("dash", "bash", "sh", busybox):
        script = "\n".join(["{", "set -- " + " ".join(map(quoted, words)), "printf '%s\\0' \"$@\"", "}", ""])
        done = subprocess.run([name], input=script.encode(), capture_output=True, check=True)
        assert done.stdout.decode() == "".join(f"{word}\0" for word in words)


async def test_a_word_stays_a_word(place: RemoteCommands, execution: str) -> None:
    script = "import sys; print(ascii(sys.argv[1:]))"
    words = [sys.executable, "-c", script, *AWKWARD]
    outcome = await place.run(command(execution, *words, wants_stdout=True), Heard())

    assert outcome.stdout.decode() == ascii(list(AWKWARD)) + "\n"


async def test_variables_and_input_arrive_and_stay_secret(
    place: RemoteCommands, execution: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_TUIOPS", "ours")
    script = 'read x; echo "$x|$TOKEN|$IF|$id|$TUIOPS_EXECUTION_ID"; env; ps axww -o args 2>/dev/null; cat "$0" >&2; :'
    given = {"TOKEN": secret("TOKEN"), "IF": "x", "id": "a'b\nc"}
    what = shell(execution, script, environment=given, stdin=secret("PASSWORD"))
    heard = Heard()
    outcome = await place.run(what, heard)

    shown = "\n".join([*outcome.output.head, *outcome.output.tail, *heard.lines, outcome.text, repr(outcome)])
    assert outcome.status == 0
    assert outcome.output.head[0] == "[hidden]|[hidden]|x|a'b"
    assert f"c|{execution}" in shown
    assert not [value for value in SECRETS.values() if value in shown]
    assert "SSH_CONNECTION" not in shown
    assert "LC_TUIOPS" not in shown
    kept = _all_of(state)
    assert not [value for value in SECRETS.values() if value.encode() in kept]


def _all_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_streams_are_told_apart_for_captures(place: RemoteCommands, execution: str) -> None:
    what = shell(execution, "echo warning >&2; printf '{\"a\": 1}'", wants_stdout=True)
    outcome = await place.run(what, Heard())

    assert outcome.stdout == b'{"a": 1}'
    assert sorted(outcome.output.head) == ["warning", '{"a": 1}']


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (command("r1.x.1", "no-such-program"), "no-such-program: there is no such program there"),
        (command("r1.x.2", "-n"), "the name of a program cannot begin with a dash"),
        (command("r1.x.3", "echo", "a\0b"), "there is a NUL character in a␀b"),
        (command("r1.x.5", "true", stdin=secret("TOKEN"), wants_stdout=True), "values cannot be taken from"),
        (command("r1.x.4", "true", stdin=secret("NONE")), "a secret cannot be read: environment variable NONE"),
    ],
)
async def test_what_cannot_begin_is_not_done(dash: RemoteCommands, what: object, why: str) -> None:
    outcome = await dash.run(what, Heard())  # type: ignore[arg-type] # by the test

    assert outcome.kind is Kind.NOT_DONE
    assert outcome.text.startswith(why)


async def test_an_id_is_used_once(place: RemoteCommands, execution: str, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    what = shell(execution, 'echo done >> "$1"', str(effects))
    outcomes = await asyncio.gather(*(place.run(what, Heard()) for _ in range(5)))

    assert sorted(outcome.kind.value for outcome in outcomes) == ["ended"] + ["unknown"] * 4
    assert lines_of(effects) == ["done"]


async def test_what_was_never_begun_cannot_begin_after_a_look(
    place: RemoteCommands, execution: str, tmp_path: Path
) -> None:
    effects = tmp_path / "effects"

    assert (await place.find(execution)).sight is Sight.NOT_BEGUN
    assert (await place.run(shell(execution, 'echo > "$1"', str(effects)), Heard())).kind is Kind.NOT_DONE
    assert (await place.find(execution)).sight is Sight.NOT_BEGUN
    assert not effects.exists()


async def test_its_time_is_bounded(place: RemoteCommands, execution: str) -> None:
    what = shell(execution, "trap '' TERM; while :; do sleep 1; done", timeout=1, grace=0)
    outcome = await place.run(what, Heard())

    assert (outcome.kind, outcome.timed_out, outcome.left) == (Kind.UNKNOWN, True, ())
    assert processes.marked(execution) == []


async def test_another_console_follows_it(place: RemoteCommands, execution: str, sshd: Sshd, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    os.mkfifo(go)
    what = shell(execution, 'echo one; : > "$1"; read x < "$2"; echo two; exit 5', str(begun), str(go))
    waiting = asyncio.create_task(place.run(what, Heard()))
    await until(begun.exists, "the command begins")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    edge, heard = bastion(sshd), Heard()
    another = RemoteCommands(edge, resolve)
    assert (await another.find(execution)).sight is Sight.RUNNING
    following = asyncio.create_task(another.follow(what, heard))
    await asyncio.to_thread(go.write_text, "\n")
    outcome = await following
    assert outcome.status == 5
    assert heard.lines == ["one", "two"]
    await edge.close()


async def test_what_keeps_the_pipe_keeps_nobody_waiting(place: RemoteCommands, execution: str) -> None:
    outcome = await place.run(shell(execution, "(sleep 1000; echo late) & echo early"), Heard())

    assert (outcome.kind, outcome.status, outcome.output.head) == (Kind.ENDED, 0, ("early",))
    assert "sleep" in {left.name for left in outcome.left}


STUBBORN = {
    "a child in a session of its own": 'setsid sleep 1000 & echo ready > "$1"; wait',
    "a grandchild that holds the pipe": '(sleep 1000; echo late) & echo ready > "$1"; sleep 1000',
    "whoever ignores SIGTERM": "trap '' TERM; echo ready > \"$1\"; while :; do sleep 1000; done",
    "a daemon of two forks": '(setsid sh -c "(trap \'\' TERM; exec sleep 1000) &" &); echo ready > "$1"; sleep 1000',
    "a stopped process": 'sleep 1000 & kill -STOP $!; echo ready > "$1"; wait',
}


@pytest.mark.parametrize("script", STUBBORN.values(), ids=STUBBORN.keys())
async def test_abort_ends_the_whole_tree(place: RemoteCommands, execution: str, script: str, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    waiting = asyncio.create_task(place.run(shell(execution, script, str(ready), grace=1), Heard()))
    await until(ready.exists, "the command is ready")
    assert processes.marked(execution)

    finding = await place.abort(execution)
    outcome = await waiting
    assert finding.sight is Sight.ENDED
    assert outcome.kind is Kind.ABORTED
    assert outcome.text == "aborted; all its processes have ended"
    assert processes.marked(execution) == []


async def test_a_watcher_that_is_killed_leaves_unknown_and_names_what_lives(
    place: RemoteCommands, execution: str, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    waiting = asyncio.create_task(place.run(shell(execution, 'echo > "$1"; sleep 1000', str(ready), grace=1), Heard()))
    await until(ready.exists, "the command is ready")
    for watcher in psutil.process_iter(["cmdline"]):
        if f"tuiops:{execution}:" in (watcher.info["cmdline"] or ()):
            watcher.kill()

    outcome = await waiting
    assert outcome.kind is Kind.UNKNOWN
    assert {left.name for left in outcome.left} == {"sh", "sleep"}
    finding = await place.abort(execution)
    assert (finding.sight, finding.left) == (Sight.NOBODY_KNOWS, ())
    assert processes.marked(execution) == []
    assert (await place.run(shell(execution, "true"), Heard())).kind is Kind.UNKNOWN


async def test_long_output_is_bounded_everywhere(place: RemoteCommands, execution: str, state: Path) -> None:
    heard = Heard()
    outcome = await place.run(command(execution, "seq", "1", "600000"), heard)

    output = outcome.output
    assert output.head == tuple(str(number) for number in range(1, HEAD_LINES + 1))
    assert output.tail == tuple(str(number) for number in range(600_001 - TAIL_LINES, 600_001))
    assert output.left_out == 600_000 - HEAD_LINES - TAIL_LINES
    assert output.size == sum(len(str(number)) + 1 for number in range(1, 600_001))
    folder = state / "tuiops" / "executions" / execution
    assert sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) < 1_200_000


async def test_what_is_settled_takes_no_room(place: RemoteCommands, execution: str, state: Path) -> None:
    await place.run(shell(execution, "echo hello"), Heard())
    await place.settle(execution)

    folder = state / "tuiops" / "executions" / execution
    assert list(folder.glob("out.*")) == []
    assert (await place.find(execution)).sight is Sight.ENDED


async def test_what_is_sec_is_kept_nowhere(place: RemoteCommands, execution: str, state: Path) -> None:
    heard = Heard()
    outcome = await place.run(shell(execution, "echo canary | tr a-y b-z; echo canary >&2", sec=True), heard)

    assert (outcome.status, outcome.output.head, heard.lines) == (0, (), [])
    assert not list((state / "tuiops" / "executions" / execution).glob("out.*"))


async def test_a_bastion_that_is_not_there_has_begun_nothing(sshd: Sshd, unused_tcp_port: int) -> None:
    edge = bastion(sshd, port=unused_tcp_port)
    place = RemoteCommands(edge, resolve)
    outcome = await place.run(command("r1.a.1", "true"), Heard())

    assert outcome.kind is Kind.NOT_DONE
    assert "refused the connection" in outcome.text
    with pytest.raises(SourceError):
        await place.find("r1.a.1")
    await edge.close()


async def test_a_folder_has_one_name(place: RemoteCommands, sshd: Sshd, servers: Servers, tmp_path: Path) -> None:
    fresh = bastion(servers.sshd({"XDG_STATE_HOME": str(tmp_path / "fresh")}))
    try:
        first = RemoteCommands(fresh, resolve, place._shell)
        names = await asyncio.gather(*(first.origin() for _ in range(5)))
        assert len({*names}) == 1
        assert names[0] != await place.origin() == await place.origin()
        assert [file.name for file in (tmp_path / "fresh" / "tuiops" / "executions").iterdir()] == [".origin"]
        with pytest.raises(SourceError, match="can be no execution id"):
            await place.find("../victim")
        assert (await place.follow(command("../victim", "true"), Heard())).kind is Kind.UNKNOWN
    finally:
        await fresh.close()


async def test_a_folder_that_cannot_be_made_says_nothing(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    edge = bastion(servers.sshd({"XDG_STATE_HOME": str(tmp_path / "file")}))
    place = RemoteCommands(edge, resolve)
    try:
        with pytest.raises(SourceError, match=r"keeps no folder of executions: .*cannot be written"):
            await place.origin()
        with pytest.raises(SourceError, match=r"cannot tell: .*cannot be made"):
            await place.find("r1.a.1")
        assert (await place.run(command("r1.a.1", "true"), Heard())).kind is Kind.NOT_DONE
    finally:
        await edge.close()


async def test_a_bastion_that_announces_nonsense_leaves_it_unknown(sshd: Sshd, execution: str) -> None:
    edge = bastion(sshd)
    said = 'printf "\\ntuiops, from here on\\n"; echo "tuiops:data out 0.0.0 0 -5" >&2; cat >/dev/null'
    place = RemoteCommands(edge, resolve, f"sh -c {quoted(said)}")
    try:
        outcome = await place.run(command(execution, "true"), Heard())
        assert outcome.kind is Kind.UNKNOWN
        assert "in words that mean nothing" in outcome.text
        with pytest.raises(SourceError, match="in words that mean nothing"):
            await place.abort(execution)
    finally:
        await edge.close()


@pytest.mark.parametrize("shell", ["/no/such/shell", 'sh -c "echo not available >&2; exit 1"'])
async def test_a_bastion_without_a_shell_has_begun_nothing(sshd: Sshd, shell: str, execution: str) -> None:
    edge = bastion(sshd)
    outcome = await RemoteCommands(edge, resolve, shell).run(command(execution, "true"), Heard())

    assert outcome.kind is Kind.NOT_DONE
    assert outcome.text.startswith("bastion edge begins nothing: ")
    with pytest.raises(SourceError):
        await RemoteCommands(edge, resolve, shell).find(execution)
    await edge.close()


async def test_no_canary_in_any_list_of_processes(place: RemoteCommands, execution: str, tmp_path: Path) -> None:
    ready, gate = tmp_path / "ready", tmp_path / "gate"
    os.mkfifo(gate)
    given = {"TOKEN": secret("TOKEN")}
    script = 'read y; echo > "$1"; read x < "$2"; sleep 0'
    what = shell(execution, script, str(ready), str(gate), environment=given, stdin=secret("PASSWORD"))
    running = asyncio.create_task(place.run(what, Heard()))
    seen = []
    while not ready.exists():
        seen.append(words_of_all_processes())
        await asyncio.sleep(0)
    seen.append(words_of_all_processes())
    await asyncio.to_thread(gate.write_text, "\n")

    assert (await running).status == 0
    assert str(gate) in seen[-1]
    assert not [value for value in SECRETS.values() for words in seen if value in words]


async def test_without_setsid(sshd: Sshd, busybox: str, execution: str, tmp_path: Path) -> None:
    applets, ready = tmp_path / "applets", tmp_path / "ready"
    applets.mkdir()
    for applet in Path(busybox).parent.iterdir():
        if applet.is_symlink() and applet.name != "setsid":
            (applets / applet.name).symlink_to(applet.readlink())
    edge = bastion(sshd)
    place = RemoteCommands(edge, resolve, f"{applets}/env PATH={applets} {applets}/sh")
    running = asyncio.create_task(
        place.run(shell(execution, 'sleep 1000 & : > "$1"; wait', str(ready), grace=1), Heard())
    )
    await until(ready.exists, "the command is ready")

    assert (await place.abort(execution)).sight is Sight.ENDED
    assert (await running).kind is Kind.ABORTED
    assert processes.marked(execution) == []
    await edge.close()
