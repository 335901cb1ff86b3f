"""What a front end may ask of the read side, wherever the read side runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tuiops.core.clock import Clock
    from tuiops.core.comparison import Comparison
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.updates import Series
    from tuiops.hub.logbook import LogBook


class Backend(Protocol):
    """The read side as a front end sees it. Every call returns at once, except `history` and `comparison`."""

    @property
    def snapshot(self) -> Snapshot:
        """All that is known; before `start`, what the configuration declares."""
        ...

    @property
    def logs(self) -> LogBook:
        """The log lines."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock that ages are computed with."""
        ...

    def start(self) -> None:
        """Begin to poll. A front end calls it when its first frame is on screen; further calls do nothing."""
        ...

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Have `listener` called with every later snapshot, in the hub's thread; returns the unsubscriber."""
        ...

    def poke(self, feed: str | None = None) -> None:
        """Poll a feed, or all of them, without waiting for their turn. A vendor's Retry-After still holds."""
        ...

    async def history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        """The past of one indicator of one service; `step` in seconds. Raises errors.SourceError."""
        ...

    async def comparison(self, system: str, service: str, new: str, old: str) -> Comparison:
        """Two revisions of a service side by side, by every source that measures it. Raises errors.SourceError."""
        ...
