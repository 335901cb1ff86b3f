"""The sheet of a run: its steps with what each waits for, what it prints, why it stopped, what can be done. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.runs import RunState, StepKind, StepState
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import countdown, span
from tuiops.ui.format import fit, plural, sparkline, width_of
from tuiops.ui.phases import lasted
from tuiops.ui.run_signs import danger_style, run_glyph, run_style, step_glyph, step_style
from tuiops.ui.screens.pen import BLANK, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tuiops.core.runs import Held, RunView, StepView
    from tuiops.ui.screens.pen import Pen, Piece, Row

_LEAD = 10
"""Columns of a step's sign, number and danger."""
_TIMES = 8
"""Columns of a step's duration."""
_SPARK = 12
_TAIL = 6
"""Lines of output that are shown beside the step that prints them."""


def run_sheet(
    pen: Pen,
    run: RunView,
    hints: Sequence[SafeText],
    keys: Sequence[tuple[SafeText, SafeText]],
    barred: Sequence[SafeText] = (),
) -> list[Row]:
    """The whole sheet; `hints` and `keys` with their labels say what this person can do about it.

    `barred`: what they cannot, with the reasons.
    """
    rows = [BLANK, *_head(pen, run), BLANK]
    for number, step in enumerate(run.steps, 1):
        rows += _step_rows(pen, number, step)
    if hints or keys or barred:
        rows.append(BLANK)
        rows += [row for hint in hints for row in pen.sentence(hint, pen.look.palette.text)]
        rows += _key_rows(pen, keys)
        rows += [row for text in barred for row in pen.sentence(text, pen.look.palette.faint)]
    rows += _calls(pen, run)
    rows += _evidence(pen, run)
    return [*rows, BLANK]


def _key_rows(pen: Pen, keys: Sequence[tuple[SafeText, SafeText]]) -> Iterator[Row]:
    """As many keys a row as fit, each with its label."""
    row: list[Piece] = []
    used = 0
    for key, label in keys:
        columns = width_of(key) + width_of(label) + 4
        if row and used + columns > pen.width:
            yield tuple(row)
            row, used = [], 0
        row += [(fmt(" {} ", key), pen.look.palette.accent), pen.text(fmt("{}  ", label))]
        used += columns
    if row:
        yield tuple(row)


def elapsed(run: RunView, pen: Pen) -> float:
    """Seconds that it took so far, or took."""
    return age(run.ended or pen.now, run.started or run.requested)


def _head(pen: Pen, run: RunView) -> Iterator[Row]:
    palette = pen.look.palette
    style = run_style(run, palette)
    state = fmt(" {} {} ", run_glyph(run.state, pen.look.glyphs), run.state.word)
    carried = EMPTY
    if run.live and run.held_by:
        carried = fmt("carried out by {}{}", run.held_by, lit(", this console") if run.mine else EMPTY)
    elif run.live and run.state is not RunState.AWAITING_APPROVAL:
        carried = lit("no console carries it out")
    first = ((state, style), pen.text(fmt("  {}/{}", run.system, run.target)))
    fits = sum(width_of(text) for text, _ in first) + width_of(carried) + 3 <= pen.width
    yield (*first, pen.muted(fmt("   {}", carried))) if carried and fits else first
    if carried and not fits:
        yield from ((pen.muted(fmt("   {}", line)),) for line in wrap(carried, pen.width - 4))
    if run.reason:
        for line in wrap(run.reason, pen.width - 4):
            yield (pen.text(lit("   ")), (line, style if run.state is not RunState.SUCCEEDED else palette.muted))
    yield pen.named(
        lit("confirmed"),
        pen.text(fmt("{} by {}", pen.moment(run.requested), run.by)),
        pen.muted(fmt("  {}", run.account)),
    )
    if run.approved_by:
        yield pen.named(lit("approved"), pen.text(fmt("by {}", run.approved_by)))
    if run.drill:
        yield pen.named(lit("drill"), pen.text(lit("the world that it acts on is a simulated one")))


