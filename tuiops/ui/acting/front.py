"""What the console does about runs: from a key on a row to a menu, values, a card, a run. The desk decides it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.runs import RunState
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import Refused, TuiopsError
from tuiops.ui.acting.answers import answer
from tuiops.ui.keymap import keymap_of
from tuiops.ui.navigation import Place
from tuiops.ui.shell import Shell
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen

    from tuiops.config.model import Display
    from tuiops.core.runs import RunView
    from tuiops.core.subject import Subject
    from tuiops.hub.backend import Backend
    from tuiops.runbooks.desk.desk import Desk, Offered
    from tuiops.ui.acting.ask import Deed, Question
    from tuiops.ui.acting.card import CardScreen
    from tuiops.ui.acting.menu import MenuScreen
    from tuiops.ui.acting.request import Request
    from tuiops.ui.acting.run import RunScreen
    from tuiops.ui.messages import ActOn, OpenRun

NO_DESK = lit("this console only shows")


class ActingShell(Shell):
    """A shell from which something can be done, when it is given a desk."""

    def __init__(
        self, backend: Backend, display: Display, *, desk: Desk | None, why_not: SafeText, own_process: bool
    ) -> None:
        """`why_not`: why nothing can be done from here, when `desk` is None."""
        super().__init__(backend, display, own_process=own_process)
        self.desk = desk
        self.why_not = why_not

    def open(self, place: Place) -> None:
        """Go to a place and remember it."""
        raise NotImplementedError

    # From a row to a run.

    def on_act_on(self, message: ActOn) -> None:
        from tuiops.ui.acting.menu import MenuScreen

        self.push_screen(MenuScreen(self.desk, self.why_not, message.subjects, self._take))

    def _take(self, menu: MenuScreen, offer: Offered) -> None:
        # Of the menu: whoever leaves it has no card put under what they press elsewhere.
        menu.run_worker(self._begin(menu, offer), group="acting", exclusive=True, exit_on_error=False)

    async def _begin(self, menu: MenuScreen, offer: Offered) -> None:
        """Ask for what is missing, then show the card."""
        from tuiops.ui.acting.request import Request

        if self.desk is None:
            return
        try:
            runbook = await answer(self.desk.runbook(offer.runbook))
        except TuiopsError as error:
            notify(self, safe(str(error), 500), severity="error")
            return
        if self.screen is not menu:
            return
        subjects = menu.subjects
        request = Request(
            runbook=offer.runbook,
            system=offer.system,
            title=offer.title,
            parameters=runbook.parameters,
            values=dict(offer.fills),
            given=frozenset(name for name, _ in offer.fills),
            alert=subjects[0].alert if len(subjects) == 1 else EMPTY,
            refused=self._refused,
        )
        if request.missing:
            self._ask_values(request, request.missing)
        else:
            self._show_card(request)

    def _ask_values(self, request: Request, asked: tuple[str, ...]) -> None:
        from tuiops.ui.acting.form import FormScreen

        if self.desk is not None:
            self.push_screen(FormScreen(self.desk, request, asked, self._show_card))

    def _change_values(self, card: CardScreen, request: Request) -> None:
        if self.screen is card:
            self.pop_screen()
            self._ask_values(request, tuple(request.parameters))

    def _show_card(self, request: Request) -> None:
        from tuiops.ui.acting.card import CardScreen

        if self.desk is not None:
            self.push_screen(CardScreen(self.desk, request, self._change_values, self._begun))

    def _begun(self, card: CardScreen, run: str) -> None:
        """Show the run in place of all that led to it; whoever has gone elsewhere since stays there."""
        looked_on = self.screen is card
        self._close(card)
        if looked_on:
            self.open(Place("run", (run,)))
        else:
            notify(self, fmt("What you confirmed has begun; {} shows it.", self._to_runs))

    def _close(self, card: CardScreen) -> None:
        """Take a card away with all that led to it, wherever they are; nothing when they were left before."""
        from tuiops.ui.acting.form import FormScreen
        from tuiops.ui.acting.menu import MenuScreen

        stack = self.screen_stack
        if card not in stack:
            return
        end = stack.index(card)
        begin = end
        while isinstance(stack[begin - 1], FormScreen | MenuScreen):
            begin -= 1
        for screen in reversed(stack[begin : end + 1]):
            if screen is self.screen:
                self.pop_screen()
            else:
                # Textual knows how to take away the foremost screen, and no other one.
                self._screen_stack.remove(screen)
                self.call_later(self._replace_screen, screen)

    def _refused(self, title: SafeText, why: SafeText) -> None:
        """Of something that was confirmed, and whose card was left before the answer came."""
        notify(self, fmt("{}: {}", title, why), severity="error", timeout=15)

    # Runs.

    def make_run_screen(self, kind: str, names: tuple[SafeText, ...]) -> Screen[None]:
        """The table of runs, or one of them."""
        if kind == "runs":
            from tuiops.ui.screens.runs import RunsScreen

            return RunsScreen(lambda run: self._about(f"{run.number}", "abort"))
        from tuiops.ui.acting.run import RunScreen

        return RunScreen(names[0], self.desk, self.why_not, self.put_question)

    def on_open_run(self, message: OpenRun) -> None:
        self.open(Place("run", (message.identity,)))

    def put_question(self, question: Question, deed: Deed) -> None:
        """Ask, and do what was chosen; a refusal is told wherever people are by then."""
        from tuiops.ui.acting.ask import AskScreen

        def answered(name: str, text: str) -> None:
            self.run_worker(self._do(question.title, deed, name, text), exit_on_error=False)

        self.push_screen(AskScreen(question, answered))

    async def _do(self, title: SafeText, deed: Deed, name: str, text: str) -> None:
        try:
            if self.read_only:
                raise Refused("this session was made read-only")
            await answer(deed(name, text))
        except TuiopsError as error:
            self._refused(title, safe(str(error), 1000))

    def action_runs_list(self) -> None:
        self.open(Place("runs"))

    def action_runs_open(self, number: str = "") -> None:
        newest = max(self.backend.snapshot.runs, key=lambda run: run.number, default=None)
        run = self._numbered(number) if number else newest
        if run is not None:
            self.open(Place("run", (run.id,)))
        elif not number:
            self.action_runs_list()

    @property
    def _to_runs(self) -> SafeText:
        """The key that shows all runs; the command where there is none."""
        return next(iter(keymap_of(self).shown("runs.list")), lit(":runs"))

    def _numbered(self, written: str) -> RunView | None:
        """The run of a number as people write it; says so when there is none."""
        digits = written.strip().removeprefix("#")
        run = next((run for run in self.backend.snapshot.runs if f"{run.number}" == digits), None)
        if run is None:
            known = safe(written or "without a number")
            notify(self, fmt("There is no run {}. {} shows all of them.", known, self._to_runs), severity="warning")
        return run

    def _about(self, written: str, action: str, *words: SafeText) -> None:
        """Open a run and ask there what a command asked for, with what it said already."""
        from tuiops.ui.acting.run import RunScreen

        run = self._numbered(written)
        if run is None:
            return
        self.open(Place("run", (run.id,)))
        screen = self.screen
        if isinstance(screen, RunScreen):
            screen.call_after_refresh(self._ask_there, screen, action, *words)

    def _ask_there(self, screen: RunScreen, action: str, *words: SafeText) -> None:
        """What a command asked for, unless the run was left since."""
        if self.screen is screen:
            getattr(screen, f"action_run_{action}")(*words)

    def action_runs_approve(self, number: str = "") -> None:
        self._about(number, "approve")

    def action_runs_abort(self, number: str = "") -> None:
        self._about(number, "abort")

    def action_runs_reject(self, written: str = "") -> None:
        number, _, reason = written.strip().partition(" ")
        self._about(number, "reject", safe(reason.strip(), 500))

    def action_runs_why(self, runbook: str = "") -> None:
        from tuiops.ui.acting.why import WhyScreen

        self.push_screen(WhyScreen(self.desk, self.why_not, self.selected_subject(), runbook.strip()))

    def selected_subject(self) -> Subject | None:
        """What is selected, or what the screen is about."""
        raise NotImplementedError

    # Giving it up.

    def give_up_acting(self) -> None:
        """Let nothing be done from here any more, on this side and on the other."""
        self.read_only = True
        desk = self.desk
        if desk is not None:
            self.run_worker(self._forbid(desk), exit_on_error=False)
        self.show_now()

    async def _forbid(self, desk: Desk) -> None:
        try:
            await answer(desk.forbid())
        except TuiopsError as error:
            notify(self, safe(str(error), 500), severity="error")

    def leaves_behind(self) -> tuple[RunView, ...]:
        """The runs that would lose their console if this one were quit."""
        waiting = {RunState.AWAITING_APPROVAL}
        return tuple(run for run in self.backend.snapshot.runs if run.live and run.mine and run.state not in waiting)

    def ask_to_quit(self, runs: tuple[RunView, ...], leave: Callable[[], None]) -> None:
        """Say what becomes of the runs, once."""
        from tuiops.ui.acting import questions
        from tuiops.ui.acting.ask import AskScreen

        self.push_screen(AskScreen(questions.quitting(runs), lambda _name, _text: leave()))
