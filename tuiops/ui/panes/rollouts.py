"""The rollouts pane: what moves from which revision to which, its steps, gates and timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.rollouts import GateResult, Phase, Rollout, order
from tuiops.core.snapshot import Topic
from tuiops.core.source import Freshness
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import countdown
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import width_of
from tuiops.ui.messages import OpenRollout
from tuiops.ui.panes.base import freshness_part
from tuiops.ui.panes.table import TablePane
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.table_lines import Cell, Drawing, Free

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import datetime

    from rich.style import Style
    from textual.binding import BindingType

    from tuiops.core.rollouts import Gate, Step
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.filtering import Value
    from tuiops.ui.glyphs import Glyphs
    from tuiops.ui.panes.base import Part
    from tuiops.ui.theme import Palette


class RolloutRow(msgspec.Struct, frozen=True, eq=False):
    """One line of a rollout: its heading, its steps, or one gate."""

    rollout: Rollout
    steps: bool = False
    gate: int = -1
    live: bool = True

    @property
    def heading(self) -> bool:
        return not self.steps and self.gate < 0


_INDENT = 2
"""Columns by which the lines below a rollout's heading stand in."""
_COLUMNS = (
    Column(id="service", heading=lit("SERVICE"), width=14, grow=2),
    Column(id="change", heading=lit("CHANGE"), width=15, grow=2),
    Column(id="phase", heading=lit("PHASE"), width=11, rank=1),
    Column(id="strategy", heading=lit("HOW"), width=10, rank=3),
    Column(id="by", heading=lit("BY"), width=10, grow=2, rank=2),
    Column(id="started", heading=lit("STARTED"), width=9, right=True, rank=2),
)


class RolloutModel:
    """How rollouts look."""

    def key(self, row: RolloutRow) -> Hashable:
        return (row.rollout.id, row.steps, row.gate)

    def stamp(self, row: RolloutRow) -> Hashable:
        rollout = row.rollout
        if row.heading:
            return (rollout.phase, rollout.weight)
        return tuple(step.phase for step in rollout.steps) if row.steps else rollout.gates[row.gate].result

    def stale(self, row: RolloutRow, drawing: Drawing) -> bool:  # noqa: ARG002 - the row knows already
        return not row.live

    def cells(self, row: RolloutRow, drawing: Drawing) -> tuple[Cell, ...]:
        palette, glyphs = drawing.look.palette, drawing.look.glyphs
        rollout = row.rollout
        if row.steps:
            return _steps(rollout, drawing)
        if row.gate >= 0:
            return _gate(rollout.gates[row.gate], drawing)
        return (
            Cell(fmt("{}/{}", rollout.system, rollout.service), palette.bold),
            Cell(fmt("{} {} {}", rollout.old or lit("?"), glyphs.arrow, rollout.new or lit("?")), palette.text),
            Cell(rollout.phase.word, phase_style(rollout.phase, palette)),
            Cell(rollout.strategy, palette.muted),
            Cell(rollout.by, palette.muted),
            Cell(drawing.times.moment(rollout.started, drawing.now), palette.muted),
        )


def phase_style(phase: Phase, palette: Palette) -> Style:
    """Running is plain: only what went wrong, or well, has a colour."""
    if phase in {Phase.FAILED, Phase.ROLLED_BACK}:
        return palette.state[State.DOWN]
    if phase is Phase.SUCCEEDED:
        return palette.state[State.OK]
    return palette.muted if phase in {Phase.WAITING, Phase.UNKNOWN} else palette.text


def phase_glyph(phase: Phase, glyphs: Glyphs) -> SafeText:
    return {
        Phase.SUCCEEDED: glyphs.done, Phase.RUNNING: glyphs.running, Phase.WAITING: glyphs.waiting,
        Phase.FAILED: glyphs.failed, Phase.ROLLED_BACK: glyphs.undone, Phase.UNKNOWN: glyphs.unknown,
    }[phase]  # fmt: skip


def _steps(rollout: Rollout, drawing: Drawing) -> Free:
    palette, glyphs = drawing.look.palette, drawing.look.glyphs
    cells = [_step(step, drawing) for step in rollout.steps]
    if rollout.message:
        cells.append(Cell(rollout.message, palette.muted))
    if sum(width_of(cell.text) for cell in cells) + _INDENT > drawing.width:
        # What is over gives way to what runs.
        done = next((n for n, step in enumerate(rollout.steps) if step.phase is not Phase.SUCCEEDED), 0)
        if done > 1:
            cells[:done] = [Cell(fmt("{} {} done  ", glyphs.done, done), phase_style(Phase.SUCCEEDED, palette))]
    return Free((Cell(SafeText(" " * _INDENT), palette.text), *cells))


