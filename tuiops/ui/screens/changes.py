"""What changed lately, newest first, around a selection or everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.format import plural
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.parts import change_rows, concerns
from tuiops.ui.screens.pen import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.screens.pen import Pen, Row


class ChangesScreen(DetailScreen):
    """Changes of a service, of a system, or of everything; sources' own changes belong to all of them."""

    def __init__(self, system: SafeText = EMPTY, service: SafeText = EMPTY) -> None:
        super().__init__()
        self._system = system
        self._service = service

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        return self._system, self._service

    @property
    def idle(self) -> frozenset[str]:
        return super().idle if self._system else super().idle | {"detail.changes"}

    def heading(self, pen: Pen) -> SafeText:
        return fmt("What changed {} {}", pen.look.glyphs.dot, place(self._system, self._service))

    def action_detail_changes(self) -> None:
        """Widen the view: from a service to its system, from there to everything."""
        if self._service:
            self._service = EMPTY
        else:
            self._system = EMPTY
        self.show_now()

    def rows(self, pen: Pen) -> Sequence[Row]:
        return changes_sheet(pen, self.host.snapshot, self._system, self._service)


def place(system: SafeText, service: SafeText) -> SafeText:
    """What a selection is called."""
    if not system:
        return lit("everywhere")
    return fmt("{}/{}", system, service) if service else system


def changes_sheet(pen: Pen, snapshot: Snapshot, system: SafeText, service: SafeText) -> list[Row]:
    """The whole sheet."""
    found = [c for c in snapshot.changes if not c.system or concerns(c, system, service)]
    none = fmt(
        "No change is known ({}), neither since the console began to watch nor from before.", place(system, service)
    )
    rows: list[Row] = list(pen.sentence(plural(len(found), lit("change"), lit("changes")))) if found else []
    if system:
        rows += pen.sentence(fmt("Shown: {}, and the sources. Press v to widen the view.", place(system, service)))
    return [*rows, BLANK, *change_rows(pen, found, none, most=len(found)), BLANK]
