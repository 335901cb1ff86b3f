"""Runbooks carried out from their card to their end, by a console of the test's and under a clock of the test's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.runbooks.engine.stage import LOOK_EVERY, RESTS
from tests.runbooks.records import KIM
from tests.waiting import eventually
from tuiops.config.secrets import resolve_secret
from tuiops.core.access import Danger, Rule
from tuiops.core.runs import StepState
from tuiops.core.text import lit
from tuiops.ledger.holders import this_process
from tuiops.runbooks.desk.session import Sitting
from tuiops.runbooks.engine.engine import Engine
from tuiops.runbooks.engine.permits import Permits
from tuiops.runbooks.engine.step import Means

if TYPE_CHECKING:
    from tuiops.core.access import Principal
    from tuiops.core.runs import RunView, StepView
    from tuiops.ledger.base import Ledger
    from tuiops.runbooks.effects import Effects
    from tuiops.runbooks.planning.plan import Card
    from tuiops.runbooks.planning.planner import Planner
    from tuiops.runbooks.world import World

RULES = (Rule(danger=Danger.DESTROYS, place=lit("test")),)


class Playing:
    """An engine with somebody at it, mostly Kim, who may do anything to a system."""

    def __init__(self, system: str) -> None:
        self.system = system
        self._playing = False

    async def sit_down(
        self,
        planner: Planner,
        world: World,
        effects: Effects,
        ledger: Ledger,
        who: Principal = KIM,
        rules: tuple[Rule, ...] = RULES,
    ) -> None:
        self.engine = Engine(
            ledger,
            Means(world=world, effects=effects, resolve=resolve_secret, pause=self._pause),
            this_process(who.person, who.session),
            Permits(lambda: rules),
            self.published,
        )
        self.sitting = Sitting(self.engine, planner, lambda: who)
        await self.engine.start()

    async def stand_up(self) -> None:
        await self.engine.stop()

    # What a system makes of it.

    async def passes(self, seconds: float) -> None:
        """So much time passes while something is carried out."""

    def by_hand(self, asking: StepView) -> bool:
        """What somebody does who is asked to, and whether it succeeded."""
        return bool(asking)

    def published(self, runs: tuple[RunView, ...]) -> None:
        """All that a console would show of runs, whenever that changes."""

    # Runs.

    async def played(self, runbook: str, *, attested: bool = False, **values: tuple[str, ...]) -> str:
        """A run, when it has come to rest; `attested`: whoever is asked does it, and says how it came out."""
        return await self.confirmed(await self.sitting.plan(runbook, self.system, values), attested=attested)

    async def confirmed(self, card: Card, *, attested: bool = False) -> str:
        """The run of a card, when it has come to rest."""
        run = await self.sitting.confirm(card, card.must_type)
        await self.rests(run, attested=attested)
        return run

    async def undone(self, run: str, *, attested: bool = False) -> RunView:
        """How it stands when it has been undone."""
        view = self.view(run)
        await self.sitting.undo(view, view.must_type(undo=True))
        await self.rests(run, attested=attested)
        return self.view(run)

    async def rests(self, run: str, *, attested: bool = False) -> None:
        """Until nobody carries it out any more, or somebody is asked who does not answer."""
        self._playing = True
        while True:
            await eventually(lambda: self._stands(run), f"the end of {run}", 60)
            asking = self._asking(run)
            if asking is None or not attested:
                break
            succeeded = self.by_hand(asking)
            await self.sitting.settle(self.view(run), asking.key, succeeded=succeeded, note="done by hand")
        self._playing = False

    def view(self, run: str) -> RunView:
        return self.engine.history(run).view

    async def _pause(self, seconds: float) -> None:
        """The test's time passes for what is carried out alone: neither for cards nor for the engine's own rounds."""
        task = asyncio.current_task()
        rounds = task is not None and task.get_name().startswith("runs: ")
        if self._playing and not rounds:
            await self.passes(seconds)
        await asyncio.sleep(min(seconds, LOOK_EVERY) if rounds else 0)

    def _stands(self, run: str) -> bool:
        if self.engine.find(run) is None:
            return False
        return (self.view(run).state in RESTS and not self.engine.in_hand(run)) or self._asking(run) is not None

    def _asking(self, run: str) -> StepView | None:
        return next((step for step in self.view(run).steps if step.state is StepState.ASKING), None)


def failed(view: RunView) -> list[str]:
    """The keys of the steps that failed."""
    return [step.key for step in view.steps if step.state is StepState.FAILED]
