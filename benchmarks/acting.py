"""From keys to the menu and to the card, and keys in a console whose run prints 20,000 lines a second.

The card of this runbook reads nothing from outside, so all that it takes is the console's own. What a menu takes is
measured beside it: both are a screen of their own, but a menu has nothing to plan.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.keys import PATIENCE, SETTLE, selection_ground
from benchmarks.peers import this_python
from benchmarks.table import Row, median, quantile, show
from benchmarks.terminal import Terminal

RATE = 20_000
SECONDS = 40.0
OPENINGS = 30
KEYS = (b"j", b"j", b"k", b"j", b"G", b"k", b"g", b"j") * 12
SERVICES = 200

CONFIG = """
environment = "staging"
[environments.staging]
[sources.here]
type = "host"
[systems.shop]
label = "Shop"
"""
RUNBOOK = """
version = 1
id = "drain"
title = "Drain"
systems = ["shop"]
target = "shop"
[[steps]]
id = "print"
title = "Print lines"
danger = "C"
timeout = "5m"
do = {{ kind = "command", argv = ["{python}", "{writer}", "{rate}", "{seconds}"] }}
undo = "none"
undo_reason = "nothing is changed"
"""
WRITER = """
import sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
line, start, sent = "GET /v1/prices 200 in 12 ms request 8f1c-1111-2222-3333-4444-5555\\n", time.monotonic(), 0
while (passed := time.monotonic() - start) < seconds:
    due = int(passed * rate)
    sys.stdout.write(line * (due - sent))
    sys.stdout.flush()
    sent = due
    time.sleep(0.002)
"""


def prepare(folder: Path) -> Path:
    """A configuration with one runbook; its file."""
    (folder / "runbooks").mkdir()
    writer = folder / "writer.py"
    writer.write_text(WRITER, encoding="utf-8")
    text = RUNBOOK.format(python=sys.executable, writer=writer, rate=RATE, seconds=SECONDS)
    (folder / "runbooks" / "drain.toml").write_text(text, encoding="utf-8")
    services = "".join(f"[systems.shop.services.service-{number:03}]\n" for number in range(SERVICES))
    config = folder / "tuiops.toml"
    config.write_text(CONFIG + services, encoding="utf-8")
    return config


def opened(terminal: Terminal) -> tuple[list[float], list[float]]:
    """Seconds from `x` to the menu and from its letter to the card, over and over."""
    menus: list[float] = []
    cards: list[float] = []
    for _ in range(OPENINGS):
        for found, key, sign in ((menus, b"x", b"USUALLY"), (cards, b"a", b"writer.py")):
            # Not in step with the program's own frames.
            terminal.drain(0.117)
            latency = terminal.key_latency(key, sign, PATIENCE)
            found.append(PATIENCE if latency is None else latency)
        for _ in range(2):
            terminal.drain(0.1)
            terminal.type(b"\x1b")
        terminal.drain(0.3)
    return menus, cards


def moved(terminal: Terminal) -> list[float]:
    """Seconds from each key to the repaint of the selection."""
    sign, found = selection_ground(), []
    for key in KEYS:
        terminal.drain(0.037)
        latency = terminal.key_latency(key, sign, PATIENCE)
        found.append(PATIENCE if latency is None else latency)
    return found


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TUIOPS_BENCH_FOLDER")) as name:
        folder = Path(name)
        config = prepare(folder)
        argv = [this_python(), "-m", "tuiops", "--config", str(config)]
        with Terminal(argv, env={"XDG_STATE_HOME": str(folder / "state")}) as terminal:
            terminal.until(b"Health", 30)
            terminal.drain(SETTLE)
            terminal.type(b"1j")
            terminal.drain(1.0)
            menus, cards = opened(terminal)
            idle = moved(terminal)
            terminal.type(b"x")
            terminal.drain(1.0)
            terminal.type(b"a")
            terminal.drain(1.0)
            terminal.type(b"\t\r")
            begun = time.perf_counter()
            terminal.drain(SECONDS / 4)
            before = terminal.memory()
            terminal.type(b"\x1b")
            terminal.drain(1.0)
            busy = moved(terminal)
            terminal.drain(max(0.0, SECONDS - 2 - (time.perf_counter() - begun)))
            grew = terminal.memory() - before
    show(
        "Acting from the console",
        [
            _row("a letter to its card", cards, menus, "the menu", 0.05),
            _row("a key while a run prints 20,000 lines/s", busy, idle, "idle", 0.1),
            Row("memory grew by, over 30 s of it", f"{grew / 1e6:.1f} MB", "", "", "≤ 16 MB", grew <= 16_000_000),
        ],
    )


def _row(what: str, found: list[float], against: list[float], name: str, most: float) -> Row:
    p95 = quantile(found, 0.95)
    return Row(
        f"{what} (median / p95)",
        f"{median(found) * 1000:.1f} / {p95 * 1000:.1f} ms",
        f"{name} {median(against) * 1000:.1f} / {quantile(against, 0.95) * 1000:.1f} ms",
        f"{median(found) / median(against):.2f} ×",
        f"p95 ≤ {most * 1000:.0f} ms",
        p95 <= most,
    )


if __name__ == "__main__":
    main()
