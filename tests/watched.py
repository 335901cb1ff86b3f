"""Sources that are read when a test says so, and what a console would know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import EMPTY
from tuiops.errors import SourceError
from tuiops.hub.board import Board
from tuiops.hub.feeds import abilities, feed_name, feeds
from tuiops.hub.poller import Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from tuiops.core.clock import Clock
    from tuiops.core.health import SystemHealth
    from tuiops.core.snapshot import Environment, Snapshot, Topic
    from tuiops.core.source import SourceStatus
    from tuiops.core.updates import Update
    from tuiops.sources.base import Source


class Watched:
    """A hub without a loop of its own."""

    def __init__(
        self, sources: Sequence[Source], clock: Clock, environment: Environment, declared: Iterable[SystemHealth] = ()
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._board = Board(environment, declared)
        for feed in feeds(sources):
            self._board.expect(feed)

    async def read(self) -> None:
        """Poll everything once, at this moment."""
        for source in self._sources:
            for topic, read in abilities(source):
                feed = self._board.feed(feed_name(source, topic))
                assert feed is not None
                self._board.apply(await self._polled(topic, feed.status, read), self._clock.now())

    async def _polled(self, topic: Topic, status: SourceStatus, read: Callable[[], Awaitable[Update]]) -> Result:
        try:
            update = await read()
        except SourceError as error:
            failing = {"tried": self._clock.now(), "failing": status.failing + 1, "word": error.word}
            return Result(topic=topic, status=msgspec.structs.replace(status, **failing))
        now = self._clock.now()
        answered = msgspec.structs.replace(status, answered=now, tried=now, failing=0, word=EMPTY)
        return Result(topic=topic, status=answered, update=update)

    @property
    def snapshot(self) -> Snapshot:
        return self._board.snapshot(self._clock.now())
