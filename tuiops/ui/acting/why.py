"""Why something may or may not be done, line by line, as the desk says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import TuiopsError
from tuiops.ui.acting.answers import answer
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.pen import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.subject import Subject
    from tuiops.runbooks.desk.desk import Desk
    from tuiops.ui.screens.pen import Pen, Row


class WhyScreen(DetailScreen):
    """Opens at once, and is filled with what the desk answers; an answer that comes later than that goes nowhere."""

    def __init__(self, desk: Desk | None, why_not: SafeText, about: Subject | None, runbook: str) -> None:
        """`why_not`: why there is no desk; `about`: what is selected; `runbook`: empty for all that may be done."""
        super().__init__()
        self._desk = desk
        self._about = about
        self._runbook = runbook
        self._said: tuple[SafeText, ...] = ()
        if desk is None:
            self._said = (fmt("Nothing can be done from here: {}.", why_not),)
        elif about is None:
            self._said = (lit("Select a row first: what you may do depends on where it is."),)

    def begin(self) -> None:
        super().begin()
        if self._desk is not None and self._about is not None:
            self.run_worker(self._ask(self._desk, self._about), exit_on_error=False)

    async def _ask(self, desk: Desk, about: Subject) -> None:
        try:
            self._said = await answer(desk.why(about, self._runbook))
        except TuiopsError as error:
            self._said = (safe(str(error), 1000),)
        self.show_now()

    @property
    def filled(self) -> bool:
        return bool(self._said)

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        return (self._about.system, self._about.service) if self._about is not None else (EMPTY, EMPTY)

    @property
    def acted_on(self) -> Subject | None:
        return self._about

    def heading(self, pen: Pen) -> SafeText:
        name = self._about.name if self._about is not None else lit("nothing is selected")
        what = fmt("{}, ", safe(self._runbook)) if self._runbook else EMPTY
        return fmt("Why {} {}{}", pen.look.glyphs.dot, what, name)

    def rows(self, pen: Pen) -> Sequence[Row]:
        said = self._said or (lit("Asking …"),)
        rows = [row for line in said for row in pen.sentence(line, pen.look.palette.text)]
        more = lit(":why RUNBOOK explains one runbook; the rules stand in the configuration.")
        return [BLANK, *rows, BLANK, *pen.sentence(more), BLANK]
