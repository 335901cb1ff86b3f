"""Lines of several log stores as one story: held for a moment, ordered by the times that they were written at.

Stores are polled at the same moments, so that what was written at one time arrives within one answer's time. What
comes after the moment has passed is not inserted above what was shown already, where nobody would see it: it comes
last and is marked as late.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.updates import LogChunk
    from tuiops.hub.logbook import Stream

HOLD: Final = 2.0
"""Seconds that a line waits at most for those of other stores."""
SLACK: Final = 1_000_000_000
"""Nanoseconds by which a line may be older than one above it before it counts as late."""
_FEW: Final = 500
"""Lines that are put into their exact order."""
_SLOTS: Final = 200
"""Of more, the span of their times is cut into so many parts in which a stream's lines stay together: each run of
lines costs a block of the book."""


class Told(NamedTuple):
    """Lines of one stream, the next ones in the story."""

    stream: Stream
    chunk: LogChunk
    late: bool
    """Whether they are older than what was told before."""


class _Line(NamedTuple):
    slot: int
    """What lines are ordered by first."""
    owner: int
    number: int
    late: bool


class Merger:
    """Holds lines until all who take part have spoken, or until somebody has waited long enough. It knows no clock."""

    def __init__(self) -> None:
        self._held: list[tuple[Stream, LogChunk]] = []
        self._taking_part: set[str] = set()
        self._heard: set[str] = set()
        """Who has spoken in this round of answers, be it to say that there is nothing."""
        self._speaking: set[str] = set()
        """Whose last answer has begun with lines and is not known to be at its end."""
        self._newest = 0
        """The latest time that was told."""

    def join(self, name: str) -> None:
        """A stream is open: the others wait for it."""
        self._taking_part.add(name)

    def leave(self, name: str) -> None:
        """A stream has failed: nobody waits for it."""
        self._taking_part.discard(name)

    def add(self, stream: Stream, chunk: LogChunk) -> bool:
        """Hold what a stream says, if it is anything; whether this is the first that is held."""
        name = stream.name
        if not self._held and name in self._heard:
            # It speaks again although nobody has said anything: another round has begun.
            self._heard.clear()
        if chunk.data:
            self._held.append((stream, chunk))
            self._speaking.add(name)
            self._heard.add(name)
            return len(self._held) == 1
        # The end of an answer whose lines were told is not the next answer.
        if self._held or name not in self._speaking:
            self._heard.add(name)
        self._speaking.discard(name)
        if not self._held and self._heard >= self._taking_part:
            self._heard.clear()
        return False

    @property
    def complete(self) -> bool:
        """Whether something is held and nobody else is to be waited for."""
        return bool(self._held) and self._heard >= self._taking_part

    def reach(self, at: int) -> None:
        """A line of this time was told by another way."""
        self._newest = max(self._newest, at)

    def tell(self) -> list[Told]:
        """Everything that is held, in order."""
        held, self._held, self._heard = self._held, [], set()
        if len(held) == 1 and held[0][1].times[0] >= self._newest - SLACK:
            stream, chunk = held[0]
            self.reach(chunk.times[-1])
            return [Told(stream, chunk, late=False)]
        told = list(self._ordered(held))
        for _, chunk in held:
            self.reach(chunk.times[-1])
        return told

    def _ordered(self, held: list[tuple[Stream, LogChunk]]) -> Iterator[Told]:
        grain = 1
        if sum(len(chunk.times) for _, chunk in held) > _FEW:
            span = max(chunk.times[-1] for _, chunk in held) - min(chunk.times[0] for _, chunk in held)
            grain = max(1, span // _SLOTS)
        before = self._newest - SLACK
        lines = [
            _Line(at // grain, owner, number, at < before)
            for owner, (_, chunk) in enumerate(held)
            for number, at in enumerate(chunk.times)
        ]
        lines.sort()
        texts = [chunk.data.split(b"\n") for _, chunk in held]
        for (owner, late), run in groupby(lines, key=lambda line: (line.owner, line.late)):
            stream, chunk = held[owner]
            numbers = [line.number for line in run]
            data = b"".join(texts[owner][number] + b"\n" for number in numbers)
            times = tuple(chunk.times[number] for number in numbers)
            yield Told(stream, msgspec.structs.replace(chunk, data=data, times=times), late)
