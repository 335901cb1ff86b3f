"""From a key to the last byte of its repaint, idle and under a heavy load.

Every key moves the selection, so its repaint draws a row on the ground of selected rows. What is drawn meanwhile for
other reasons has no such row, or has it once a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.load import load
from benchmarks.peers import this_python
from benchmarks.table import Row, median, quantile, show
from benchmarks.terminal import Terminal
from tuiops.config.model import Display
from tuiops.config.paths import shipped_themes
from tuiops.ui.theme import load as load_theme

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = (b"j", b"j", b"k", b"j", b"G", b"k", b"g", b"j")
ROUNDS = 15
PATIENCE = 1.0
"""Seconds that an answer may take."""
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


def latencies(argv: Sequence[str], marker: bytes, panes: Sequence[bytes], sign: bytes) -> list[float]:
    """Seconds for each key that led to a burst with a sign in it, in each of the panes."""
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
                    latency = terminal.key_latency(key, sign, PATIENCE)
                    # A key without an answer counts as one that took all the patience.
                    found.append(PATIENCE if latency is None else latency)
    return found


def selection_ground() -> bytes:
    """What a terminal is told before the text of a selected row."""
    colour = load_theme(shipped_themes() / f"{Display().theme}.toml").palette.selection.bgcolor
    assert colour is not None
    assert colour.triplet is not None
    return "48;2;{};{};{}".format(*colour.triplet).encode()


def main() -> None:
    """Print the table."""
    python = this_python()
    # Healthy services stand in one row, where no key moves anything; a filter shows each of them.
    panes = (b"1/service-\r", b"2")
    sign = selection_ground()
    floor = latencies([python, "-c", ECHO], b"READY", (b"",), b"x")
    with load(services=1000, alerts=100, rate=0, interval="1h") as config:
        idle = latencies([python, "-m", "tuiops", "--config", str(config)], b"Health", panes, sign)
    with load(services=1000, alerts=10_000, rate=5_000) as config:
        busy = latencies([python, "-m", "tuiops", "--config", str(config)], b"Health", panes, sign)
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
