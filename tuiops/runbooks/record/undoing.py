"""The way back: what undoes each step that changed something, and whether what it left is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.access import Danger
from tuiops.core.text import EMPTY, SafeText, fmt, join
from tuiops.errors import Refused
from tuiops.runbooks.format.model import ApiAction
from tuiops.runbooks.format.template import filled
from tuiops.runbooks.planning.wording import call_text
from tuiops.sources.abilities import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.core.runs import RunView
    from tuiops.runbooks.format.model import AnyUndo
    from tuiops.runbooks.planning.plan import PlannedStep
    from tuiops.runbooks.record.history import History


def to_undo(history: History) -> Iterator[PlannedStep]:
    """The steps that an undo goes over, in its order: those that changed something, the last one first."""
    for step in reversed(history.plan.steps):
        if step.danger is not Danger.SAFE and step.key in history.changed:
            yield step


def way_back(history: History, step: PlannedStep) -> AnyUndo | None:
    """What undoes a step, with captures still open; None when nothing does.

    msgspec.ValidationError when what is recorded of it is not what any console writes.
    """
    if not step.undo_before:
        return step.undo
    prepared = _prepared(history, step)
    if prepared is None or prepared.reversal is None or not isinstance(step.do, ApiAction):
        return None
    wish = prepared.reversal
    return msgspec.convert(
        {
            "kind": "api",
            "ability": wish.ability,
            "resource": prepared.target.resource,
            "arguments": dict(wish.arguments),
        },
        ApiAction,
    )


def shown(history: History) -> RunView:
    """The run with what an undo would go over, and what it would do about it."""
    calls = {step.key: _call(history, step) for step in to_undo(history)}
    steps = tuple(
        msgspec.structs.replace(view, changed=True, undo_call=calls[view.key]) if view.key in calls else view
        for view in history.view.steps
    )
    return msgspec.structs.replace(history.view, steps=steps)


def moved(history: History, step: PlannedStep, found: Prepared) -> SafeText:
    """What of that which a step changed is otherwise by now, by what `found` has read; empty when nothing is.

    Only facts that the step was to change count: others, such as the number of tasks, may well be different. None do of
    a resource that a later step of the run has acted on, or says that it touches: it is not as this step left it.
    """
    prepared = _prepared(history, step)
    if prepared is None or prepared.target != found.target or _acted_on_later(history, step, found.target.resource):
        return EMPTY
    before = {fact.what: fact.value for fact in prepared.before}
    changed = {fact.what for fact in prepared.after if before.get(fact.what) != fact.value}
    now = {fact.what: fact.value for fact in found.before}
    return join(
        ", ",
        (
            fmt("{} is {}, and the step left it at {}", fact.what, now[fact.what], fact.value)
            for fact in history.left.get(step.key, ())
            if fact.what in changed and now.get(fact.what, fact.value) != fact.value
        ),
    )


def _acted_on_later(history: History, step: PlannedStep, resource: str) -> bool:
    keys = [other.key for other in history.plan.steps]
    later = history.plan.steps[keys.index(step.key) + 1 :]
    return any(other.key in history.forward and _acts_on(history, other, resource) for other in later)


def _acts_on(history: History, step: PlannedStep, resource: str) -> bool:
    if isinstance(step.do, ApiAction):
        return step.do.resource == resource
    return step.danger is not Danger.SAFE and resource in history.plan.touches


def _prepared(history: History, step: PlannedStep) -> Prepared | None:
    """What was prepared for the step when it was done."""
    execution = history.forward.get(step.key, "")
    return msgspec.json.decode(history.prepared.get(execution, b"null"), type=Prepared | None)


def _call(history: History, step: PlannedStep) -> SafeText:
    undo = way_back(history, step)
    if undo is None or step.key in history.kept:
        return EMPTY
    try:
        return call_text(filled(undo, history.captured))
    except Refused:
        # It is refused in the same way when it is to be done; until then it is shown with what is open.
        return call_text(undo)
