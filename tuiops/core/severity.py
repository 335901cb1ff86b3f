"""One scale for five systems: P1 to P4, with the native word kept beside it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, lit

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(IntEnum):
    """How soon a person must look. Lower numbers are worse, as people say them."""

    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4

    @property
    def word(self) -> SafeText:
        return _WORDS[self]

    @property
    def glyph(self) -> SafeText:
        """Two columns; the same in every theme, so that colour is never alone."""
        return _GLYPHS[self]


_WORDS = {Severity.P1: lit("P1"), Severity.P2: lit("P2"), Severity.P3: lit("P3"), Severity.P4: lit("P4")}
_GLYPHS = {Severity.P1: lit("!!"), Severity.P2: lit("! "), Severity.P3: lit("~ "), Severity.P4: lit(". ")}

UNKNOWN_WORD = Severity.P3
"""What a misspelt or missing severity counts as: never lower, so that it cannot hide a page."""

DEFAULT_WORDS: Mapping[str, Severity] = {
    "p1": Severity.P1, "critical": Severity.P1, "page": Severity.P1, "emergency": Severity.P1,
    "urgent": Severity.P1, "fatal": Severity.P1, "緊急": Severity.P1, "致命的": Severity.P1,
    "p2": Severity.P2, "high": Severity.P2, "major": Severity.P2, "error": Severity.P2, "高": Severity.P2,
    "p3": Severity.P3, "medium": Severity.P3, "warning": Severity.P3, "minor": Severity.P3,
    "ticket": Severity.P3, "中": Severity.P3,
    "p4": Severity.P4, "low": Severity.P4, "info": Severity.P4, "none": Severity.P4, "低": Severity.P4,
}  # fmt: skip
"""Native words of the five systems and of common rule sets. `none` is what watchdog rules carry."""


def from_word(word: str, words: Mapping[str, Severity] = DEFAULT_WORDS) -> tuple[Severity, bool]:
    """The severity of a native word, and whether the word was known."""
    known = words.get(word.strip().casefold())
    return (UNKNOWN_WORD, False) if known is None else (known, True)
