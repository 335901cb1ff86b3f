"""A world whose one system is watched by a source of a cloud, for plans of the examples' runbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tests.runbooks.worlds import SmallWorld
from tuiops.sources.abilities import Target

if TYPE_CHECKING:
    from tuiops.config.model import Config
    from tuiops.core.clock import FakeClock
    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Acts, Tells, Told
    from tuiops.sources.acting import FindsActs


class ExampleWorld(SmallWorld):
    """Asks the source for everything that is not in the configuration."""

    def __init__(self, source: FindsActs, config: Config, clock: FakeClock) -> None:
        super().__init__()
        self._source = source
        self.configured = config
        self.clock = clock

    def acting(self, system: str, resource: str) -> Acts | None:
        return self._source.acting(Target(system, resource))

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        target = Target(system, resource)
        return await cast("Tells", self._source.acting(target)).tell(target, of)
