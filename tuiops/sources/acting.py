"""What can be done to one resource, as one object that has exactly the abilities of that resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tuiops.sources.abilities import (
    AddsSecretVersion,
    Restarts,
    RestoresBackup,
    RollsBack,
    Scales,
    ShiftsTraffic,
    Snoozes,
    TakesBackup,
    Tells,
)

if TYPE_CHECKING:
    from tuiops.sources.abilities import Acts, Prepared, Receipt, Target

_ABILITIES = (
    ShiftsTraffic, Restarts, RollsBack, Scales, TakesBackup, RestoresBackup, AddsSecretVersion, Snoozes, Tells,
)  # fmt: skip


@runtime_checkable
class FindsActs(Protocol):
    """A source that can act on some of the resources that it watches."""

    def acting(self, target: Target) -> Acts | None:
        """What can be done to a resource: it has exactly the abilities, and what it can tell, of that one.

        None for what the source does not watch, or can do nothing to.
        """
        ...


class ActsOn:
    """The abilities of one resource; `isinstance` with the protocols of `abilities` tells which these are."""

    def __init__(self, source: Acts, *able: object) -> None:
        """`able`: who has the abilities; `source`: who carries out what they prepare."""
        self._source = source
        for one in able:
            for ability in _ABILITIES:
                if isinstance(one, ability):
                    for name in (name for name in vars(ability) if not name.startswith("_")):
                        setattr(self, name, getattr(one, name))

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self._source.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self._source.look_up(receipt)
