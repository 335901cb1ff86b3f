"""Why something may or may not be done, line by line, as the desk says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.pen import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.subject import Subject
    from tuiops.ui.screens.pen import Pen, Row


class WhyScreen(DetailScreen):
    """What was said at the moment that it was asked."""

    def __init__(self, about: Subject | None, runbook: SafeText, said: tuple[SafeText, ...]) -> None:
        super().__init__()
        self._about = about
        self._runbook = runbook
        self._said = said

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        return (self._about.system, self._about.service) if self._about is not None else (EMPTY, EMPTY)

    @property
    def acted_on(self) -> Subject | None:
        return self._about

    def heading(self, pen: Pen) -> SafeText:
        name = self._about.name if self._about is not None else lit("nothing is selected")
        what = fmt("{}, ", self._runbook) if self._runbook else EMPTY
        return fmt("Why {} {}{}", pen.look.glyphs.dot, what, name)

    def rows(self, pen: Pen) -> Sequence[Row]:
        rows = [row for line in self._said for row in pen.sentence(line, pen.look.palette.text)]
        more = lit(":why RUNBOOK explains one runbook; the rules stand in the configuration.")
        return [BLANK, *rows, BLANK, *pen.sentence(more), BLANK]
