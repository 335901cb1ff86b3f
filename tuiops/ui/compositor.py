"""Composing a frame at the cost of what it shows: only the lines that differ, only the widgets that are seen there.

Textual's own compositor asks every widget in the smallest rectangle around all changes for all of its lines. A clock
in the upper corner and a log line in the lower one make that the whole screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
            for first, last in _runs(shown, lines, chops):
                crop = Region(shown.x - region.x, first - region.y, shown.width, last - first)
                for y, strip in zip(range(first, last), widget.render_lines(crop), strict=False):
                    _fill(chops[y], strip, cuts[y], shown)
        return ChopsUpdate(chops, spans, [cut[1:] if y in lines else [] for y, cut in enumerate(cuts)])


def _runs(shown: Region, lines: Spans, chops: Chops) -> Iterator[tuple[int, int]]:
    """The lines, in runs, on which something of a widget is to be drawn that no widget above it covers."""
    left, right = shown.column_span
    first = None
    for y in shown.line_range:
        wanted = (
            y in lines
            and any(begin < right and left < end for begin, end in lines[y])
            and any(strip is None and left <= x < right for x, strip in chops[y].items())
        )
        if wanted and first is None:
            first = y
        elif not wanted and first is not None:
            yield first, y
            first = None
    if first is not None:
        yield first, shown.bottom


def _fill(chops: dict[int, Strip | None], strip: Strip, cuts: Sequence[int], shown: Region) -> None:
    """Put a widget's line where no widget above it has put its own."""
    left, right = shown.column_span
    edges = [cut for cut in cuts if left <= cut <= right]
    pieces = strip.divide([edge - left for edge in edges[1:]])
    for x, piece in zip(edges, pieces, strict=False):
        if chops.get(x) is None:
            chops[x] = piece
