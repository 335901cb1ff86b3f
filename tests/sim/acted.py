"""A simulated world that tests act on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuiops.config.sources import SimulationConfig
from tuiops.core.clock import FakeClock
from tuiops.core.text import lit
from tuiops.sim.alerts import alerts_at
from tuiops.sim.logs import LogStream
from tuiops.sim.rollouts import rollouts_at
from tuiops.sim.serving import traffic_at
from tuiops.sim.simulation import build_simulation
from tuiops.sources.abilities import (
    Acts,
    Progress,
    Restarts,
    RestoresBackup,
    RollsBack,
    Scales,
    ShiftsTraffic,
    TakesBackup,
    Target,
    Tells,
)
from tuiops.sources.acting import FindsActs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.alerts import Alert
    from tuiops.core.rollouts import Rollout
    from tuiops.sources.abilities import Prepared, Receipt, Told

START = datetime(2026, 5, 4, tzinfo=UTC)
TOKEN = "20260504T000000Z-ab12cd34ef56"
CHAT, PHASE, API, WORKER, SITE = (
    Target("tokyo", "chat"), Target("manga", "phase6"), Target("pricealert", "api"), Target("pricealert", "worker"),
    Target("omniy", "site"),
)  # fmt: skip
DATABASE, RDS = Target("manga", "database"), Target("pricealert", "rds")


class Can(Acts, Tells, ShiftsTraffic, RollsBack, Restarts, Scales, TakesBackup, RestoresBackup):
    """Anything: what a resource cannot do, a test does not ask it for."""


class Acted:
    """A simulation under a clock that the test moves."""

    def __init__(self, *, seed: int = 1, speed: float = 1.0, nonce: str | None = "") -> None:
        """`nonce`: see `build_simulation`; with equal ones, equal worlds call everything the same."""
        self.clock = FakeClock(START)
        self.simulation = build_simulation(SimulationConfig(seed=seed, speed=speed), self.clock, nonce=nonce)
        self.world = self.simulation.world
        self.sources = self.simulation.sources()

    @property
    def t(self) -> float:
        return self.world.seconds(self.clock.now())

    def acting(self, target: Target) -> Acts | None:
        """What some source can do to a resource."""
        found = (source.acting(target) for source in self.sources if isinstance(source, FindsActs))
        return next((acts for acts in found if acts is not None), None)

    def on(self, target: Target) -> Can:
        acts: object = self.acting(target)
        assert acts is not None
        return acts  # type: ignore[return-value] # with the abilities that the test asks for

    async def tell(self, target: Target, of: Told) -> tuple[str, ...]:
        return await self.on(target).tell(target, of)

    async def done(self, prepared: Prepared) -> Receipt:
        """Carry it out to its end."""
        acts = self.on(prepared.target)
        receipt = await acts.perform(prepared)
        assert receipt.progress is Progress.RUNNING
        assert (await acts.look_up(receipt)).progress is Progress.RUNNING
        self.clock.advance(60)
        receipt = await acts.look_up(receipt)
        assert receipt.progress is Progress.DONE
        return receipt

    def errors(self, target: Target, metric: str = "errors") -> float:
        """The share of requests of a resource's service that fail now."""
        track = self.world.track(target.system, self.service(target), metric)
        assert track is not None
        return self.world.value(track, self.t)

    def service(self, target: Target) -> str:
        resources = self.world.systems[target.system].resources
        return next(one.service for one in resources if one.id == target.resource)

    def alerts(self, target: Target) -> list[Alert]:
        """Those of a resource's service."""
        found = alerts_at(self.world, self.world.systems[target.system], self.t, lit("alerts"))
        return [one for one in found if one.service == self.service(target)]

    def rollouts(self, target: Target) -> list[Rollout]:
        found = rollouts_at(self.world, self.world.systems[target.system], self.t, lit("rollouts"))
        return [one for one in found if one.service == self.service(target)]

    def traffic(self, target: Target) -> Mapping[str, float]:
        return traffic_at(self.world, target.system, self.service(target), self.t).actual

    def lines(self, target: Target, seconds: int) -> list[str]:
        """What the service's log stream writes next."""
        name = f"sim-log-{target.system}-{self.service(target)}"
        stream = next(one for one in self.sources if one.name == name)
        assert isinstance(stream, LogStream)
        before = self.clock.now()
        self.clock.advance(seconds)
        return stream.lines(before, self.clock.now()).decode().splitlines()