def _step_rows(pen: Pen, number: int, step: StepView) -> Iterator[Row]:
    palette, glyphs = pen.look.palette, pen.look.glyphs
    style = step_style(step.state, palette)
    under_way = not step.state.final and step.state is not StepState.PENDING
    lead: Row = (
        (fmt(" {} ", step_glyph(step.state, glyphs)), style),
        pen.text(fmt("{:>2}  ", number)),
        (fmt("{}  ", step.danger.letter), danger_style(step.danger, palette) if under_way else palette.muted),
    )
    time = _time(pen, step)
    room = pen.width - _LEAD - _TIMES - 2
    beside = _beside(pen, step)
    title = palette.bold if under_way else palette.text if step.state is not StepState.PENDING else palette.muted
    lines = wrap(step.title, room)
    for at, line in enumerate(lines):
        first = lead if not at else (pen.text(SafeText(" " * _LEAD)),)
        blanks = pen.text(SafeText(" " * max(1, room + 1 - width_of(line))))
        tail = (blanks, pen.muted(fit(time, _TIMES, right=True))) if not at else ()
        yield (*first, (line, title), *tail)
    for row in beside:
        yield (pen.text(SafeText(" " * _LEAD)), *row)
    if under_way or step.state in {StepState.FAILED, StepState.UNKNOWN}:
        yield from _output(pen, step)


def _time(pen: Pen, step: StepView) -> SafeText:
    """How long it took, or has taken."""
    if step.started is None:
        return EMPTY
    return lasted(age(step.ended or pen.now, step.started))


def _beside(pen: Pen, step: StepView) -> Iterator[tuple[Piece, ...]]:
    """What stands under a step's title: gate, countdown, what to do by hand, how it ended."""
    if step.held is not None and step.state is not StepState.PENDING:
        yield from _gate(pen, step.held, step.ended or pen.now)
    if not step.state.final and step.ends is not None and step.state is not StepState.PENDING:
        yield (_countdown(pen, step),)
    if step.state is StepState.ASKING:
        yield from ((pen.bold(line),) for line in wrap(step.call, pen.width - _LEAD - 2))
    if step.state is StepState.UNKNOWN:
        yield from _unknown(pen, step)
    if step.text:
        loud = step.state in {StepState.FAILED, StepState.UNKNOWN, StepState.ABORTED}
        style = step_style(step.state, pen.look.palette) if loud else pen.look.palette.muted
        yield from (((line, style),) for line in wrap(step.text, pen.width - _LEAD - 2))
    if step.undone_by and step.state is StepState.UNDONE:
        yield (pen.muted(fmt("undone: {}", step.undo)),)


def _unknown(pen: Pen, step: StepView) -> Iterator[tuple[Piece, ...]]:
    """What is known of a step of which nobody can tell how it ended."""
    style = step_style(step.state, pen.look.palette)
    said = lit("Nobody saw it end. It is not done a second time by itself.")
    yield from (((line, style),) for line in wrap(said, pen.width - _LEAD - 2))
    if step.execution:
        yield (pen.muted(fmt("known as {}", safe(step.execution))),)
    yield from ((pen.text(line),) for line in wrap(step.call, pen.width - _LEAD - 2))


def _gate(pen: Pen, held: Held, now: datetime) -> Iterator[tuple[Piece, ...]]:
    """`error rate ≤ 1%   0.4%  ▇▅▃▁▁   held 0:37 of 3:00`; on two rows where one is too short. `now`, or its end."""
    style = pen.look.palette.state[State.OK if held.holds else State.DEGRADED]
    value = (fmt("{}  ", held.value), style)
    trend: Piece = (fmt("{}  ", sparkline(held.values, min(_SPARK, len(held.values)), pen.look.glyphs)), style)
    if not held.holds:
        said = lit("does not hold")
    elif held.needed and held.since is not None:
        said = fmt("held {} of {}", lasted(age(now, held.since)), lasted(held.needed))
    else:
        said = lit("holds")
    trends = (trend,) if held.values else ()
    # What stops the run comes first; how long it has held, last.
    told = (value, *trends, (said, style)) if held.holds else ((fmt("{}   ", said), style), value, *trends)
    room = pen.width - _LEAD - 2
    row = (pen.text(fmt("{}   ", held.label)), *told)
    if sum(width_of(text) for text, _ in row) <= room + 1:
        yield row
        return
    yield from ((pen.text(line),) for line in wrap(held.label, room))
    if sum(width_of(text) for text, _ in told) <= room + 1:
        yield told
        return
    yield ((fmt("{}   ", said), style), *trends)
    yield from (((line, style),) for line in wrap(held.value, room))


