"""The detail of a rollout: its steps as a tree, how much traffic is where, what its gates found, how long is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.rollouts import GateResult, Phase, Rollout, Step
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import countdown, span
from tuiops.ui.format import fit
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.parts import NO_CHANGE, change_rows, concerns
from tuiops.ui.screens.pen import BLANK, spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.glyphs import Glyphs
    from tuiops.ui.screens.pen import Pen, Piece, Row

BAR = 20
"""Columns of the bar that shows traffic."""

PHASE_STATES: Mapping[Phase, State] = {
    Phase.WAITING: State.UNKNOWN, Phase.RUNNING: State.OK, Phase.SUCCEEDED: State.OK, Phase.FAILED: State.DOWN,
    Phase.ROLLED_BACK: State.DEGRADED, Phase.UNKNOWN: State.UNKNOWN,
}  # fmt: skip
GATE_STATES: Mapping[GateResult, State] = {
    GateResult.PASS: State.OK, GateResult.FAIL: State.DOWN, GateResult.INCONCLUSIVE: State.UNKNOWN,
    GateResult.ERROR: State.DEGRADED,
}  # fmt: skip


class RolloutScreen(DetailScreen):
    """One rollout."""

    def __init__(self, identity: SafeText) -> None:
        super().__init__()
        self._identity = identity

    def rollout(self) -> Rollout | None:
        """The rollout as the snapshot has it."""
        return next((r for r in self.host.snapshot.rollouts if r.id == self._identity), None)

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        rollout = self.rollout()
        return (rollout.system, rollout.service) if rollout is not None else super().subject

    @property
    def copied(self) -> SafeText:
        rollout = self.rollout()
        if rollout is None:
            return super().copied
        return fmt("{}/{} {} -> {}", rollout.system, rollout.service, rollout.old, rollout.new)

    def heading(self, pen: Pen) -> SafeText:
        system, service = self.subject
        return fmt("Rollout {} {}/{}", pen.look.glyphs.dot, system, service)

    def rows(self, pen: Pen) -> Sequence[Row]:
        rollout = self.rollout()
        if rollout is None:
            return pen.sentence(lit("This rollout is gone: its source does not report it any more."))
        return rollout_sheet(pen, self.host.snapshot, rollout)


def rollout_sheet(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    """The whole sheet."""
    rows = _head(pen, snapshot, rollout)
    rows += pen.heading(lit("Steps"))
    rows += [_step_row(pen, step) for step in rollout.steps] or list(pen.sentence(lit("The source reports no steps.")))
    rows += pen.heading(lit("Gates"))
    rows += _gate_rows(pen, rollout)
    changes = [c for c in snapshot.changes if c.system and concerns(c, rollout.system, rollout.service)]
    rows += pen.heading(lit("What changed"))
    rows += change_rows(pen, changes, NO_CHANGE)
    return [*rows, BLANK]


def _head(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    glyphs = pen.look.glyphs
    dash = glyphs.dash
    until = rollout.ended or pen.now
    rows = [
        spread(
            pen,
            (
                pen.bold(fmt(" {}/{}  ", rollout.system, rollout.service)),
                pen.state(PHASE_STATES[rollout.phase], rollout.phase.word),
                pen.muted(fmt("  {}", rollout.strategy)),
            ),
            (pen.environment(snapshot.environment),),
        ),
        pen.named(lit("from"), pen.text(rollout.old or dash)),
        pen.named(lit("to"), pen.text(rollout.new or dash)),
        pen.named(lit("by"), pen.text(rollout.by or lit("unknown"))),
        pen.named(
            lit("started"),
            pen.text(pen.moment(rollout.started)),
            pen.muted(fmt("   took {}" if rollout.ended else "   {} so far", span(age(until, rollout.started)))),
        ),
        pen.named(lit("traffic"), *_traffic(pen, rollout)),
    ]
    if rollout.message:
        rows += pen.paragraph(lit("says"), rollout.message)
    feed = snapshot.statuses.get(rollout.source)
    rows.append(pen.named(lit("data"), pen.feed(feed) if feed is not None else pen.muted(rollout.source or dash)))
    return rows


def _traffic(pen: Pen, rollout: Rollout) -> tuple[Piece, ...]:
    """What the new revision really has, beside what the current step means it to have."""
    if rollout.weight is None:
        return (pen.muted(lit("the source does not report it")),)
    share = min(1.0, max(0.0, rollout.weight))
    filled = round(share * BAR)
    full, empty = ("#", ".") if pen.look.glyphs.horizontal == "-" else ("█", "░")
    running = (step.weight for step in rollout.steps if step.phase is Phase.RUNNING)
    meant = next((weight for weight in running if weight is not None), None)
    pieces = [
        pen.text(SafeText(full * filled)),
        (SafeText(empty * (BAR - filled)), pen.look.palette.faint),
        pen.text(fmt("  {}% new", SafeText(f"{share * 100:.0f}"))),
    ]
    if meant is not None and abs(meant - share) > 0.005:
        pieces.append(pen.state(State.DEGRADED, fmt("   the step asks for {}%", SafeText(f"{meant * 100:.0f}"))))
    return tuple(pieces)


def phase_glyph(phase: Phase, glyphs: Glyphs) -> SafeText:
    """One column for a phase."""
    return {
        Phase.WAITING: glyphs.waiting, Phase.RUNNING: glyphs.running, Phase.SUCCEEDED: glyphs.done,
        Phase.FAILED: glyphs.failed, Phase.ROLLED_BACK: glyphs.undone, Phase.UNKNOWN: glyphs.unknown,
    }[phase]  # fmt: skip


def _step_row(pen: Pen, step: Step) -> Row:
    weight = EMPTY if step.weight is None else SafeText(f"{step.weight * 100:.0f}%")
    timer = EMPTY
    if step.phase is Phase.RUNNING and step.ends is not None:
        left = (step.ends - pen.now).total_seconds()
        timer = fmt("{} left", countdown(left)) if left > 0 else fmt("over by {}", span(-left))
    elif step.started is not None:
        timer = span(age(step.ended or pen.now, step.started))
    label = pen.bold if step.phase is Phase.RUNNING else pen.text if step.phase.ended else pen.muted
    state = PHASE_STATES[step.phase]
    return (
        pen.state(state, fmt("  {} ", phase_glyph(step.phase, pen.look.glyphs))),
        label(fmt("{}  ", fit(step.label, max(12, min(32, pen.width - 44)), mark=pen.look.glyphs.cut))),
        pen.state(state, fmt("{}  ", fit(step.phase.word, 11))),
        pen.text(fmt("{}  ", fit(weight, 4, right=True))),
        pen.muted(fmt("{}  ", fit(timer, 12, right=True))),
        pen.muted(EMPTY if step.started is None else pen.moment(step.started)),
    )


def _gate_rows(pen: Pen, rollout: Rollout) -> list[Row]:
    if not rollout.gates:
        return list(pen.sentence(lit("None: nothing but time holds this rollout back.")))
    rows: list[Row] = []
    for gate in rollout.gates:
        state = GATE_STATES[gate.result]
        rows.append(
            (
                pen.text(fmt("  {}  ", fit(gate.label, max(12, min(34, pen.width - 42)), mark=pen.look.glyphs.cut))),
                pen.text(fmt("{}  ", fit(gate.value or lit("no data"), 10, right=True))),
                pen.state(state, gate.result.word),
            )
        )
    return rows
