"""A run as people see it when it was just asked for: its steps, and what was confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.runs import RunState, RunView, StepView

if TYPE_CHECKING:
    from tuiops.core.record import Entry, RunRequested
    from tuiops.runbooks.planning.plan import Plan


def steps_of(plan: Plan) -> dict[str, StepView]:
    """By key: the steps before any of them was begun."""
    return {
        step.key: StepView(
            key=step.key,
            kind=step.kind,
            title=step.title,
            danger=step.danger,
            call=step.call.text,
            before=step.call.before,
            after=step.call.after,
            undo=step.undo_text,
        )
        for step in plan.steps
    }


def asked_for(entry: Entry, requested: RunRequested) -> RunView:
    """The run before anything has come of it."""
    return RunView(
        id=entry.run,
        number=requested.number,
        runbook=requested.runbook,
        title=requested.title,
        system=requested.system,
        environment=requested.environment,
        production=requested.production,
        target=requested.target,
        danger=requested.danger,
        state=RunState.AWAITING_APPROVAL if requested.second else RunState.PAUSED,
        by=entry.by.person,
        account=entry.by.account,
        requested=entry.at,
        plan_digest=requested.plan_digest,
        drill=requested.drill,
        alert=requested.alert,
    )
