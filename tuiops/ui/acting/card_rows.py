"""The sheet of a card: what changes, the exact calls, what may be hit, how it is undone, who else runs what. Pure."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from tuiops.core.access import Danger
from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Environment
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.runbooks.format.template import shown
from tuiops.runbooks.planning import places
from tuiops.runbooks.planning.wording import check_text, whole
from tuiops.ui.format import fit, plural, width_of
from tuiops.ui.run_signs import danger_style, progress, run_glyph, run_style
from tuiops.ui.screens.pen import BLANK, NAMES, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tuiops.core.record import Said
    from tuiops.core.runs import RunView
    from tuiops.runbooks.planning.plan import Card, Plan, PlannedStep
    from tuiops.ui.screens.pen import Pen, Piece, Row

SIDE_BY_SIDE = 100
"""Columns from which a call stands beside its title."""
_LEAD = 8
"""Columns of a step's number and danger."""
_NO_WAY_BACK = lit("cannot be undone from here")
_OLD = 60.0
"""Seconds after which the card says how old it is in a colour."""


def card_sheet(pen: Pen, card: Card) -> list[Row]:
    """Everything that helps to decide."""
    plan = card.plan
    rows = [BLANK, *change_rows(pen, plan)]
    rows += [row for number, step in enumerate(plan.steps, 1) for row in _step_rows(pen, number, step, plan)]
    rows.append(BLANK)
    rows += _facts(pen, card)
    rows += _others(pen, card.runs)
    rows.append(_read(pen, card))
    return rows


def badge(pen: Pen, plan: Plan) -> Piece:
    """The environment in its colour."""
    return pen.environment(Environment(plan.environment, production=plan.production))


def heading(plan: Plan) -> SafeText:
    """What the card is called."""
    return fmt("{}{}", plan.title, lit(" (drill)") if plan.drill else EMPTY)


# What changes.


def change_rows(pen: Pen, plan: Plan) -> list[Row]:
    """Facts as they are and as they will be, where one step alone tells; else each step has its own."""
    telling = [step for step in plan.steps if step.call.before or step.call.after]
    if len(telling) != 1:
        return []
    rows = list(_compared(pen, telling[0].call.before, telling[0].call.after))
    return [*rows, BLANK] if rows else []


def _compared(pen: Pen, before: Sequence[Said], after: Sequence[Said]) -> Iterator[Row]:
    """`from` and `to`, fact by fact: what differs stands out."""
    now = {fact.what: fact.value for fact in before}
    changed = frozenset(fact.what for fact in after if now.get(fact.what) != fact.value)
    yield from _fact_rows(pen, lit("from"), before, changed)
    yield from _fact_rows(pen, lit("to"), [fact for fact in after if fact.what in changed] or after, changed)


def _fact_rows(pen: Pen, name: SafeText, facts: Iterable[Said], loud: frozenset[SafeText]) -> Iterator[Row]:
    """As many facts a row as fit, each of them whole; those that change are bold."""
    room = pen.width - NAMES - 2
    lines: list[list[Piece]] = [[]]
    used = 0
    for fact in facts:
        style = pen.look.palette.bold if fact.what in loud else pen.look.palette.text
        columns = width_of(fact.what) + 1 + width_of(fact.value)
        if lines[-1] and used + columns > room:
            lines.append([])
            used = 0
        if columns > room:
            lines[-1:] = [[(line, style)] for line in wrap(fmt("{} {}", fact.what, fact.value), room)] + [[]]
            continue
        lines[-1] += [pen.muted(fmt("{} ", fact.what)), (fact.value, style), pen.text(lit("   "))]
        used += columns + 3
    for number, line in enumerate(line for line in lines if line):
        yield (pen.muted(fmt(" {}", fit(name if not number else EMPTY, NAMES))), *line)


# The steps.


def _step_rows(pen: Pen, number: int, step: PlannedStep, plan: Plan) -> Iterator[Row]:
    lead: Row = (
        pen.text(fmt(" {:>2}  ", number)),
        (fmt("{}  ", step.danger.letter), danger_style(step.danger, pen.look.palette)),
    )
    blank = pen.text(SafeText(" " * _LEAD))
    call = fmt("{}{}", step.call.text, lit("  (its output is not kept)") if step.sec else EMPTY)
    if pen.width >= SIDE_BY_SIDE:
        half = (pen.width - _LEAD - 3) * 2 // 5
        titles, calls = wrap(step.title, half), wrap(call, pen.width - _LEAD - half - 4)
        for at, (title, line) in enumerate(zip_longest(titles, calls, fillvalue=EMPTY)):
            yield (*(lead if not at else (blank,)), pen.bold(fmt("{}   ", fit(title, half))), pen.text(line))
    else:
        for at, line in enumerate(wrap(step.title, pen.width - _LEAD - 1)):
            yield (*(lead if not at else (blank,)), pen.bold(line))
        for line in wrap(call, pen.width - _LEAD - 1):
            yield (blank, pen.text(line))
    for said in _remarks(step, plan):
        for line in wrap(said, pen.width - _LEAD - 1):
            yield (blank, pen.muted(line))


