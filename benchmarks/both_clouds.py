"""A refresh of 200 Cloud Run and 100 ECS services: its requests, its CPU beside decoding alone, memory, first paint."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from benchmarks.cloud_refresh import Measured
from benchmarks.cloud_servers import AMAZON, GOOGLE, clouds
from benchmarks.peers import this_python
from benchmarks.start import first_paint
from benchmarks.table import Row, median, show

if TYPE_CHECKING:
    from pathlib import Path

PAINTS = 7
_PATIENCE = 300.0


def measured(path: Path) -> Measured:
    """What a fresh process finds."""
    done = subprocess.run(
        [this_python(), "-m", "benchmarks.cloud_refresh", str(path)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE,
    )
    return Measured(**json.loads(done.stdout))


def paints(folder: Path) -> tuple[float, float]:
    """Seconds to the first paint with both clouds added, and without."""
    both: list[float] = []
    none: list[float] = []
    for _ in range(PAINTS):  # interleaved, so that a noisy neighbour disturbs both
        for name, found in (("added", both), ("none", none)):
            argv = [this_python(), "-m", "tuiops", "--config", str(folder / f"{name}.toml")]
            took = first_paint(argv, b"Health")
            if took is not None:
                found.append(took)
    return median(both), median(none)


def main() -> None:
    """Print the table."""
    with clouds() as folder:
        found = measured(folder / "clouds.toml")
        both, none = paints(folder)
    show(
        f"Both clouds: {GOOGLE} Cloud Run services on the fake of Google, {AMAZON} ECS services on MiniStack",
        _rows(found, both, none),
    )


def _rows(found: Measured, both: float, none: float) -> list[Row]:
    decoding, bare = found.cpu / found.decoding, found.cpu / found.bare
    return [
        Row(
            f"requests for health and rollouts, {found.readings} readings",
            str(found.requests),
            f"{found.first_requests} the first time",
            "",
            "",
            None,
        ),
        Row(
            f"CPU of a refresh, {found.bytes / 1e6:.2f} MB",
            f"{found.cpu * 1000:.0f} ms",
            f"{found.decoding * 1000:.0f} ms, decoding alone",
            f"{decoding:.1f} ×",
            "≤ 2 ×",
            decoding <= 2,
        ),
        Row(
            "the same beside httpx alone",
            f"{found.cpu * 1000:.0f} ms",
            f"{found.bare * 1000:.0f} ms, sent and decoded by httpx",
            f"{bare:.2f} ×",
            "≤ 2 ×",
            bare <= 2,
        ),
        Row("time of a refresh", f"{found.took * 1000:.0f} ms", "", "", "", None),
        Row("memory of both clients", f"{found.memory / 1e6:.0f} MB", "", "", "≤ 80 MB", found.memory <= 80e6),
        Row(
            "first paint beside the same without clouds",
            f"{both * 1000:.0f} ms",
            f"{none * 1000:.0f} ms",
            f"{both / none:.2f} ×",
            "≤ 1.1 ×",
            both / none <= 1.1,
        ),
    ]


if __name__ == "__main__":
    main()
