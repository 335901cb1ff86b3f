"""All runs, present and past."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tuiops.core.text import safe
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.keymap import Keymap, build
from tuiops.ui.messages import CopyText
from tuiops.ui.panes.runs import RunsPane
from tuiops.ui.shell import View
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.prompt import Prompt
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tuiops.core.snapshot import Snapshot

_IDLE = frozenset({"table.act", "table.changes", "table.logs"})
"""What stands in the footer of other tables and would lead away from runs."""


class RunsScreen(View):
    """One table; Enter opens a run."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    DEFAULT_CSS = "RunsScreen { layout: vertical; } RunsScreen > RunsPane { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [b for b in bindings(Scope.GLOBAL) if b.id == "text.copy"]

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
        keymap = getattr(self.app, "keymap", None)
        return keymap if isinstance(keymap, Keymap) else build()

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        self.query_one(Header).show(snapshot, now)
        self._pane.show(snapshot, now)
        self.query_one(Footer).show(self._pane.SCOPES, self.keymap, snapshot.notices, _IDLE)

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
