"""What a command prints, at 20,000 lines a second and as fast as it can: how late the event loop gets, and the memory.

Beside it the same lines read one by one with `asyncio`, as is usual, while the same number of processes runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.table import Row, quantile, show
from tests.servers.fixtures import Servers
from tuiops.config.sources import Bastion
from tuiops.config.values import Secret
from tuiops.runbooks.execution.base import Command
from tuiops.runbooks.execution.local import LocalCommands
from tuiops.runbooks.execution.remote import RemoteCommands
from tuiops.sources.bastion import Bastion as Edge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.servers.sshd import Sshd
    from tuiops.runbooks.execution.base import Tail

RATE = 20_000
SECONDS = 5.0
STARTS = 20
PROBE = 0.005
"""Seconds between two looks at how late the loop is."""
LINE = json.dumps({"message": "GET /v1/prices 200 in 12 ms", "level": "INFO", "id": "8f1c-1111-2222-3333-4444-5555"})
WRITER = f"""
import sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
line, start, sent = {LINE!r} + "\\n", time.monotonic(), 0
out = sys.stdout.buffer
while (passed := time.monotonic() - start) < seconds:
    due = int(passed * rate)
    out.write((line * (due - sent)).encode())
    out.flush()
    sent = due
    time.sleep(0.002)
"""


@dataclass
class Run:
    """What one run cost."""

    late: list[float] = field(default_factory=list)
    """Seconds that the loop was late, each time it was looked at."""
    batches: list[float] = field(default_factory=list)
    """When each batch came."""
    lines: int = 0
    cpu: float = 0.0
    """Seconds of this process."""
    took: float = 0.0
    grew: int = 0
    """Bytes of memory between a quarter of the run and its end."""


async def _probe(run: Run) -> None:
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(PROBE)
        run.late.append(time.perf_counter() - begun - PROBE)


async def measured(what: Callable[[Run], Awaitable[None]]) -> Run:
    """Do something while the loop is looked at."""
    run, process = Run(), psutil.Process()
    probe = asyncio.create_task(_probe(run))
    begun, cpu = time.perf_counter(), time.process_time()
    working = asyncio.ensure_future(what(run))
    await asyncio.wait([working], timeout=SECONDS / 4)
    before = process.memory_info().rss
    await working
    run.took, run.cpu = time.perf_counter() - begun, time.process_time() - cpu
    run.grew = process.memory_info().rss - before
    probe.cancel()
    return run


async def ours(run: Run, folder: Path, rate: int, seconds: float, *, hidden: bool = False) -> None:
    """Through a supervisor, as a step of a runbook."""

    def tell(batch: Tail) -> None:
        run.batches.append(time.perf_counter())
        run.lines += len(batch.lines) + batch.skipped

    place = LocalCommands(lambda _: "s3cr3t-t0k3n/with+signs=", folder)
    secrets = {"TOKEN": Secret(env="TOKEN")} if hidden else {}
    argv = (sys.executable, "-c", WRITER, str(rate), str(seconds))
    outcome = await place.run(Command(execution=f"bench-{time.time_ns()}", argv=argv, environment=secrets), tell)
    assert outcome.status == 0, outcome


async def there(run: Run, server: Sshd, rate: int) -> None:
    """The same on a bastion, whose link and shell are real."""

    def tell(batch: Tail) -> None:
        run.batches.append(time.perf_counter())
        run.lines += len(batch.lines) + batch.skipped

    config = Bastion(
        host=server.host,
        port=server.port,
        user=server.user,
        known_hosts=str(server.known_hosts),
        identity=str(server.identity),
    )
    edge = Edge("edge", config)
    argv = (sys.executable, "-c", WRITER, str(rate), str(SECONDS))
    place = RemoteCommands(edge, lambda _: "")
    outcome = await place.run(Command(execution=f"bench-{time.time_ns()}", argv=argv), tell)
    assert outcome.status == 0, outcome
    await edge.close()


async def line_by_line(run: Run, rate: int) -> None:
    """As one would at first."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(rate), str(SECONDS), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async for line in process.stdout:
        run.lines += bool(line.decode())
    await process.wait()


async def starts(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds from the order until the command has ended, and of a bare process, in turns."""
    supervised, bare = [], []
    place = LocalCommands(lambda _: "", folder)
    for number in range(STARTS):
        begun = time.perf_counter()
        await place.run(Command(execution=f"start-{number}", argv=("true",)), lambda _: None)
        supervised.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await (await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", "-c", "pass")).wait()
        bare.append(time.perf_counter() - begun)
    return supervised, bare


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def rows_of(what: str, run: Run, floor: float) -> list[Row]:
    """How late the loop was under an output, how much was taken in, and what that took of memory."""
    late = quantile(run.late, 0.95)
    return [
        Row(
            f"{what}: loop late, p95",
            f"{_ms(late)}, worst {_ms(max(run.late))}",
            f"idle {_ms(floor)}",
            f"{late / floor:.1f} ×",
            "≤ 20 ms",
            late <= 0.02,
        ),
        Row(
            f"{what}: lines taken in",
            f"{run.lines / SECONDS:,.0f}/s in {len(run.batches) / run.took:.1f} batches/s",
            "",
            "",
            "≤ 10 batches/s",
            len(run.batches) / run.took <= 10.5,
        ),
        Row(f"{what}: memory grew by", f"{run.grew / 1e6:.1f} MB", "", "", "≤ 16 MB", run.grew <= 16_000_000),
    ]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TUIOPS_BENCH_FOLDER")) as name:
        folder = Path(name)
        idle = asyncio.run(measured(lambda _: asyncio.sleep(SECONDS / 2)))
        steady = asyncio.run(measured(lambda run: ours(run, folder, RATE, SECONDS)))
        hiding = asyncio.run(measured(lambda run: ours(run, folder, RATE, SECONDS, hidden=True)))
        flood = asyncio.run(measured(lambda run: ours(run, folder, 2_000_000, SECONDS)))
        with ExitStack() as stack:
            server = Servers(folder, stack).sshd({"XDG_STATE_HOME": str(folder / "state")})
            bastion = asyncio.run(measured(lambda run: there(run, server, RATE)))
        peer = asyncio.run(measured(lambda run: line_by_line(run, RATE)))
        supervised, bare = asyncio.run(starts(folder))
        kept = max(sum(file.stat().st_size for file in one.iterdir()) for one in folder.glob("bench-*"))
    runs = (
        ("20,000 lines/s", steady),
        ("with a secret to hide", hiding),
        ("on a bastion", bastion),
        ("a flood", flood),
    )
    floor = quantile(idle.late, 0.95)
    rows = [row for what, run in runs for row in rows_of(what, run, floor)]
    rows += [
        Row(
            "processor time of the console",
            f"{steady.cpu / steady.took:.1%} of a core",
            f"{peer.cpu / peer.took:.1%}, line by line",
            f"{peer.cpu / steady.cpu:.0f} × cheaper",
            "",
            None,
        ),
        Row("kept on disk", f"{kept / 1e6:.2f} MB", "", "", "≤ 1.2 MB", kept <= 1_200_000),
        Row(
            "begin, end and find `true`",
            _ms(quantile(supervised, 0.5)),
            f"{_ms(quantile(bare, 0.5))}, a bare interpreter",
            f"{quantile(supervised, 0.5) / quantile(bare, 0.5):.1f} ×",
            "",
            None,
        ),
    ]
    show("The output of runbooks", rows)


if __name__ == "__main__":
    main()
