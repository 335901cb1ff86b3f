"""The parts of a rollout's sheet that its own source tells: what moves, who serves, the tree of steps, the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.rollout_times import estimate, left, spent, stages
from tuiops.core.rollouts import Phase
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.core.units import span
from tuiops.ui.format import fit, plural, width_of
from tuiops.ui.phases import GATE_STATES, lasted, origin, percent, phase_glyph, phase_style, timer, who
from tuiops.ui.screens.pen import columns_of, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tuiops.core.rollout_times import Stage
    from tuiops.core.rollouts import Rollout, Side, Step
    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.screens.pen import Pen, Piece, Row

BAR = 20
"""Columns of the bar that shows traffic."""
_ROOM_FOR_BARS = 110
_ROOM_FOR_TIMES = 70
_DIGEST = 12
"""Characters of a digest that tell it apart."""


def head(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    """What it is, whose, since when, and for how long still."""
    dash = pen.look.glyphs.dash
    title = (
        pen.bold(fmt(" {}/{}  ", rollout.system, rollout.service)),
        (rollout.phase.word, phase_style(rollout.phase, pen.look.palette)),
        pen.muted(fmt("  {}", rollout.strategy)),
    )
    by = who(rollout) or lit("unknown")
    rows: list[Row] = [
        spread(pen, title, (pen.environment(snapshot.environment),)),
        pen.named(
            lit("moves"),
            pen.text(rollout.old or dash),
            pen.muted(fmt(" {} ", pen.look.glyphs.arrow)),
            pen.bold(rollout.new or dash),
        ),
        pen.named(lit("by"), pen.text(by), pen.muted(fmt("   {}", origin(rollout)))),
        pen.named(lit("started"), pen.text(pen.moment(rollout.started)), *_elapsed(pen, rollout)),
    ]
    rows += _left(pen, snapshot, rollout)
    if rollout.message:
        rows += pen.paragraph(lit("says"), rollout.message)
    feed = snapshot.statuses.get(rollout.source)
    rows.append(pen.named(lit("data"), pen.feed(feed) if feed is not None else pen.muted(rollout.source or dash)))
    return rows


def _elapsed(pen: Pen, rollout: Rollout) -> tuple[Piece, ...]:
    """`8m so far: 6m working, 2m waiting`."""
    times = spent(rollout, pen.now)
    whole = lasted(age(rollout.ended or pen.now, rollout.started))
    parts = [
        fmt("{} {}", lasted(seconds), word)
        for seconds, word in (
            (times.working, lit("working")), (times.waiting, lit("waiting")), (times.between, lit("between steps")),
        )
        if seconds >= 1
    ]  # fmt: skip
    text = fmt("   took {}", whole) if rollout.ended is not None else fmt("   {} so far", whole)
    if not times.working and not times.waiting:
        return (pen.text(text),)
    return (pen.text(text), pen.muted(fmt(": {}", join(", ", parts))))


def _left(pen: Pen, snapshot: Snapshot, rollout: Rollout) -> list[Row]:
    if not rollout.live:
        return []
    usual = estimate(rollout, snapshot.rollouts)
    if usual is None:
        none = lit("nobody can tell: no rollout of this service in this way is known to have succeeded")
        return [pen.named(lit("left"), pen.muted(none))]
    rest = usual.left(pen.now)
    about = fmt("about {}", span(rest)) if rest > 0 else fmt("{} longer than usual", span(-rest))
    until = fmt(", until {}", pen.times.minute(usual.ends, pen.now)) if rest > 0 else EMPTY
    past = plural(usual.count, lit("past one"), lit("past ones"))
    basis = fmt("usually {}, the median of {}", span(usual.seconds), past)
    left = (pen.text if rest > 0 else pen.bold)(fmt("{}{}", about, until))
    row = pen.named(lit("left"), left, pen.muted(fmt("   {}", basis)))
    return [row] if columns_of([row]) <= pen.width else [pen.named(lit("left"), left), *pen.paragraph(EMPTY, basis)]


# Who serves


def side_rows(pen: Pen, rollout: Rollout) -> list[Row]:
    """A table of the revisions; without any, the one share that the source tells."""
    if not rollout.sides:
        share = rollout.share_actual
        text = lit("The source does not report it.") if share is None else fmt("{} to the new one.", percent(share))
        return list(pen.sentence(text))
    wide = max(8, *(width_of(side.revision) for side in rollout.sides))
    shared = any(share is not None for side in rollout.sides for share in (side.set, side.actual))
    columns = _Columns(
        name=min(wide, max(10, pen.width - 58)),
        image=_DIGEST if any(side.image for side in rollout.sides) else 0,
        shares=shared,
        bars=shared and pen.width >= _ROOM_FOR_BARS,
    )
    heading = fmt("      {}  ", fit(lit("REVISION"), columns.name))
    if columns.image:
        heading = fmt("{}{}  ", heading, fit(lit("IMAGE"), columns.image))
    if shared:
        heading = fmt("{}{}  {}  ", heading, fit(lit("SET"), 4, right=True), fit(lit("ACTUAL"), 6, right=True))
    blanks = SafeText(" " * (BAR + 2 if columns.bars else 0))
    rows: list[Row] = [(pen.muted(fmt("{}{}INSTANCES", heading, blanks)),)]
    return rows + [_side_row(pen, rollout, side, columns) for side in rollout.sides]


class _Columns(NamedTuple):
    """What the table of revisions has room and reason for, with the widths that differ."""

    name: int
    image: int
    shares: bool
    bars: bool


def _side_row(pen: Pen, rollout: Rollout, side: Side, columns: _Columns) -> Row:
    cut, dash = pen.look.glyphs.cut, pen.look.glyphs.dash
    word = lit("new") if side.revision == rollout.new else lit("old") if side.revision == rollout.old else EMPTY
    pieces: list[Piece] = [
        pen.muted(fmt("  {} ", fit(word, 3))),
        (pen.bold if word == "new" else pen.text)(fmt("{}  ", fit(side.revision, columns.name, mark=cut))),
    ]
    if columns.image:
        pieces.append(pen.muted(fmt("{}  ", fit(digest(side.image), columns.image, mark=cut))))
    if columns.shares:
        meant = dash if side.set is None else percent(side.set)
        real = dash if side.actual is None else percent(side.actual)
        pieces.append(pen.text(fmt("{}  ", fit(meant, 4, right=True))))
        pieces.append((pen.bold if meant != real else pen.text)(fmt("{}  ", fit(real, 6, right=True))))
    if columns.bars:
        pieces += _bar(pen, side.actual)
    pieces.append(pen.text(_instances(side) or dash))
    if side.tag:
        pieces.append(pen.muted(fmt("   tag {}", side.tag)))
    return tuple(pieces)


def _bar(pen: Pen, share: float | None) -> tuple[Piece, Piece]:
    full, empty = ("#", ".") if pen.look.glyphs.horizontal == "-" else ("█", "░")
    filled = 0 if share is None else round(min(1.0, max(0.0, share)) * BAR)
    blank = " " if share is None else empty
    return (
        pen.text(SafeText(full * filled)),
        (SafeText(blank * (BAR - filled) + "  "), pen.look.palette.faint),
    )


def digest(image: SafeText) -> SafeText:
    """The beginning of an image's digest; without one, the end of its name, where the tag is."""
    _, found, value = image.rpartition("@")
    if found:
        return SafeText(value.removeprefix("sha256:")[:_DIGEST])
    return SafeText(image.rpartition("/")[2])


