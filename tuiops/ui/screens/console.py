"""The main screen: header, four panes, footer; at narrow widths two panes at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.completion import completed, hint
from tuiops.ui.keymap import keymap_of
from tuiops.ui.messages import CopyText, OpenLinks
from tuiops.ui.panes.alerts import AlertsPane
from tuiops.ui.panes.base import Pane
from tuiops.ui.panes.health import HealthPane
from tuiops.ui.panes.log_streams import unknown_subject
from tuiops.ui.panes.logs import LogsPane
from tuiops.ui.panes.rollouts import RolloutsPane
from tuiops.ui.panes.table import TablePane
from tuiops.ui.shell import View, shell_of
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.prompt import Prompt
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from datetime import datetime

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.ui.keymap import Keymap
    from tuiops.ui.screens.beside import Beside

CLOUD_CONSOLES = ("console.cloud.google.com", "console.aws.amazon.com")
NARROW = 100
"""Columns below which two panes share the screen."""
_HUGE = (180, 50)
"""Columns and lines from which the selection of health and alerts is shown beside them."""
_ONE_LINE = 118
"""Columns from which one line of header is enough."""
_ONLY_ONE = 14
"""Lines below which one pane has it alone."""
_OF_THE_SELECTION = frozenset({"link.open", "link.console", "text.copy"})


class ConsoleScreen(View):
    """Health, alerts, rollouts and logs."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    DEFAULT_CSS = """
    ConsoleScreen { layout: vertical; }
    Header.-tall { height: 2; }
    ConsoleScreen #panes { layout: grid; grid-size: 2 2; grid-columns: 1fr 1fr; grid-rows: 3fr 2fr; height: 1fr; }
    ConsoleScreen #panes.-six { layout: grid; grid-size: 2 3; grid-columns: 1fr 1fr; grid-rows: 5fr 5fr 4fr; }
    ConsoleScreen #panes.-two { layout: grid; grid-size: 1 2; grid-columns: 1fr; grid-rows: 2fr 3fr; }
    ConsoleScreen #panes.-one { layout: grid; grid-size: 1 1; grid-columns: 1fr; grid-rows: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.CONSOLE),
        *(binding for binding in bindings(Scope.GLOBAL) if binding.id in _OF_THE_SELECTION),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._current = 2
        """Number of the pane that has the focus."""
        self._under = 1
        """Number of the pane that is shown below the alerts where there is room for two."""
        self._maximised = False
        self._sheets: tuple[Beside, ...] = ()
        self.panes: tuple[Pane, ...] = ()
        """By their numbers."""

    def compose(self) -> ComposeResult:
        yield Header()
        self.panes = (
            HealthPane(id="health"),
            AlertsPane(id="alerts"),
            RolloutsPane(id="rollouts"),
            LogsPane(shell_of(self).backend.logs, id="logs"),
        )
        yield Container(*self.panes, id="panes")
        yield Footer()
        yield Prompt(lambda text: completed(text, shell_of(self).snapshot))

    def begin(self) -> None:
        self.fit()
        self.set_focus(self.pane(self._current).body)

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        self.query_one(Header).show(snapshot, now)
        for pane in self.panes:
            if pane.display:
                pane.show(snapshot, now)
        for sheet in self._sheets:
            sheet.follow()
        self._show_footer(snapshot)

    def _show_footer(self, snapshot: Snapshot) -> None:
        self.query_one(Footer).show(self.pane(self._current).SCOPES, self.keymap, snapshot.notices)

    # Panes

    @property
    def keymap(self) -> Keymap:
        """The keys in force."""
        return keymap_of(self.app)

    def pane(self, number: int) -> Pane:
        return self.panes[number - 1]

    @property
    def current(self) -> Pane:
        return self.pane(self._current)

    def fit(self) -> None:
        """Decide which panes are seen; nothing is lost, only folded."""
        width, height = self.app.size
        one = self._maximised or height < _ONLY_ONE
        two = not one and width < NARROW
        six = not one and width >= _HUGE[0] and height >= _HUGE[1]
        container = self.query_one("#panes", Container)
        self.query_one(Header).set_class(width < _ONE_LINE, "-tall")
        for name, on in (("-one", one), ("-two", two), ("-six", six)):
            container.set_class(on, name)
        for pane in self.panes:
            seen = {self._current} if one else {2, self._under} if two else {1, 2, 3, 4}
            pane.display = pane.NUMBER in seen
        if six and not self._sheets:
            self._sheets = self._make_sheets(container)
        for sheet in self._sheets:
            sheet.display = six
        if two:
            container.move_child(self.pane(2), before=0)
        elif container.children[0] is self.pane(2):
            container.move_child(self.pane(2), after=self._sheets[0] if self._sheets else self.pane(1))

    def _make_sheets(self, container: Container) -> tuple[Beside, ...]:
        """The sheets beside health and alerts; smaller screens never pay for them."""
        from tuiops.ui.screens.beside import BesideAlerts, BesideHealth

        health, alerts = self.query_one(HealthPane), self.query_one(AlertsPane)
        sheets = BesideHealth(health), BesideAlerts(alerts)
        container.mount(sheets[0], after=health)
        container.mount(sheets[1], after=alerts)
        return sheets

    def on_line_table_moved(self) -> None:
        for sheet in self._sheets:
            if sheet.display:
                sheet.turn()

    def go(self, number: int) -> None:
        """Give the focus to a pane, unfolding it where it is folded."""
        self._current = number
        if number != 2:
            self._under = number
        self.fit()
        self.current.body.focus()
        self.show_now()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Pane) and self._current != node.NUMBER:
                self._current = node.NUMBER
                self._under = node.NUMBER if node.NUMBER != 2 else self._under
                self._show_footer(shell_of(self).snapshot)

    def look_at_logs(self, system: SafeText, service: SafeText) -> None:
        """Turn the log pane to a system or a service, and go there."""
        pane = self.query_one(LogsPane)
        pane.focus_on(system, service)
        self.go(pane.NUMBER)

    def leave(self) -> bool:
        """Take one step back inside the screen; False when there is none."""
        if self.query_one(Prompt).is_open:
            self.query_one(Prompt).leave()
        elif isinstance(self.current, TablePane) and self.current.filter:
            self.current.set_filter("")
        elif self._maximised:
            self.action_pane_maximise()
        else:
            return False
        return True

    def selected_subject(self) -> Subject | None:
        """What is selected in the pane that has the focus, or else in the alerts."""
        for pane in (self.current, self.pane(2)):
            if isinstance(pane, TablePane) and (subjects := pane.subjects()):
                return subjects[0]
        return None

    # The prompt

    def ask_command(self) -> None:
        self.query_one(Prompt).ask("command")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        pane = self.current
        if message.purpose == "filter" and isinstance(pane, TablePane):
            self.query_one(Prompt).complain(safe(pane.set_filter(message.text)))
        elif message.purpose == "command":
            self.query_one(Prompt).hint(hint(message.text, shell_of(self).snapshot))

    def on_prompt_entered(self, message: Prompt.Entered) -> None:
        pane = self.current
        pane.body.focus()
        if message.purpose == "filter" and isinstance(pane, TablePane):
            message.stop()
            problem = pane.set_filter(message.text)
            if problem:
                notify(self.app, safe(problem), severity="warning")

    def on_prompt_left(self, message: Prompt.Left) -> None:
        pane = self.current
        pane.body.focus()
        if message.purpose == "filter" and isinstance(pane, TablePane):
            pane.set_filter(message.text)

    # Actions

    def action_pane_next(self) -> None:
        self.go(self._current % len(self.panes) + 1)

    def action_pane_previous(self) -> None:
        self.go((self._current - 2) % len(self.panes) + 1)

    def action_pane_health(self) -> None:
        self.go(1)

    def action_pane_alerts(self) -> None:
        self.go(2)

    def action_pane_rollouts(self) -> None:
        self.go(3)

    def action_pane_logs(self, where: str = "") -> None:
        if where:
            system, _, service = map(safe, where.partition("/"))
            shell = shell_of(self)
            wrong = unknown_subject(shell.snapshot.systems, shell.backend.logs.statuses(), system, service)
            if wrong:
                notify(self.app, wrong, severity="warning")
            else:
                self.look_at_logs(system, service)
        else:
            self.go(4)

    def action_pane_maximise(self) -> None:
        self._maximised = not self._maximised
        self.go(self._current)

    def action_table_filter(self, text: str = "") -> None:
        """`:filter TEXT`, for the pane that has the focus."""
        pane = self.current
        if not isinstance(pane, TablePane):
            notify(self.app, fmt("{} has its own filters: press &.", pane.NAME))
        elif problem := pane.set_filter(text):
            notify(self.app, safe(problem), severity="warning")

    def action_text_copy(self) -> None:
        self.post_message(CopyText(self.current.selection_text()))

    def action_link_console(self) -> None:
        links = tuple(link for link in self.current.selection_links() if in_cloud_console(link[1]))
        if links:
            self.post_message(OpenLinks(links))
        else:
            notify(self.app, lit("The selection has no page in a cloud console."))

    def action_link_open(self) -> None:
        links = self.current.selection_links()
        if links:
            self.post_message(OpenLinks(links))
        else:
            notify(self.app, lit("The selection has no links."))


def in_cloud_console(address: str) -> bool:
    """Whether an address is a page of a cloud's own console, in whatever region."""
    host = address.removeprefix("https://").partition("/")[0]
    return address.startswith("https://") and any(host == name or host.endswith(f".{name}") for name in CLOUD_CONSOLES)
