"""A plan as lines for people: what `--dry-run` prints, and what a log keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.runbooks.format.template import shown
from tuiops.runbooks.planning.places import shown as shown_places
from tuiops.runbooks.planning.wording import check_text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.record import Said
    from tuiops.runbooks.planning.plan import Plan, PlannedStep

_INDENT = lit("      ")


def plan_lines(plan: Plan) -> tuple[SafeText, ...]:
    """Everything that would be done, in its order, with what it would change and how that is undone."""
    return tuple(_lines(plan))


def _lines(plan: Plan) -> Iterator[SafeText]:
    yield plan.title
    place = fmt("{} in {}{}", plan.system, plan.environment, lit(", PRODUCTION") if plan.production else EMPTY)
    yield fmt("  on       {}, {}", plan.target, place)
    yield fmt("  danger   {}: {}", safe(plan.danger.value), plan.danger.word)
    if plan.drill:
        yield lit("  drill    the world is a simulated one")
    if plan.blast_radius:
        yield fmt("  hits     {}", plan.blast_radius)
    for name, values in plan.parameters.items():
        yield fmt("  with     {} = {}", safe(name), join(", ", (whole(value) for value in values)))
    for name, place in shown_places(plan):
        yield fmt("  reaches  {} = {}", name, place)
    yield fmt("  locks    {}", join(", ", (whole(lock) for lock in plan.locks)))
    yield EMPTY
    for number, step in enumerate(plan.steps, 1):
        yield from _step(number, step)
    yield EMPTY
    yield fmt("plan     {}", safe(plan.digest))


def _step(number: int, step: PlannedStep) -> Iterator[SafeText]:
    yield fmt("{:>3} {} {}  [{}]", number, safe(step.danger.value), step.title, safe(step.key))
    if step.when:
        conditions = (fmt("{} {}", safe(key), safe(end)) for key, end in step.when.items())
        yield fmt("{}only if  {}", _INDENT, join(", ", conditions))
    yield fmt("{}{}{}", _INDENT, step.call.text, lit("   (its output is not kept)") if step.sec else EMPTY)
    for name, facts in ((lit("now"), step.call.before), (lit("then"), step.call.after)):
        if facts:
            yield fmt("{}{}: {}", _INDENT, name, _facts(facts))
    if step.confirm is not None:
        yield fmt("{}confirmed by: {}", _INDENT, check_text(shown(step.confirm)))
    if step.undo_text:
        yield fmt("{}undo: {}", _INDENT, step.undo_text)
    if step.goes_on:
        yield fmt("{}the run goes on when this fails", _INDENT)


def _facts(facts: tuple[Said, ...]) -> SafeText:
    return join("; ", (fmt("{} {}", fact.what, fact.value) for fact in facts))
