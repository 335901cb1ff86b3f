"""The first lines of streams that are opened together, as one story: merged by the times that they begin with."""

from __future__ import annotations

from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tuiops.core.logformat import continuations, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuiops.core.updates import LogChunk
    from tuiops.hub.logbook import Stream

MERGED: Final = 200
"""Lines of each stream that are merged, the last ones; a line costs up to a block of the book."""

Held = tuple["Stream", "LogChunk"]


def parted(chunk: LogChunk) -> tuple[LogChunk, LogChunk]:
    """Lines whose times are known: those that are too many to be merged with others, and the last ones."""
    lines = chunk.data.split(b"\n")
    cut = max(0, len(chunk.times) - MERGED)
    size = sum(len(line) + 1 for line in lines[:cut])
    before = msgspec.structs.replace(chunk, data=chunk.data[:size], times=chunk.times[:cut])
    return before, msgspec.structs.replace(chunk, data=chunk.data[size:], times=chunk.times[cut:])


class _Record(NamedTuple):
    """Where in its chunk a record is, and when it was written: never before the one above it."""

    at: datetime
    stream: int
    start: int
    stop: int


def interleave(held: Sequence[Held], now: datetime) -> list[Held]:
    """The same lines, each stream's in its own order; `now` is the time of what states none."""
    streams = list(dict.fromkeys(stream for stream, _ in held))
    if len(streams) < 2:
        return list(held)
    last = {stream: chunk for stream, chunk in held if chunk.data}
    told = [(stream, chunk) for stream, chunk in held if chunk is not last.get(stream)]
    stories: list[list[_Record]] = []
    for number, (stream, chunk) in enumerate(last.items()):
        records = list(_records(stream, chunk, number, now))
        # What is too old to be merged, or continues a record that is not there.
        before = records[0].start if records else len(chunk.data)
        if before:
            told.append((stream, part(chunk, 0, before)))
        stories.append(records)
    owners = list(last.items())
    for number, run in groupby(merge(*stories, key=lambda record: record.at), key=lambda record: record.stream):
        stream, chunk = owners[number]
        together = list(run)
        told.append((stream, part(chunk, together[0].start, together[-1].stop)))
    return told


def _records(stream: Stream, chunk: LogChunk, number: int, now: datetime) -> Iterator[_Record]:
    data = chunk.data
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    follows = set(continuations(data, starts[:-1], stream.format))
    heads = [at for at in range(max(0, len(lines) - MERGED), len(lines)) if at not in follows]
    times: list[datetime | None]
    if chunk.times:
        times = [datetime.fromtimestamp(chunk.times[head] / 1e9, UTC) for head in heads]
    else:
        times = [parse(lines[head], stream.format, now).at for head in heads]
    latest = next((at for at in times if at is not None), now)
    for (head, following), at in zip(pairwise([*heads, len(lines)]), times, strict=True):
        latest = max(latest, at or latest)
        yield _Record(latest, number, starts[head], starts[following])


def part(chunk: LogChunk, start: int, stop: int) -> LogChunk:
    """Some lines of a chunk, where they are in its backing."""
    return msgspec.structs.replace(chunk, data=chunk.data[start:stop], offset=chunk.offset + start, times=())
