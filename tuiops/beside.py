"""What stands beside a hub for the sake of runs: an engine where somebody acts, a reader of the ledger elsewhere.

Nothing of either is imported before the hub is at work.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.config.people import local_account, principal
from tuiops.core.access import Role
from tuiops.core.runs import RunState
from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from tuiops.acting import Settings
    from tuiops.config.load import Loaded
    from tuiops.config.model import Config
    from tuiops.core.clock import Clock
    from tuiops.core.runs import RunView
    from tuiops.hub.hub import Hub
    from tuiops.runbooks.desk.distant import DistantDesk
    from tuiops.sources.shared import Shared

TRY_AGAIN = 10.0
"""Seconds between two attempts at a ledger that cannot be read."""
_LOOK_FOR = 1.0
"""Seconds between two looks whether there is a ledger by now."""

MOVING = lit("the configuration names another ledger or another world, which is being put to use")
VIEWER = lit("you are a viewer here; with another role, start the console again")


def may_act(config: Config) -> bool:
    """Whether whoever runs this process is given something to act with."""
    return principal(config, local_account(), "").role is not Role.VIEWER


class Beside:
    """Stands on one ledger in one world, real or simulated; when the configuration names another one, it stands anew.

    Nothing that was begun in one world is carried on in the other: its next step would be done to the wrong one, and
    recorded in the wrong place. It is left as by a console that was quit, and goes on where it was begun.
    """

    def __init__(self, loaded: Loaded, desk: DistantDesk | None, clock: Clock, shared: Shared) -> None:
        """`desk`: where people act, as far as they may; None for screens that only show."""
        self._loaded = loaded
        self._desk = desk
        self._clock = clock
        self._shared = shared
        self._hub: Hub | None = None
        self._settings: Settings | None = None
        self._acts = False
        self._standing: asyncio.Task[None] | None = None
        self._left: tuple[RunView, ...] = ()
        self._moved = asyncio.Event()

    async def work(self, hub: Hub) -> None:
        """Show runs, and have them carried out where somebody acts, for as long as the hub is there."""
        self._hub = hub
        while True:
            self._moved.clear()
            self._acts = self._desk is not None and may_act(self._loaded.config)
            self._standing = asyncio.create_task(self._act(hub) if self._acts else self._look_on(hub))
            try:
                await asyncio.wait({self._standing})
            finally:
                await self._let_go()
            if not self._standing.cancelled():
                self._standing.result()
            await self._moved.wait()

    async def make_way(self, loaded: Loaded) -> None:
        """Called before the sources of another configuration are there: let go of all, if it stands elsewhere."""
        config, present = loaded.config, self._loaded.config
        same = (config.ledger, config.simulated) == (present.ledger, present.simulated)
        if same and (self._acts or self._desk is None or not may_act(config)):
            # Whoever may act no more is refused by the rules, and what they began goes on.
            return
        if self._hub is not None and self._acts:
            self._left = tuple(run for run in self._hub.snapshot.runs if _is_carried_out(run))
        self._moved.clear()
        await self._let_go()

    def use(self, loaded: Loaded) -> None:
        """Go by another configuration from here on."""
        self._loaded = loaded
        if self._settings is not None:
            self._settings.use(loaded)
        if self._left and self._hub is not None:
            named = join(", ", (fmt("#{} {}", run.number, run.title) for run in self._left))
            why = lit("the configuration names another ledger or another world; resume it under the one before")
            self._hub.tell(fmt("no longer carried out here: {}", named), why)
        self._left = ()
        self._moved.set()

    async def _let_go(self) -> None:
        standing = self._standing
        if standing is not None and not standing.done():
            standing.cancel()
            await asyncio.wait({standing})
            if self._desk is not None:
                self._desk.detach(MOVING)

    async def _act(self, hub: Hub) -> None:
        from tuiops.acting import Here, Settings, stand

        assert self._desk is not None
        self._settings = Settings(self._loaded, self._clock, self._shared)
        await stand(hub, self._settings, Here(self._settings), self._desk)

    async def _look_on(self, hub: Hub) -> None:
        """Show runs as soon as there is a ledger: that there is none yet is no trouble."""
        from tuiops.ledger.opening import begun, open_ledger, usual_name
        from tuiops.runbooks.desk.following import follow

        def published(runs: tuple[RunView, ...]) -> None:
            hub.set_trouble(EMPTY)
            hub.set_runs(runs)

        if self._desk is not None:
            self._desk.detach(VIEWER)
        config = self._loaded.config
        name = usual_name(config)
        published(())
        while True:
            while not begun(config.ledger, name):  # noqa: ASYNC110 - another process makes it, and sets no event here
                await asyncio.sleep(_LOOK_FOR)
            ledger = open_ledger(config.ledger, self._clock, name=name, create=False)
            try:
                await follow(ledger, published, asyncio.sleep)
            except LedgerError as error:
                # What was known grows old unseen: a run that is over would go on for ever here.
                hub.set_runs(())
                hub.set_trouble(fmt("runs are not known: {}", safe(str(error), 500)))
            finally:
                await ledger.close()
            await asyncio.sleep(TRY_AGAIN)


def _is_carried_out(run: RunView) -> bool:
    return run.live and run.mine and run.state is not RunState.AWAITING_APPROVAL
