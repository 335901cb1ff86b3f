"""How the benchmarks print what they found."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement beside what it is held against."""

    what: str
    value: str
    against: str
    ratio: str
    bar: str
    met: bool | None
    """None: there is no bar, or its peer could not be had."""


def show(title: str, rows: Sequence[Row]) -> None:
    """Print a table."""
    heads = Row("measure", "tuiops", "against", "ratio", "bar", None)
    cells = [(r.what, r.value, r.against, r.ratio, r.bar, _mark(r)) for r in (heads, *rows)]
    widths = [max(len(cell[column]) for cell in cells) for column in range(6)]
    print(f"\n{title}")
    for cell in cells:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)).rstrip())


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which the share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle."""
    return statistics.median(values)


def _mark(row: Row) -> str:
    return "" if row.met is None else "met" if row.met else "MISSED"
