"""Opening and searching a million-line JSON log in a real terminal, beside lnav, less and grep."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.follow_log import CONFIG
from benchmarks.peers import system, this_python
from benchmarks.start import first_paint
from benchmarks.table import Row, median, show
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 1_000_000
ROUNDS = 5
PATIENCE = 30.0
LINE = (
    b'{"timestamp":"2026-11-22T03:%02d:%02d.123","level":"%s","logger":"api.db",'
    b'"message":"%s","module":"db","function":"connect","line":42,"request_id":"%07d"}\n'
)
LAST = b"THE-VERY-LAST"
MIDDLE = b"THE-ONE-IN-THE-MIDDLE"
WANTED = b"the-one-[a-z]+-the-middle"
"""What is typed: an expression that has to be run, and is told from its hit by its letters' case."""
EMPTY = 'environment = "bench"\n[environments.bench]\n[systems.shop.services.api]\n'


def write(path: Path) -> None:
    """The log: all lines alike but one in the middle and the last."""
    with path.open("wb") as file:
        for number in range(LINES):
            said = LAST if number == LINES - 1 else MIDDLE if number == LINES // 2 else b"GET /v1/prices 200 in 12 ms"
            level = b"ERROR" if number % 20 == 0 else b"INFO"
            file.write(LINE % (number // 60 % 60, number % 60, level, said, number))


def searching(argv: Sequence[str], loaded: bytes, keys: Sequence[bytes], settle: float) -> tuple[float | None, int]:
    """Seconds from the last key to the hit, and resident bytes then; `settle` seconds to read everything."""
    with Terminal(argv) as terminal:
        terminal.until(loaded, PATIENCE)
        terminal.drain(settle)
        for key in keys[:-1]:
            terminal.type(key)
            terminal.drain(0.5)
        begun = time.perf_counter()
        terminal.type(keys[-1])
        found = terminal.until(MIDDLE, PATIENCE)
        return (None if found is None else terminal.started + found - begun), terminal.memory()


def _open_rows(console: Sequence[str], empty: Sequence[str], path: Path) -> list[Row]:
    plain, ours = [], []
    for _ in range(ROUNDS):  # interleaved, so that a noisy neighbour disturbs both
        plain += [t for t in [first_paint(empty, b"Health")] if t is not None]
        ours += [t for t in [first_paint(console, LAST)] if t is not None]
    after = median(ours) - median(plain)
    rows = [
        Row(
            "end of the log after the first paint", f"{after * 1000:.0f} ms", f"{median(plain) * 1000:.0f} ms", "",
            "≤ 300 ms", after <= 0.3,
        ),
    ]  # fmt: skip
    if lnav := system("lnav"):
        theirs = median([t for _ in range(3) if (t := first_paint([lnav, str(path)], LAST)) is not None] or [PATIENCE])
        rows.append(_ahead("end of the log on screen, from the start, beside lnav", median(ours), theirs))
    return rows


def _search_rows(console: Sequence[str], path: Path) -> list[Row]:
    ours, memory = searching(console, LAST, (b"4", b"f", b"/", WANTED, b"\r"), 6.0)
    if ours is None:
        return [Row("search", "no hit", "", "", "< 1 ×", met=False)]
    rows = []
    if lnav := system("lnav"):
        theirs, _ = searching([lnav, str(path)], LAST, (b"g", b"/", WANTED.upper(), b"\r"), 6.0)
        rows.append(_ahead("search, one hit in the middle, beside lnav", ours, theirs))
    if less := system("less"):
        theirs, _ = searching([less, "-S", str(path)], b"GET", (b"/", WANTED.upper(), b"\r"), 0.5)
        rows.append(_ahead("beside less", ours, theirs))
    begun = time.perf_counter()
    subprocess.run(["grep", "-icE", WANTED.decode(), str(path)], check=True, stdout=subprocess.DEVNULL)
    rows.append(_ahead("beside grep -i", ours, time.perf_counter() - begun, bar=False))
    rows.append(Row("memory", f"{memory / 1e6:.0f} MB", "", "", "≤ 150 MB", memory <= 150e6))
    return rows


def _ahead(what: str, ours: float, theirs: float | None, *, bar: bool = True) -> Row:
    if theirs is None:
        return Row(what, f"{ours * 1000:.0f} ms", "never", "", "< 1 ×", met=True)
    ratio = ours / theirs
    met = ratio < 1 if bar else None
    return Row(what, f"{ours * 1000:.0f} ms", f"{theirs * 1000:.0f} ms", f"{ratio:.2f} ×", "< 1 ×" if bar else "", met)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.log"
        write(path)
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG.format(path=path) + 'history = "1GB"\n', encoding="utf-8")
        empty = Path(folder) / "empty.toml"
        empty.write_text(EMPTY, encoding="utf-8")
        python = this_python()
        console = [python, "-m", "tuiops", "--config", str(config)]
        rows = _open_rows(console, [python, "-m", "tuiops", "--config", str(empty)], path)
        rows += _search_rows(console, path)
        size = path.stat().st_size / 1e6
    show(f"A JSON log of {LINES:,} lines, {size:.0f} MB", rows)


if __name__ == "__main__":
    main()
