"""Numerals that are read from across a room, drawn as large as there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import SafeText

if TYPE_CHECKING:
    from collections.abc import Mapping

PIXEL_ROWS = 5
_GAP = 1
"""Pixels between two characters."""

_PIXELS: Mapping[str, tuple[str, ...]] = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", " ##", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    "?": ("###", "  #", " ##", "   ", " # "),
    ":": (" ", "#", " ", "#", " "),
    ".": (" ", " ", " ", " ", "#"),
    "-": ("   ", "   ", "###", "   ", "   "),
    "+": ("   ", " # ", "###", " # ", "   "),
    "%": ("# #", "  #", " # ", "#  ", "# #"),
    "P": ("###", "# #", "###", "#  ", "#  "),
    "d": ("  #", "  #", "###", "# #", "###"),
    "h": ("#  ", "#  ", "###", "# #", "# #"),
    "m": ("     ", "     ", "#####", "# # #", "# # #"),
    "s": ("   ", "   ", " ##", " # ", "## "),
    " ": ("  ", "  ", "  ", "  ", "  "),
}
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def drawable(text: str) -> bool:
    """Whether every character of the text has a shape."""
    return all(char in _PIXELS for char in text)


def width(text: str, scale: int) -> int:
    """Columns that the text takes; scale 0 is half a row to a pixel, scale n is n rows and 2n columns."""
    pixels = sum(len(_PIXELS[char][0]) for char in text) + _GAP * max(0, len(text) - 1)
    return pixels * (2 * scale or 1)


def height(scale: int) -> int:
    """Rows that any text takes."""
    return PIXEL_ROWS * scale or (PIXEL_ROWS + 1) // 2


def largest(text: str, columns: int, rows: int) -> int | None:
    """The largest scale that fits, None when not even the smallest does."""
    fitting = None
    scale = 0
    while width(text, scale) <= columns and height(scale) <= rows:
        fitting = scale
        scale += 1
    return fitting


def draw(text: str, scale: int, *, ascii_only: bool = False) -> tuple[SafeText, ...]:
    """The rows of the text, all of one width. Characters without a shape are drawn as `?`."""
    shapes = [_PIXELS.get(char, _PIXELS["?"]) for char in text]
    pixels = [(" " * _GAP).join(shape[row] for shape in shapes) for row in range(PIXEL_ROWS)]
    if scale:
        full = "#" if ascii_only else "█"
        wide = ["".join((full if pixel == "#" else " ") * 2 * scale for pixel in row) for row in pixels]
        return tuple(SafeText(row) for row in wide for _ in range(scale))
    if ascii_only:
        # Half rows need block characters: in ASCII the smallest size is the text itself.
        return (SafeText(text.center(len(pixels[0]))),)
    pixels.append(" " * len(pixels[0]))
    return tuple(
        SafeText("".join(_HALVES[above == "#", below == "#"] for above, below in zip(top, bottom, strict=True)))
        for top, bottom in zip(pixels[::2], pixels[1::2], strict=True)
    )
