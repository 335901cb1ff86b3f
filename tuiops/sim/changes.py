"""What people do to the simulated world: it stays a function of time, and of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

ChangeKind = Literal["deploy", "traffic", "rollback", "restart", "scale", "backup", "restore"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done to a resource. It holds no moment: that is when it begins."""

    kind: ChangeKind
    shares: Mapping[str, float] = {}
    """Traffic by revision, 0–1, in all 1; empty to leave it as it is."""
    made: str = ""
    """The revision, the backup or the instance that it makes."""
    number: int = 0
    """Of the revision that it makes."""
    bad: bool = False
    """Whether that revision is a bad one."""
    bounds: tuple[int, int] | None = None
    lasts: float = 8.0
    """Seconds of the world from its beginning until it is done."""
    builds: float = 0.0
    """Seconds of these before traffic begins to move."""

    @property
    def main(self) -> str:
        """The revision that most of the traffic is to go to; empty when it is left as it is."""
        return max(self.shares, key=lambda name: self.shares[name], default="")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was given."""

    operation: str
    """What its vendor calls it."""
    system: str
    resource: str
    service: str
    at: float
    """When, in seconds since the world began."""
    order: Order
    was: Mapping[str, float]
    """Traffic as it was at that moment, 0–1 by revision."""
    by: str
    client: str
    token: str = ""

    @property
    def end(self) -> float:
        return self.at + self.order.lasts

    def shares(self, t: float) -> Mapping[str, float]:
        """Traffic as it is at a time after its beginning: it moves evenly once everything is built."""
        order = self.order
        moved = min(1.0, max(0.0, (t - self.at - order.builds) / (order.lasts - order.builds)))
        names = dict.fromkeys((*order.shares, *self.was))
        found = {name: (1.0 - moved) * self.was.get(name, 0.0) + moved * order.shares.get(name, 0.0) for name in names}
        return {name: share for name, share in found.items() if share > 0.0}


class Changes:
    """All of them, in the order of time."""

    def __init__(self) -> None:
        self._all: list[Change] = []
        self._moving: dict[tuple[str, str], tuple[Change, ...]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, change: Change) -> None:
        """Take one in. Time never goes back: what is known of earlier moments stays true."""
        self._all.append(change)
        if change.order.shares:
            key = (change.system, change.service)
            self._moving[key] = (*self._moving.get(key, ()), change)

    def moving(self, system: str, service: str) -> tuple[Change, ...]:
        """Those that said where the traffic of a service goes."""
        return self._moving.get((system, service), ())

    def of(self, system: str, resource: str) -> tuple[Change, ...]:
        """Those of a resource."""
        return tuple(one for one in self._all if (one.system, one.resource) == (system, resource))

    def find(self, operation: str, token: str) -> Change | None:
        """The one of a name; where it has none, the last one of a token."""
        if operation:
            return next((one for one in self._all if one.operation == operation), None)
        return next((one for one in reversed(self._all) if token and one.token == token), None)