def _step(step: Step, drawing: Drawing) -> Cell:
    weight = SafeText(f"{step.weight:.0%}") if step.weight else EMPTY
    share = fmt(" {}", weight) if weight and not step.label.endswith(weight) else EMPTY
    sign = phase_glyph(step.phase, drawing.look.glyphs)
    text = fmt("{} {}{}{}  ", sign, step.label, share, _timer(step, drawing.now))
    # A step that is over is no news: only its sign is green.
    return Cell(text, phase_style(step.phase, drawing.look.palette))


def _timer(step: Step, now: datetime) -> SafeText:
    if step.phase is not Phase.RUNNING or step.ends is None:
        return EMPTY
    left = countdown((step.ends - now).total_seconds())
    if step.started is None:
        return fmt(" {} left", left)
    return fmt(" {} of {} left", left, countdown(age(step.ends, step.started)))


def _gate(gate: Gate, drawing: Drawing) -> Free:
    palette = drawing.look.palette
    state = {
        GateResult.PASS: State.OK, GateResult.FAIL: State.DOWN, GateResult.ERROR: State.DOWN,
        GateResult.INCONCLUSIVE: State.UNKNOWN,
    }[gate.result]  # fmt: skip
    return Free(
        (
            Cell(fmt("  gate {}  ", gate.label), palette.muted),
            Cell(fmt("{} ", gate.value), palette.text),
            Cell(gate.result.word, palette.state[state]),
        )
    )


class RolloutsPane(TablePane[RolloutRow]):
    """Live rollouts, and past ones when asked for."""

    NUMBER = 3
    NAME = lit("Rollouts")
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.ROLLOUTS, Scope.TABLE, Scope.CONSOLE, Scope.GLOBAL)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.ROLLOUTS)]
    FIELDS: ClassVar[tuple[str, ...]] = ("system", "service", "phase", "by", "strategy")

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._model = RolloutModel()
        self._history = False

    def model(self) -> RolloutModel:
        return self._model

    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:  # noqa: ARG002 - the same for all
        return _COLUMNS

    def made_of(self, snapshot: Snapshot, now: datetime) -> object:
        return (snapshot.rollouts, self._live_feeds(snapshot, now), self._history)

    def _live_feeds(self, snapshot: Snapshot, now: datetime) -> bool:
        return all(feed.status.freshness(now) is Freshness.LIVE for feed in snapshot.on(Topic.ROLLOUTS))

    def rows(self, snapshot: Snapshot, now: datetime) -> list[RolloutRow]:
        live = self._live_feeds(snapshot, now)
        rows: list[RolloutRow] = []
        for rollout in sorted(snapshot.rollouts, key=order):
            if not (rollout.live or self._history) or not self.filter.matches(_fields(rollout)):
                continue
            rows.append(RolloutRow(rollout, live=live))
            if rollout.id in self.folded or not rollout.live:
                continue
            if rollout.steps or rollout.message:
                rows.append(RolloutRow(rollout, steps=True, live=live))
            rows.extend(RolloutRow(rollout, gate=number, live=live) for number in range(len(rollout.gates)))
        return rows

    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        if not snapshot.on(Topic.ROLLOUTS):
            return (
                lit("No rollout source is configured."),
                lit("Here would stand what is being deployed: revisions, canary weights, gates and timers. "
                    'The simulated fleet has rollouts: [sources.NAME] with type = "simulation".'),
            )  # fmt: skip
        if not self._live_feeds(snapshot, now):
            return (lit("No rollout is known, but not every rollout source is live."),)
        return (lit("Nothing is being rolled out."), lit("Press h to see past rollouts."))

    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        palette = shell_of(self).look.palette
        feeds = snapshot.on(Topic.ROLLOUTS)
        live = sum(rollout.live for rollout in snapshot.rollouts)
        notes: tuple[Part, ...] = ()
        if feeds:
            past = len(snapshot.rollouts) - live
            notes = ((fmt("{} live", live), palette.muted), (fmt("{} past", past), palette.muted))
        return notes, freshness_part(feeds, now, palette)

    def subject(self, row: RolloutRow) -> tuple[SafeText, SafeText]:
        return (row.rollout.system, row.rollout.service)

    def fold_key(self) -> Hashable | None:
        row = self.table.selected
        return row.rollout.id if row else None

    def selection_text(self) -> SafeText:
        row = self.table.selected
        if row is None:
            return EMPTY
        rollout = row.rollout
        return fmt("{}/{} {} → {} {}", rollout.system, rollout.service, rollout.old, rollout.new, rollout.phase.word)

    def action_table_detail(self) -> None:
        row = self.table.selected
        if row is not None:
            self.post_message(OpenRollout(row.rollout.id))

    def action_rollouts_history(self) -> None:
        self._history = not self._history
        self.show_again()


def _fields(rollout: Rollout) -> Mapping[str, Value]:
    return {
        "system": rollout.system, "service": rollout.service, "phase": rollout.phase.word, "by": rollout.by,
        "strategy": rollout.strategy,
    }  # fmt: skip
