"""Following a growing JSON log in a real terminal: how far behind, at what cost, beside those who do the same.

Every line carries a token that its number can be worked out from and that no two lines in a row share a
character of, so that whoever repaints only what changed still writes it whole. What the terminal has been
sent is searched for tokens; the file's size says how far the writer is.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers import peer, system, this_python
from benchmarks.table import Row, show
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RATES = (1_000, 10_000, 50_000, 100_000, 200_000)
FILTERED = (10_000, 100_000)
SECONDS = 2.5
LONG = 8.0
"""Seconds of the run that memory is judged by: twice what fills the console's store of lines."""
WARM = 0.5
"""Seconds of a run before lag counts."""
SCRAMBLE = 0x9E3779B1
"""Odd, so that multiplication by it modulo 2³² can be undone; spreads consecutive numbers over all digits."""
_UNSCRAMBLE = pow(SCRAMBLE, -1, 1 << 32)
_RECENT = 64 * 1024
"""Bytes of the latest output that are searched; a full repaint is shorter."""
KEPT = 20
"""One line of so many passes the filter."""
_TOKEN = re.compile(rb"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])")
LINE = (
    '{{"message":"{token:08x} GET /v1/prices {status} in 12 ms","timestamp":"{stamp}","level":"{level}","module":"db",'
    '"function":"connect","line":42,"request_id":"8f1c-1111-2222-3333-4444","logger":"api.prices"}}\n'
)
WRITER = f"""
import sys, time
from datetime import datetime, timezone
path, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
form = {LINE!r}
start, sent = time.monotonic(), 0
with open(path, "ab", buffering=0) as file:
    while (passed := time.monotonic() - start) < seconds:
        due = int(passed * rate)
        stamp = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ok = form.format(token=0, status=200, level="INFO", stamp=stamp).replace("00000000", "%08x", 1)
        bad = form.format(token=0, status=504, level="CRIT", stamp=stamp).replace("00000000", "%08x", 1)
        file.write("".join([
            (bad if number % {KEPT} == 0 else ok) % (number * {SCRAMBLE} & 0xFFFFFFFF) for number in range(sent, due)
        ]).encode())
        sent = due
        time.sleep(0.02)
"""
WIDTH = len(LINE.format(token=0, status=200, level="INFO", stamp="2026-11-22T03:04:05.123456Z"))
CONFIG = """
environment = "bench"
[environments.bench]
[systems.shop.services.api]
[systems.shop.logs.api]
kind = "file"
service = "api"
paths = ["{path}"]
"""


