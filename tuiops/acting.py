"""The write side put together: ledger, engine and the person who sits here, around a hub that watches.

Nothing here is imported before something is shown, and nothing of it is given to a front end for viewers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from typing import TYPE_CHECKING, NamedTuple

from tuiops.config.people import local_account, principal, rules
from tuiops.config.secrets import resolve_secret
from tuiops.core.text import fmt, lit, safe
from tuiops.errors import QueryRefused, TuiopsError
from tuiops.ledger.holders import this_process
from tuiops.ledger.opening import open_ledger, usual_name
from tuiops.runbooks.desk.onlooker import Onlooker
from tuiops.runbooks.desk.session import Seat, Sitting
from tuiops.runbooks.engine.engine import Engine
from tuiops.runbooks.engine.permits import Permits
from tuiops.runbooks.engine.step import Means
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.format.load import Shelf, folders
from tuiops.runbooks.planning.planner import Planner
from tuiops.sim.declared import complete
from tuiops.sources.abilities import Target, Tells
from tuiops.sources.acting import FindsActs
from tuiops.sources.base import Queries
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tuiops.config.load import Loaded
    from tuiops.config.model import Config
    from tuiops.core.access import Principal, Rule
    from tuiops.core.clock import Clock
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.text import SafeText
    from tuiops.hub.hub import Hub
    from tuiops.runbooks.desk.distant import DistantDesk
    from tuiops.runbooks.format.load import Library
    from tuiops.sources.abilities import Acts, Told
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.shared import Shared

log = logging.getLogger(__name__)

TRY_AGAIN = 10.0
"""Seconds between two attempts at an engine that cannot be had."""

_NO_CHANNEL = lit("recorded only; no channel is configured")


class Ways(NamedTuple):
    """What leads out of this machine, under one configuration."""

    connector: HttpConnector
    bastions: Mapping[str, Bastion]


class Settings:
    """A configuration in use, and what follows from it. The console may change to another one."""

    def __init__(self, loaded: Loaded, clock: Clock, shared: Shared) -> None:
        self._clock = clock
        self._shared = shared
        self._shelf = Shelf()
        self.use(loaded)

    def use(self, loaded: Loaded) -> None:
        """Go by another configuration from here on."""
        self.loaded = loaded = complete(loaded, folders(loaded))
        bastions = {name: self._shared.bastion(name, wanted) for name, wanted in loaded.config.bastions.items()}
        self.ways = Ways(HttpConnector(resolve_secret, self._clock, bastions), bastions)
        self._rules = rules(loaded.config)

    @property
    def config(self) -> Config:
        return self.loaded.config

    @property
    def drill(self) -> bool:
        """Whether the world is a simulated one."""
        return self.config.simulated

    def rules(self) -> tuple[Rule, ...]:
        """What is allowed."""
        return self._rules

    def library(self) -> Library:
        """The runbooks as their files are now."""
        return self._shelf.library(self.loaded)


class HubWorld:
    """See `runbooks.world.World`: what a hub knows, and its sources."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        self._hub = hub
        self._settings = settings

    @property
    def clock(self) -> Clock:
        return self._hub.clock

    @property
    def snapshot(self) -> Snapshot:
        return self._hub.snapshot

    @property
    def connector(self) -> HttpConnector:
        return self._settings.ways.connector

    @property
    def config(self) -> Config:
        return self._settings.config

    def bastion(self, name: str) -> Bastion:
        return self._settings.ways.bastions[name]

    def acting(self, system: str, resource: str) -> Acts | None:
        target = Target(system, resource)
        able = (source.acting(target) for source in self._hub.sources if isinstance(source, FindsActs))
        return next((acts for acts in able if acts is not None), None)

    async def told(self, system: str, of: Told, resource: str) -> tuple[SafeText, ...]:
        acts: object = self.acting(system, resource)
        if not isinstance(acts, Tells):
            raise QueryRefused(f"no source tells the {of} of {safe(resource)}")
        return await acts.tell(Target(system, resource), of)

    async def query(self, source: str, promql: str) -> tuple[float, ...]:
        for one in self._hub.sources:
            if one.name == source and isinstance(one, Queries):
                return await one.query(promql)
        raise QueryRefused(f"no source {safe(source)} answers queries")

    def poke(self, feed: str | None = None) -> None:
        self._hub.poke(feed)

    async def notify(self, channel: str, message: SafeText) -> SafeText:  # noqa: ARG002 - the record has it already
        return fmt("recorded only; there is no channel {}", safe(channel)) if channel else _NO_CHANNEL


class Here:
    """The person who runs this process, as far as that is proven."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.account = local_account()
        self.session = uuid.uuid4().hex

    def __call__(self) -> Principal:
        return principal(self._settings.config, self.account, self.session)


@contextlib.asynccontextmanager
async def engine(hub: Hub, settings: Settings, who: Here) -> AsyncIterator[tuple[Engine, Sitting]]:
    """An engine at work and a seat at it, until the end of the block. LedgerError when it cannot record anything."""
    means = _means(hub, settings)
    name = fmt("{} on {}, process {}", who().person, safe(socket.gethostname()), os.getpid())
    made = Engine(
        open_ledger(settings.config.ledger, hub.clock, name=usual_name(settings.config)),
        means,
        this_process(name, who.session),
        Permits(settings.rules),
        hub.set_runs,
        hub.set_trouble,
    )
    try:
        await made.start()
        yield made, Sitting(made, Planner(settings.library, means.world, drill=settings.drill), who)
    finally:
        await made.stop()


@contextlib.asynccontextmanager
async def onlooker(hub: Hub, settings: Settings, who: Here) -> AsyncIterator[tuple[Onlooker, Seat]]:
    """What is known of runs at this moment, and a seat to plan at. Nothing can be written or done from there."""
    means = _means(hub, settings)
    ledger = open_ledger(settings.config.ledger, hub.clock, name=usual_name(settings.config), create=False)
    made = Onlooker(ledger, means, Permits(settings.rules))
    try:
        await made.look()
        yield made, Seat(made, Planner(settings.library, means.world, drill=settings.drill), who)
    finally:
        await ledger.close()


def _means(hub: Hub, settings: Settings) -> Means:
    world = HubWorld(hub, settings)
    effects = Executions(resolve_secret, lambda: world.connector, world.bastion)
    return Means(world=world, effects=effects, resolve=resolve_secret)


async def stand(hub: Hub, settings: Settings, who: Here, desk: DistantDesk) -> None:
    """Have a desk stand here for good; while the ledger cannot be opened, everything is refused for that reason."""
    while True:
        try:
            async with engine(hub, settings, who) as (_, sitting):
                hub.set_trouble(lit(""))
                desk.attach(sitting)
                await asyncio.Event().wait()
        except TuiopsError as error:
            why = safe(str(error), 500)
        except Exception as error:  # acting is over for the moment, for no reason that anybody has thought of
            log.exception("the engine failed")
            why = fmt("a fault of the console ({}), see its log", safe(type(error).__name__))
        except BaseException:  # cancelled: nobody may go on asking a desk that is gone
            desk.detach(lit("the console is being closed"))
            raise
        why = fmt("nothing can be done here: {}", why)
        desk.detach(why)
        hub.set_trouble(why)
        await asyncio.sleep(TRY_AGAIN)
