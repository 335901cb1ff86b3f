"""The rows of the rollouts pane: a rollout with the lines that explain it, and services that have drifted."""

from __future__ import annotations

from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.clock import age
from tuiops.core.drift import Drift
from tuiops.core.health import State
from tuiops.core.rollout_times import Estimate, estimate, left, spent, stages
from tuiops.core.rollouts import Origin, Phase, Rollout
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import span
from tuiops.ui.format import full_name, width_of
from tuiops.ui.phases import GATE_STATES, change, percent, phase_glyph, phase_style, timer, traffic, who
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.table_lines import Cell, Drawing, Free

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from tuiops.core.rollout_times import Stage
    from tuiops.core.rollouts import Gate, Step
    from tuiops.ui.filtering import Value
    from tuiops.ui.theme import Palette

COLUMNS = (
    Column(id="service", heading=lit("SERVICE"), width=14, grow=3),
    Column(id="change", heading=lit("CHANGE"), width=15, grow=4),
    Column(id="phase", heading=lit("PHASE"), width=11),
    Column(id="traffic", heading=lit("TRAFFIC"), width=8, right=True, rank=1),
    Column(id="took", heading=lit("TIME"), width=5, right=True, rank=2),
    Column(id="started", heading=lit("STARTED"), width=12, right=True, rank=3),
    Column(id="by", heading=lit("BY"), width=12, grow=3, rank=4),
    Column(id="strategy", heading=lit("HOW"), width=11, rank=5),
)
"""What folds away first is said again in the line below a rollout that is under way."""


class Part(Enum):
    """Which line of a rollout or of a drifted service a row is."""

    HEADING = "heading"
    STEPS = "steps"
    GATE = "gate"
    TIMES = "times"
    DRIFT = "drift"


class RolloutRow(msgspec.Struct, frozen=True, eq=False):
    """One line of the pane. `rollout` is None for a service that has drifted and where nothing moves."""

    subject: tuple[SafeText, SafeText]
    part: Part
    rollout: Rollout | None = None
    drifts: tuple[Drift, ...] = ()
    number: int = 0
    """Of the gate, or of the drift."""
    usual: Estimate | None = None
    live: bool = True
    """Whether the feed that tells of it is live."""

    @property
    def key(self) -> Hashable:
        return (self.subject if self.rollout is None else self.rollout.id, self.part, self.number)


def rollout_rows(rollout: Rollout, known: Sequence[Rollout], *, live: bool, folded: bool) -> Iterator[RolloutRow]:
    """A rollout and the lines below it; those of one that is over say no more than its heading."""
    subject = (rollout.system, rollout.service)
    yield RolloutRow(subject, Part.HEADING, rollout, live=live)
    if folded or not rollout.live:
        return
    if rollout.steps or rollout.message:
        yield RolloutRow(subject, Part.STEPS, rollout, live=live)
    for number in range(len(rollout.gates)):
        yield RolloutRow(subject, Part.GATE, rollout, number=number, live=live)
    yield RolloutRow(subject, Part.TIMES, rollout, usual=estimate(rollout, known), live=live)


def drift_rows(
    drifts: tuple[Drift, ...], *, live: bool, folded: bool, below: Rollout | None = None
) -> Iterator[RolloutRow]:
    """What has drifted of one service: below its rollout, or under a heading of its own."""
    subject = (drifts[0].system, drifts[0].service)
    if below is None:
        yield RolloutRow(subject, Part.HEADING, drifts=drifts, live=live)
    for number in range(0 if folded else len(drifts)):
        yield RolloutRow(subject, Part.DRIFT, below, drifts, number, live=live)


def by_service(drifts: Iterable[Drift]) -> dict[tuple[str, str], tuple[Drift, ...]]:
    """The drifts of each service, in the order of the services' names."""
    wanted = sorted(drifts, key=lambda drift: (drift.system, drift.service))
    return {key: tuple(group) for key, group in groupby(wanted, key=lambda drift: (drift.system, drift.service))}