@dataclass(frozen=True, slots=True)
class Follower:
    """A program that can follow a file, and the keys that bring it to it."""

    name: str
    argv: Sequence[str]
    ready: bytes = b""
    keys: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One run. Lags in seconds; `worst` is None when not one line was ever shown."""

    worst: float | None
    core: float
    memory: int
    grown: float
    """Memory at the end over memory half way."""

    def __str__(self) -> str:
        lag = "never" if self.worst is None else f"{self.worst * 1000:5.0f} ms"
        return f"{lag} · {self.core:4.0%} · {self.memory / 1e6:4.0f} MB"


def measure(follower: Follower, path: Path, rate: int, *, kept: int = 1, seconds: float = SECONDS) -> Found:
    """Run the follower on an empty file that begins to grow; `kept` is how many lines there are to one shown."""
    path.write_bytes(b"")
    with Terminal(follower.argv) as terminal:
        if follower.ready:
            terminal.until(follower.ready, 20)
        terminal.drain(1.0)
        for keys in follower.keys:
            terminal.type(keys)
            terminal.drain(0.3)
        writer = subprocess.Popen([this_python(), "-c", WRITER, str(path), str(rate), str(seconds)])
        while not path.stat().st_size:
            terminal.read(0.005)
        begun, cpu, half = time.perf_counter(), terminal.cpu_seconds(), 0
        worst, newest, seen = 0.0, -1, len(terminal.output)
        while writer.poll() is None:
            _catch_up(terminal)
            written = path.stat().st_size // WIDTH
            newest = max(
                [newest, *_numbers(terminal.output[max(0, seen - 16, len(terminal.output) - _RECENT) :], written)]
            )
            seen = len(terminal.output)
            passed = time.perf_counter() - begun
            if passed > WARM:
                worst = max(worst, (written - kept - newest) / rate)
            if not half and passed > seconds / 2:
                half = terminal.memory()
        core = (terminal.cpu_seconds() - cpu) / (time.perf_counter() - begun)
        memory = terminal.memory()
    return Found(worst if newest >= 0 else None, core, memory, memory / half if half else 1.0)


def _catch_up(terminal: Terminal) -> None:
    """Read what was written so far: those that write every line must not wait for the reader."""
    if terminal.read(0.02):
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end and terminal.read(0):
            pass


def _numbers(output: bytearray, written: int) -> Iterator[int]:
    """The numbers of the lines that were drawn; a token put together from two lines is not below `written`."""
    for found in _TOKEN.finditer(output):
        number = int(found[0], 16) * _UNSCRAMBLE & 0xFFFFFFFF
        if number < written:
            yield number


def console(config: Path, *more: bytes) -> Follower:
    """The console with the log pane over the whole screen."""
    return Follower("tuiops", [this_python(), "-m", "tuiops", "--config", str(config)], b"Health", (b"4", b"f", *more))


def peers(path: Path) -> list[Follower]:
    """Those of the others that can be had here."""
    found = []
    if tail := system("tail"):
        found.append(Follower("tail -F", [tail, "-F", str(path)]))
    if lnav := system("lnav"):
        found.append(Follower("lnav", [lnav, str(path)], keys=(b"G",)))
    if multitail := system("multitail"):
        found.append(Follower("multitail", [multitail, str(path)]))
    if toolong := peer("toolong", "tl"):
        found.append(Follower("toolong", [toolong, str(path)], keys=(b"t",)))
    return found


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "api.log"
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG.format(path=path), encoding="utf-8")
        others = peers(path)
        rows: list[Row] = []
        for rate in RATES:
            ours = measure(console(config), path, rate)
            rows += [_beside(rate, ours, other.name, measure(other, path, rate)) for other in others]
        for rate in FILTERED:
            for name, keys in (("& 504", (b"&", b" 504 ", b"\r")), ("level", (b"s", b"s", b"s"))):
                found = measure(console(config, *keys), path, rate, kept=KEPT)
                rows.append(_bar(f"{rate:,} lines/s, filter {name}", found))
        long = measure(console(config), path, RATES[-1], seconds=LONG)
        rows.append(_bar(f"{RATES[-1]:,} lines/s for {LONG:.0f} s", long))
        flat = long.grown < 1.03
        rows.append(Row("memory at the end over half way", f"{long.grown:.2f} ×", "", "", "< 1.03 ×", flat))
        missing = {"lnav", "multitail", "toolong"} - {other.name for other in others}
        rows += [Row(name, "", "cannot be had here", "", "", None) for name in sorted(missing)]
    show("Following a JSON log (worst lag · share of a core · memory)", rows)


def _beside(rate: int, ours: Found, name: str, theirs: Found) -> Row:
    ratio, met = "", ours.worst is not None and ours.worst <= 1 and ours.core <= 0.5
    with contextlib.suppress(ZeroDivisionError, TypeError):
        ratio = f"{(ours.worst or 0) / (theirs.worst or 0):.2f} ×"
    # `tail` draws nothing and is the floor, not a rival.
    if met and name != "tail -F":
        met = theirs.worst is None or (ours.worst or 0) < theirs.worst
    bar = "≤ 1 s, ≤ 50%" if name == "tail -F" else "≤ 1 s, ≤ 50%, ahead"
    return Row(f"{rate:,} lines/s beside {name}", str(ours), str(theirs), ratio, bar, met)


def _bar(what: str, found: Found) -> Row:
    met = found.worst is not None and found.worst <= 1 and found.core <= 0.5
    return Row(what, str(found), "", "", "≤ 1 s, ≤ 50%", met)


if __name__ == "__main__":
    main()
