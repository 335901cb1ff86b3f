"""The table of runs, present and past."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from tuiops.core.clock import age
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.actions import Scope
from tuiops.ui.format import width_of
from tuiops.ui.keymap import keymap_of
from tuiops.ui.messages import OpenRun
from tuiops.ui.panes.table import GONE, Same, TablePane
from tuiops.ui.phases import lasted
from tuiops.ui.run_signs import asks, progress, run_glyph, run_style
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.safe import notify
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from datetime import datetime

    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.ui.filtering import Value
    from tuiops.ui.panes.base import Part

COLUMNS = (
    Column(id="number", heading=lit("RUN"), width=5, right=True),
    Column(id="sign", heading=EMPTY, width=1, tight=True),
    Column(id="state", heading=lit("STATE"), width=17),
    Column(id="environment", heading=lit("WHERE"), width=10, grow=1, filled=True),
    Column(id="title", heading=lit("WHAT"), width=16, grow=4, enough=26),
    Column(id="target", heading=lit("TARGET"), width=16, grow=2, rank=2),
    Column(id="step", heading=lit("STEP"), width=5, right=True, rank=3),
    Column(id="by", heading=lit("BY"), width=10, grow=1, rank=1),
    Column(id="started", heading=lit("STARTED"), width=12, rank=1),
    Column(id="took", heading=lit("TOOK"), width=6, right=True),
)


_WIDEST = 32
"""Columns that an environment gets at most."""


def _where(run: RunView, room: int) -> SafeText:
    """The environment; production says that it is, by its own name where that tells, or beside it."""
    if not run.production:
        return run.environment
    if run.environment.casefold().startswith("prod"):
        return lit("PRODUCTION") if run.environment.casefold() == "production" else run.environment
    whole = fmt("PRODUCTION {}", run.environment)
    return whole if width_of(whole) <= room else fmt("PROD {}", run.environment)


class RunModel:
    """How runs look."""

    def key(self, row: RunView) -> Hashable:
        return row.id

    def stamp(self, row: RunView) -> Hashable:
        return row.state

    def stale(self, row: RunView, drawing: Drawing) -> bool:  # noqa: ARG002 - the ledger is not a poll
        return False

    def cells(self, row: RunView, drawing: Drawing) -> tuple[Cell, ...]:
        palette = drawing.look.palette
        style = run_style(row, palette)
        text = palette.text if row.live else palette.muted
        began = row.started or row.requested
        # What is over shows its place by the word alone: a wall of badges would hide those that matter.
        badge = text if not row.live else palette.production if row.production else palette.other
        return (
            Cell(fmt("#{}", row.number), palette.bold if row.live else palette.muted),
            Cell(run_glyph(row.state, drawing.look.glyphs), style),
            Cell(row.state.word, style),
            Cell(_where(row, drawing.room.get("environment", 0)), badge),
            Cell(fmt("{}{}", row.title, lit(" (drill)") if row.drill else EMPTY), palette.bold if row.live else text),
            Cell(fmt("{}/{}", row.system, row.target), text),
            Cell(progress(row), text),
            Cell(row.by, text),
            Cell(drawing.times.moment(began, drawing.now), palette.muted),
            Cell(lasted(age(row.ended or drawing.now, began)), text),
        )


class RunsPane(TablePane["RunView"]):
    """All runs that the ledger tells of, live ones first."""

    NAME = lit("Runs")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.TABLE, Scope.GLOBAL)
    FIELDS: ClassVar[tuple[str, ...]] = ("state", "environment", "system", "target", "by", "title", "runbook")
    SORTS: ClassVar[tuple[str, ...]] = ("started", "state", "by")

    def model(self) -> RunModel:
        return RunModel()

    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        needed = max((width_of(_where(run, _WIDEST)) for run in snapshot.runs), default=0)
        return tuple(
            msgspec.structs.replace(column, enough=min(needed, _WIDEST)) if column.id == "environment" else column
            for column in COLUMNS
        )

    def made_of(self, snapshot: Snapshot, now: datetime) -> object:  # noqa: ARG002 - time only moves the durations
        return Same(snapshot.runs)

    def rows(self, snapshot: Snapshot, now: datetime) -> list[RunView]:  # noqa: ARG002 - order does not depend on it
        shown = [run for run in snapshot.runs if self.filter.matches(fields(run))]
        if self.sort:
            shown.sort(key=_SORT_KEYS[self.sort])
        return shown

    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:  # noqa: ARG002 - the same for all
        return (
            lit("Nothing has been run."),
            lit("x on an alert, a service or a rollout shows what can be done about it."),
        )

    # Every pane is asked alike; how many there are is so at any moment.
    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[Part, ...], tuple[Part, ...]]:  # noqa: ARG002
        palette = shell_of(self).look.palette
        live = [run for run in snapshot.runs if run.live]
        notes: list[Part] = [(fmt("{} live", len(live)), palette.bold if live else palette.muted)]
        waiting = sum(asks(run) for run in live)
        if waiting:
            notes.append((fmt("{} wait for somebody", waiting), run_style(next(filter(asks, live)), palette)))
        notes.append((fmt("{} past", len(snapshot.runs) - len(live)), palette.muted))
        back = [(fmt("{} back", key), palette.muted) for key in keymap_of(self.app).shown("app.back")[:1]]
        return tuple(notes), tuple(back)

    def subject(self, row: RunView) -> tuple[SafeText, SafeText]:
        return (row.system, EMPTY)

    def acted_on(self, row: RunView) -> tuple[Subject, ...]:  # noqa: ARG002 - what can be done stands in the run
        return ()

    def selection_text(self) -> SafeText:
        row = self.table.selected
        return EMPTY if row is None else fmt("#{} {} {} by {}", row.number, row.title, row.state.word, row.by)

    def action_table_detail(self) -> None:
        row = self.table.selected
        if row is not None:
            self.post_message(OpenRun(row.id))
        elif self.table.rows:
            notify(self.app, GONE)

    def action_table_act(self) -> None:
        """What can be done about a run is offered where all of it is seen."""
        self.action_table_detail()


def fields(run: RunView) -> Mapping[str, Value]:
    """What a filter sees of a run."""
    return {
        "state": run.state.word, "system": run.system, "target": run.target, "by": run.by, "title": run.title,
        "runbook": run.runbook, "number": fmt("#{}", run.number), "environment": run.environment,
    }  # fmt: skip


_SORT_KEYS: Mapping[str, Callable[[RunView], tuple[float | str, ...]]] = {
    "started": lambda run: (-run.requested.timestamp(),),
    "state": lambda run: (run.state.value, -run.requested.timestamp()),
    "by": lambda run: (run.by, -run.requested.timestamp()),
}
