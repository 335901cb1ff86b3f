"""One run as it goes: leaving it leaves it running. What can be done about it depends on where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tuiops.core import access
from tuiops.core.runs import RunState, StepState
from tuiops.core.snapshot import Environment
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.errors import TuiopsError
from tuiops.runbooks.engine.permits import NO_UNDO_ALONE, not_alone
from tuiops.ui.acting import questions
from tuiops.ui.acting.answers import answer
from tuiops.ui.acting.run_rows import elapsed, run_sheet
from tuiops.ui.actions import ACTIONS, Scope, bindings, within
from tuiops.ui.phases import lasted
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.binding import BindingType

    from tuiops.core.runs import RunView, StepView
    from tuiops.runbooks.desk.desk import Desk
    from tuiops.ui.acting.ask import Deed, Question
    from tuiops.ui.screens.pen import Pen, Piece, Row


_TO = {
    "run.approve": access.Deed.APPROVE,
    "run.reject": access.Deed.APPROVE,
    "run.abort": access.Deed.ABORT,
    "run.resume": access.Deed.RESOLVE,
    "run.skip": access.Deed.RESOLVE,
    "run.settle": access.Deed.RESOLVE,
    "run.undo": access.Deed.RUN,
}
"""What the actions of a run ask to be let do."""


class RunScreen(DetailScreen):
    """A run by its identity, as it is at this moment, though the screen may be frozen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.RUN)]
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.RUN, Scope.DETAIL, Scope.GLOBAL)
    LIVE: ClassVar[bool] = True

    def __init__(
        self, identity: str, desk: Desk | None, why_not: SafeText, ask: Callable[[Question, Deed], None]
    ) -> None:
        """`ask` puts a question and has the deed done when it is answered; `why_not`: why there is no desk."""
        super().__init__()
        self._identity = identity
        self._desk = desk
        self._why_not = why_not
        self._ask = ask

    def run_view(self) -> RunView | None:
        """The run as it is known at this moment."""
        return next((run for run in self.host.backend.snapshot.runs if run.id == self._identity), None)

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        run = self.run_view()
        return (run.system, EMPTY) if run is not None else super().subject

    @property
    def acted_on(self) -> None:
        return None

    @property
    def copied(self) -> SafeText:
        run = self.run_view()
        return EMPTY if run is None else fmt("#{} {} {}", run.number, run.title, run.state.word)

    def heading(self, pen: Pen) -> SafeText:
        run = self.run_view()
        if run is None:
            return lit("Run")
        dot = pen.look.glyphs.dot
        return fmt(
            "Run #{} {} {} {} by {} {} {}", run.number, dot, run.title, dot, run.by, dot, lasted(elapsed(run, pen))
        )

    def notes(self, pen: Pen) -> Sequence[Piece]:
        run = self.run_view()
        if run is None:
            return ()
        return (pen.environment(Environment(run.environment, production=run.production)),)

    def rows(self, pen: Pen) -> Sequence[Row]:
        run = self.run_view()
        if run is None:
            return pen.sentence(lit("Nothing is known of this run yet; it shows as soon as the ledger has told of it."))
        return run_sheet(pen, run, self._hints(run), self._keys(run), self._barred_keys(run))

    # What can be done.

    def open_to(self, run: RunView) -> tuple[str, ...]:
        """Ids of the actions that this person can take where the run stands, the most likely first."""
        return tuple(name for name in self._meant(run) if not self._barred(run, name))

    def _barred(self, run: RunView, name: str) -> SafeText:
        """Why this person cannot take an action that means something; empty when they can."""
        desk = self._desk
        if desk is None or self.host.read_only:
            return self._why_not or lit("this session was made read-only")
        by, deed = desk.principal, _TO[name]
        if name == "run.reject" and run.by == by.person:
            # To take one's own back is no more than to abort it.
            deed = access.Deed.ABORT
        place = access.Place(system=run.system, environment=run.environment, production=run.production)
        decision = desk.may(deed, place, run.danger)
        if not decision.allowed:
            return decision.reason
        if name == "run.skip" and run.approved_by and not run.undoing:
            another = run.by != by.person and run.account != by.account
            if not another or not desk.may(access.Deed.APPROVE, place, run.danger).allowed:
                return not_alone(run)
        return NO_UNDO_ALONE if name == "run.undo" and decision.second else EMPTY

    def _meant(self, run: RunView) -> tuple[str, ...]:
        """Ids of the actions that mean something where the run stands, the most likely first."""
        if self._desk is None or self.host.read_only:
            return ()
        by = self._desk.principal
        found: list[str] = []
        if run.state is RunState.AWAITING_APPROVAL:
            found = ["run.reject", "run.abort"]
            if run.by != by.person and run.account != by.account:
                found.insert(0, "run.approve")
        elif run.state is RunState.UNKNOWN:
            found = ["run.settle", "run.skip", "run.abort"]
        elif run.state is RunState.PAUSED:
            found = ["run.resume", "run.skip", "run.abort"] if run.step is not None else ["run.resume", "run.abort"]
        elif run.live:
            # One that nobody carries out may be aborted once more: what could not be ended is tried again.
            found = ["run.abort"] if run.state is not RunState.ABORTING or not run.held_by else []
        if _asking(run) is not None:
            found = ["run.settle", "run.skip", *(one for one in found if one not in {"run.settle", "run.skip"})]
        undone = any(step.undo_call for step in run.changed)
        if undone and (not run.live or run.state is RunState.PAUSED):
            found.append("run.undo")
        return tuple(found)

    @property
    def idle(self) -> frozenset[str]:
        run = self.run_view()
        meant = self.open_to(run) if run is not None else ()
        return super().idle | {action.id for action in within(Scope.RUN) if action.id not in meant} | {"detail.act"}

    def _hints(self, run: RunView) -> tuple[SafeText, ...]:
        """What is waited for, and, where nothing can be done from here, why."""
        said: list[SafeText] = []
        if run.state is RunState.AWAITING_APPROVAL:
            here = join("", (fmt("{} here, or ", key) for key in self.keymap.shown("run.approve")[:1]))
            text = fmt("Another person than {} must approve it: {}:approve {} at their own console.",
                       run.by, here, run.number)  # fmt: skip
            said.append(text)
        if run.live and self._desk is None:
            said.append(fmt("You can look on, and no more: {}.", self._why_not))
        elif run.live and self.host.read_only:
            said.append(lit("You can look on, and no more: this session was made read-only."))
        return tuple(said)

    def _keys(self, run: RunView) -> tuple[tuple[SafeText, SafeText], ...]:
        """The keys that mean something where the run stands."""
        meant = [(keys[0], ACTIONS[name].label) for name in self.open_to(run) if (keys := self.keymap.shown(name))]
        if run.live:
            stands = run.state in {RunState.UNKNOWN, RunState.PAUSED, RunState.AWAITING_APPROVAL}
            back = self.keymap.shown("app.back")
            leaves = next((key for key in back if key == lit("Esc")), back[0])
            meant.append((leaves, lit("leave it as it is") if stands else lit("leave it running")))
        return tuple(meant)

    def _barred_keys(self, run: RunView) -> tuple[SafeText, ...]:
        """What would mean something where the run stands, and is not for this person, with the reasons."""
        reasons: dict[SafeText, list[SafeText]] = {}
        for name in self._meant(run):
            if why := self._barred(run, name):
                keys = self.keymap.shown(name)
                reasons.setdefault(why, []).append(fmt("{} {}", keys[0] if keys else EMPTY, ACTIONS[name].label))
        return tuple(fmt("Not for you: {}; {}.", join(", ", names), why) for why, names in reasons.items())

    def _can(self, name: str) -> tuple[Desk, RunView] | None:
        """Where to take an action and about which run; None, and people are told why, when it cannot be taken."""
        run, desk = self.run_view(), self._desk
        if run is not None and desk is not None and name in self.open_to(run):
            return desk, run
        if run is not None and desk is not None and name in self._meant(run):
            said = fmt("{} is not for you here: {}.", ACTIONS[name].label, self._barred(run, name))
        else:
            state = run.state.word if run is not None else lit("gone")
            why = self._why_not if desk is None else fmt("the run is {}", state)
            said = fmt("{} means nothing here: {}.", ACTIONS[name].label, why)
        notify(self.app, said, timeout=4)
        return None

    def _put(self, name: str, make: Callable[[RunView], Question], deed: Callable[[Desk, RunView], Deed]) -> None:
        if (found := self._can(name)) is not None:
            desk, run = found
            self._ask(make(run), deed(desk, run))

    def action_run_approve(self) -> None:
        if (found := self._can("run.approve")) is not None:
            self.run_worker(self._approve(*found), group="approve", exclusive=True, exit_on_error=False)

    async def _approve(self, desk: Desk, run: RunView) -> None:
        """Ask with the whole card; nobody is asked who has gone elsewhere meanwhile."""
        try:
            card = await answer(desk.asked_for(run.id))
        except TuiopsError as error:
            notify(self.app, safe(str(error), 1000), severity="error")
            return
        if self.app.screen is self:
            self._ask(questions.approve(run, card), questions.approving(desk, run, card))

    def action_run_reject(self, why: SafeText = EMPTY) -> None:
        """`why`: what was given as the reason already."""
        self._put("run.reject", lambda run: questions.reject(run, why), questions.rejecting)

    def action_run_abort(self) -> None:
        self._put("run.abort", questions.abort, questions.aborting)

    def action_run_resume(self) -> None:
        self._put("run.resume", questions.resume, questions.resuming)

    def action_run_skip(self) -> None:
        self._put("run.skip", questions.skip, questions.skipping)

    def action_run_settle(self) -> None:
        self._put("run.settle", questions.settle, questions.settling)

    def action_run_undo(self) -> None:
        self._put("run.undo", questions.undo, questions.undoing)


def _asking(run: RunView) -> StepView | None:
    return next((step for step in run.steps if step.state is StepState.ASKING), None) if run.live else None
