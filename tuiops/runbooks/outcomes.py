"""From how an effect came out to what the record says of its step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import StepEnded
from tuiops.core.runs import StepState
from tuiops.core.text import fmt, join
from tuiops.runbooks.effects import End
from tuiops.runbooks.template import filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.runbooks.effects import Outcome
    from tuiops.runbooks.gating import Gating, Passed
    from tuiops.runbooks.history import History
    from tuiops.runbooks.model import AnyUndo, PlainAction

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


async def confirmed(outcome: Outcome, gating: Gating) -> tuple[StepState, Outcome]:
    """How a step stands whose effect has worked, once it was looked whether that shows; without that it has failed."""
    passed = await gating.wait()
    if passed.held:
        text = join(" · ", (part for part in (outcome.text, passed.text) if part))
        return StepState.SUCCEEDED, msgspec.structs.replace(outcome, text=text, evidence=_evidence(outcome, passed))
    text = fmt("done, but {}", passed.text)
    return StepState.FAILED, msgspec.structs.replace(outcome, text=text, evidence=_evidence(outcome, passed))


def _evidence(outcome: Outcome, passed: Passed) -> object:
    facts = (*outcome.evidence.facts, *passed.evidence.facts)
    return msgspec.structs.replace(outcome.evidence, facts=facts)


def open_action(history: History) -> PlainAction | AnyUndo | None:
    """What an execution does that has not ended, with what was captured for it in its place. Refused, KeyError."""
    step = next(step for step in history.plan.steps if step.key == history.executions[history.open])
    do = step.undo if history.open in history.undoes else step.do
    return filled(do, history.captured) if do is not None else None
