"""A million-line JSON log, opened and searched: our store beside grep, side by side in one run."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from tuiops.config.systems import FileLog
from tuiops.config.values import Size
from tuiops.core.clock import SystemClock
from tuiops.core.text import lit
from tuiops.hub.logbook import LogBook
from tuiops.hub.logfilter import Pattern
from tuiops.hub.logindex import LogIndex
from tuiops.hub.tail import LogPump
from tuiops.sources.logs.file import FileLogSource

LINES = 1_000_000
LINE = (
    b'{"timestamp":"2026-11-22T03:%02d:%02d.123","level":"%s","logger":"api.db","message":"GET /v1/prices 200 in 12 ms",'
    b'"module":"db","function":"connect","line":42,"request_id":"%07d"}\n'
)


def write(path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(
            LINE % (number // 60 % 60, number % 60, b"ERROR" if number % 20 == 0 else b"INFO", number)
            for number in range(LINES)
        )


async def measure(path: Path) -> None:
    clock = SystemClock()
    config = FileLog(paths=(str(path),), history=Size(1_000_000_000))
    source = FileLogSource(lit("log"), lit("s"), lit("v"), config, clock)
    book = LogBook()
    start = time.perf_counter()
    task = asyncio.create_task(LogPump(book, clock)(source))
    while not book.end:
        await asyncio.sleep(0.001)
    first = time.perf_counter() - start
    while book.end - book.first < LINES and time.perf_counter() - start < 60:
        await asyncio.sleep(0.01)
    whole = time.perf_counter() - start
    wanted = b'"%07d"' % (LINES // 2)
    start = time.perf_counter()
    search = LogIndex(book).search(Pattern(wanted.decode()), book.end, forward=False)
    hits = [hit for hit in search if hit is not None]
    found = time.perf_counter() - start
    start = time.perf_counter()
    subprocess.run(["grep", "-c", wanted.decode(), str(path)], check=True, stdout=subprocess.DEVNULL)
    grep = time.perf_counter() - start
    task.cancel()
    await source.close()
    print(f"{'end of the log readable':32}{first * 1000:10.0f} ms")
    print(f"{'all lines addressable':32}{whole * 1000:10.0f} ms")
    print(f"{'search, one hit in the middle':32}{found * 1000:10.0f} ms   {found / grep:6.1f} × grep ({len(hits)} hit)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'memory, peak':32}{peak:10.0f} MB")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.log"
        write(path)
        print(f"a log of {LINES:,} lines, {path.stat().st_size / 1e6:.0f} MB")
        asyncio.run(measure(path))


if __name__ == "__main__":
    main()
