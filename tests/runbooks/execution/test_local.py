"""Commands on this machine: how they come out, what they are given, what is left of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.runbooks.execution.places import Heard, command, lines_of, local, secret, shell, until
from tuiops.errors import NotFound, Unreachable
from tuiops.runbooks.execution import processes
from tuiops.runbooks.execution.base import Kind, Sight
from tuiops.runbooks.execution.output import HEAD_LINES, TAIL_LINES
from tuiops.runbooks.execution.segments import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuiops.runbooks.execution.base import Command, Outcome

FIRST, SECOND, THIRD = (f"r{os.getpid()}.local.{number}" for number in (1, 2, 3))
"""Executions that nobody else on this machine has: processes are found by them."""


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    """End whatever a test left running, by the ids of its executions."""
    yield
    for folder in (tmp_path / "executions").glob("[!.]*"):
        for left in processes.marked(folder.name):
            with suppress(ProcessLookupError):
                os.kill(left.pid, signal.SIGKILL)


async def run(tmp_path: Path, what: Command) -> tuple[Outcome, Heard]:
    heard = Heard()
    return await local(tmp_path).run(what, heard), heard


@pytest.mark.parametrize(
    ("script", "status", "text"),
    [
        ("exit 0", 0, "ended with status 0"),
        ("exit 3", 3, "ended with status 3"),
        ("kill -9 $$", 137, "ended by signal 9"),
    ],
)
async def test_it_ends_with_its_status(tmp_path: Path, script: str, status: int, text: str) -> None:
    outcome, _ = await run(tmp_path, shell(FIRST, script))

    assert (outcome.kind, outcome.status, outcome.text) == (Kind.ENDED, status, text)


@pytest.mark.parametrize(
    "word", ["a b", "'", '"', "$(id)", "`id`", "; id", "a\nb", "-n", "*", "\\", "é漢", "", "[bold]"]
)
async def test_a_word_stays_a_word(tmp_path: Path, word: str) -> None:
    script = "import sys; print(ascii(sys.argv[1:]))"
    outcome, _ = await run(tmp_path, command(FIRST, sys.executable, "-c", script, word))

    assert outcome.output.head == (ascii([word]),)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (command(FIRST, "/no/such/program"), "/no/such/program: no such file or directory"),
        (command(FIRST, "/etc/passwd"), "/etc/passwd: permission denied"),
        (command(FIRST, "echo", "a\0b"), "there is a NUL character in a␀b"),
        (command(FIRST, "echo", "\udc80"), "there are characters that no encoding has in \ufffd"),
        (command(FIRST), "the command has no words"),
        (command("../r1", "true"), "../r1 can be no execution id"),
        (command(FIRST, "true", environment={"A B": "c"}), "A B is no name of a variable"),
        (command(FIRST, "true", environment={"A": secret("NONE")}), "a secret cannot be read: environment variable"),
    ],
)
async def test_what_cannot_begin_is_not_done(tmp_path: Path, what: Command, why: str) -> None:
    outcome, _ = await run(tmp_path, what)

    assert outcome.kind is Kind.NOT_DONE
    assert outcome.text.startswith(why)


async def test_an_id_is_used_once(tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    what = shell(FIRST, 'echo done >> "$1"', str(effects))
    outcomes = await asyncio.gather(*(local(tmp_path).run(what, Heard()) for _ in range(8)))
    again = await local(tmp_path).run(what, Heard())

    kinds = [outcome.kind for outcome in outcomes]
    assert sorted(kind.value for kind in kinds) == ["ended"] + ["unknown"] * 7
    assert again.kind is Kind.UNKNOWN
    assert again.text == "this execution was begun before; it is not begun again"
    assert lines_of(effects) == ["done"]


async def test_what_was_never_begun_cannot_begin_after_a_look(tmp_path: Path) -> None:
    place, effects = local(tmp_path), tmp_path / "effects"

    assert (await place.find(FIRST)).sight is Sight.NOT_BEGUN
    outcome = await place.run(shell(FIRST, 'echo done >> "$1"', str(effects)), Heard())
    assert outcome.kind is Kind.NOT_DONE
    assert (await place.find(FIRST)).sight is Sight.NOT_BEGUN
    assert not effects.exists()


async def test_it_is_given_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKY", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    what = command(FIRST, "env", environment={"MINE": "a b", "TERM": "linux"})
    outcome, _ = await run(tmp_path, what)

    given = dict(line.split("=", 1) for line in outcome.output.head)
    assert given["MINE"] == "a b"
    assert given["TERM"] == "linux"
    assert given["LC_ALL"] == "C.UTF-8"
    assert given["TUIOPS_EXECUTION_ID"] == FIRST
    assert "LEAKY" not in given


WHO = {
    "AWS_PROFILE": "prod", "AWS_REGION": "eu-west-1", "AWS_CONFIG_FILE": "/a/config", "AWS_ENDPOINT_URL_S3": "http://s3",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys", "CLOUDSDK_ACTIVE_CONFIG_NAME": "prod",
    "CLOUDSDK_CORE_PROJECT": "shop", "GOOGLE_APPLICATION_CREDENTIALS": "/a/key.json", "KUBECONFIG": "/a/kube",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/a/token",
}  # fmt: skip
HIDDEN = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG", "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2Vj"}


def texts_in(folder: Path) -> list[str]:
    return [each.read_text(encoding="utf-8") for each in folder.rglob("*") if each.is_file()]


async def test_it_is_the_same_to_the_clouds_as_the_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**WHO, **HIDDEN, "AWS_PAGER": "less"}.items():
        monkeypatch.setenv(name, value)
    outcome, heard = await run(tmp_path, shell(FIRST, 'env; printf %s "$AWS_SESSION_TOKEN" | wc -c', wants_stdout=True))

    given = dict(line.split("=", 1) for line in outcome.output.head[:-1])
    assert {name: given.get(name) for name in (*WHO, *HIDDEN)} == {**WHO, **dict.fromkeys(HIDDEN, "[hidden]")}
    assert "AWS_PAGER" not in given
    assert int(outcome.output.head[-1]) == len(HIDDEN["AWS_SESSION_TOKEN"])
    said = [
        *heard.lines,
        outcome.stdout.decode(),
        *texts_in(tmp_path),
    ]
    assert not any(value in text for text in said for value in HIDDEN.values())
    order = json.loads((tmp_path / "executions" / FIRST / "order").read_text())
    assert {*WHO, *HIDDEN} <= set(order["variables"])


@pytest.mark.parametrize(
    ("own", "kept", "lost"),
    [
        ({"AWS_PROFILE": "shop"}, {"AWS_REGION", "KUBECONFIG"}, {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, {"AWS_REGION", "AWS_CONFIG_FILE"}, {"AWS_PROFILE", "AWS_SESSION_TOKEN"}),
        ({"AWS_REGION": "eu-north-1"}, {"AWS_PROFILE", "AWS_SESSION_TOKEN"}, set()),
        ({"CLOUDSDK_CORE_ACCOUNT": "k@x"}, {"CLOUDSDK_CORE_PROJECT", "AWS_PROFILE"}, {"CLOUDSDK_ACTIVE_CONFIG_NAME"}),
        ({"KUBECONFIG": "/b"}, {"AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS"}, set()),
    ],
)
async def test_a_step_that_says_who_it_is_is_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, str], kept: set[str], lost: set[str]
) -> None:
    for name, value in (WHO | HIDDEN).items():
        monkeypatch.setenv(name, value)
    outcome, _ = await run(tmp_path, command(FIRST, "env", environment=own))

    given = dict(line.split("=", 1) for line in outcome.output.head)
    assert own.items() <= given.items()
    assert kept <= given.keys()
    assert not lost & given.keys()


async def test_its_input_is_closed_unless_a_secret_is_given(tmp_path: Path) -> None:
    closed, _ = await run(tmp_path, command(FIRST, "cat"))
    given, _ = await run(tmp_path, command(SECOND, "wc", "-c", stdin=secret("TOKEN")))
    unread, _ = await run(tmp_path, command(THIRD, "true", stdin=secret("TOKEN")))

    assert (closed.status, closed.output.head) == (0, ())
    assert given.output.head == ("23",)
    assert unread.status == 0


async def test_signals_are_as_usual(tmp_path: Path) -> None:
    outcome, _ = await run(tmp_path, command(FIRST, "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"))

    # The C library keeps 32 and 33 for itself: nobody can change how they were inherited.
    own = 0b11 << 31
    assert [int(line.split()[1], 16) & ~own for line in outcome.output.head] == [0, 0]


async def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    await run(tmp_path, shell(FIRST, "umask 0; echo hello", wants_stdout=True))

    base = tmp_path / "executions"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (base, base / FIRST)} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (base / FIRST).iterdir()} == {0}


async def test_standard_output_alone_is_given_to_captures(tmp_path: Path) -> None:
    script = 'printf 1; echo warning >&2; echo "{\\"a\\": 2}"'
    outcome, _ = await run(tmp_path, shell(FIRST, script, wants_stdout=True))

    assert outcome.stdout == b'1{"a": 2}\n'
    assert "warning" in outcome.output.head


async def test_its_time_is_bounded(tmp_path: Path) -> None:
    outcome, _ = await run(tmp_path, shell(FIRST, "trap '' TERM; while :; do sleep 1; done", timeout=0.2, grace=0.1))

    assert (outcome.kind, outcome.timed_out, outcome.left) == (Kind.UNKNOWN, True, ())
    assert processes.marked(FIRST) == []


async def test_it_goes_on_when_nobody_waits_any_more(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    os.mkfifo(go)
    what = shell(FIRST, 'echo one; : > "$1"; read x < "$2"; echo two; exit 5', str(begun), str(go))
    waiting = asyncio.create_task(local(tmp_path).run(what, Heard()))
    await until(begun.exists, "the command begins")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    another, heard = local(tmp_path), Heard()
    assert (await another.find(FIRST)).sight is Sight.RUNNING
    following = asyncio.create_task(another.follow(what, heard))
    await asyncio.to_thread(go.write_text, "\n")
    outcome = await following
    assert outcome.status == 5
    assert heard.lines == ["one", "two"]
    assert (await another.find(FIRST)).outcome == outcome


async def test_what_keeps_the_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = '(sleep 1000; echo late) & echo $! > "$1"; echo early'
    outcome, _ = await run(tmp_path, shell(FIRST, script, str(pid)))

    assert (outcome.kind, outcome.status, outcome.output.head) == (Kind.ENDED, 0, ("early",))
    assert int(pid.read_text()) in {left.pid for left in outcome.left}
    assert outcome.text.startswith("ended with status 0; it left running: s")


async def test_what_it_leaves_running_may_go_on_printing(tmp_path: Path) -> None:
    go, wrote = tmp_path / "go", tmp_path / "wrote"
    os.mkfifo(go)
    script = '(read x < "$1"; echo late && echo late && : > "$2") & echo early'
    outcome, _ = await run(tmp_path, shell(FIRST, script, str(go), str(wrote)))

    assert outcome.status == 0
    await asyncio.to_thread(go.write_text, "\n")
    await until(wrote.exists, "a child that was left running prints and lives")


STUBBORN = {
    "a child in a session of its own": 'setsid sleep 1000 & echo ready > "$1"; wait',
    "a grandchild that holds the pipe": '(sleep 1000; echo late) & echo ready > "$1"; sleep 1000',
    "whoever ignores SIGTERM": "trap '' TERM; echo ready > \"$1\"; while :; do sleep 1000; done",
    "a daemon of two forks": '(setsid sh -c "(trap \'\' TERM; exec sleep 1000) &" &); echo ready > "$1"; sleep 1000',
    "a stopped process": 'sleep 1000 & kill -STOP $!; echo ready > "$1"; wait',
    "one without our variable": '(exec env -i setsid sleep 1000) & echo ready > "$1"; sleep 1000',
}


@pytest.mark.parametrize("script", STUBBORN.values(), ids=STUBBORN.keys())
async def test_abort_ends_the_whole_tree(tmp_path: Path, script: str) -> None:
    ready = tmp_path / "ready"
    place = local(tmp_path)
    waiting = asyncio.create_task(place.run(shell(FIRST, script, str(ready), grace=0.3), Heard()))
    await until(ready.exists, "the command is ready")
    tree = _tree(FIRST)
    assert len(tree) >= 2

    finding = await place.abort(FIRST)
    outcome = await waiting
    assert outcome.kind is Kind.ABORTED
    assert outcome == finding.outcome
    assert outcome.text == "aborted; all its processes have ended"
    await until(lambda: not any(map(_lives, tree)), "every process is gone, and the supervisor after them")
    assert processes.marked(FIRST) == []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _tree(execution: str) -> list[psutil.Process]:
    """The supervisor of an execution and all that descends from it."""
    [supervisor] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if execution in (process.info["cmdline"] or ()) and "supervisor" in str(process.info["cmdline"])
    ]
    return [supervisor, *supervisor.children(recursive=True)]


async def test_abort_by_another_console(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    waiting = asyncio.create_task(local(tmp_path).run(shell(FIRST, 'echo > "$1"; sleep 1000', str(ready)), Heard()))
    await until(ready.exists, "the command is ready")

    assert (await local(tmp_path).abort(FIRST)).sight is Sight.ENDED
    assert (await waiting).kind is Kind.ABORTED


def _all_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("execution", ["../victim", "..", "", "a/b", "/etc", ".origin"])
async def test_what_can_be_no_id_leads_nowhere(tmp_path: Path, execution: str) -> None:
    place, victim = local(tmp_path), tmp_path / "victim"
    victim.mkdir()
    (victim / "control").write_text("precious\n")
    before = _all_of(tmp_path)

    for asked in (place.find, place.abort, place.settle):
        with pytest.raises(NotFound, match="can be no execution id"):
            await asked(execution)
    assert (await place.follow(command(execution, "true"), Heard())).kind is Kind.UNKNOWN
    assert _all_of(tmp_path) == before
    assert (victim / "control").read_text() == "precious\n"


async def test_what_is_not_ours_any_more_is_not_begun(tmp_path: Path) -> None:
    effect = tmp_path / "effect"
    asked: list[bool] = []

    def ours() -> bool:
        asked.append((tmp_path / "executions" / FIRST).exists())
        return False

    outcome = await local(tmp_path).run(shell(FIRST, 'echo > "$1"', str(effect)), Heard(), ours)

    assert (outcome.kind, outcome.text) == (Kind.NOT_DONE, "not begun: this console stood still for too long")
    assert asked == [False]
    assert (await local(tmp_path).find(FIRST)).sight is Sight.NOT_BEGUN
    assert not effect.exists()


async def test_abort_of_what_has_ended_changes_nothing(tmp_path: Path) -> None:
    outcome, _ = await run(tmp_path, shell(FIRST, "exit 4"))

    assert (await local(tmp_path).abort(FIRST)).outcome == outcome


async def test_a_supervisor_that_is_killed_leaves_unknown_and_names_what_lives(tmp_path: Path) -> None:
    ready, place = tmp_path / "ready", local(tmp_path)
    waiting = asyncio.create_task(place.run(shell(FIRST, 'echo > "$1"; sleep 1000', str(ready)), Heard()))
    await until(ready.exists, "the command is ready")
    _tree(FIRST)[0].kill()

    outcome = await waiting
    assert outcome.kind is Kind.UNKNOWN
    assert {left.name for left in outcome.left} == {"sh", "sleep"}
    assert outcome.text.startswith("whoever watched it is gone; nobody knows how it ended; of its processes live: s")
    finding = await place.abort(FIRST)
    assert (finding.sight, finding.left) == (Sight.NOBODY_KNOWS, ())
    assert processes.marked(FIRST) == []
    assert (await place.run(shell(FIRST, "true"), Heard())).kind is Kind.UNKNOWN


async def test_long_output_is_bounded_everywhere(tmp_path: Path) -> None:
    outcome, heard = await run(tmp_path, command(FIRST, "seq", "1", "2000000"))

    output = outcome.output
    assert output.head == tuple(str(number) for number in range(1, HEAD_LINES + 1))
    assert output.tail == tuple(str(number) for number in range(2_000_001 - TAIL_LINES, 2_000_001))
    assert output.left_out == 2_000_000 - HEAD_LINES - TAIL_LINES
    assert output.size == sum(len(str(number)) + 1 for number in range(1, 2_000_001))
    assert sum(len(batch.lines) + batch.skipped for batch in heard.batches) == 2_000_000
    assert sum(file.stat().st_size for file in (tmp_path / "executions" / FIRST).iterdir()) < 1_200_000


async def test_binary_and_escape_sequences_are_harmless(tmp_path: Path) -> None:
    noise = "import os,sys; sys.stdout.buffer.write(os.urandom(300_000) + b'\\x1b]0;title\\x07\\x1b[2J\\x9b1mred\\n')"
    outcome, heard = await run(tmp_path, command(FIRST, sys.executable, "-c", noise))

    shown = [*outcome.output.head, *outcome.output.tail, *heard.lines]
    assert all(line.isprintable() for line in shown)
    assert outcome.output.tail[-1].endswith("red")


async def test_what_is_sec_is_kept_nowhere(tmp_path: Path) -> None:
    outcome, heard = await run(tmp_path, shell(FIRST, "echo canary; echo canary >&2", sec=True, wants_stdout=True))

    assert (outcome.status, outcome.output.head, outcome.stdout, heard.lines) == (0, (), b"", [])
    found = [file for file in (tmp_path / "executions").rglob("*") if file.is_file() and b"canary" in file.read_bytes()]
    assert [file.name for file in found] == ["order"]


async def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "executions").write_text("a file")
    outcome, _ = await run(tmp_path, command(FIRST, "true"))

    assert outcome.kind is Kind.NOT_DONE
    assert outcome.text == f"{tmp_path / 'executions'} cannot be written: file exists"


async def test_only_settled_executions_go(tmp_path: Path) -> None:
    from tuiops.runbooks.execution import folder

    place, base = local(tmp_path), str(tmp_path / "executions")
    for number in range(4):
        await place.run(shell(f"r{number}", "true"), Heard())
    for name in ("r0", "r1", "r2", "none"):
        await place.settle(name)

    assert folder.prune(base, older=3600, most=2) == 1
    assert folder.prune(base, older=-1, most=2) == 2
    assert sorted(path.name for path in (tmp_path / "executions").iterdir()) == ["r3"]


async def test_output_that_the_disk_did_not_take_is_counted(tmp_path: Path) -> None:
    ready, gate = tmp_path / "ready", tmp_path / "gate"
    os.mkfifo(gate)
    script = 'echo one; echo > "$1"; read x < "$2"; seq 1 300000'
    running = asyncio.create_task(run(tmp_path, shell(FIRST, script, str(ready), str(gate))))
    await until(ready.exists, "the command is ready")
    # Where the second piece will be is a folder, so it cannot be written.
    folder = tmp_path / "executions" / FIRST
    written = ("one\n" + "".join(f"{number}\n" for number in range(1, 300_001)))[:SEGMENT]
    (folder / f"out.1.{SEGMENT}.{written.count(chr(10))}").mkdir()
    await asyncio.to_thread(gate.write_text, "\n")
    outcome, heard = await running

    assert (outcome.kind, outcome.status) == (Kind.ENDED, 0)
    assert outcome.text == "ended with status 0; the end of its output is lost: file exists"
    output = outcome.output
    assert len(output.head) + len(output.tail) + output.left_out == 300_001
    assert heard.lines[0] == "one"


async def test_a_folder_that_cannot_be_looked_into_leaves_it_unknown(tmp_path: Path) -> None:
    (tmp_path / "executions").write_text("a file")

    with pytest.raises(Unreachable, match="executions cannot be looked into: file exists"):
        await local(tmp_path).find(FIRST)
    assert (await local(tmp_path).follow(command(FIRST, "true"), Heard())).kind is Kind.UNKNOWN
