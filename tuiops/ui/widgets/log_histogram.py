"""Two rows above the log: how many lines came when, and how grave they were."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from textual.strip import Strip

from tuiops.core.logs import Level
from tuiops.core.text import SafeText, fmt, lit
from tuiops.core.units import span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from tuiops.hub.logseek import Bucket
    from tuiops.ui.theme import Look

WIDTHS: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 15, 60, 300, 900, 3600))
_LABEL: Final = 16


def columns(width: int) -> int:
    """Buckets that fit beside the label."""
    return max(1, width - _LABEL)


def strips(buckets: Sequence[Bucket], step: timedelta, width: int, look: Look) -> list[Strip]:
    """All lines in the upper row, errors and warnings in the lower one."""
    palette = look.palette
    lines = [bucket.lines for bucket in buckets]
    grave = [bucket.errors + bucket.warnings for bucket in buckets]
    label = fmt("lines / {}", span(step.total_seconds()))
    upper = [_label(label, palette.muted), *_bars(lines, [palette.level[Level.INFO]] * len(lines), look)]
    tones = [palette.level[Level.ERROR if bucket.errors else Level.WARNING] for bucket in buckets]
    lower = [_label(lit("errors, warnings"), palette.muted), *_bars(grave, tones, look)]
    return [Strip(row).adjust_cell_length(width, palette.text) for row in (upper, lower)]


def _label(text: SafeText, style: Style) -> Segment:
    return Segment(text[: _LABEL - 1].ljust(_LABEL), style)


def _bars(values: Sequence[int], styles: Sequence[Style], look: Look) -> list[Segment]:
    most = max(values, default=0)
    steps = len(look.glyphs.sparks) - 1
    return [
        Segment(look.glyphs.sparks[round(value / most * steps)] if value else look.glyphs.gap, style)
        for value, style in zip(values, styles, strict=True)
    ]
