"""The entry: which reader a line gets, and what is left when none knows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tuiops.core.lineformat import MAX_PARSED, LineFormat
from tuiops.core.logformat import levels, structured, textual
from tuiops.core.logs import Level, LogRecord
from tuiops.core.text import LINE, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOWHEN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse(line: bytes, form: LineFormat, now: datetime) -> LogRecord:
    """What the line says. `now` dates times that leave out the year. Never raises."""
    line = line.rstrip(b"\r\n")
    if len(line) > MAX_PARSED:
        return LogRecord(message=form.clean(safe(line, LINE)), level=_quick_level(line[:MAX_PARSED], form))
    record: LogRecord | None = None
    if form.kind in {"auto", "json"} and line[:1] == b"{":
        record = structured.from_json(line, form)
    if record is None and form.kind in {"auto", "logfmt"}:
        record = structured.from_logfmt(line, form)
    if record is None and form.kind != "plain":
        record = textual.from_header(line, form, now)
    return record or textual.from_plain(line, form)


def level_of(line: bytes, form: LineFormat) -> Level:
    """`parse(…).level`, without building the record where looking at bytes is enough."""
    if form.kind in {"auto", "json"} and line[:1] == b"{" and len(line) <= MAX_PARSED:
        level = None if "level" in form.fields else levels.of_json(line)
        return parse(line, form, _NOWHEN).level if level is None else level
    return levels.of_text(line)


def classify_block(data: bytes, starts: Sequence[int], form: LineFormat) -> bytearray:
    """`level_of` for every line of a block, one byte a line; `starts` are the offsets of the lines."""
    if "level" in form.fields:
        bounds = [*starts, len(data)]
        return bytearray(level_of(data[bounds[i] : bounds[i + 1]], form) for i in range(len(starts)))
    return levels.classify(data, starts, lambda line: level_of(line, form))


def _quick_level(line: bytes, form: LineFormat) -> Level:
    if line[:1] == b"{" and form.kind in {"auto", "json"}:
        return levels.of_json(line) or Level.NONE
    return levels.of_text(line)
