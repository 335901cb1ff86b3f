"""Following a growing JSON log: lag, CPU and memory of the store alone, unfiltered and filtered, at growing rates."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tuiops.config.systems import FileLog
from tuiops.core.clock import SystemClock
from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.hub.logbook import LogBook
from tuiops.hub.logfilter import LogFilter
from tuiops.hub.logindex import LogIndex
from tuiops.hub.tail import LogPump
from tuiops.sources.logs.file import FileLogSource

SECONDS = 4.0
RATES = (1_000, 10_000, 50_000, 100_000, 200_000)
WRITER = """
import sys, time
path, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
line = b'{"timestamp":"2026-11-22T03:04:05.123","level":"%s","message":"GET /v1/prices 200 in 12 ms","module":"db",' \\
       b'"function":"connect","line":42,"request_id":"8f1c0000-1111-2222-3333-444455556666","logger":"api"}\\n'
part = rate // 50
batch = b"".join(line % (b"ERROR" if n % 20 == 0 else b"INFO") for n in range(part))
start, sent = time.monotonic(), 0
with open(path, "ab", buffering=0) as file:
    while sent < rate * seconds:
        file.write(batch)
        sent += part
        time.sleep(max(0.0, start + sent / rate - time.monotonic()))
print(sent)
"""


async def measure(rate: int, log_filter: LogFilter, folder: str) -> tuple[float, float, int]:
    """Worst lag in seconds, share of a core, lines lost."""
    path = Path(folder) / f"{rate}-{log_filter.level}.log"
    path.write_bytes(b"")
    clock = SystemClock()
    source = FileLogSource(lit("log"), lit("s"), lit("v"), FileLog(paths=(str(path),)), clock)
    book = LogBook()
    index = LogIndex(book, log_filter)
    task = asyncio.create_task(LogPump(book, clock)(source))
    await asyncio.sleep(0.3)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(rate), str(SECONDS)], stdout=subprocess.PIPE
    )
    begun, cpu, worst, size = time.perf_counter(), time.process_time(), 0.0, 0
    while writer.poll() is None:
        await asyncio.sleep(0.1)
        index.advance(lambda: False)
        index.before(book.end, 50)
        size = path.stat().st_size
        read = sum(block.size for block in book.blocks() if not block.note)
        worst = max(worst, (size - read) / 190 / rate)
    share = (time.process_time() - cpu) / (time.perf_counter() - begun)
    task.cancel()
    await source.close()
    lost = sum(stream.dropped for stream in book.statuses())
    path.unlink()
    return worst, share, lost


def main() -> None:
    print(f"{'lines/s':>10} {'filter':>16} {'worst lag':>12} {'CPU':>6} {'lost':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for rate in RATES:
            for name, log_filter in (("none", LogFilter()), ("level ≥ error", LogFilter(level=Level.ERROR))):
                lag, share, lost = asyncio.run(measure(rate, log_filter, folder))
                print(f"{rate:10,} {name:>16} {lag * 1000:9.0f} ms {share:6.0%} {lost:8,}")
    print(f"memory, peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
