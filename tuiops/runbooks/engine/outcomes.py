"""From how an effect came out to what the record says of its step."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import StepEnded, StepReceipt
from tuiops.core.runs import StepState
from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.errors import Refused, SourceError
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.engine.holding import Gating
from tuiops.runbooks.format.model import CommandAction, HttpAction
from tuiops.runbooks.format.template import filled
from tuiops.runbooks.gates import Viewpoint
from tuiops.runbooks.planning.places import elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tuiops.core.runs import Held
    from tuiops.core.text import SafeText
    from tuiops.runbooks.effects import Effects
    from tuiops.runbooks.engine.holding import Passed
    from tuiops.runbooks.engine.step import Means
    from tuiops.runbooks.format.model import AnyCheck, AnyUndo, PlainAction
    from tuiops.runbooks.planning.plan import PlannedStep
    from tuiops.runbooks.record.history import History

    Watch = Callable[[AnyCheck], Gating]
    """Makes of a condition one that is watched."""

STATES: Mapping[End, StepState] = {
    End.SUCCEEDED: StepState.SUCCEEDED,
    End.FAILED: StepState.FAILED,
    End.NOT_BEGUN: StepState.FAILED,
    End.ABORTED: StepState.ABORTED,
    End.UNKNOWN: StepState.UNKNOWN,
}
"""How a step stands by what became of its effect."""


def ended(step: str, execution: str, outcome: Outcome, state: StepState | None = None) -> StepEnded:
    """What is recorded of a step whose effect came out so; `state` when that is not all that counts."""
    return StepEnded(
        step=step,
        state=(state or STATES[outcome.end]).value,
        execution=execution,
        effect=outcome.end.value,
        text=outcome.text,
        evidence=outcome.evidence,
        captured=outcome.captured,
    )


def is_said(history: History, state: StepState, text: SafeText) -> bool:
    """Whether the record says already that this is all that is known of what has not ended."""
    view = next(view for view in history.view.steps if view.key == history.executions[history.open])
    return state is StepState.UNKNOWN and view.state is StepState.UNKNOWN and view.text == text


UNCONFIRMED = lit("done; aborted before it was confirmed")


def done(history: History, execution: str, outcome: Outcome) -> StepReceipt:
    """What is recorded of an effect that has come to its end, before it is confirmed."""
    told = history.receipts.get(execution)
    return StepReceipt(
        execution=execution,
        operation=told.operation if told is not None else EMPTY,
        text=outcome.text,
        effect=outcome.end.value,
        evidence=outcome.evidence,
        captured=outcome.captured,
    )


def known_to_be_done(history: History) -> Outcome | None:
    """How the execution came out that has not ended, when it has only to be confirmed; None when that is not known."""
    told = history.receipts.get(history.open)
    if told is None or told.effect != End.SUCCEEDED.value:
        return None
    return Outcome(end=End.SUCCEEDED, text=told.text, evidence=told.evidence, captured=told.captured)


def watch(means: Means, history: History, since: datetime, shown: Callable[[Held], None] = lambda _: None) -> Watch:
    """How conditions of a run are watched: nothing from before `since` counts, and `shown` is given every look."""
    viewpoint = Viewpoint(
        world=means.world,
        system=history.view.system,
        since=since,
        ask=means.effects.look,
        elsewhere=lambda check: elsewhere(history.plan, means.world.config, check),
    )
    return lambda check: Gating(check, viewpoint, means.pause, shown)


async def judged(
    step: PlannedStep, outcome: Outcome, captured: Mapping[str, str], watched: Watch
) -> tuple[StepState, Outcome]:
    """How a step stands by what became of its effect: what worked must show that it did, or else it has failed.

    `captured`: by `step.name`, what earlier steps took from their output.
    """
    if outcome.end is not End.SUCCEEDED or step.confirm is None:
        return STATES[outcome.end], outcome
    own = {f"{step.key}.{name}": value for name, value in outcome.captured.items()}
    try:
        check = filled(step.confirm, {**captured, **own})
    except Refused as error:
        said = fmt("done, but it cannot be confirmed: {}", safe(str(error), 500))
        return StepState.FAILED, msgspec.structs.replace(outcome, text=said)
    passed = await watched(check).wait()
    if passed.held:
        text = join(" · ", (part for part in (outcome.text, passed.text) if part))
        return StepState.SUCCEEDED, msgspec.structs.replace(outcome, text=text, evidence=_evidence(outcome, passed))
    text = fmt("done, but {}", passed.text)
    return StepState.FAILED, msgspec.structs.replace(outcome, text=text, evidence=_evidence(outcome, passed))


def _evidence(outcome: Outcome, passed: Passed) -> object:
    facts = (*outcome.evidence.facts, *passed.evidence.facts)
    return msgspec.structs.replace(outcome.evidence, facts=facts)


async def settle(effects: Effects, execution: str, do: object, outcome: Outcome) -> None:
    """Let go of what helps to find out how it ended, now that the record says so; of what is unknown nothing."""
    if outcome.end is not End.UNKNOWN and isinstance(do, CommandAction | HttpAction):
        with contextlib.suppress(SourceError):
            await effects.settle(execution, do)


def open_action(history: History) -> PlainAction | AnyUndo | None:
    """What an execution does that has not ended, with what was captured for it in its place. Refused, KeyError."""
    step = next(step for step in history.plan.steps if step.key == history.executions[history.open])
    do = step.undo if history.open in history.undoes else step.do
    return filled(do, history.captured) if do is not None else None