class RolloutModel:
    """How the rows look."""

    def key(self, row: RolloutRow) -> Hashable:
        return row.key

    def stamp(self, row: RolloutRow) -> Hashable:
        """What makes a row glow when it is other than before."""
        rollout = row.rollout
        match row.part:
            case Part.HEADING:
                return len(row.drifts) if rollout is None else (rollout.phase, rollout.share_set)
            case Part.STEPS:
                return None if rollout is None else tuple(step.phase for step in rollout.steps)
            case Part.GATE:
                return None if rollout is None else rollout.gates[row.number].result
            case Part.DRIFT:
                return row.drifts[row.number].text()
            case Part.TIMES:
                return None

    def stale(self, row: RolloutRow, drawing: Drawing) -> bool:  # noqa: ARG002 - the row knows already
        return not row.live

    def cells(self, row: RolloutRow, drawing: Drawing) -> tuple[Cell, ...]:
        rollout = row.rollout
        if row.part is Part.DRIFT:
            return _drift(row, drawing)
        if rollout is None:
            return _drifted(row, drawing)
        match row.part:
            case Part.STEPS:
                return _steps(rollout, drawing)
            case Part.GATE:
                return _gate(rollout.gates[row.number], drawing)
            case Part.TIMES:
                return _times(rollout, row.usual, drawing)
            case Part.HEADING:
                return _heading(rollout, drawing)


def _heading(rollout: Rollout, drawing: Drawing) -> tuple[Cell, ...]:
    palette, glyphs = drawing.look.palette, drawing.look.glyphs
    name = palette.bold if rollout.live else palette.text
    ours = palette.bold if rollout.origin is Origin.OURS else palette.muted
    share = traffic(rollout, glyphs) if rollout.live else EMPTY
    return (
        Cell(full_name(rollout.system, rollout.service, drawing.room.get("service", 0), glyphs.cut), name),
        Cell(change(rollout, drawing.room.get("change", 0), glyphs), palette.text),
        Cell(rollout.phase.word, phase_style(rollout.phase, palette)),
        Cell(share, palette.bold if rollout.lags else palette.text),
        Cell(span(age(rollout.ended or drawing.now, rollout.started)), palette.muted),
        Cell(drawing.times.moment(rollout.started, drawing.now), palette.muted),
        Cell(fmt("ours, {}", who(rollout)) if rollout.origin is Origin.OURS else who(rollout), ours),
        Cell(rollout.strategy, palette.muted),
    )


def _drifted(row: RolloutRow, drawing: Drawing) -> tuple[Cell, ...]:
    """A service where nothing moves, and that is not as it should be."""
    palette = drawing.look.palette
    empty = Cell(EMPTY, palette.muted)
    return (
        Cell(full_name(*row.subject, drawing.room.get("service", 0), drawing.look.glyphs.cut), palette.bold),
        Cell(_badge(row.drifts), palette.state[State.DEGRADED]),
        *[empty] * (len(COLUMNS) - 2),
    )


def _drift(row: RolloutRow, drawing: Drawing) -> Free:
    """One property; below a rollout the first one says what it is about."""
    palette = drawing.look.palette
    drift = row.drifts[row.number]
    lead = fmt("  {}  ", _badge(row.drifts)) if row.rollout is not None else lit("  ")
    badge = lead if not row.number else SafeText(" " * width_of(lead))
    where = fmt("{}: ", drift.resource) if drift.resource != drift.service else EMPTY
    text = fmt("{}{} ", where, drift.what)
    return Free(
        (
            Cell(badge, palette.state[State.DEGRADED]),
            Cell(text, palette.muted),
            Cell(drift.actual, palette.text),
            Cell(fmt(", expected {}", drift.expected), palette.muted),
        )
    )


def _badge(drifts: Sequence[Drift]) -> SafeText:
    return fmt("drift {}", len(drifts))


def _steps(rollout: Rollout, drawing: Drawing) -> Free:
    """Stages that are over or to come as one sign each, the one under way with its steps."""
    palette, glyphs = drawing.look.palette, drawing.look.glyphs
    cells = [cell for stage in stages(rollout) for cell in _stage(stage, drawing)]
    if rollout.message:
        cells.append(Cell(rollout.message, palette.muted))
    if sum(width_of(cell.text) for cell in cells) + 2 > drawing.width:
        # What is over gives way to what runs.
        done = next((n for n, step in enumerate(rollout.steps) if step.phase is not Phase.SUCCEEDED), 0)
        over = next((n for n, stage in enumerate(stages(rollout)) if stage.phase is not Phase.SUCCEEDED), 0)
        if over:
            cells[:over] = [Cell(fmt("{} {} done  ", glyphs.done, done), phase_style(Phase.SUCCEEDED, palette))]
    return Free((Cell(lit("  "), palette.text), *cells))


