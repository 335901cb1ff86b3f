"""The few signs that the console draws, in Unicode and in ASCII."""

from __future__ import annotations

from typing import NamedTuple

from tuiops.core.text import SafeText, lit


class Glyphs(NamedTuple):
    """One column each, so that ASCII and Unicode screens have the same layout."""

    done: SafeText
    running: SafeText
    waiting: SafeText
    failed: SafeText
    undone: SafeText
    unknown: SafeText
    paused: SafeText
    unfolded: SafeText
    folded: SafeText
    marked: SafeText
    late: SafeText
    """Beside a log line that came after lines that were written after it."""
    dash: SafeText
    dot: SafeText
    arrow: SafeText
    up: SafeText
    down: SafeText
    cut: SafeText
    sparks: SafeText
    """Eight heights, lowest first."""
    gap: SafeText
    """In a sparkline, where there is no data."""
    horizontal: SafeText
    vertical: SafeText
    corners: SafeText
    """Top left, top right, bottom left, bottom right."""


UNICODE = Glyphs(
    done=lit("✓"), running=lit("◷"), waiting=lit("·"), failed=lit("✗"), undone=lit("↶"), unknown=lit("?"),
    paused=lit("="), unfolded=lit("▾"), folded=lit("▸"), marked=lit("●"), late=lit("‹"), dash=lit("—"), dot=lit("·"),
    arrow=lit("→"), up=lit("▲"), down=lit("▼"), cut=lit("…"), sparks=lit("▁▂▃▄▅▆▇█"), gap=lit(" "),
    horizontal=lit("─"), vertical=lit("│"), corners=lit("╭╮╰╯"),
)  # fmt: skip

ASCII = Glyphs(
    done=lit("v"), running=lit("o"), waiting=lit("."), failed=lit("x"), undone=lit("<"), unknown=lit("?"),
    paused=lit("="), unfolded=lit("-"), folded=lit("+"), marked=lit("*"), late=lit("<"), dash=lit("-"), dot=lit("."),
    arrow=lit(">"), up=lit("^"), down=lit("v"), cut=lit("~"), sparks=lit("_.-=+*%#"), gap=lit(" "),
    horizontal=lit("-"), vertical=lit("|"), corners=lit("++++"),
)  # fmt: skip
