"""How a log line looks: its time, level, service, message and fields as rows of a given width."""

from __future__ import annotations

from datetime import UTC
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tuiops.core.clock import age
from tuiops.core.logs import Level, LogRecord
from tuiops.core.text import EMPTY, LINE, SafeText, fmt, lit, safe
from tuiops.core.units import span
from tuiops.ui.format import Times, TimeStyle, fit, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tuiops.hub.logbook import Line, LogBook
    from tuiops.hub.logfilter import Pattern
    from tuiops.ui.theme import Look

_SERVICE_WIDTHS: Final = ((100, 18), (0, 12))
"""Columns of the service's name, by the least columns of the log."""
_MOST_FIELDS: Final = 12
"""Fields that follow the message; the record's detail has them all."""
_ENVELOPE: Final = ("logName", "insertId", "receiveTimestamp", "resource.", "log_stream")
"""Beginnings of the names of fields that a cloud puts around every line of a stream; the record's detail has them."""
_MOST_ROWS: Final = 40
"""Rows that one wrapped line may take."""
_HIT: Final = Style(reverse=True)


def _told(fields: Iterable[tuple[SafeText, SafeText]]) -> Iterator[tuple[SafeText, SafeText]]:
    """The fields that tell one line from the next."""
    return (field for field in fields if not field[0].startswith(_ENVELOPE))


class Stamp(Enum):
    """What the time column shows."""

    TIME = "time"
    DATE = "date and time"
    NONE = "none"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that the look of a line depends on, beside the line."""

    width: int
    shift: int = 0
    """Columns scrolled to the right; only without `wrap`."""
    wrap: bool = False
    stamp: Stamp = Stamp.TIME
    services: bool = True
    """Whether lines name their service."""


class Painter:
    """Draws lines with one look."""

    def __init__(self, look: Look, times: Times, settings: Settings, pattern: Pattern | None, now: datetime) -> None:
        self._look = look
        self._palette = look.palette
        self._times = times
        self._settings = settings
        self._pattern = pattern
        self._now = now

    def rows(self, line: Line, *, continues: bool, marked: bool, aside: bool, followers: int = 0) -> list[Strip]:
        """At least one strip, each exactly as wide as the settings say.

        `aside` marks a line that the filters would hide; `followers` is the number of folded lines.
        """
        glyphs = self._look.glyphs
        gutter = glyphs.marked if marked else glyphs.late if line.late else lit(" ")
        if line.note or line.raw is None:
            text = (
                safe(line.raw, LINE)
                if line.raw is not None
                else lit("this line is no longer readable: its file changed")
            )
            dash = self._look.glyphs.dash
            return self._lay(
                [(gutter, self._palette.accent)], [(fmt("{} {} {}", dash, text, dash), self._palette.muted)]
            )
        if continues:
            # A continuation keeps its own indentation: what it says is where it stands.
            head, body = self._head(LogRecord(), EMPTY, gutter), line.stream.format.clean(safe(line.raw, LINE))
            return self._lay(head, [(body, self._palette.faint if aside else self._palette.muted)])
        from tuiops.core.logformat import parse

        record = parse(line.raw, line.stream.format, line.at)
        style = self._palette.faint if aside else self._palette.level[record.level]
        body_parts = [(record.message, style)]
        body_parts += [
            (fmt("  {}={}", name, value), self._palette.faint if aside else self._palette.muted)
            for name, value in islice(_told(record.fields), _MOST_FIELDS)
        ]
        if followers:
            body_parts.insert(1, (fmt("  +{:,} lines", followers), self._palette.accent))
        return self._lay(self._head(record, record.service or line.stream.service, gutter), body_parts)

    def _head(self, record: LogRecord, service: SafeText, gutter: SafeText) -> list[tuple[SafeText, Style]]:
        palette = self._palette
        parts = [(gutter, palette.accent)]
        stamp = self._stamp(record.at)
        if stamp:
            parts.append((fmt("{} ", stamp), palette.muted))
        # A level may be a block of colour: the blank after it is none of it.
        parts += [(record.level.letter, palette.level[record.level]), (lit(" "), palette.text)]
        if self._settings.services:
            room = next(room for least, room in _SERVICE_WIDTHS if self._settings.width >= least)
            name = fit(service, room, mark=self._look.glyphs.cut)
            parts.append((fmt("{} ", name), palette.muted))
        return parts

    def _stamp(self, at: datetime | None) -> SafeText:
        if self._settings.stamp is Stamp.NONE:
            return EMPTY
        if self._times.style is TimeStyle.RELATIVE:
            return fit(span(age(self._now, at)) if at else EMPTY, 8, right=True)
        dated = self._settings.stamp is Stamp.DATE
        if at is None:
            return SafeText(" " * (23 if dated else 12))
        local = at.astimezone(UTC if self._times.style is TimeStyle.UTC else self._times.zone)
        clock = f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"
        return SafeText(f"{local.year:04}-{local:%m-%d} {clock}" if dated else clock)

    def _lay(self, head: list[tuple[SafeText, Style]], body: list[tuple[SafeText, Style]]) -> list[Strip]:
        ground = self._palette.text
        width = self._settings.width
        left = [Segment(text, style) for text, style in head]
        used = sum(width_of(text) for text, _ in head)
        room = max(1, width - used)
        strip = Strip([segment for text, style in body for segment in self._lit_up(text, style)])
        if not self._settings.wrap:
            shift = self._settings.shift
            more = strip.cell_length > shift + room
            shown = strip.crop(shift, shift + room - more)
            pieces = [*left, *shown, Segment(self._look.glyphs.cut, self._palette.faint)] if more else [*left, *shown]
            return [Strip(pieces).adjust_cell_length(width, ground)]
        blank = Segment(" " * min(used, max(0, width - 1)), ground)
        rows = []
        for number, at in enumerate(range(0, max(strip.cell_length, 1), room)):
            if number == _MOST_ROWS:
                break
            begin = left if number == 0 else [blank]
            rows.append(Strip([*begin, *strip.crop(at, at + room)]).adjust_cell_length(width, ground))
        return rows

    def _lit_up(self, text: SafeText, style: Style) -> list[Segment]:
        """The text with what the search looks for reversed."""
        if self._pattern is None or not text:
            return [Segment(text, style)] if text else []
        raw = text.encode()
        segments: list[Segment] = []
        at = 0
        for start, stop in self._pattern.spans(raw)[:100]:
            if start > at:
                segments.append(Segment(raw[at:start].decode("utf-8", "replace"), style))
            segments.append(Segment(raw[start:stop].decode("utf-8", "replace"), style + _HIT))
            at = stop
        if at < len(raw):
            segments.append(Segment(raw[at:].decode("utf-8", "replace"), style))
        return segments


def level_words(level: Level) -> SafeText:
    """`level ≥ error`, or nothing when every line is shown."""
    return fmt("level ≥ {}", SafeText(level.name.lower())) if level else EMPTY


def copied(book: LogBook, seqs: Iterable[int], limit: int) -> SafeText:
    """Lines as they came, made safe and masked, one below the other; at most `limit` characters."""
    texts: list[str] = []
    for seq in seqs:
        line = book.line(seq)
        if line is not None and line.raw is not None:
            texts.append(line.stream.format.clean(safe(line.raw, LINE)))
    # Line breaks between safe lines are ours.
    return SafeText("\n".join(texts)[:limit])