def _remarks(step: PlannedStep, plan: Plan) -> Iterator[SafeText]:
    """What else is to be known of a step."""
    if step.when:
        titles = {one.key: one.title for one in plan.steps}
        yield fmt("only if {}", join(", ", (_condition(key, end, titles) for key, end in step.when.items())))
    telling = sum(bool(one.call.before or one.call.after) for one in plan.steps)
    if telling > 1:
        before = {fact.what: fact.value for fact in step.call.before}
        for fact in step.call.after:
            yield fmt("{}: {} → {}", fact.what, before.get(fact.what, lit("none")), fact.value)
        if not step.call.after and step.call.before:
            yield join(", ", (fmt("{} {}", fact.what, fact.value) for fact in step.call.before))
    if step.confirm is not None:
        yield fmt("confirmed by {}", check_text(shown(step.confirm)))
    if step.goes_on:
        yield lit("the run goes on when this fails")


def _condition(key: str, end: str, titles: Mapping[str, SafeText]) -> SafeText:
    return fmt("“{}” {}", titles.get(key, safe(key)), safe(end))


# What surrounds it.


def _facts(pen: Pen, card: Card) -> Iterator[Row]:
    plan = card.plan
    if plan.blast_radius:
        yield from pen.paragraph(lit("blast radius"), plan.blast_radius)
    yield from _undo_rows(pen, plan)
    yield from pen.paragraph(lit("usually takes"), usual(card.typical))
    for at, (called, place) in enumerate(places.shown(plan)):
        yield from pen.paragraph(lit("reaches") if not at else EMPTY, fmt("{} = {}", called, place))
    yield from pen.paragraph(lit("locks"), join(", ", (whole(lock) for lock in plan.locks)) or lit("nothing"))
    for name, values in plan.parameters.items():
        yield from pen.paragraph(safe(name), join(", ", (whole(value) for value in values)))


def _undo_rows(pen: Pen, plan: Plan) -> Iterator[Row]:
    """How each step that changes something is undone, by its number; that there is no way back is said, too."""
    undoes = [
        fmt("{}  {}", number, step.undo_text or _NO_WAY_BACK)
        for number, step in enumerate(plan.steps, 1)
        if step.undo_text or step.danger is not Danger.SAFE
    ]
    for at, text in enumerate(undoes or (lit("nothing to undo"),)):
        yield from pen.paragraph(lit("undo") if not at else EMPTY, text)


def usual(typical: tuple[float, int] | None) -> SafeText:
    """`2m 40s (5 runs)`: how long it took so far."""
    if typical is None:
        return lit("not known: it has not been run to its end here")
    seconds, count = typical
    return fmt("{} ({})", took(seconds), plural(count, lit("run"), lit("runs")))


def took(seconds: float) -> SafeText:
    """A duration of a run: `40 s`, `2 min 40 s`, `1h05`."""
    whole = int(seconds)
    if whole < 60:
        return fmt("{} s", whole)
    if whole < 3600:
        return fmt("{} min {:02d} s", whole // 60, whole % 60)
    return span(seconds)


def _others(pen: Pen, runs: Sequence[RunView]) -> Iterator[Row]:
    """What else runs at this moment, anywhere."""
    for at, run in enumerate(runs):
        style = run_style(run, pen.look.palette)
        name = fmt("{} #{} {}", run_glyph(run.state, pen.look.glyphs), run.number, run.state.word)
        text = fmt("{}  {}, {}, by {}", name, run.title, progress(run), run.by)
        yield from pen.paragraph(lit("also running") if not at else EMPTY, text, style)


def _read(pen: Pen, card: Card) -> Row:
    old = age(pen.now, card.read_at)
    said = fmt(" read at {}", pen.times.clock(card.read_at))
    ago = fmt(", {} ago", span(old)) if old >= _OLD else EMPTY
    style = pen.look.palette.stale if old >= _OLD else pen.look.palette.muted
    return ((fmt("{}{}", said, ago), style), pen.muted(lit("; read again when you confirm")))


def refusals(pen: Pen, card: Card, approve: Sequence[SafeText]) -> list[Piece]:
    """Why it cannot be run here and now, and what has to happen before it can; `approve`: the keys that approve."""
    palette = pen.look.palette
    found: list[Piece] = []
    if not card.decision.allowed:
        found.append((fmt("Not allowed: {}.", card.decision.reason), palette.state[State.DOWN]))
    found += [(fmt("Not now: {}.", one), palette.state[State.DOWN]) for one in card.obstacles]
    if card.decision.allowed and card.decision.second:
        keys = join("", (fmt(", or {} in the run", key) for key in approve[:1]))
        text = fmt("Another person must approve it: :approve NUMBER{}, at their own console.", keys)
        found.append((text, palette.severity[Severity.P3]))
    return found
