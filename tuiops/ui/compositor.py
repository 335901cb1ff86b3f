"""Composing a frame at the cost of what it shows: only the cells that differ, only the widgets that are seen there.

Textual's own compositor asks every widget in the smallest rectangle around all changes for all of its lines: a clock
in the upper corner and a log line in the lower one make that the whole screen. And it cuts lines by making strips,
each of which brings seven caches with it that nothing ever asks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.control import Control
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.segment import Segment


class Gap(NamedTuple):
    """Cells of a line that have to be drawn, all of them by one widget; columns, each end exclusive."""

    begin: int
    end: int
    left: int
    """From here on, up to `right`, there is no widget but that one to be seen."""
    right: int


Gaps = dict[int, list[Gap]]
"""By line, from the top."""


class Piece(NamedTuple):
    """What is drawn at one place."""

    x: int
    y: int
    segments: Sequence[Segment]


class Paper(Protocol):
    """What must be known of a console to write for it."""

    _color_system: ColorSystem | None


class CellsUpdate(CompositorUpdate):
    """Pieces of the screen."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def render_segments(self, console: Paper) -> str:
        """The pieces as a terminal reads them."""
        system = console._color_system or ColorSystem.TRUECOLOR  # noqa: SLF001 - as Textual's own updates
        out: list[str] = []
        for x, y, segments in self.pieces:
            out.append(Control.move_to(x, y).segment.text)
            for text, style, _ in segments:
                out.append(text if style is None else Strip.render_style(style, text, system))
        return "".join(out)


class SparseCompositor(Compositor):
    """Draws the same as Textual's."""

    def render_partial_update(self) -> CellsUpdate | None:  # type: ignore[override]  # its caller takes any update
        """What the changed regions look like; None when nothing changed."""
        screen = self.size.region
        regions = [shown for region in self._dirty_regions if (shown := region.intersection(screen))]
        self._dirty_regions.clear()
        gaps = self._gaps(regions)
        pieces: list[Piece] = []
        for widget, (region, clip) in self.visible_widgets.items():
            if not gaps:
                break
            shown = region.intersection(clip)
            wanted = _wanted(shown, gaps)
            if not wanted:
                continue
            # Asked once: a widget keeps the lines between these, and asking costs more than getting them.
            first, last = wanted[0], wanted[-1] + 1
            strips = widget.render_lines(Region(shown.x - region.x, first - region.y, shown.width, last - first))
            for y in wanted:
                if y - first < len(strips):
                    pieces += _fill(gaps, y, strips[y - first], shown)
        return CellsUpdate(pieces) if pieces else None

    def _gaps(self, regions: Iterable[Region]) -> Gaps:
        """The regions, cut at the edges of widgets."""
        cuts = self.cuts
        gaps: Gaps = {}
        for y, begin, end in self._regions_to_spans(regions):
            gaps.setdefault(y, []).extend(
                Gap(max(begin, left), min(end, right), left, right)
                for left, right in pairwise(cuts[y])
                if left < end and begin < right
            )
        return gaps


def _wanted(shown: Region, gaps: Gaps) -> list[int]:
    """The lines on which something of a widget is to be drawn that no widget above it covers."""
    left, right = shown.column_span
    top, bottom = shown.line_span
    return [y for y, line in gaps.items() if top <= y < bottom and any(left <= gap.left < right for gap in line)]


def _fill(gaps: Gaps, y: int, strip: Strip, shown: Region) -> Iterable[Piece]:
    """What a widget's line puts into the gaps; they are then no more."""
    left, right = shown.column_span
    for gap in gaps[y]:
        if left <= gap.left < right:
            yield _piece(gap, y, strip, left)
    rest = [gap for gap in gaps[y] if not left <= gap.left < right]
    if rest:
        gaps[y] = rest
    else:
        del gaps[y]


def _piece(gap: Gap, y: int, strip: Strip, origin: int) -> Piece:
    """What of a strip that begins at column `origin` stands in a gap.

    Where text that may have characters of two columns goes beyond the gap, all of it up to the edges of the widget.
    """
    kept: list[Segment] = []
    x = origin
    for segment in strip:
        text = segment.text
        plain = text.isascii()
        after = x + (len(text) if plain else cell_len(text))
        if after > gap.begin and x < gap.end:
            whole = x >= gap.begin and after <= gap.end
            if not (plain or whole):
                return Piece(gap.left, y, list(strip.crop(gap.left - origin, gap.right - origin)))
            kept.append(segment if whole else segment._replace(text=text[max(0, gap.begin - x) : gap.end - x]))
        x = after
    return Piece(gap.begin, y, kept)