def _instances(side: Side) -> SafeText:
    """`2 of 4 running, 1 pending, 1 failed`; empty when nothing is known."""
    parts: list[SafeText] = []
    if side.running is not None:
        of = fmt(" of {}", side.desired) if side.desired is not None and side.desired > side.running else EMPTY
        parts.append(fmt("{}{} running", side.running, of))
        if side.desired is not None and side.desired < side.running:
            parts.append(fmt("{} wanted", side.desired))
    elif side.desired is not None:
        parts.append(fmt("{} wanted", side.desired))
    if side.pending:
        parts.append(fmt("{} pending", side.pending))
    if side.failed:
        parts.append(fmt("{} failed", side.failed))
    return join(", ", parts)


# Steps and gates


def step_rows(pen: Pen, rollout: Rollout) -> list[Row]:
    """The tree of stages and steps."""
    if not rollout.steps:
        return list(pen.sentence(lit("The source reports no steps.")))
    rows: list[Row] = []
    label = 2 + _label_width(pen, (step.label for step in rollout.steps))
    for stage in stages(rollout):
        if stage.label:
            rows.append(_stage_row(pen, stage))
        rows += [_step_row(pen, step, label, 2 if stage.label else 0) for step in stage.steps]
    return rows


def _label_width(pen: Pen, labels: Iterable[SafeText]) -> int:
    """Columns for the labels of a table: as many as the longest one needs, within bounds."""
    return max(14, min(34, pen.width - 58, max(map(width_of, labels), default=0)))


def _stage_row(pen: Pen, stage: Stage) -> Row:
    style = phase_style(stage.phase, pen.look.palette)
    label = pen.bold if stage.phase is Phase.RUNNING else pen.text if stage.phase.ended else pen.muted
    return ((fmt("  {} ", phase_glyph(stage.phase, pen.look.glyphs)), style), label(stage.label))


def _step_row(pen: Pen, step: Step, width: int, indent: int) -> Row:
    style = phase_style(step.phase, pen.look.palette)
    written = pen.bold if step.phase is Phase.RUNNING else pen.text if step.phase.ended else pen.muted
    weight = EMPTY if step.weight is None else percent(step.weight)
    rest = left(step, pen.now)
    time = timer(step, rest)
    if not time and step.started is not None:
        time = lasted(age(step.ended or pen.now, step.started))
    late = rest is not None and rest <= 0
    pieces: list[Piece] = [
        (fmt("  {}{} ", SafeText(" " * indent), phase_glyph(step.phase, pen.look.glyphs)), style),
        written(fmt("{}  ", fit(step.label, width - indent, mark=pen.look.glyphs.cut))),
        (fmt("{}  ", fit(step.phase.word, 11)), style),
        pen.text(fmt("{}  ", fit(weight, 4, right=True))),
        (
            fmt("{}  ", fit(time, 19, right=True)),
            pen.look.palette.state[State.DEGRADED] if late else pen.text(EMPTY)[1],
        ),
    ]
    if pen.width >= _ROOM_FOR_TIMES and step.started is not None:
        pieces.append(pen.muted(pen.moment(step.started)))
    return tuple(pieces)


def gate_rows(pen: Pen, rollout: Rollout) -> list[Row]:
    """What each gate demands, what it found, and what follows from that."""
    if not rollout.gates:
        return list(pen.sentence(lit("None: nothing but time holds this rollout back.")))
    labels = [gate.label for gate in rollout.gates] + [step.label for step in rollout.steps]
    wide = _label_width(pen, labels)
    return [
        (
            pen.text(fmt("    {}  ", fit(gate.label, wide, mark=pen.look.glyphs.cut))),
            pen.text(fmt("{}  ", fit(gate.value or lit("no data"), 11))),
            pen.state(GATE_STATES[gate.result], gate.result.word),
        )
        for gate in rollout.gates
    ]
