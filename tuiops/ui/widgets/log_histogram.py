"""Two rows above the log: how many lines came when, and how grave they were."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from textual.strip import Strip

from tuiops.core.logs import Level
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.units import span
from tuiops.hub.logseek import Histogram, time_of
from tuiops.ui.format import fit
from tuiops.ui.widgets.safe import segments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.segment import Segment
    from rich.style import Style

    from tuiops.hub.logbook import LogBook
    from tuiops.hub.logseek import Bucket
    from tuiops.ui.theme import Look

WIDTHS: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 15, 60, 300, 900, 3600))
_LABEL: Final = 18
_BEFORE: Final = 5000
"""Lines above the cursor's that the bars reach back over."""
_LOOKS: Final = 20
"""Blocks that are counted for one drawing."""


def columns(width: int) -> int:
    """Buckets that fit beside the label."""
    return max(1, width - _LABEL)


def strips(buckets: Sequence[Bucket], step: timedelta, width: int, look: Look) -> list[Strip]:
    """All lines in the upper row, errors and warnings in the lower one."""
    palette = look.palette
    lines = [bucket.lines for bucket in buckets]
    grave = [bucket.errors + bucket.warnings for bucket in buckets]
    label = fmt("lines / {}", span(step.total_seconds()))
    upper = [*_label(label, palette.muted), *_bars(lines, [palette.level[Level.INFO]] * len(lines), look)]
    tones = [palette.level[Level.ERROR if bucket.errors else Level.WARNING] for bucket in buckets]
    lower = [*_label(lit("errors, warnings"), palette.muted), *_bars(grave, tones, look)]
    return [Strip(row).adjust_cell_length(width, palette.text) for row in (upper, lower)]


class LogHistogram:
    """The bars over what a reader looks at: up to now while following, else around the cursor."""

    def __init__(self, book: LogBook, system: str, service: str) -> None:
        self._book = book
        self._counted = Histogram(book, system, service)

    def strips(self, cursor: int, below: int | None, width: int, now: datetime, look: Look) -> list[Strip]:
        """`below` is the line that the bars end at, None for those of now."""
        book = self._book
        end = now if below is None else time_of(book, below) or now
        since = time_of(book, max(book.first, cursor - _BEFORE)) or now
        count = columns(width)
        wanted = (end - since) / count
        step = next((step for step in WIDTHS if step >= wanted), WIDTHS[-1])
        # Whole steps, so that the bars stand still between two of them.
        whole = -(-end.timestamp() // step.total_seconds()) * step.total_seconds()
        at = end + timedelta(seconds=whole - end.timestamp())
        looks = iter(range(_LOOKS))
        buckets = self._counted.buckets(at, step, count, lambda: next(looks, None) is None)
        return strips(buckets, step, width, look)


def _label(text: SafeText, style: Style) -> list[Segment]:
    return segments((fit(fmt(" {}", text), _LABEL), style))


def _bars(values: Sequence[int], styles: Sequence[Style], look: Look) -> list[Segment]:
    most = max(values, default=0)
    glyphs = look.glyphs
    steps = len(glyphs.sparks) - 1
    heights = [glyphs.sparks[round(value / most * steps)] if value else glyphs.gap for value in values]
    return segments(*((safe(height), style) for height, style in zip(heights, styles, strict=True)))
