"""What became of a run whose console was lost: what can be found out by its execution id is recorded, the rest is
shown as unknown. Nothing is ever done again here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.access import Principal
from tuiops.core.record import RunPaused, StepEnded
from tuiops.core.runs import StepState
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import LedgerError, Refused
from tuiops.runbooks.api import Following
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.locks import Fences
from tuiops.runbooks.model import CommandAction, HttpAction
from tuiops.runbooks.scribe import Scribe
from tuiops.sources.abilities import Prepared, Receipt
from tuiops.sources.abilities import Progress as Vendor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.ledger.base import Holder, Ledger
    from tuiops.runbooks.book import RunBook
    from tuiops.runbooks.doing import Means
    from tuiops.runbooks.history import History

LOOK_EVERY = 2.0
"""Seconds between two looks at a command that goes on without its console."""

_STATES = {
    End.SUCCEEDED: StepState.SUCCEEDED,
    End.FAILED: StepState.FAILED,
    End.NOT_BEGUN: StepState.FAILED,
    End.ABORTED: StepState.ABORTED,
    End.UNKNOWN: StepState.UNKNOWN,
}


class Recovery:
    """Looks after one run that was cut off."""

    def __init__(self, ledger: Ledger, means: Means, book: RunBook, holder: Holder) -> None:
        self._ledger = ledger
        self._means = means
        self._book = book
        self._holder = holder
        self._by = Principal(person=lit("tuiops"), account=holder.name, session=holder.session)

    async def find(self, run: str, changed: Callable[[], None]) -> None:
        """Find out about the execution that nobody saw the end of, and record it; the run then waits for a person.

        Does nothing when another console is first. `changed` is called after every entry.
        """
        history = self._book.history(run)
        if history is None or not history.open:
            return
        fences = Fences(self._ledger, self._holder, run)
        try:
            await fences.acquire(history.plan.locks, fmt("looks after run #{}", history.view.number))
        except (LedgerError, Refused):
            return
        scribe = Scribe(self._ledger, self._means.world.clock, self._book, fences, run, changed)
        outcome = await self._outcome(history)
        while outcome.running:
            await self._means.pause(LOOK_EVERY)
            await fences.renew()
            outcome = await self._outcome(history)
        await self._record(scribe, history, outcome)

    async def _record(self, scribe: Scribe, history: History, outcome: Outcome) -> None:
        key = history.executions[history.open]
        ended = StepEnded(
            step=key,
            state=_STATES[outcome.end].value,
            execution=history.open,
            text=outcome.text,
            evidence=outcome.evidence,
            captured=outcome.captured,
        )
        if outcome.end is End.UNKNOWN:
            if _already_said(history, key, outcome):
                return
            await scribe.write(self._by, ended)
            return
        how = fmt("the console was lost; `{}` {}", _title(history, key), lit(outcome.end.value))
        await scribe.write(self._by, ended, RunPaused(reason=how))

    async def _outcome(self, history: History) -> Outcome:
        step = next(step for step in history.plan.steps if step.key == history.executions[history.open])
        do = step.undo if history.open in history.undoes else step.do
        try:
            match do:
                case CommandAction() | HttpAction():
                    return await self._means.effects.find(history.open, do)
                case _:
                    return await self._vendor(history)
        except Exception as error:  # noqa: BLE001 - whatever keeps us from finding out: then nobody knows
            return Outcome(end=End.UNKNOWN, text=safe(f"it cannot be looked up: {error}", 500))

    async def _vendor(self, history: History) -> Outcome:
        """What the vendor says of an ability that was under way."""
        prepared = msgspec.json.decode(history.prepared[history.open], type=Prepared | None)
        acts = None
        if prepared is not None:
            acts = self._means.world.acting(prepared.target.system, prepared.target.resource)
        if prepared is None or acts is None:
            return Outcome(end=End.UNKNOWN, text=lit("no source can tell how it came out"))
        told = history.receipts.get(history.open)
        receipt = Receipt(
            prepared=prepared, progress=Vendor.UNKNOWN, operation=told.operation if told is not None else ""
        )  # fmt: skip

        async def heard(_: Receipt) -> None:
            """Nothing new is recorded before the end."""

        following = Following(acts, self._means.world.clock, self._means.pause, heard, seconds=600.0)
        return await following.follow(await acts.look_up(receipt))


def _already_said(history: History, key: str, outcome: Outcome) -> bool:
    view = next(view for view in history.view.steps if view.key == key)
    return view.state is StepState.UNKNOWN and view.text == outcome.text and outcome.text != EMPTY


def _title(history: History, key: str) -> SafeText:
    return next(step.title for step in history.plan.steps if step.key == key)
