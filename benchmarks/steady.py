"""What the whole console costs while it just runs: CPU, bytes to the terminal, memory."""

from __future__ import annotations

import time

from benchmarks.load import load
from benchmarks.peers import system, this_python
from benchmarks.table import Row, show
from benchmarks.terminal import Terminal

SETTLE = 12.0
SECONDS = 30.0


def cost(argv: list[str], marker: bytes) -> tuple[float, float, int] | None:
    """Share of a core, bytes a second and resident bytes, once it has settled; None when it did not start."""
    with Terminal(argv) as terminal:
        if terminal.until(marker, 30) is None:
            return None
        terminal.drain(SETTLE)
        cpu, begun = terminal.cpu_seconds(), time.perf_counter()
        count = terminal.drain(SECONDS)
        took = time.perf_counter() - begun
        return (terminal.cpu_seconds() - cpu) / took, count / took, terminal.memory()


def main() -> None:
    """Print the table."""
    python = this_python()
    rows: list[Row] = []
    top = cost(["htop", "-d", "10"], b"CPU") if system("htop") else None
    demo = cost([python, "-m", "tuiops", "--demo"], b"Health")
    if demo is not None:
        rows += _rows("five systems at 1 s", demo, top, (0.03, 5_000, 80_000_000))
    with load(services=5, alerts=10, rate=0, interval="1h") as config:
        quiet = cost([python, "-m", "tuiops", "--config", str(config)], b"Health")
    if quiet is not None:
        rows += _rows("nothing changes", quiet, None, (0.005, 0, 80_000_000))
    with load(services=1000, alerts=10_000, rate=5_000) as config:
        heavy = cost([python, "-m", "tuiops", "--config", str(config)], b"Health")
    if heavy is not None:
        rows += _rows("1,000 services, 10,000 alerts, 5,000 lines/s at 1 s", heavy, None, None)
    show("Running, 200×50", rows)


def _rows(
    what: str,
    found: tuple[float, float, int],
    peer: tuple[float, float, int] | None,
    bars: tuple[float, float, int] | None,
) -> list[Row]:
    names = ("CPU of a core", "bytes/s", "memory")
    shown = (f"{found[0]:.1%}", f"{found[1]:,.0f}", f"{found[2] / 1e6:.0f} MB")
    theirs = (f"htop {peer[0]:.1%}", f"htop {peer[1]:,.0f}", f"htop {peer[2] / 1e6:.0f} MB") if peer else ("",) * 3
    limits = (f"≤ {bars[0]:.1%}", f"≤ {bars[1]:,.0f}", f"≤ {bars[2] / 1e6:.0f} MB") if bars else ("",) * 3
    ratios = tuple(
        f"{mine / other:.1f} ×" if other else "" for mine, other in zip(found, peer or (0, 0, 0), strict=True)
    )
    return [
        Row(
            f"{what}: {names[i]}",
            shown[i],
            theirs[i],
            ratios[i],
            limits[i],
            found[i] <= bars[i] if bars else None,
        )
        for i in range(3)
    ]


if __name__ == "__main__":
    main()
