"""From the command to the first useful frame, and from `:q` to the shell, beside a bare Textual App and its peers."""

from __future__ import annotations

import compileall
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tuiops
from benchmarks.peers import peer, this_python
from benchmarks.table import Row, median, show
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 9
PATIENCE = 30.0
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("READY")
Bare().run()
"""


def first_paint(argv: Sequence[str], marker: bytes) -> float | None:
    """Seconds from the start to the marker on the terminal."""
    with Terminal(argv, columns=120, rows=40) as terminal:
        return terminal.until(marker, PATIENCE)


def quit_time(argv: Sequence[str], marker: bytes, keys: bytes) -> float | None:
    """Seconds from the keys to the end of the process."""
    with Terminal(argv, columns=120, rows=40) as terminal:
        if terminal.until(marker, PATIENCE) is None:
            return None
        terminal.drain(1.0)
        started = time.perf_counter()
        terminal.type(keys)
        while terminal.process.poll() is None and time.perf_counter() - started < PATIENCE:
            terminal.read(0.01)
        return time.perf_counter() - started


def command_time(argv: Sequence[str]) -> float:
    """Seconds that a command takes as a whole."""
    started = time.perf_counter()
    subprocess.run(argv, check=False, capture_output=True, timeout=PATIENCE)
    return time.perf_counter() - started


def _paints(name: str, argv: Sequence[str], marker: bytes, ours: float) -> Row:
    found = [seconds for _ in range(3) if (seconds := first_paint(argv, marker)) is not None]
    if not found:
        return Row(f"first paint beside {name}", f"{ours * 1000:.0f} ms", "did not start", "", "", None)
    theirs = median(found)
    ratio = ours / theirs
    return Row(
        f"first paint beside {name}",
        f"{ours * 1000:.0f} ms",
        f"{theirs * 1000:.0f} ms",
        f"{ratio:.2f} ×",
        "< 1 ×",
        ratio < 1,
    )


def main() -> None:
    """Print the table."""
    python = this_python()
    console = [python, "-m", "tuiops", "--demo"]
    compileall.compile_dir(Path(tuiops.__file__).parent, quiet=1)  # as installing does
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        log = Path(folder) / "some.log"
        log.write_text('{"level": "info", "message": "READY"}\n' * 100)
        ours, floor = [], []
        for _ in range(ROUNDS):  # interleaved, so that a noisy neighbour disturbs both
            ours += [t for t in [first_paint(console, b"Health")] if t is not None]
            floor += [t for t in [first_paint([python, str(bare)], b"READY")] if t is not None]
        rows = [
            Row(
                "first paint beside a bare App",
                f"{median(ours) * 1000:.0f} ms",
                f"{median(floor) * 1000:.0f} ms",
                f"{median(ours) / median(floor):.2f} ×",
                "≤ 1.3 ×",
                median(ours) / median(floor) <= 1.3,
            )
        ]
        for package, command, arguments, marker in (
            ("toolong", "tl", [str(log)], b"READY"),
            ("harlequin", "harlequin", [], b"Catalog"),
            ("posting", "posting", [], b"Collection"),
            ("dolphie", "dolphie", [], b"Dolphie"),
        ):
            path = peer(package, command)
            if path is None:
                rows.append(Row(f"first paint beside {package}", "", "not installable here", "", "< 1 ×", None))
            else:
                rows.append(_paints(package, [path, *arguments], marker, median(ours)))
        leaving = [t for _ in range(3) if (t := quit_time(console, b"Health", b":q\r")) is not None]
        rows.append(Row("quit", f"{median(leaving) * 1000:.0f} ms", "", "", "≤ 500 ms", median(leaving) <= 0.5))
        nothing = median([command_time([python, "-c", "pass"]) for _ in range(ROUNDS)])
        version = median([command_time([python, "-m", "tuiops", "--version"]) for _ in range(ROUNDS)])
        rows.append(
            Row(
                "tuiops --version beside python -c pass",
                f"{version * 1000:.0f} ms",
                f"{nothing * 1000:.0f} ms",
                f"{version / nothing:.2f} ×",
                "≤ 3 ×",
                version / nothing <= 3,
            )
        )
    show("Start and stop (median)", rows)


if __name__ == "__main__":
    main()
