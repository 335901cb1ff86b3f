"""Who may write what into the record of a run: asked by the engine before anything else, default deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.access import Danger, Decision, Deed, Place, decide, worst
from tuiops.core.record import RunAborting, RunApproved, RunRejected, StepAttested
from tuiops.core.text import SafeText, fmt, lit
from tuiops.errors import Refused
from tuiops.runbooks.record.second import is_for_another

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tuiops.core.access import Principal, Rule
    from tuiops.core.record import AnyEvent
    from tuiops.core.runs import RunView
    from tuiops.runbooks.planning.plan import Plan
    from tuiops.runbooks.record.history import History

READ_ONLY = lit("this session was made read-only; start the console again to act")
NO_UNDO_ALONE = lit(
    "here this takes a second person, and nobody can approve an undo; run the runbook that puts it back, "
    "and have that approved"
)


class Permits:
    """The rules at work. `rules` gives those that are in force at this moment."""

    def __init__(self, rules: Callable[[], Sequence[Rule]]) -> None:
        self._rules = rules

    def may(self, who: Principal, deed: Deed, place: Place, danger: Danger) -> Decision:
        """Whether a person may do it there."""
        # Stopping is no more dangerous than looking, whatever is stopped.
        return decide(who, deed, place, Danger.SAFE if deed is Deed.ABORT else danger, self._rules())

    def allow(self, who: Principal, deed: Deed, plan: Plan) -> Decision:
        """The same about what a plan does. Refused, with the reason, when it is not allowed."""
        danger = worst((plan.danger, *(step.danger for step in plan.steps)))
        decision = self.may(who, deed, place_of(plan), danger)
        if not decision.allowed:
            raise Refused(f"not allowed: {decision.reason}")
        return decision

    def alone(self, who: Principal, plan: Plan) -> None:
        """Whether a person may run a plan without another one. Refused when not."""
        if self.allow(who, Deed.RUN, plan).second:
            raise Refused("not run: another person must approve it first")

    def undo(self, who: Principal, plan: Plan) -> None:
        """Whether a person may undo what a plan did. Refused when not: that is no less than to run it."""
        if self.allow(who, Deed.RUN, plan).second:
            raise Refused(f"not undone: {NO_UNDO_ALONE}")

    def beside(self, who: Principal, history: History) -> bool:
        """Whether a person may be the second one of a run."""
        plan = history.plan
        danger = worst((plan.danger, *(step.danger for step in plan.steps)))
        return _is_another(who, history.view) and self.may(who, Deed.APPROVE, place_of(plan), danger).allowed

    def write(self, who: Principal, event: AnyEvent, history: History) -> None:
        """Whether a person may add this to a run. Refused when not, and for what only engines write."""
        view = history.view
        match event:
            case RunRejected() if who.person == view.by:
                # To take one's own back is no more than to abort it.
                self.allow(who, Deed.ABORT, history.plan)
            case RunApproved() | RunRejected():
                self.allow(who, Deed.APPROVE, history.plan)
                if isinstance(event, RunApproved) and not _is_another(who, view):
                    raise Refused("nobody approves a run of their own, on whichever account")
            case RunAborting():
                self.allow(who, Deed.ABORT, history.plan)
            case StepAttested():
                self.allow(who, Deed.RESOLVE, history.plan)
                if is_for_another(history, event) and not self.beside(who, history):
                    raise Refused(f"not recorded: {not_alone(view)}")
            case _:
                raise Refused(f"nobody writes {type(event).__name__} by hand")


def not_alone(view: RunView) -> SafeText:
    """Why not everybody leaves out a step of what a second person has approved, and who does."""
    by = view.approved_by or lit("nobody yet")
    return fmt("approved by {} as it was planned: only an approver other than {} leaves a step out "
               "or says that it worked", by, view.by)  # fmt: skip


def _is_another(who: Principal, view: RunView) -> bool:
    return who.person != view.by and who.account != view.account


def place_of(plan: Plan) -> Place:
    """Where a plan acts."""
    return Place(system=plan.system, environment=plan.environment, production=plan.production)
