"""Composing a frame at the cost of what it shows: only the lines that differ, only the widgets that are seen there.

Textual's own compositor asks every widget in the smallest rectangle around all changes for all of its lines. A clock
in the upper corner and a log line in the lower one make that the whole screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

Spans = dict[int, list[tuple[int, int]]]
"""By line: the columns that are drawn again, the end of each span exclusive."""
Chops = list[dict[int, "Strip | None"]]
"""By line and first column: the pieces of the screen between the edges of widgets."""


class SparseCompositor(Compositor):
    """Draws the same as Textual's."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What the changed regions look like; None when nothing changed."""
        screen = self.size.region
        regions = [shown for region in self._dirty_regions if (shown := region.intersection(screen))]
        self._dirty_regions.clear()
        spans = list(self._regions_to_spans(regions))
        if not spans:
            return None
        lines: Spans = {}
        for y, left, right in spans:
            lines.setdefault(y, []).append((left, right))
        cuts = self.cuts
        chops: Chops = [dict.fromkeys(cut[:-1]) if y in lines else {} for y, cut in enumerate(cuts)]
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            wanted = _wanted(shown, lines, chops)
            if not wanted:
                continue
            # Asked once: a widget keeps the lines between these, and asking costs more than getting them.
            first, last = wanted[0], wanted[-1] + 1
            strips = widget.render_lines(Region(shown.x - region.x, first - region.y, shown.width, last - first))
            for y in wanted:
                if y - first < len(strips):
                    _fill(chops[y], strips[y - first], cuts[y], shown)
        return ChopsUpdate(chops, spans, [cut[1:] if y in lines else [] for y, cut in enumerate(cuts)])


def _wanted(shown: Region, lines: Spans, chops: Chops) -> list[int]:
    """The lines on which something of a widget is to be drawn that no widget above it covers."""
    left, right = shown.column_span
    return [
        y
        for y in shown.line_range
        if y in lines
        and any(begin < right and left < end for begin, end in lines[y])
        and any(strip is None and left <= x < right for x, strip in chops[y].items())
    ]


def _fill(chops: dict[int, Strip | None], strip: Strip, cuts: Sequence[int], shown: Region) -> None:
    """Put a widget's line where no widget above it has put its own."""
    left, right = shown.column_span
    edges = [cut for cut in cuts if left <= cut <= right]
    pieces = strip.divide([edge - left for edge in edges[1:]])
    for x, piece in zip(edges, pieces, strict=False):
        if chops.get(x) is None:
            chops[x] = piece
