"""What a run that two persons wanted takes the second one for, until it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.access import Role
from tuiops.core.runs import StepState

if TYPE_CHECKING:
    from tuiops.core.access import Principal
    from tuiops.core.record import StepAttested
    from tuiops.core.runs import RunView, StepView
    from tuiops.runbooks.record.history import History


def is_for_another(history: History, attested: StepAttested) -> bool:
    """Whether a word on a step lets a run that two persons wanted go on past what was to be done or seen."""
    step = next((one for one in history.view.steps if one.key == attested.step), None)
    return history.second and not history.undoing and step is not None and passes(attested, step)


def passes(attested: StepAttested, step: StepView) -> bool:
    """Whether it is left out, or said to have worked without having been planned to be a person's to say."""
    worked = attested.state == StepState.SUCCEEDED.value and step.state is not StepState.ASKING
    return worked or attested.state == StepState.SKIPPED.value


def is_second(by: Principal, view: RunView) -> bool:
    """Whether somebody is another person than the one who asked, and one whose approval counts."""
    return by.person != view.by and by.account != view.account and by.role.rank >= Role.APPROVER.rank