def _stage(stage: Stage, drawing: Drawing) -> Iterator[Cell]:
    if stage.phase is not Phase.RUNNING or not stage.label:
        label = stage.label or _weighed(stage.steps[0].label, stage.steps[0])
        timed = EMPTY if stage.label else _timer(stage.steps[0], drawing)
        yield _sign(stage.phase, label, timed, drawing)
        return
    for step in stage.steps:
        if step.phase is not Phase.SUCCEEDED:
            label = _weighed(fmt("{} {}", stage.label, step.label), step)
            yield _sign(step.phase, label, _timer(step, drawing), drawing)
            return


def _weighed(label: SafeText, step: Step) -> SafeText:
    """The label with the step's part of the traffic, where that is a part and not in the label already."""
    if step.weight is None or not 0 < step.weight < 1 or percent(step.weight) in label:
        return label
    return fmt("{} {}", label, percent(step.weight))


def _sign(phase: Phase, label: SafeText, timed: SafeText, drawing: Drawing) -> Cell:
    sign = phase_glyph(phase, drawing.look.glyphs)
    return Cell(fmt("{} {}{}  ", sign, label, timed), phase_style(phase, drawing.look.palette))


def _timer(step: Step, drawing: Drawing) -> SafeText:
    shown = timer(step, left(step, drawing.now))
    return fmt(" {}", shown) if shown else EMPTY


def _gate(gate: Gate, drawing: Drawing) -> Free:
    palette = drawing.look.palette
    return Free(
        (
            Cell(fmt("  gate {}  ", gate.label), palette.muted),
            Cell(fmt("{} ", gate.value) if gate.value else EMPTY, palette.text),
            Cell(gate.result.word, palette.state[GATE_STATES[gate.result]]),
        )
    )


def _times(rollout: Rollout, usual: Estimate | None, drawing: Drawing) -> Free:
    """When it is likely to be over, whose it is, what its time went to."""
    palette = drawing.look.palette
    known: list[Cell] = []
    if usual is not None:
        rest = usual.left(drawing.now)
        text = fmt("about {} left", span(rest)) if rest > 0 else fmt("{} longer than usual", span(-rest))
        known.append(Cell(fmt("{} ({} past)", text, usual.count), palette.text if rest > 0 else palette.bold))
    known.append(_whose(rollout, drawing))
    times = spent(rollout, drawing.now)
    if times.working or times.waiting:
        known.append(Cell(fmt("{} working, {} waiting", span(times.working), span(times.waiting)), palette.muted))
    dot = Cell(fmt(" {} ", drawing.look.glyphs.dot), palette.faint)
    parts = [cell for position, one in enumerate(known) for cell in ((dot, one) if position else (one,))]
    return Free((Cell(lit("  "), palette.text), *parts))


def _whose(rollout: Rollout, drawing: Drawing) -> Cell:
    palette: Palette = drawing.look.palette
    style = palette.bold if rollout.origin is Origin.OURS else palette.muted
    named = who(rollout) if "by" not in drawing.room else EMPTY
    return Cell(fmt("{} by {}", rollout.origin.word, named) if named else rollout.origin.word, style)


def fields(rollout: Rollout) -> Mapping[str, Value]:
    """What a filter may name."""
    return {
        "system": rollout.system, "service": rollout.service, "phase": rollout.phase.word, "by": who(rollout),
        "strategy": rollout.strategy, "origin": rollout.origin.word,
    }  # fmt: skip


def drift_fields(drifts: Sequence[Drift]) -> Mapping[str, Value]:
    """The same for a service that has drifted."""
    drift = drifts[0]
    return {
        "system": drift.system, "service": drift.service, "phase": lit("drift"), "by": EMPTY, "strategy": EMPTY,
        "origin": lit("observed"),
    }  # fmt: skip
