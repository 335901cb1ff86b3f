"""The way back: what undoes each step that changed something, and whether what it left is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.access import Danger
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import Refused
from tuiops.runbooks.format.model import ApiAction
from tuiops.runbooks.format.template import filled
from tuiops.runbooks.planning.wording import call_text
from tuiops.sources.abilities import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tuiops.core.runs import RunView, StepView
    from tuiops.runbooks.format.model import AnyUndo
    from tuiops.runbooks.planning.plan import PlannedStep
    from tuiops.runbooks.record.history import History


IN_PART = lit("perhaps done in part")
"""Said of a step that was begun, and of which nobody has seen that it worked."""


def to_undo(history: History) -> Iterator[PlannedStep]:
    """The steps that an undo goes over, in its order: those that changed something, or may have, the last one first."""
    stands = history.changed | in_part(history)
    for step in reversed(history.plan.steps):
        if step.danger is not Danger.SAFE and step.key in stands:
            yield step


def in_part(history: History) -> frozenset[str]:
    """Steps that are over, and perhaps done in part."""
    under_way = {step for execution, step in history.executions.items() if execution not in history.undoes}
    return history.doubtful - history.changed - under_way


def why_it_stays(history: History, step: PlannedStep) -> SafeText:
    """Why an undo leaves what a step did, or may have done, as it is; empty when it does not.

    What was perhaps done in part is undone when a console saw that it is over, and all that its undo needs is known.
    """
    if step.key in history.kept:
        return fmt("its undo was left out: {}", _view(history, step).text)
    undo = way_back(history, step)
    if step.key not in in_part(history):
        return _no_way(step) if undo is None else EMPTY
    why = EMPTY
    if undo is None:
        why = _no_way(step)
    elif step.key not in history.broken:
        why = lit("no console saw how it ended, so a person has to look")
    elif step.key in history.tried:
        why = _view(history, step).text
    else:
        try:
            filled(undo, history.captured)
        except Refused as error:
            why = fmt("it cannot be undone: {}", safe(str(error), 500))
    return fmt("{}; {}", IN_PART, why) if why else EMPTY


def _no_way(step: PlannedStep) -> SafeText:
    if step.undo_before:
        return lit("nothing is known of what was there before")
    return step.undo_text or lit("there is no undo")


def _view(history: History, step: PlannedStep) -> StepView:
    return next(view for view in history.view.steps if view.key == step.key)


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
    over = {step.key: step for step in to_undo(history)}
    doubtful = in_part(history)
    steps = tuple(
        msgspec.structs.replace(
            view,
            changed=True,
            in_part=view.key in doubtful,
            stays=why_it_stays(history, over[view.key]),
            undo_call=_call(history, over[view.key]),
        )
        if view.key in over
        else view
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
    if step.key in in_part(history) and not history.left.get(step.key):
        return _neither(prepared, before, now)
    return join(
        ", ",
        (
            fmt("{} is {}, and the step left it at {}", fact.what, now[fact.what], fact.value)
            for fact in history.left.get(step.key, ())
            if fact.what in changed and now.get(fact.what, fact.value) != fact.value
        ),
    )


def _neither(prepared: Prepared, before: Mapping[SafeText, SafeText], now: Mapping[SafeText, SafeText]) -> SafeText:
    """What is neither as it was before a step nor as the step was to make it: then it is somebody else's."""
    return join(
        ", ",
        (
            fmt("{} is {}, and the step was to make {} of {}", fact.what, now[fact.what], fact.value, was)
            for fact in prepared.after
            if (was := before.get(fact.what, fact.value)) != fact.value
            and now.get(fact.what, was) not in {was, fact.value}
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
    if undo is None or why_it_stays(history, step):
        return EMPTY
    try:
        return call_text(filled(undo, history.captured))
    except Refused:
        # It is refused in the same way when it is to be done; until then it is shown with what is open.
        return call_text(undo)
