"""The log streams of the simulated fleet: lines that fit the state of the service that writes them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, lit, safe
from tuiops.core.updates import LogChunk
from tuiops.sim.canary import canary_at
from tuiops.sim.chance import mix
from tuiops.sim.model import Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tuiops.core.clock import Clock
    from tuiops.core.text import SafeText
    from tuiops.sim.canary import Canary
    from tuiops.sim.model import LogModel, SystemModel
    from tuiops.sim.world import World

_BACKLOG = 180
"""Seconds of the past that a stream opens with, and the longest gap that is filled."""
_PAUSE = 0.5
_MOST_PER_SECOND = 40


class LogStream:
    """One log stream; implements `TailsLogs`."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        system: SystemModel,
        model: LogModel,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._world = world
        self._clock = clock
        self._system = system
        self._model = model
        self._sleep = sleep
        self._key = world.key(system.id, model.service, "log")
        self._latest: tuple[int, list[tuple[datetime, bytes]]] = (-1, [])

    @property
    def name(self) -> SafeText:
        return safe(f"sim-log-{self._system.id}-{self._model.service}")

    @property
    def kind(self) -> SafeText:
        return lit("simulation")

    @property
    def interval(self) -> float:
        return _PAUSE

    @property
    def timeout(self) -> float:
        return 10.0

    @property
    def system(self) -> SafeText:
        return safe(self._system.id)

    @property
    def service(self) -> SafeText:
        return safe(self._model.service)

    async def close(self) -> None:
        """Nothing is held."""

    async def tail(self) -> AsyncIterator[LogChunk]:
        """The last three minutes, then every line as its time comes."""
        told = self._clock.now() - timedelta(seconds=_BACKLOG)
        note = EMPTY
        while True:
            now = self._clock.now()
            if (now - told).total_seconds() > _BACKLOG + 1:
                told = now - timedelta(seconds=_BACKLOG)
                note = lit("the clock jumped ahead: nothing was written meanwhile")
            data = self.lines(told, now)
            if data or note:
                yield LogChunk(data=data, note=note)
            note = EMPTY
            told = max(told, now)
            await self._sleep(_PAUSE)

    def lines(self, after: datetime, until: datetime) -> bytes:
        """Every record written in `after` < … ≤ `until`."""
        return b"".join(
            record
            for second in range(int(after.timestamp()), int(until.timestamp()) + 1)
            for at, record in self._second(second)
            if after < at <= until
        )

    def _second(self, second: int) -> list[tuple[datetime, bytes]]:
        """The records of one second on the wall, always the same ones; the latest is kept, as it is asked for twice."""
        if self._latest[0] != second:
            self._latest = (second, self._written(second))
        return self._latest[1]

    def _written(self, second: int) -> list[tuple[datetime, bytes]]:
        rng = Random(mix(self._key, second))  # noqa: S311 - chance that repeats, not secrecy
        start = datetime.fromtimestamp(second, UTC)
        t = self._world.seconds(start)
        trouble = self._world.trouble(self._system.id, self._model.service, t)
        canary = canary_at(self._world, self._system, self._model.service, t)
        rate = self._model.rate * (1.0 + (self._model.burst - 1.0) * trouble) * rng.uniform(0.4, 1.6)
        count = min(int(rate + rng.random()), _MOST_PER_SECOND)
        times = sorted(rng.randrange(1000) for _ in range(count))
        moments = (start + timedelta(milliseconds=millis) for millis in times)
        return [(at, (self._model.write(self._moment(at, t, trouble, rng, canary)) + "\n").encode()) for at in moments]

    def _moment(self, at: datetime, t: float, trouble: float, rng: Random, canary: Canary | None) -> Moment:
        """What the line knows: while a canary serves, chance says which revision writes, by their shares of traffic."""
        if canary is None:
            return Moment(at, trouble, rng)
        if rng.random() < canary.share:
            return Moment(at, trouble, rng, canary.new)
        calm = self._world.trouble(self._system.id, self._model.service, t, canary.incident)
        return Moment(at, calm, rng, canary.old)
