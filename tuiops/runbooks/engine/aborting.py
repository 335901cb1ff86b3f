"""What aborting a run does where it stands, in sentences: only what is true of the step that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.runs import RunState, StepKind, StepState
from tuiops.core.text import SafeText, fmt, lit

if TYPE_CHECKING:
    from tuiops.core.runs import RunView, StepView

ABORT_GRACE = 10.0
"""Seconds that what cannot be stopped, such as an API call, gets to tell how it came out when a run is aborted."""

_UNDER_WAY = frozenset({
    StepState.RUNNING, StepState.COUNTING, StepState.HOLDING, StepState.ASKING, StepState.UNKNOWN,
})  # fmt: skip
_STAYS = lit("Where it cannot be ended, the run stays unknown until somebody says how that came out.")


def abort_text(run: RunView) -> tuple[SafeText, ...]:
    """What becomes of the step that is under way, then of all others."""
    if run.state is RunState.AWAITING_APPROVAL or (run.started is None and run.state is RunState.PAUSED):
        return (lit("No step of it has begun; none will."),)
    step = next((one for one in run.steps if one.state in _UNDER_WAY), None)
    now = () if step is None else _cut_off(step) if step.state is StepState.UNKNOWN else _under_way(run, step)
    if step is not None and step.state is StepState.UNKNOWN and run.undoing:
        now = (fmt("What undoes “{}” is ended if it is a command that still runs and can be reached.", step.title),
               _STAYS)  # fmt: skip
    if run.undoing:
        return (*now, lit("Nothing further is undone. What is done stays done."))
    return (*now, lit("No later step begins. What is done stays done; what has an undo can be undone afterwards."))


def _under_way(run: RunView, step: StepView) -> tuple[SafeText, ...]:
    """Of a step that a console carries out."""
    grace = int(ABORT_GRACE)
    if step.state is StepState.ASKING:
        return (fmt("“{}” is not asked for any more.", step.title),)
    if run.undoing:
        return (
            fmt("What undoes “{}” is ended if it is a command.", step.title),
            fmt("What was sent cannot be called back: it is followed for {} s, then its end is unknown.", grace),
        )
    if step.kind in {StepKind.COMMAND, StepKind.API} and step.held is not None:
        return (fmt("“{}” was done; whether that worked is not waited for any more.", step.title),)
    if step.kind is StepKind.API:
        return (
            fmt("What “{}” has sent cannot be called back: nothing is ended where it went.", step.title),
            fmt("It is followed for {} s. If it has not ended by then, it is unknown how it ends, and so is the run.",
                grace),
        )  # fmt: skip
    if step.kind is StepKind.COMMAND:
        return (fmt("“{}” is ended, with all that it started.", step.title),)
    return (fmt("“{}” is cancelled.", step.title),)


def _cut_off(step: StepView) -> tuple[SafeText, ...]:
    """Of a step whose end nobody has seen, and which nobody carries out."""
    if step.kind is StepKind.COMMAND:
        return (fmt("“{}” is ended if it still runs and can be reached.", step.title), _STAYS)
    return (
        fmt("“{}” cannot be ended from here: what was sent cannot be called back.", step.title),
        lit("The run stays unknown until somebody says how that came out."),
    )
