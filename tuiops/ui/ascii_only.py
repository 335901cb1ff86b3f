"""Signs that sentences, scroll bars and labels use beside the glyphs, in ASCII where ASCII is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_SIGNS = str.maketrans({
    "·": "-", "—": "-", "–": "-", "…": "~", "→": ">", "←": "<", "≤": "<", "≥": ">", "×": "x", "±": "~", "↶": "<",
    "▲": "^", "▼": "v", "▾": "-", "▸": "+", "●": "*", "✓": "v", "✗": "x", "◷": "o",
    "─": "-", "│": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "╌": "-",
    "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%", "█": "#", "▎": "|", "▏": "|", "▕": "|",
})  # fmt: skip
"""One column each way, so that nothing moves. Letters of other scripts are not ours to replace."""


class AsciiSigns(LineFilter):
    """The last thing before the terminal, so that no part of the screen is forgotten."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        return [
            segment
            if segment.text.isascii()
            else Segment(_limits(segment.text).translate(_SIGNS), segment.style, segment.control)
            for segment in segments
        ]


def _limits(text: str) -> str:
    """At most is not less than: where a blank follows, its column is there for the rest of the sign."""
    return text.replace("≤ ", "<=").replace("≥ ", ">=")