def _countdown(pen: Pen, step: StepView) -> Piece:
    """What is left, computed as it is shown."""
    if step.ends is None:
        return pen.muted(EMPTY)
    left = (step.ends - pen.now).total_seconds()
    whole = (step.ends - step.started).total_seconds() if step.started is not None else 0.0
    waits = step.kind is StepKind.WAIT
    if left <= 0:
        return pen.muted(lit("the time is up") if waits else fmt("over its time by {}", span(-left)))
    if waits:
        return pen.bold(fmt("{}{} left", countdown(left), fmt(" of {}", lasted(whole)) if whole > 0 else EMPTY))
    return pen.muted(fmt("times out in {}", countdown(left)))


def _output(pen: Pen, step: StepView) -> Iterator[Row]:
    """The last lines that it printed; after its end the last that were kept."""
    lines = step.tail or step.evidence.output
    for at, line in enumerate(lines[-_TAIL:]):
        name = lit("output") if not at else EMPTY
        yield (
            pen.text(SafeText(" " * (_LEAD - 7))),
            pen.muted(fmt("{} {} ", fit(name, 6), pen.look.glyphs.vertical)),
            pen.text(line),
        )


def _calls(pen: Pen, run: RunView) -> Iterator[Row]:
    """Every exact call, whole, with its undo: what a second person approves, and what a first one did."""
    if not any(step.call for step in run.steps):
        return
    yield from pen.heading(lit("Exact calls"))
    for number, step in enumerate(run.steps, 1):
        if step.call:
            yield from pen.paragraph(fmt("{:>2}  {}", number, step.danger.letter), step.call)
        for said in _changes(pen, step):
            yield from pen.paragraph(EMPTY, said, pen.look.palette.muted)
        if step.undo:
            yield from pen.paragraph(EMPTY, fmt("undo: {}", step.undo), pen.look.palette.muted)


def _changes(pen: Pen, step: StepView) -> Iterator[SafeText]:
    """The state as it was confirmed, and as it was to be then."""
    before = {fact.what: fact.value for fact in step.before}
    for fact in step.after:
        was = before.get(fact.what, lit("none"))
        yield fmt("{}: {} {} {}", fact.what, was, pen.look.glyphs.arrow, fact.value)
    if not step.after:
        yield from (fmt("{}: {}", fact.what, fact.value) for fact in step.before)


def _evidence(pen: Pen, run: RunView) -> Iterator[Row]:
    """What steps were judged by."""
    judged = [(number, step) for number, step in enumerate(run.steps, 1) if _has_evidence(step)]
    if not judged:
        return
    yield from pen.heading(lit("Evidence"))
    for number, step in judged:
        yield (pen.bold(fmt(" {:>2}  {}", number, step.title)),)
        evidence = step.evidence
        for fact in evidence.facts:
            yield from pen.paragraph(fact.what, fact.value)
        if evidence.status is not None:
            yield from pen.paragraph(lit("status"), fmt("{}", evidence.status))
        for line in evidence.output:
            yield from pen.paragraph(EMPTY, line)
        if evidence.left_out:
            left_out = plural(evidence.left_out, lit("line"), lit("lines"))
            yield from pen.paragraph(EMPTY, fmt("{} between them are not kept", left_out), pen.look.palette.muted)


def _has_evidence(step: StepView) -> bool:
    evidence = step.evidence
    return bool(evidence.facts or evidence.output or evidence.status is not None)
