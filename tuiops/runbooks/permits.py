"""Who may write what into the record of a run: asked by the engine before anything else, default deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.access import Danger, Decision, Deed, Place, decide
from tuiops.core.record import RunAborting, RunApproved, RunRejected, RunRequested, StepAttested
from tuiops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tuiops.core.access import Principal, Rule
    from tuiops.core.record import AnyEvent
    from tuiops.runbooks.history import History
    from tuiops.runbooks.plan import Plan


class Permits:
    """The rules at work. `rules` gives those that are in force at this moment."""

    def __init__(self, rules: Callable[[], Sequence[Rule]]) -> None:
        self._rules = rules

    def may(self, who: Principal, deed: Deed, place: Place, danger: Danger) -> Decision:
        """Whether a person may do it there."""
        return decide(who, deed, place, danger, self._rules())

    def allow(self, who: Principal, deed: Deed, plan: Plan) -> Decision:
        """The same about what a plan does. Refused, with the reason, when it is not allowed."""
        # Stopping is no more dangerous than looking, whatever is stopped.
        danger = Danger.SAFE if deed is Deed.ABORT else plan.danger
        decision = self.may(who, deed, place_of(plan), danger)
        if not decision.allowed:
            raise Refused(f"not allowed: {decision.reason}")
        return decision

    def write(self, who: Principal, event: AnyEvent, history: History) -> None:
        """Whether a person may add this to a run. Refused when not, and for what only engines write."""
        match event:
            case RunRejected() if who.person == history.view.by:
                pass
            case RunApproved() | RunRejected():
                self.allow(who, Deed.APPROVE, history.plan)
            case RunAborting():
                self.allow(who, Deed.ABORT, history.plan)
            case StepAttested():
                self.allow(who, Deed.RESOLVE, history.plan)
            case RunRequested():
                self.allow(who, Deed.RUN, history.plan)
            case _:
                raise Refused(f"nobody writes {type(event).__name__} by hand")


def place_of(plan: Plan) -> Place:
    """Where a plan acts."""
    return Place(system=plan.system, environment=plan.environment, production=plan.production)
