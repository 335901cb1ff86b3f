"""`tuiops logs`: the newest lines of the log streams, and with `--follow` those to come."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from tuiops import wiring
from tuiops.cli import loop, settings
from tuiops.cli.exits import Exit
from tuiops.cli.newest import Dated, newest
from tuiops.cli.output import Span, Tone
from tuiops.cli.tables import local
from tuiops.cli.views import SCHEMA, rfc3339
from tuiops.config.texts import nearest
from tuiops.core.logformat import parse
from tuiops.core.logs import LEVEL_WORDS, Level, LogRecord
from tuiops.core.text import LINE, SafeText, lit, safe
from tuiops.errors import UsageError
from tuiops.hub.logfilter import LogFilter, Pattern

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from datetime import datetime

    from tuiops.cli.output import Output
    from tuiops.core.clock import Clock
    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.logbook import Block, Line, LogBook

_LOOK = 0.2
"""Seconds between looks at the log book."""
_PAST = 1.0
"""Seconds that the past is waited for when all streams are open."""

_NAMED = 1000
"""Lines that are looked through for names of services, when one is asked for that is not there."""

_LEVEL_TONES = {Level.FATAL: Tone.WORST, Level.ERROR: Tone.WORST, Level.WARNING: Tone.BAD}


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    return loop.run(_run(settings.subject(arguments), log_filter(arguments), arguments, out))


def log_filter(arguments: argparse.Namespace) -> LogFilter:
    """The filter that the options ask for. Raises UsageError."""
    level = LEVEL_WORDS.get((arguments.level or "").lower(), Level.NONE)
    if arguments.level and level is Level.NONE:
        raise UsageError(f"there is no level {arguments.level!r}: one of trace, debug, info, warning, error, fatal")
    try:
        include = (Pattern(arguments.grep),) if arguments.grep else ()
    except re.error as error:
        raise UsageError(f"--grep {arguments.grep!r} is not a regular expression: {error}") from error
    return LogFilter(include=include, level=level, system=arguments.system or "", service=arguments.service or "")


async def _run(subject: wiring.Subject, wanted: LogFilter, arguments: argparse.Namespace, out: Output) -> Exit:
    hub = await wiring.hub(subject)
    await hub.start()
    try:
        await settle(hub.logs, hub.clock, arguments.timeout)
        writer = LineWriter(out, arguments.output, hub.logs, wanted, subject.config.display.time_zone)
        code = Exit.OK if any(stream.opened for stream in hub.logs.statuses()) else Exit.UNKNOWN
        if code is Exit.UNKNOWN and not arguments.follow:
            raise UsageError("no log stream can be read; `tuiops check` and `tuiops status` say more")
        if code is Exit.OK:
            require(hub.logs, hub.snapshot, wanted, hub.clock.now())
        writer.last(arguments.lines, hub.clock.now())
        while arguments.follow:
            await asyncio.sleep(_LOOK)
            writer.fresh(hub.clock.now())
        return code
    finally:
        await hub.stop()


async def settle(
    book: LogBook, clock: Clock, patience: float, *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Return when every stream is open or has failed and no more of the past comes; `patience` in seconds.

    Lines that are written meanwhile do not count: a busy log never rests.
    """
    end, first = clock.monotonic() + patience, None
    while clock.monotonic() < end:
        await sleep(_LOOK)
        if not all(stream.opened or stream.error for stream in book.statuses()):
            continue
        if first is None:
            end = min(end, clock.monotonic() + _PAST)
        elif first == book.first:
            return
        first = book.first


def require(book: LogBook, snapshot: Snapshot, wanted: LogFilter, now: datetime) -> None:
    """Raises UsageError when lines are asked for of a system or a service that is neither watched nor in the book."""
    watched = [(str(each.system), str(service.service)) for each in snapshot.systems for service in each.services]
    watched += [(str(each.system), "") for each in snapshot.systems]
    watched += [(str(stream.system), str(stream.service)) for stream in book.statuses()]
    systems = {system for system, _ in watched if system}
    if wanted.system and wanted.system not in systems:
        raise UsageError(f"there is no system {wanted.system!r}: {nearest(wanted.system, systems)}")
    services = {service for system, service in watched if service and wanted.system in {"", system}}
    sought = LogFilter(system=wanted.system, service=wanted.service)
    if not wanted.service or wanted.service in services or any(_tells(book, block, sought) for block in book.blocks()):
        return
    for line in newest(book, LogFilter(system=wanted.system), _NAMED, now):
        found = book.line(line.seq)
        if found is not None and found.raw is not None and not found.note:
            services.add(str(parse(found.raw, found.stream.format, now).service))
    services.discard("")
    raise UsageError(f"there is no service {wanted.service!r}: {nearest(wanted.service, services)}")


def _tells(book: LogBook, block: Block, sought: LogFilter) -> bool:
    data = None if block.note else book.bytes_of(block)
    return data is not None and bool(sought.lines(block, data))


class LineWriter:
    """Writes lines of a log book that a filter shows, each of them once."""

    def __init__(self, out: Output, output: str, book: LogBook, wanted: LogFilter, zone: str) -> None:
        self._out = out
        self._output = output
        self._book = book
        self._wanted = wanted
        self._zone = zone
        self._end = 0

    def last(self, count: int, now: datetime) -> None:
        """The newest `count` lines, oldest first."""
        self._end = self._book.end
        self._write(newest(self._book, self._wanted, count, now), now)

    def fresh(self, now: datetime) -> None:
        """The lines that came since the last call."""
        start, self._end = self._end, self._book.end
        for block in self._book.blocks():
            if block.end > start:
                shown = (seq for seq in self._shown(block, start) if seq < self._end)
                self._write((Dated(seq, block.at) for seq in shown), now)

    def _shown(self, block: Block, start: int) -> Iterator[int]:
        data = self._book.bytes_of(block)
        if data is not None:
            first = max(0, start - block.first)
            # A line that continues a record shares its fate, also when the record was there before.
            for number in self._wanted.lines(block, data, block.head(data, first)):
                if number >= first:
                    yield block.first + number

    def _write(self, lines: Iterable[Dated], now: datetime) -> None:
        for seq, at in lines:
            line = self._book.line(seq)
            if line is None or line.raw is None:
                continue
            record = LogRecord(message=safe(line.raw, LINE)) if line.note else parse(line.raw, line.stream.format, now)
            if self._output == "table":
                self._out.line(*_cells(line, record, at, self._zone))
            else:
                self._out.document(row(line, record), compact=True)
        self._out.flush()


def row(line: Line, record: LogRecord) -> dict[str, Any]:
    """A line as JSON."""
    return {
        "schema": SCHEMA,
        "kind": "note" if line.note else "log",
        "at": rfc3339(record.at),
        "received": rfc3339(line.at),
        "late": line.late,
        "stream": line.stream.name,
        "system": line.stream.system,
        "service": record.service or line.stream.service,
        "level": record.level.name.lower(),
        "message": record.message,
        "fields": dict(record.fields),
    }


def _cells(line: Line, record: LogRecord, at: datetime, zone: str) -> Iterator[Span | SafeText]:
    tone = _LEVEL_TONES.get(record.level, Tone.PLAIN)
    yield (local(record.at or at, zone), Tone.FAINT)
    yield lit(" ")
    yield (record.level.letter, tone)
    yield lit(" ")
    yield (record.service or line.stream.service or line.stream.name, Tone.FAINT)
    yield lit("  ")
    yield (record.message, tone if record.level >= Level.ERROR else Tone.PLAIN)
