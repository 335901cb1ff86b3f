"""One log record, whole: every field, and the lines that continue it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.logformat import parse
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, join, lit, safe
from tuiops.ui.format import width_of
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.pen import BLANK, NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.hub.logbook import Line
    from tuiops.ui.screens.pen import Pen, Row

_NEWLINE = "␊"
"""What `safe` makes of a line break inside a value, such as a traceback's."""


class RecordScreen(DetailScreen):
    """The record of a log line, as it was when it was opened."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """The record's first line and those that continue it."""
        super().__init__()
        self._lines = lines
        head = lines[0]
        self._form = head.stream.format
        self._record = parse(head.raw or b"", self._form, head.at)

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        stream = self._lines[0].stream
        return stream.system, self._record.service or stream.service

    @property
    def copied(self) -> SafeText:
        return join("\n", self._texts())

    def heading(self, pen: Pen) -> SafeText:
        subject = join("/", [name for name in self.subject if name])
        return fmt("Record {} {}", pen.look.glyphs.dot, subject or self._lines[0].stream.name)

    def rows(self, pen: Pen) -> Sequence[Row]:
        record = self._record
        rows: list[Row] = [
            *pen.paragraph(lit("time"), SafeText(record.at.isoformat()) if record.at else lit("none stated")),
            *pen.paragraph(lit("level"), safe(record.level.name.lower()) if record.level else lit("none stated")),
            *pen.paragraph(lit("service"), record.service or self._lines[0].stream.service or lit("none stated")),
            *pen.paragraph(lit("stream"), self._lines[0].stream.name),
            BLANK,
        ]
        for part in _broken(record.message):
            rows += pen.sentence(part, pen.look.palette.text) or (BLANK,)
        for text in self._texts()[1:]:
            rows += pen.sentence(text, pen.look.palette.text) or (BLANK,)
        if record.fields:
            rows += pen.heading(lit("Fields"))
        for name, value in record.fields:
            label = name
            if width_of(name) >= NAMES:
                # A name that is wider than its column has a row of its own.
                rows.append((pen.muted(fmt(" {}", name)),))
                label = EMPTY
            for part in _broken(value):
                rows += pen.paragraph(label, part)
                label = EMPTY
        rows += pen.heading(lit("As it came"))
        rows += pen.sentence(self._texts()[0], pen.look.palette.muted)
        return [*rows, BLANK]

    def _texts(self) -> list[SafeText]:
        return [self._form.clean(safe(line.raw or b"", LINE)) for line in self._lines]


def _broken(value: SafeText) -> list[SafeText]:
    # Taking a character out of a safe text leaves it safe, so that cleaning it again changes nothing.
    return [safe(part, LINE) for part in value.split(_NEWLINE)]
