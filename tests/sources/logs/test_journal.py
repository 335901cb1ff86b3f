"""The journal through a real `journalctl` process: a program of that name on PATH which does what the test wants."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import psutil
import pytest

from tuiops.config.logs import JournalLog
from tuiops.core.clock import SystemClock
from tuiops.core.logformat import LineFormat, parse
from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.errors import AccessDenied, Unreachable
from tuiops.sources.logs import journal
from tuiops.sources.logs.journal import JournalLogSource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tuiops.core.updates import LogChunk

AT = datetime(2026, 11, 22, tzinfo=UTC)
RECORD = (
    b'{"__REALTIME_TIMESTAMP":"1795316645123456","PRIORITY":"3","_SYSTEMD_UNIT":"api.service",'
    b'"SYSLOG_IDENTIFIER":"api","MESSAGE":"connection refused"}'
)
BYTES = b'{"__REALTIME_TIMESTAMP":"1795316645123456","PRIORITY":"6","MESSAGE":[27,91,51,49,109,114,101,100]}'
LONG = b'{"PRIORITY":"4","MESSAGE":"Traceback:\\n  File \\"x.py\\"\\nValueError: no"}'


class Journal:
    """Writes the program and keeps the lines of what was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"

    def does(self, body: str) -> None:
        program = self.folder / "journalctl"
        head = (
            f"#!{sys.executable} -IS\nimport os, signal, sys, time\n"
            f"open({str(self.calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
            "def out(data):\n    sys.stdout.buffer.write(data); sys.stdout.buffer.flush()\n"
        )
        program.write_text(head + body, encoding="utf-8")
        program.chmod(0o755)

    def arguments(self) -> list[list[str]]:
        return [line.split() for line in self.calls.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Journal(tmp_path)


def source(config: JournalLog | None = None) -> JournalLogSource:
    return JournalLogSource(lit("j"), lit("s"), lit("v"), config or JournalLog(), SystemClock())


def opened(tailed: JournalLogSource) -> aclosing[AsyncGenerator[LogChunk, None]]:
    return aclosing(cast("AsyncGenerator[LogChunk, None]", tailed.tail()))


async def read(tailed: JournalLogSource, lines: int) -> list[bytes]:
    """So many lines of one opening, which is then closed."""
    found: list[bytes] = []
    async with opened(tailed) as chunks:
        async for chunk in chunks:
            found += chunk.data.splitlines()
            if len(found) >= lines:
                break
    return found


async def test_records_are_handed_on_and_read(fake: Journal) -> None:
    fake.does(f"out({RECORD + b'%n' + BYTES + b'%n' + LONG + b'%n'!r}.replace(b'%n', b'\\n'))\ntime.sleep(60)\n")
    found = await read(source(), 3)
    assert found == [RECORD, BYTES, LONG]
    error, raw, traced = (parse(line, LineFormat(kind="json"), AT) for line in found)
    assert (error.level, error.service, error.message) == (Level.ERROR, "api", "connection refused")
    assert error.at == datetime.fromtimestamp(1795316645.123456, UTC)
    assert raw.level is Level.INFO
    assert raw.message.endswith("red")
    assert "\x1b" not in raw.message
    assert traced.message.startswith("Traceback:␊")
    assert traced.message.endswith("ValueError: no")


async def test_units_and_priority_are_asked_for(fake: Journal) -> None:
    fake.does(f"out({RECORD!r} + b'\\n')\ntime.sleep(60)\n")
    await read(source(JournalLog(units=("api.service", "web.service"), priority="warning", lines=50)), 1)
    (arguments,) = fake.arguments()
    assert {"--output=json", "--follow", "--no-pager", "--lines=50", "--priority=warning"} <= set(arguments)
    assert [word for word in arguments if word.startswith("--unit")] == ["--unit=api.service", "--unit=web.service"]


async def test_it_dies_says_why_and_a_restart_repeats_nothing(fake: Journal) -> None:
    fake.does(f"out({RECORD!r} + b'\\n')\nsys.stderr.write('journal rotated away\\x1b[2J')\nsys.exit(3)\n")
    tailed = source(JournalLog(lines=50))
    with pytest.raises(Unreachable, match="ended with 3: journal rotated away") as caught:
        await read(tailed, 99)
    assert "\x1b" not in str(caught.value)
    with pytest.raises(Unreachable):
        await read(tailed, 99)
    assert [words[words.index("--no-pager") + 1] for words in fake.arguments()] == ["--lines=50", "--lines=0"]


async def test_a_restart_goes_on_after_the_last_line_that_was_read(fake: Journal) -> None:
    lines = b"".join(b'{"__CURSOR":"s=a1;i=%d;x=f","MESSAGE":"\\"__CURSOR\\":\\"no\\""}\n' % n for n in (1, 2))
    fake.does(f"out({lines!r})\nsys.exit(3)\n")
    tailed = source(JournalLog(lines=50))
    with pytest.raises(Unreachable):
        await read(tailed, 99)
    fake.does("sys.stderr.write('Failed to seek to cursor: Invalid argument')\nsys.exit(1)\n")
    for _ in range(2):
        with pytest.raises(Unreachable, match="ended with 1"):
            await read(tailed, 99)
    _, after, again = fake.arguments()
    assert after[-2:] == ["--after-cursor=s=a1;i=2;x=f", "--no-tail"]
    assert again[-1] == "--lines=0"


async def test_one_that_complains_a_lot_is_not_held_up_and_its_last_words_are_kept(fake: Journal) -> None:
    fake.does(
        "sys.stderr.write('blah ' * 100_000)\nsys.stderr.flush()\n"
        f"out({RECORD!r} + b'\\n')\nsys.stderr.write('x' * 5000 + '\\n' + ' ' * 4000 + 'last words')\nsys.exit(3)\n"
    )
    async with asyncio.timeout(20):
        with pytest.raises(Unreachable, match="last words"):
            await read(source(), 99)


async def test_no_permission_is_told_from_no_answer(fake: Journal) -> None:
    fake.does("sys.stderr.write('No journal files were opened due to insufficient permissions.')\nsys.exit(1)\n")
    with pytest.raises(AccessDenied, match="insufficient permissions"):
        await read(source(), 1)


async def test_a_program_that_may_not_be_run_is_named(fake: Journal) -> None:
    fake.does("")
    (fake.folder / "journalctl").chmod(0o644)
    tailed = JournalLogSource(
        lit("j"), lit("s"), lit("v"), JournalLog(), SystemClock(), (str(fake.folder / "journalctl"),)
    )
    with pytest.raises(AccessDenied, match="may not be run"):
        await read(tailed, 1)


async def test_no_journal_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="journalctl is not installed"):
        await read(source(), 1)


async def test_a_flood_is_taken_in_bounded_bites_and_all_of_it(fake: Journal) -> None:
    fake.does(f"out(({RECORD!r} + b'\\n') * 50_000)\ntime.sleep(60)\n")
    sizes: list[int] = []
    async with opened(source()) as chunks:
        async for chunk in chunks:
            sizes.append(len(chunk.data))
            if sum(sizes) == 50_000 * (len(RECORD) + 1):
                break
    assert max(sizes) <= 512 * 1024


async def test_one_that_ignores_being_asked_to_end_is_ended_with_its_children(
    fake: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_GRACE", 0.05)
    fake.does(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nchild = os.fork()\n"
        "if child:\n    out(b'{\"pids\":[%d,%d]}\\n' % (os.getpid(), child))\ntime.sleep(60)\n"
    )
    (line,) = await read(source(), 1)
    for pid in line.decode().partition("[")[2].rstrip("]}").split(","):
        assert not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE
