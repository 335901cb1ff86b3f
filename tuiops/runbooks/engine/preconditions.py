"""How a run must stand for what is asked of it. Asked twice: when it is asked for, and when nobody else can change it.

Every function raises Refused, with what is in the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.runs import RunState, StepState
from tuiops.core.text import SafeText, fmt, join, lit
from tuiops.core.units import span
from tuiops.errors import Refused, Unresolved
from tuiops.runbooks.record.history import in_time

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.core.runs import RunView
    from tuiops.runbooks.record.history import History

_NONE = "there is no such run"
_NOT_APPROVED = "another person must approve it first (:approve)"


def is_new(history: History | None) -> None:
    """Whether a card was not confirmed before."""
    if history is not None:
        raise Refused(f"this card was confirmed before: it is run #{history.view.number}; plan it again")


def is_live(history: History | None) -> None:
    """Whether anything can still come of it."""
    if history is None:
        raise Refused(_NONE)
    if not history.view.live:
        raise Refused(f"run #{history.view.number} is over: {history.view.state.word}")


def is_to_end(history: History | None) -> None:
    """Whether somebody has asked to abort it, and it is not over yet."""
    is_live(history)
    if history is None or not history.abort:
        raise Refused("nobody has asked to abort this run")


def may_begin(history: History | None) -> None:
    """Whether a run that was asked for can be begun, and has not been."""
    if history is None:
        raise Refused(_NONE)
    view = history.view
    if history.started or not view.live:
        raise Refused(f"run #{view.number} was begun before, or is over; it is {view.state.word}")
    if history.second and not view.approved_by:
        raise Refused(_NOT_APPROVED)
    if view.plan_digest != history.plan.digest:
        raise Refused(f"the plan of run #{view.number} is not the one that was confirmed; plan it again")


def may_be_carried(history: History | None) -> None:
    """Whether a run is what its record says was confirmed, and a second person has approved it where one was asked."""
    if history is None:
        raise Refused(_NONE)
    view, plan = history.view, history.plan
    confirmed = (view.system, view.environment, view.production, view.danger)
    if confirmed != (plan.system, plan.environment, plan.production, plan.danger):
        raise Refused(f"run #{view.number} is not recorded as what its plan is; plan it again")
    if history.second and not view.approved_by:
        raise Refused(_NOT_APPROVED)


def is_as_seen(history: History | None, seen: RunView) -> None:
    """Whether a run still stands as it was shown to whoever decides about it."""
    if history is None:
        raise Refused(_NONE)
    if history.view.entry != seen.entry:
        raise Refused(f"run #{seen.number} has moved on since it was shown; look again")


def is_alone_as_seen(history: History | None, seen: RunView) -> None:
    """Whether nobody has acted on what an undo goes over since the run was shown."""
    if history is not None and history.view.overtaken != seen.overtaken:
        why = history.view.overtaken or "what had acted on it since is undone"
        raise Refused(f"run #{seen.number} is not as it was shown: {why}; look again")


def is_typed(must_type: SafeText, typed: str, what: str) -> None:
    """Whether the name of the place was typed of what destroys there; `what` is a sentence's beginning."""
    if must_type and typed != must_type:
        raise Refused(f"{what}: type {must_type} to confirm it")


def may_go_on(history: History | None) -> None:
    """Whether a run waits for somebody to say that it goes on."""
    if history is None:
        raise Refused(_NONE)
    view = history.view
    if view.state is RunState.UNKNOWN:
        raise Unresolved(f"{_unresolved(history)}; say first how it came out, or skip it: it is not done a second time")
    if history.abort and not view.held_by:
        raise Refused(f"run #{view.number} is not resumed: {history.abort}; abort it again if it does not end")
    if view.state is not RunState.PAUSED:
        held = f", carried out by {view.held_by}" if view.held_by else ""
        raise Refused(f"run #{view.number} cannot be resumed; it is {view.state.word}{held}")


def _unresolved(history: History) -> SafeText:
    """The step that nobody saw the end of, and what is known of it."""
    step = next((one for one in history.view.steps if one.state is StepState.UNKNOWN), None)
    if step is None:
        return lit("nobody saw how a step ended")
    return fmt("nobody saw how `{}` ended: {}", step.title, step.text or lit("nothing is known of it yet"))


def may_go_back(history: History | None) -> None:
    """Whether there is something to undo, and nobody at work on it."""
    if history is None:
        raise Refused(_NONE)
    view = history.view
    if view.state is RunState.UNKNOWN:
        raise Unresolved(f"{_unresolved(history)}; say first how it came out")
    if view.live and view.state is not RunState.PAUSED:
        raise Refused(f"run #{view.number} is {view.state.word}; abort it first")
    if not any(step.undo_call for step in view.changed):
        stays = join("", (fmt("; {} is left as it is: {}", step.title, step.stays) for step in view.changed))
        raise Refused(f"run #{view.number} has nothing that could be undone{stays}")


def awaits_approval(history: History) -> None:
    """Whether a second person is asked."""
    view = history.view
    if view.state is not RunState.AWAITING_APPROVAL:
        raise Refused(f"run #{view.number} does not wait for an approval; it is {view.state.word}")


def asks(history: History, step: str) -> bool:
    """Whether a step waits for a person's word at this moment."""
    return any(view.key == step and view.state is StepState.ASKING for view in history.view.steps)


def is_asked(history: History, step: str, execution: str) -> None:
    """Whether this very attempt at a step waits for a person's word, on whichever console it is carried out."""
    if not asks(history, step) or execution_of(history.view, step) != execution:
        raise Refused(f"run #{history.view.number} does not ask for this; look again")


def can_be_told(history: History | None, step: str, said: StepState, seen: RunView) -> None:
    """Whether a person can say how a step came out, or leave it out, having been shown the run as `seen`.

    One that asks them need only be the same attempt: the run stands still until it is answered.
    """
    if history is None:
        raise Refused(_NONE)
    view = history.view
    known = next((one for one in view.steps if one.key == step), None)
    if known is None:
        raise Refused(f"run #{view.number} has no such step")
    open_ended = {StepState.ASKING, StepState.UNKNOWN}
    if said is StepState.SKIPPED and view.state is RunState.PAUSED and not history.undoing:
        open_ended.add(StepState.PENDING)
    if known.state not in open_ended or not view.live:
        raise Refused(f"`{known.title}` is {known.state.word}; there is nothing to say about it")
    if known.state is not StepState.ASKING:
        is_as_seen(history, seen)
    elif known.execution != execution_of(seen, step):
        raise Refused(f"`{known.title}` was asked once more since it was shown; look again")


def execution_of(view: RunView, step: str) -> str:
    """The attempt that a step is at; empty when it was never begun, or there is none such."""
    return next((one.execution for one in view.steps if one.key == step), "")


def is_fresh(since: datetime, now: datetime, what: str) -> None:
    """Whether what was read or asked for `since` may still be acted on; `what` is a word for it."""
    if in_time(since, now):
        return
    if now < since:
        raise Refused(f"the clock was set back since it was {what}; plan it again")
    raise Refused(f"it was {what} {span((now - since).total_seconds())} ago, which is too long; plan it again")
