"""What the engine needs of the rest of the program; the composition root provides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tuiops.config.model import Config
    from tuiops.core.clock import Clock
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Acts, Told
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector


class World(Protocol):
    """The read side, the sources and the ways out, as they are at this moment."""

    @property
    def clock(self) -> Clock: ...

    @property
    def snapshot(self) -> Snapshot:
        """All that is known."""
        ...

    @property
    def connector(self) -> HttpConnector:
        """What HTTP calls go through."""
        ...

    def acting(self, system: str, resource: str) -> Acts | None:
        """The source that watches a resource, when it can act at all. What it can do, its abilities say."""
        ...

    def bastion(self, name: str) -> Bastion:
        """A bastion of the configuration. KeyError when there is none of that name."""
        ...

    async def query(self, source: str, promql: str) -> tuple[float, ...]:
        """The values of an instant query at this moment, one a series. Raises errors.SourceError."""
        ...

    @property
    def config(self) -> Config:
        """The configuration that is in use."""
        ...

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        """What the source of a resource tells of it, see `sources.abilities.Tells`. Raises errors.SourceError."""
        ...

    def poke(self, feed: str | None = None) -> None:
        """Have a feed polled soon, because what it watches was changed."""
        ...

    async def notify(self, channel: str, message: SafeText) -> SafeText:
        """Tell people; returns what became of it, such as `no channel is configured; recorded only`."""
        ...
