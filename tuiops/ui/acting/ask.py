"""A small question before something is done: what will happen, a reason where one is needed, Cancel first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tuiops.core.runs import RunView
from tuiops.core.snapshot import Environment
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.acting.box import Box
from tuiops.ui.screens.pen import BLANK, Pen, Row
from tuiops.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

    from rich.style import Style

    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.ui.screens.pen import Piece

    Deed = Callable[[str, str], Awaitable[None]]
    """What is done with the name of the option that was chosen and the text that was typed."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    title: SafeText
    sentences: tuple[SafeText, ...]
    options: tuple[tuple[str, SafeText], ...]
    """Names and labels of what can be chosen beside leaving everything as it is."""
    leave: SafeText = lit("Cancel")
    """The label of the choice that leaves everything as it is."""
    field: SafeText = EMPTY
    """What is to be typed; empty: nothing."""
    needed: bool = False
    """Whether nothing can be chosen before something is typed."""
    exactly: SafeText = EMPTY
    """What has to be typed, to the letter, before anything can be chosen; empty: whatever is typed will do."""
    filled: SafeText = EMPTY
    """What stands in the field from the beginning on."""
    sheet: Callable[[Pen], Sequence[Row]] | None = None
    """What is decided about, below the sentences."""
    environment: Environment | None = None
    run: RunView | None = None
    """The run that it is about, as it stood when this was asked."""


class AskScreen(Box):
    """Calls back with what was chosen and what was typed; not at all when it is left."""

    SCOPES: ClassVar = (*Box.SCOPES[1:],)

    def __init__(self, question: Question, answered: Callable[[str, str], None]) -> None:
        super().__init__()
        self._question = question
        self._answered = answered
        self._text: str = question.filled

    def begin(self) -> None:
        self.fill(self._text)
        super().begin()

    def heading(self, pen: Pen) -> SafeText:  # noqa: ARG002 - the same for all pens
        return self._question.title

    def rows(self, pen: Pen) -> Sequence[Row]:
        rows = [
            row for text in self._question.sentences for row in pen.sentence(text, pen.look.palette.text) or (BLANK,)
        ]
        if self._question.sheet is not None:
            rows += self._question.sheet(pen)
        return [BLANK, *rows, BLANK]

    def notes(self, pen: Pen) -> Sequence[Piece]:
        environment = self._question.environment
        return () if environment is None else (pen.environment(environment),)

    @property
    def acted_on(self) -> Subject | None:
        return None

    def asked(self) -> SafeText:
        return self._question.field

    def choices(self) -> Sequence[Choice]:
        made = [Choice("leave", self._question.leave)]
        for name, label in self._question.options:
            choice = Choice(name, label)
            choice.let(be=self._enough)
            made.append(choice)
        return made

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        for choice in list(self.query(Choice))[1:]:
            choice.let(be=self._enough)
        super().draw(snapshot, now)

    def said(self, pen: Pen) -> Sequence[tuple[SafeText, Style]]:
        return ((self._over, pen.look.palette.bold),) if self._over else ()

    @property
    def _over(self) -> SafeText:
        """That the run has ended since this was asked; empty while it has not."""
        asked = self._question.run
        if asked is None or asked.state.final:
            return EMPTY
        run = next((one for one in self.host.backend.snapshot.runs if one.id == asked.id), asked)
        return fmt("Run #{} is over by now: {}.", run.number, run.state.word) if run.state.final else EMPTY

    @property
    def _enough(self) -> bool:
        """Whether there is still something to choose, and what is typed lets it be chosen."""
        if self.is_attached and self._over:
            return False
        typed = self._text.strip()
        if self._question.exactly:
            return typed == self._question.exactly
        return bool(typed) or not self._question.needed

    def typed(self, text: str) -> None:
        self._text = text
        first, *others = self.query(Choice)
        first.let(be=True)
        for choice in others:
            choice.let(be=self._enough)

    def chosen(self, name: str) -> None:
        self.dismiss()
        if name != "leave":
            self._answered(name, self._text.strip())
