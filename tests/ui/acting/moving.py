"""A desk whose answers come when a test lets them, about runs that there are, and that are told of later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from tests.ui.desk import FakeDesk, run
from tests.ui.fakes import FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.errors import Refused
from tuiops.ui.app import TuiopsApp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.core.text import SafeText
    from tuiops.runbooks.desk.desk import Offered
    from tuiops.runbooks.format.model import Runbook
    from tuiops.runbooks.planning.plan import Card

FIRST = 50
"""Number of the first run that is begun at the desk."""


class MovingDesk(FakeDesk):
    """Every kind of call can be held up on its own, or fail by a fault of the console."""

    def __init__(self, backend: FakeBackend) -> None:
        super().__init__(backend)
        self._shut: dict[str, asyncio.Event] = {}
        self.faults: dict[str, Exception] = {}
        """By call: what it ends with in place of an answer."""
        self.tells = True
        """Whether what was begun is in the next snapshot; otherwise `tell` brings it there."""
        self.begun: list[RunView] = []

    def shut(self, call: str) -> asyncio.Event:
        """Hold up every such call from here on until the event is set; `open` lets later ones through."""
        return self._shut.setdefault(call, asyncio.Event())

    def open(self, call: str) -> None:
        """Hold up no further calls of a kind; those that wait go on waiting."""
        del self._shut[call]

    async def _through(self, call: str) -> None:
        gate = self._shut.get(call)
        if gate is not None:
            await gate.wait()
        if call in self.faults:
            raise self.faults[call]

    def tell(self) -> None:
        """Have the ledger tell of the runs that were begun here."""
        known = self.backend.snapshot
        others = [one for one in known.runs if one.id not in {made.id for made in self.begun}]
        runs = (*self.begun, *others)
        self.backend.publish(msgspec.structs.replace(known, version=known.version + 1, runs=runs))

    async def _asked(self, *call: object) -> None:
        name, *words = call
        if name not in {"plan", "confirm"} and words[0] not in {one.id for one in self.backend.snapshot.runs}:
            raise Refused(f"there is no run {words[0]}")
        await super()._asked(*call)

    async def offered(self, subjects: tuple[Subject, ...]) -> tuple[Offered, ...]:
        await self._through("offered")
        return await super().offered(subjects)

    async def runbook(self, name: str) -> Runbook:
        await self._through("runbook")
        return await super().runbook(name)

    async def choices(
        self, runbook: str, system: str, parameter: str, values: Mapping[str, tuple[str, ...]]
    ) -> tuple[SafeText, ...]:
        await self._through("choices")
        return await super().choices(runbook, system, parameter, values)

    async def confirm(self, card: Card, typed: str = "") -> str:
        await self._asked("confirm", card.digest, typed)
        await self._through("confirm")
        made = run(FIRST + len(self.begun), title=card.plan.title)
        self.begun.append(made)
        if self.tells:
            self.tell()
        return made.id

    async def plan(
        self, runbook: str, system: str, values: Mapping[str, tuple[str, ...]], alert: SafeText | None = None
    ) -> Card:
        await self._through("plan")
        return await super().plan(runbook, system, values, *(() if alert is None else (alert,)))

    async def why(self, subject: Subject, runbook: str) -> tuple[SafeText, ...]:
        await self._through("why")
        return await super().why(subject, runbook)


def moving(snapshot: Snapshot | None = None) -> tuple[TuiopsApp, MovingDesk]:
    """A console on such a desk."""
    backend = FakeBackend(snapshot or fleet())
    desk = MovingDesk(backend)
    return TuiopsApp(backend, Display(time_zone="Asia/Tokyo"), desk=desk, own_process=False), desk
