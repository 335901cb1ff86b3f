"""The write side as a front end sees it, wherever it runs. A front end for viewers is not given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from tuiops.core.access import Danger
from tuiops.core.text import EMPTY, SafeText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.access import Decision, Deed, Place, Principal
    from tuiops.core.runs import RunView
    from tuiops.core.subject import Subject
    from tuiops.runbooks.format.model import AnyParameter, Runbook
    from tuiops.runbooks.planning.plan import Card


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the menu."""

    runbook: str
    system: str
    title: SafeText
    danger: Danger
    description: SafeText = EMPTY
    """When to use it, in sentences."""
    source: SafeText = EMPTY
    """Where the procedure comes from."""
    reason: SafeText = EMPTY
    """Why it cannot be chosen here and now; empty when it can."""
    second: bool = False
    """Whether another person must approve it."""
    typical: tuple[float, int] | None = None
    """Median seconds of past runs and how many they were; None when there were none."""
    fills: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Parameters that the row gives, with their values."""


class Desk(Protocol):
    """Raises errors.Refused with a reason for people whenever something is not begun.

    What is decided about a run is decided about the run as it was shown, `seen`: when it has moved on since, nothing is
    done. `typed` is what was typed to confirm what destroys, by `Card.must_type` or `RunView.must_type`.
    """

    @property
    def principal(self) -> Principal:
        """Who sits here."""
        ...

    async def forbid(self) -> None:
        """Let nothing be done from here any more; there is no way back."""
        ...

    def may(self, deed: Deed, place: Place, danger: Danger) -> Decision:
        """Whether the person may do it there, by the rules alone. Asks nobody, and may be called from any thread."""
        ...

    async def offered(self, subjects: tuple[Subject, ...]) -> tuple[Offered, ...]:
        """What can be done about rows, best first, refused ones last with their reasons."""
        ...

    async def runbook(self, name: str) -> Runbook:
        """The runbook of an id. Refused when there is none."""
        ...

    async def choices(
        self, runbook: str, system: str, parameter: str, values: Mapping[str, tuple[str, ...]]
    ) -> tuple[SafeText, ...]:
        """What a parameter may be at this moment, given what was chosen so far; empty when it is typed."""
        ...

    def objection(self, parameter: AnyParameter, value: str) -> SafeText:
        """What is wrong with a value, as far as the value itself tells; empty when nothing is. Asks nobody."""
        ...

    async def plan(
        self, runbook: str, system: str, values: Mapping[str, tuple[str, ...]], alert: SafeText = EMPTY
    ) -> Card:
        """Read the state and say exactly what would be done. Nothing is recorded and nothing happens."""
        ...

    async def confirm(self, card: Card, typed: str = "") -> str:
        """Read the state again, record the intent and begin; the run's identity.

        Refused when anything moved since the card was made, and when it is not allowed (any more).
        """
        ...

    async def asked_for(self, run: str) -> Card:
        """The card of a run as it was confirmed, which is what another person approves. Reads nothing anew."""
        ...

    async def approve(self, run: str, digest: str, typed: str = "") -> None:
        """Let another person's run begin; `digest` is of the plan that this person has seen."""
        ...

    async def reject(self, run: str, reason: str) -> None: ...

    async def abort(self, run: str, reason: str = "") -> None:
        """Stop it and end what it started; the run then says what is left, and offers the undo."""
        ...

    async def resume(self, seen: RunView, typed: str = "") -> None:
        """Go on with a paused run, or one whose console is gone, at its next step; never at an unknown one."""
        ...

    async def settle(self, seen: RunView, step: str, *, succeeded: bool, note: str) -> None:
        """Say how a manual step or an unknown one came out; recorded with the name of whoever says so."""
        ...

    async def skip(self, seen: RunView, step: str, reason: str) -> None: ...

    async def undo(self, seen: RunView, typed: str = "") -> None:
        """Undo the steps that were done, last first, as they say how."""
        ...

    async def why(self, subject: Subject, runbook: str) -> tuple[SafeText, ...]:
        """Why it may or may not be done here, line by line; without a runbook, what the person may do at all."""
        ...
