"""The last record of each stream, held back until it is whole: other streams' lines must not come between its lines."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tuiops.core.logformat import last_record, leading
from tuiops.hub.opening import Held, part

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.logformat import LineFormat
    from tuiops.core.updates import LogChunk
    from tuiops.hub.logbook import Stream

SETTLED: Final = 0.15
"""Seconds without another line after which a record counts as whole: a file is looked at ten times a second."""
_MOST: Final = 256 * 1024
"""Bytes of one record that are held."""


@dataclass(eq=False)
class _Last:
    """The pieces of a stream's last record, and what lets them go."""

    timer: asyncio.TimerHandle
    pieces: list[LogChunk] = field(default_factory=list)
    size: int = 0


class Records:
    """Takes the chunks of several streams and gives them on, each record in one go. Works in the running loop."""

    def __init__(self, give: Callable[[Held], None]) -> None:
        self._give = give
        self._last: dict[Stream, _Last] = {}

    def take(self, stream: Stream, chunk: LogChunk) -> None:
        """Give on all but what may not be whole yet."""
        start = _last_may_grow(chunk.data, stream.format)
        last = self._last.get(stream)
        if last is not None and not (start == 0 and leading(chunk.data, stream.format) == len(chunk.data)):
            self.let_go(stream)
        if start:
            self._give((stream, part(chunk, 0, start)))
        if start < len(chunk.data):
            self._hold(stream, part(chunk, start, len(chunk.data)))

    def let_go(self, stream: Stream) -> None:
        """Give on what is held of a stream."""
        last = self._last.pop(stream, None)
        if last is not None:
            last.timer.cancel()
            for piece in last.pieces:
                self._give((stream, piece))

    def _hold(self, stream: Stream, chunk: LogChunk) -> None:
        timer = asyncio.get_running_loop().call_later(SETTLED, self.let_go, stream)
        last = self._last.setdefault(stream, _Last(timer))
        if last.timer is not timer:
            last.timer.cancel()
            last.timer = timer
        last.pieces.append(chunk)
        last.size += len(chunk.data)
        if last.size > _MOST:
            self.let_go(stream)


def _last_may_grow(data: bytes, form: LineFormat) -> int:
    """Where the last record begins, if another line may continue it; the end of the data if none does."""
    if form.multiline is None and (form.kind == "json" or data.startswith(b"{", data.rfind(b"\n", 0, -1) + 1)):
        return len(data)
    return last_record(data, form)
