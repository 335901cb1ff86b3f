"""All runs, present and past."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tuiops.core.text import safe
from tuiops.ui.actions import Scope, bindings, within
from tuiops.ui.keymap import Keymap, keymap_of
from tuiops.ui.messages import CopyText
from tuiops.ui.panes.runs import RunsPane
from tuiops.ui.panes.table import GONE
from tuiops.ui.shell import View
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.prompt import Prompt
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Snapshot

_ABORT = "run.abort"
_IDLE = frozenset({"table.act", "table.changes", "table.logs"}) | {one.id for one in within(Scope.RUN)} - {_ABORT}
"""What stands in the footer of other tables and would lead away from runs, and what is offered in the run alone."""


class RunsScreen(View):
    """One table; Enter opens a run, and one that is live can be aborted from here."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    DEFAULT_CSS = "RunsScreen { layout: vertical; } RunsScreen > RunsPane { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding for binding in bindings(Scope.GLOBAL, Scope.RUN) if binding.id in {"text.copy", _ABORT}
    ]

    def __init__(self, abort: Callable[[RunView], None]) -> None:
        """`abort` asks whether a run shall be aborted."""
        super().__init__()
        self._abort = abort

    def compose(self) -> ComposeResult:
        yield Header()
        yield RunsPane()
        yield Footer()
        yield Prompt()

    def begin(self) -> None:
        self.set_focus(self._pane.body)

    @property
    def _pane(self) -> RunsPane:
        return self.query_one(RunsPane)

    @property
    def keymap(self) -> Keymap:
        """The keys in force."""
        return keymap_of(self.app)

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        self.query_one(Header).show(snapshot, now)
        self._pane.show(snapshot, now)
        row = self._pane.table.selected
        idle = _IDLE if row is not None and row.live else _IDLE | {_ABORT}
        self.query_one(Footer).show((*self._pane.SCOPES, Scope.RUN), self.keymap, snapshot.notices, idle)

    def on_line_table_moved(self) -> None:
        self.show_now()

    def action_run_abort(self) -> None:
        row = self._pane.table.selected
        if row is not None:
            self._abort(row)
        elif self._pane.table.rows:
            notify(self.app, GONE)

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        self.query_one(Prompt).complain(safe(self._pane.set_filter(message.text)))

    def on_prompt_entered(self, message: Prompt.Entered) -> None:
        message.stop()
        self._pane.body.focus()
        problem = self._pane.set_filter(message.text)
        if problem:
            notify(self.app, safe(problem), severity="warning")

    def on_prompt_left(self, message: Prompt.Left) -> None:
        self._pane.body.focus()
        self._pane.set_filter(message.text)

    def action_text_copy(self) -> None:
        self.post_message(CopyText(self._pane.selection_text()))
