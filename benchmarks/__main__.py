"""`python -m benchmarks [NAME …]` runs the benchmarks one after another and prints their tables."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "start",
    "keys",
    "steady",
    "frame",
    "follow_log",
    "open_log",
    "polling",
    "clouds",
    "both_clouds",
    "memory",
    "ledger",
    "runbook_output",
    "acting",
)


def main(chosen: list[str]) -> int:
    """Run the chosen benchmarks, or all of them; 2 when a name is unknown."""
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in chosen or NAMES:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
