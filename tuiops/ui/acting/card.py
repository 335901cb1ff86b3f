"""The card: exactly what will be done, before it is. Running takes a Tab and an Enter; Enter alone leaves."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.errors import TuiopsError
from tuiops.ui.acting.answers import answer
from tuiops.ui.acting.box import Box
from tuiops.ui.acting.card_rows import badge, card_sheet, heading, refusals
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.screens.pen import BLANK
from tuiops.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from textual.binding import BindingType

    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.runbooks.desk.desk import Desk
    from tuiops.runbooks.planning.plan import Card
    from tuiops.ui.acting.request import Request
    from tuiops.ui.screens.pen import Pen, Piece, Row


_TYPED_AHEAD = 1.0
"""Seconds of reading within which an Enter was meant for the card, and not for leaving it."""


class Stage(Enum):
    """Where a card stands."""

    READING = "reading"
    READ = "read"
    CONFIRMING = "confirming"
    REFUSED = "refused"
    """What is on it must be read again before anything else."""


class CardScreen(Box):
    """One request, from reading the state to the run that it becomes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding for binding in bindings(Scope.GLOBAL) if binding.id == "data.refresh"
    ]
    LONGEST: ClassVar[int] = 200

    def __init__(
        self,
        desk: Desk,
        request: Request,
        change: Callable[[CardScreen, Request], None],
        begun: Callable[[CardScreen, str], None],
    ) -> None:
        """`change` asks for other values; `begun` takes the identity of the run, wherever people are by then.

        Both are given this card, which may not be the one that people look at.
        """
        super().__init__()
        self._desk = desk
        self._request = request
        self._change = change
        self._begun = begun
        self.stage = Stage.READING
        self.card: Card | None = None
        self._trouble = EMPTY
        self._since: datetime | None = None
        self._typed = ""

    def begin(self) -> None:
        super().begin()
        self.read_again()

    @property
    def filled(self) -> bool:
        return self.stage is not Stage.READING

    def read_again(self) -> None:
        """Read the state again; what is on the card stays until there is something better."""
        if self.stage is Stage.CONFIRMING:
            return
        self.stage, self._trouble, self._since = Stage.READING, EMPTY, self.host.backend.clock.now()
        self.start_over()
        self.run_worker(self._read(), group="card", exclusive=True, exit_on_error=False)
        self.show_now()

    async def _read(self) -> None:
        wanted = self._request
        try:
            card = await answer(self._desk.plan(wanted.runbook, wanted.system, wanted.values, wanted.alert))
        except TuiopsError as error:
            self.stage, self._trouble = Stage.REFUSED, safe(str(error), 2000)
        else:
            self.stage, self.card = Stage.READ, card
            self._typed = ""
            self.fill("")
        # The facts are on screen from here on: whatever was pressed before was pressed without them.
        self.start_over()
        self.show_now()

    # What is on it.

    def heading(self, pen: Pen) -> SafeText:  # noqa: ARG002 - the same for all pens
        return self._request.title if self.card is None else heading(self.card.plan)

    def notes(self, pen: Pen) -> Sequence[Piece]:
        return () if self.card is None else (badge(pen, self.card.plan),)

    def rows(self, pen: Pen) -> Sequence[Row]:
        if self.card is not None:
            return card_sheet(pen, self.card)
        if self.stage is Stage.READING:
            return [
                BLANK,
                *pen.sentence(fmt("Reading the state of {}{}", safe(self._request.system), self._so_far)),
                BLANK,
            ]
        return [BLANK, *pen.sentence(fmt("There is no plan.{}", self._ways(change=True))), BLANK]

    def _ways(self, *, change: bool = False) -> SafeText:
        """How the state is read again, and how values are changed where there are any, by the keys in force."""
        ways = [fmt("{} to read again", key) for key in self.keymap.shown("data.refresh")[:1]]
        if change and "card.change" not in self.idle:
            ways += [fmt("{} for other values", key) for key in self.keymap.shown("card.change")[:1]]
        return fmt(" Press {}.", join(", ", ways)) if ways else EMPTY

    @property
    def _waited(self) -> float:
        """Seconds since something was asked for last."""
        return age(self.host.backend.clock.now(), self._since) if self._since is not None else 0.0

    @property
    def _so_far(self) -> SafeText:
        return fmt(" for {} …", span(self._waited)) if self._waited >= 1 else lit(" …")

    def said(self, pen: Pen) -> Sequence[Piece]:
        palette = pen.look.palette
        if self.stage is Stage.CONFIRMING:
            return ((fmt("Reading the state again, then recording it{}", self._so_far), palette.bold),)
        if self.stage is Stage.READING and self.card is not None:
            return ((fmt("Reading the state again{}", self._so_far), palette.bold),)
        if self._trouble:
            again = self._ways() if self.card is not None else EMPTY
            return ((fmt("{}.{}", _sentence(self._trouble), again), palette.state[State.DOWN]),)
        if self._gave_up:
            return ((lit("Not now: this session was made read-only."), palette.state[State.DOWN]),)
        return refusals(pen, self.card, self.keymap.shown("run.approve")) if self.card is not None else ()

    @property
    def _gave_up(self) -> bool:
        return self.host.read_only

    @property
    def can_run(self) -> bool:
        """Whether Run means anything at this moment."""
        card = self.card
        return (
            self.stage is Stage.READ
            and card is not None
            and card.decision.allowed
            and not card.obstacles
            and not self._gave_up
            and (not card.must_type or self._typed == card.must_type)
        )

    def asked(self) -> SafeText:
        card = self.card
        if card is None or not card.must_type or self.stage not in {Stage.READ, Stage.CONFIRMING}:
            return EMPTY
        return fmt("type {} to confirm:", card.must_type)

    def typed(self, text: str) -> None:
        self._typed = text.strip()

    def choices(self) -> Sequence[Choice]:
        return (Choice("leave", lit("Cancel")), Choice("run", lit("Run")))

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        self.query(Choice).last().let(be=self.can_run)
        super().draw(snapshot, now)

    @property
    def idle(self) -> frozenset[str]:
        # While something is asked for, letters are typed.
        return frozenset() if self._request.parameters and not self.asked() else frozenset({"card.change"})

    @property
    def acted_on(self) -> Subject | None:
        return None

    @property
    def copied(self) -> SafeText:
        return EMPTY if self.card is None else self.card.plan.title

    # What follows.

    def chosen(self, name: str) -> None:
        if name == "leave":
            if self.stage is not Stage.READING or self._waited >= _TYPED_AHEAD:
                self.dismiss()
        elif self.can_run and self.card is not None:
            self.stage, self._since = Stage.CONFIRMING, self.host.backend.clock.now()
            # Of the app, not of this screen: what was confirmed is carried out whether or not somebody looks on.
            self.app.run_worker(self._confirm(self.card, self._typed), exit_on_error=False)
            self.show_now()

    async def _confirm(self, card: Card, typed: str) -> None:
        try:
            run = await answer(self._desk.confirm(card, typed))
        except TuiopsError as error:
            self.stage, self._trouble = Stage.REFUSED, safe(str(error), 2000)
            if self.is_attached:
                self.start_over()
                self.show_now()
            if self.app.screen is not self:
                self._request.refused(card.plan.title, self._trouble)
            return
        self._begun(self, run)

    def action_data_refresh(self) -> None:
        self.read_again()

    def action_card_change(self) -> None:
        if self._request.parameters and self.stage is not Stage.CONFIRMING:
            values = dict(self.card.plan.parameters) if self.card is not None else self._request.values
            self._change(self, self._request.with_values(values))


def _sentence(text: SafeText) -> SafeText:
    """A reason as the beginning of a sentence."""
    return safe(f"{text[:1].upper()}{text[1:]}", 2000) if text else text
