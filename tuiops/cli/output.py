"""The one module that prints. It takes safe text only, so that nothing from outside can control a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO

from tuiops.core.text import SafeText, lit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Tone(Enum):
    """What a piece of text means; its colour is decided here and is never the only sign."""

    PLAIN = ""
    HEADING = "1"
    GOOD = "32"
    BAD = "33"
    WORST = "1;31"
    FAINT = "2"


Span = tuple[SafeText, Tone]
_WIDE = frozenset("WF")
_GAP = lit("  ")


class Output:
    """Lines on a stream, in colour when it is a terminal that wants colour."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self.terminal = stream.isatty()
        # https://no-color.org: set to anything but nothing.
        self._colour = self.terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    def line(self, *spans: Span | SafeText) -> None:
        """One line of text."""
        written = "".join(self._painted(*(span if isinstance(span, tuple) else (span, Tone.PLAIN))) for span in spans)
        print(written.rstrip(), file=self._stream)

    def document(self, value: Any, *, compact: bool = False) -> None:
        """A JSON document whose texts are safe: indented, or on one line."""
        import json

        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=None if compact else 2)
        print(text, file=self._stream)

    def exact(self, value: Any) -> None:
        """A JSON document on one line whose texts may be anything: what is not printable ASCII is escaped.

        What is no text is written as Python writes it.
        """
        import json

        print(json.dumps(value, allow_nan=False, default=repr).replace("\x7f", "\\u007f"), file=self._stream)

    def table(self, headings: Sequence[SafeText], rows: Sequence[Sequence[Span]]) -> None:
        """Columns as wide as their widest cell, wide characters counted as two."""
        cells = [[(heading, Tone.FAINT) for heading in headings], *rows]
        widths = [max(width(row[column][0]) for row in cells) for column in range(len(headings))]
        for row in cells:
            spans: list[Span | SafeText] = []
            for (text, tone), wanted in zip(row, widths, strict=True):
                spans += [(text, tone), SafeText(" " * (wanted - width(text))), _GAP]
            self.line(*spans)

    def verbatim(self, text: str) -> None:
        """Documents of our own that come with the program: the schema, the reference."""
        self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def _painted(self, text: SafeText, tone: Tone) -> str:
        return f"\x1b[{tone.value}m{text}\x1b[0m" if self._colour and tone.value and text else text


def complain(text: SafeText, *more: SafeText) -> None:
    """What keeps a command from its end, on standard error; `more` are lines that say what can be done."""
    stream = Output(sys.stderr, os.environ)
    stream.line((lit("tuiops: "), Tone.BAD), text)
    for line in more:
        stream.line(_GAP, line)


def width(text: SafeText) -> int:
    """Columns of a terminal: two for East Asian wide characters, none for combining marks."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in _WIDE else 1 for char in text
    )
