"""Doing something to a simulated resource: prepared from what is there, refused when it has changed, followed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.text import EMPTY, SafeText, lit
from tuiops.errors import QueryRefused
from tuiops.sim.changes import Order
from tuiops.sources.abilities import Fact, Prepared, Progress, Receipt, StateChanged

if TYPE_CHECKING:
    from tuiops.core.clock import Clock
    from tuiops.sim.model import ResourceModel, SystemModel
    from tuiops.sim.world import World
    from tuiops.sources.abilities import Target, Told, Wish

_GONE = lit("the simulated world knows no such operation: it has begun anew since")


class Meant(NamedTuple):
    """What an action is, for people and for the world."""

    verb: SafeText
    argv: tuple[SafeText, ...]
    after: tuple[Fact, ...]
    order: Order
    undo: SafeText = EMPTY
    reversal: Wish | None = None


class Hand:
    """Acts on one resource of the world."""

    def __init__(self, world: World, clock: Clock, target: Target, resource: ResourceModel) -> None:
        self._world = world
        self._clock = clock
        self._target = target
        self._resource = resource

    @property
    def _system(self) -> SystemModel:
        return self._world.systems[self._target.system]

    def _now(self) -> float:
        """The world's time."""
        return self._world.seconds(self._clock.now())

    def _facts(self, t: float) -> tuple[Fact, ...]:
        """How the resource stands."""
        raise NotImplementedError

    async def perform(self, prepared: Prepared) -> Receipt:
        """Begin it, unless the resource is not as it was."""
        t = self._now()
        if self._seen(t) != prepared.seen:
            raise StateChanged(self._facts(t))
        order = msgspec.json.decode(prepared.call, type=Order)
        change = self._world.change(self._target.system, self._target.resource, order, t, token=prepared.token)
        return Receipt(prepared=prepared, progress=Progress.RUNNING, operation=change.operation, facts=self._facts(t))

    async def look_up(self, receipt: Receipt) -> Receipt:
        """By its operation, or by its token where the answer was lost."""
        t = self._now()
        change = self._world.changes.find(receipt.operation, receipt.prepared.token)
        now = msgspec.structs.replace(receipt, facts=self._facts(t))
        if change is None:
            return msgspec.structs.replace(now, progress=Progress.UNKNOWN, text=_GONE)
        done = t >= change.end
        text = EMPTY if done else lit("under way")
        progress = Progress.DONE if done else Progress.RUNNING
        return msgspec.structs.replace(now, progress=progress, operation=change.operation, text=text)

    def _seen(self, t: float) -> str:
        """Another one after everything that was done to the resource, and when it has changed by itself."""
        done = len(self._world.changes.of(self._target.system, self._target.resource))
        return hashlib.sha256(msgspec.json.encode((done, self._facts(t)))).hexdigest()

    def _prepared(self, target: Target, meant: Meant, token: str) -> Prepared:
        self._check(target)
        t = self._now()
        return Prepared(
            target=target,
            verb=meant.verb,
            argv=meant.argv,
            before=self._facts(t),
            after=meant.after,
            seen=self._seen(t),
            token=token,
            call=msgspec.json.encode(meant.order, order="deterministic"),
            undo=meant.undo,
            reversal=meant.reversal,
        )

    def _check(self, target: Target) -> None:
        if target != self._target:
            raise QueryRefused("this acts on another resource")

    def _has_no(self, of: Told) -> QueryRefused:
        return QueryRefused(f"{self._target.resource} has no {of.replace('_', ' ')}")
