"""From a key to the last byte of its repaint, idle and under a heavy load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.load import load
from benchmarks.peers import this_python
from benchmarks.table import Row, median, quantile, show
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = (b"j", b"j", b"k", b"j", b"G", b"k", b"g", b"j")
ROUNDS = 15
SETTLE = 8.0
"""Seconds for first polls to come in."""
ECHO = """
import sys, termios, tty
old = termios.tcgetattr(0)
tty.setraw(0)
sys.stdout.write("READY"); sys.stdout.flush()
try:
    while sys.stdin.buffer.raw.read(1) != b"q":
        sys.stdout.write("\\x1b[10;1H" + "x" * 200); sys.stdout.flush()
finally:
    termios.tcsetattr(0, termios.TCSADRAIN, old)
"""


def latencies(argv: Sequence[str], marker: bytes, panes: Sequence[bytes]) -> list[float]:
    """Seconds for each key that led to something, in each of the panes."""
    found: list[float] = []
    with Terminal(argv) as terminal:
        if terminal.until(marker, 30) is None:
            return found
        terminal.drain(SETTLE)
        for pane in panes:
            terminal.type(pane)
            terminal.drain(1.0)
            for _ in range(ROUNDS):
                for key in KEYS:
                    # Not in step with the program's own frames, which come every quarter of a second.
                    terminal.drain(0.017)
                    latency = terminal.key_latency(key)
                    if latency is not None:
                        found.append(latency)
    return found


def main() -> None:
    """Print the table."""
    python = this_python()
    panes = (b"1", b"2")
    floor = latencies([python, "-c", ECHO], b"READY", (b"",))
    with load(services=1000, alerts=100, rate=0, interval="1h") as config:
        idle = latencies([python, "-m", "tuiops", "--config", str(config)], b"Health", panes)
    with load(services=1000, alerts=10_000, rate=5_000) as config:
        busy = latencies([python, "-m", "tuiops", "--config", str(config)], b"Health", panes)
    rows = [_row("idle, 1,000 services", idle, floor, None)]
    rows.append(_row("1,000 services, 10,000 alerts, 5,000 lines/s", busy, floor, idle))
    show("A key to its repaint (median / p95 / p99), beside an echo in plain Python", rows)


def _row(what: str, found: list[float], floor: list[float], idle: list[float] | None) -> Row:
    p95, p99 = quantile(found, 0.95) * 1000, quantile(found, 0.99) * 1000
    met = p95 <= 30 and p99 <= 60
    bar = "p95 ≤ 30, p99 ≤ 60 ms"
    ratio = f"{quantile(found, 0.95) / quantile(floor, 0.95):.1f} × floor"
    if idle is not None:
        against_idle = quantile(found, 0.95) / quantile(idle, 0.95)
        ratio += f", {against_idle:.1f} × idle"
        bar += ", ≤ 2 × idle"
        met = met and against_idle <= 2
    return Row(
        what,
        f"{median(found) * 1000:.1f} / {p95:.1f} / {p99:.1f} ms",
        f"{median(floor) * 1000:.1f} / {quantile(floor, 0.95) * 1000:.1f} / {quantile(floor, 0.99) * 1000:.1f} ms",
        ratio,
        bar,
        met,
    )


if __name__ == "__main__":
    main()
