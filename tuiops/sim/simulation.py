"""The simulated world with the sources that look at it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tuiops.sim.fleet import FLEET
from tuiops.sim.logs import LogStream
from tuiops.sim.sources import Alerts, Cloud, Metrics, Rollouts
from tuiops.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.config.sources import SimulationConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.base import Source


class Simulation:
    """A world and the sources that look at it."""

    def __init__(
        self, world: World, config: SimulationConfig, clock: Clock, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.world = world
        self._config = config
        self._clock = clock
        self._sleep = sleep

    def inject(self, system: str, service: str) -> str:
        """Have somebody deploy a bad revision at this moment. Its name; KeyError where nothing can be broken."""
        return self.world.deploy_bad(system, service, self.world.seconds(self._clock.now()))

    def sources(self) -> list[Source]:
        """One source for each vendor of each system, and one for each log stream."""
        found: list[Source] = []
        for system in self.world.systems.values():
            looks = (self.world, self._clock, system, self._config)
            if system.id == "pricealert":
                found += [Metrics("sim-prometheus", *looks), Alerts("sim-alertmanager", *looks)]
                found.append(Rollouts("sim-ecs", *looks))
            else:
                found.append(Cloud(f"sim-{system.id}", *looks))
            found += [LogStream(self.world, self._clock, system, model, sleep=self._sleep) for model in system.logs]
        return found


def build_simulation(
    config: SimulationConfig,
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    *,
    nonce: str | None = None,
) -> Simulation:
    """The world that a configuration asks for, beginning at this moment; `sleep` paces the log streams.

    Two of them are equal but for the names of their operations, which depend on a `nonce`: a random one when left out.
    """
    nonce = os.urandom(8).hex() if nonce is None else nonce
    world = World(FLEET, seed=config.seed, start=clock.now(), speed=config.speed, nonce=nonce)
    return Simulation(world, config, clock, sleep)
