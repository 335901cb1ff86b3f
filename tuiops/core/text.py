"""The one edge where text from outside becomes text that may be shown.

Log lines, labels, annotations, API strings and host names pass through `safe` before they reach a widget,
a title, the command line, a notification or an export. What comes out is one line of `SafeText`: every
character in it is printable, so a terminal can only print it. It is still data: nothing downstream may
treat it as markup, a shell word or a path.

Own words enter as `lit("…")` (literals only, a test checks the call sites) and both kinds are joined with
`fmt` and `join`, so that a bare `str` never needs to be trusted.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

SafeText = NewType("SafeText", str)

CELL = 256
"""Characters kept of a label, a name or any other value that lives in a cell."""

LINE = 8 * 1024
"""Characters kept of a log line."""

ANNOTATION = 16 * 1024
"""Characters kept of an annotation or an error body."""

MAX_COMBINING = 8
"""Combining marks kept in a row: more pile up over the neighbouring lines."""

EMPTY = SafeText("")
_CUT = "…"
_REPLACEMENT = "\ufffd"
_VARIATION_SELECTORS = frozenset("\ufe0e\ufe0f")
_C0_PICTURES = 0x2400
_DEL = 0x7F
_SPACE = 0x20


def safe(raw: str | bytes, limit: int = CELL) -> SafeText:
    """One printable line of at most `limit` characters.

    Controls become their Unicode pictures one for one (ESC is ␛), tabs one space; C1 controls, bidirectional
    and zero-width characters, surrogates and unassigned code points become U+FFFD. What is cut ends in `…`.
    """
    if isinstance(raw, bytes):
        # A UTF-8 character has at most four bytes: cut first, a hostile value may be gigabytes.
        text = raw[: 4 * limit + 4].decode("utf-8", "replace")
        cut = len(raw) > 4 * limit + 4 or len(text) > limit
    else:
        text, cut = raw, len(raw) > limit
    if cut:
        text = text[: max(0, limit - 1)] + _CUT
    if text.isascii() and text.isprintable():
        return SafeText(text)
    return SafeText(_visible(text))


def safe_lines(raw: str | bytes, limit: int = ANNOTATION) -> tuple[SafeText, ...]:
    """The printable lines of a longer text; `limit` bounds the characters of all of them together."""
    if isinstance(raw, bytes):
        raw = raw[: 4 * limit].decode("utf-8", "replace")
    if len(raw) > limit:
        raw = raw[: limit - 1] + _CUT
    return tuple(safe(line, limit) for line in raw.splitlines())


def lit(literal: str) -> SafeText:
    """Our own words. Takes literals only: a test reads every call."""
    return SafeText(literal)


def fmt(template: str, *parts: SafeText | int) -> SafeText:
    """`template.format(*parts)` for a literal template and parts that are safe already."""
    return SafeText(template.format(*parts))


def join(separator: str, parts: Iterable[SafeText]) -> SafeText:
    """The parts with a literal separator between them."""
    return SafeText(separator.join(parts))


def _visible(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
            marks += 1
            if marks <= MAX_COMBINING and char not in _VARIATION_SELECTORS:
                out.append(char)
            continue
        marks = 0
        if char.isprintable():
            out.append(char)
        else:
            out.append(_picture(char))
    return "".join(out)


def _picture(char: str) -> str:
    code = ord(char)
    if char == "\t" or unicodedata.category(char) == "Zs":
        return " "
    if code < _SPACE:
        return chr(_C0_PICTURES + code)
    if code == _DEL:
        return "\u2421"
    return _REPLACEMENT
