"""The console: actions that concern all of it, and the ways between its views."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

import msgspec

from tuiops.config.model import Display
from tuiops.core.severity import Severity
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.ui.acting.front import NO_DESK, ActingShell
from tuiops.ui.actions import Scope, bindings, by_command
from tuiops.ui.format import zone
from tuiops.ui.keymap import Keymap, build
from tuiops.ui.navigation import History, Place
from tuiops.ui.screens.console import ConsoleScreen
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.screen import Screen

    from tuiops.core.alerts import Alert
    from tuiops.core.subject import Subject
    from tuiops.hub.backend import Backend
    from tuiops.runbooks.desk.desk import Desk
    from tuiops.ui.actions import Action
    from tuiops.ui.messages import (
        CopyText,
        OpenAlert,
        OpenChanges,
        OpenLinks,
        OpenLogs,
        OpenRollout,
        OpenService,
        SettingsChanged,
        SnapshotChanged,
    )
    from tuiops.ui.widgets.prompt import Prompt

COPY_MOST = 32 * 1024
"""Characters put on the clipboard: terminals drop longer OSC 52 sequences, some with everything after them."""
_HANDLED_BY_SCREENS = frozenset({"link.open", "link.console", "text.copy"})


class TuiopsApp(ActingShell):
    """The interactive console."""

    TITLE: str | None = "tuiops"
    BINDINGS: ClassVar[list[BindingType]] = [b for b in bindings(Scope.GLOBAL) if b.id not in _HANDLED_BY_SCREENS]

    def __init__(
        self,
        backend: Backend,
        display: Display | None = None,
        keymap: Keymap | None = None,
        *,
        desk: Desk | None = None,
        why_not: SafeText = NO_DESK,
        own_process: bool = True,
    ) -> None:
        """Draws what `backend` knows; starts it when the first frame is on screen.

        What is done is done through `desk`; without one everything that acts is dimmed, for the reason `why_not`.
        """
        self._settings = display or Display()
        super().__init__(backend, self._settings, desk=desk, why_not=why_not, own_process=own_process)
        self.keymap = keymap or build()
        self.set_keymap(self.keymap.overrides())
        self.history = History(Place("pane", ("2",)))
        self._urgent: frozenset[str] | None = None
        self._rung_for: tuple[Alert, ...] | None = None
        """The alerts among which the urgent ones were looked for last."""

    def get_default_screen(self) -> Screen[None]:
        return ConsoleScreen()

    @property
    def console_screen(self) -> ConsoleScreen:
        screen = self.screen_stack[0]
        assert isinstance(screen, ConsoleScreen), "the console is the screen below all others"
        return screen

    def on_snapshot_changed(self, message: SnapshotChanged) -> None:
        """Textual calls the handler of `Shell` as well; this one only rings the bell."""
        alerts = message.snapshot.alerts
        if alerts is self._rung_for:
            return
        self._rung_for = alerts
        urgent = frozenset(alert.identity for alert in alerts if alert.severity is Severity.P1 and alert.active)
        if self._settings.bell and self._urgent is not None and urgent - self._urgent:
            self.bell()
        self._urgent = urgent

    def on_settings_changed(self, message: SettingsChanged) -> None:
        """Take over what differs; what was chosen by key meanwhile stays where the file says nothing else."""
        before, self._settings = self._settings, message.display
        if message.display.theme != before.theme:
            self.switch_theme(message.display.theme)
        if message.display.time_zone != before.time_zone:
            self.times = msgspec.structs.replace(self.times, zone=zone(message.display.time_zone))
        self.keymap = message.keymap
        self.set_keymap(self.keymap.overrides())
        self.show_now()

    # Views

    def open(self, place: Place) -> None:
        """Go to a place and remember it."""
        self.history.visit(place)
        self._enter(place)

    def _enter(self, place: Place) -> None:
        names = tuple(safe(name) for name in place.names)
        if place.kind in {"pane", "logs"}:
            while len(self.screen_stack) > 1:
                self.pop_screen()
            if place.kind == "pane":
                self.console_screen.go(int(place.names[0]))
            else:
                self.console_screen.look_at_logs(names[0], names[1])
            return
        make = self.make_run_screen if place.kind in {"run", "runs"} else self._make
        self.push_screen(make(place.kind, names))

    def _make(self, kind: str, names: tuple[SafeText, ...]) -> Screen[None]:
        """The screen of a place; imported when somebody first goes there."""
        match kind:
            case "service":
                from tuiops.ui.screens.service import ServiceScreen

                return ServiceScreen(*names)
            case "alert":
                from tuiops.ui.screens.alert import AlertScreen

                return AlertScreen(*names)
            case "rollout":
                from tuiops.ui.screens.rollout import RolloutScreen

                return RolloutScreen(*names)
            case "changes":
                from tuiops.ui.screens.changes import ChangesScreen

                return ChangesScreen(*names)
            case "sources":
                from tuiops.ui.screens.sources import SourcesScreen

                return SourcesScreen()
            case _:
                from tuiops.ui.screens.help import HelpScreen

                return HelpScreen(Scope(names[0]) if names else None)

    def on_open_service(self, message: OpenService) -> None:
        self.open(Place("service", (message.system, message.service)))

    def on_open_alert(self, message: OpenAlert) -> None:
        self.open(Place("alert", (message.identity,)))

    def on_open_rollout(self, message: OpenRollout) -> None:
        self.open(Place("rollout", (message.identity,)))

    def on_open_changes(self, message: OpenChanges) -> None:
        self.open(Place("changes", (message.system, message.service)))

    def on_open_logs(self, message: OpenLogs) -> None:
        self.open(Place("logs", (message.system, message.service)))

    def on_open_links(self, message: OpenLinks) -> None:
        if not message.links:
            notify(self, lit("There are no links here."))
            return
        from tuiops.ui.screens.links import LinksScreen

        self.push_screen(LinksScreen(message.links))

    def on_copy_text(self, message: CopyText) -> None:
        if not message.text:
            notify(self, lit("There is nothing selected to copy."))
            return
        self.copy_to_clipboard(message.text[:COPY_MOST])
        cut = len(message.text) > COPY_MOST
        notify(self, lit("Copied, cut to 32 KiB.") if cut else lit("Copied to the terminal's clipboard."), timeout=2)

    def action_view_last(self) -> None:
        self._revisit(self.history.last())

    def action_view_older(self) -> None:
        self._revisit(self.history.older())

    def action_view_newer(self) -> None:
        self._revisit(self.history.newer())

    def _revisit(self, place: Place | None) -> None:
        if place is None:
            notify(self, lit("There is no such view in the history."), timeout=2)
            return
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self._enter(place)

    # Commands

    async def on_prompt_entered(self, message: Prompt.Entered) -> None:
        # Not in a task of its own: what is typed next is meant for where the command leads.
        await self.run_command(message.text)

    async def run_command(self, text: str) -> None:
        """Carry out what was typed after `:`."""
        word, _, argument = text.strip().partition(" ")
        if not word:
            return
        action = by_command(word)
        if action is None:
            notify(self, fmt("There is no command {}. Press ? for all of them.", safe(word)), severity="warning")
            return
        await self.perform(action, argument.strip())

    async def perform(self, action: Action, argument: str = "") -> None:
        """Carry out an action as if its key had been pressed where the focus is."""
        nodes = [*(self.focused.ancestors_with_self if self.focused else (self.screen,)), self]
        for node in nodes:
            handler = getattr(node, f"action_{action.method}", None)
            if handler is not None:
                result = handler(argument) if action.argument and argument else handler()
                if isawaitable(result):
                    await result
                return
        notify(self, fmt("{} does nothing here.", action.label), timeout=3)

    def action_app_command(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.console_screen.ask_command()

    def action_app_palette(self) -> None:
        from textual.command import CommandPalette

        from tuiops.ui.palette import ActionProvider

        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(providers=[ActionProvider], placeholder="Search actions"))

    def action_app_help(self) -> None:
        of = self.console_screen.current if self.screen is self.console_screen else self.screen
        scopes: tuple[Scope, ...] = getattr(of, "SCOPES", (Scope.DETAIL,))
        scope = scopes[0]
        self.open(Place("help", (scope.value,)))

    def action_app_sources(self) -> None:
        self.open(Place("sources"))

    def action_app_changes(self) -> None:
        self.open(Place("changes", (EMPTY, EMPTY)))

    def action_app_back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif not self.console_screen.leave():
            notify(self, lit(":q quits."), timeout=2)

    def action_app_cancel(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif not self.console_screen.leave():
            notify(self, lit("Nothing to cancel. Ctrl-c never quits; :q does."), timeout=3)

    def action_app_read_only(self) -> None:
        self.give_up_acting()
        notify(self, lit("Read-only until this session is started again."), timeout=3)

    def action_app_quit(self) -> None:
        left = self.leaves_behind()
        if left:
            self.ask_to_quit(left, self.exit)
        else:
            self.exit()

    def selected_subject(self) -> Subject | None:
        screen = self.screen
        if isinstance(screen, ConsoleScreen):
            return screen.selected_subject()
        about = getattr(screen, "acted_on", None)
        return about if about is not None else self.console_screen.selected_subject()

    # What is shown, and how

    def action_data_refresh(self) -> None:
        self.backend.poke()
        notify(self, lit("Asking every source."), timeout=1)

    def action_data_freeze(self) -> None:
        self.freeze(on=not self.frozen)

    def action_time_style(self) -> None:
        self.times = msgspec.structs.replace(self.times, style=self.times.style.following)
        notify(self, fmt("Times: {}.", lit(self.times.style.value)), timeout=1)
        self.show_now()

    def action_app_theme(self, name: str = "") -> None:
        names = self.theme_names()
        if not name:
            known = names.index(self.look.palette.name) if self.look.palette.name in names else -1
            name = names[(known + 1) % len(names)]
        if not self.switch_theme(name):
            listed = safe(", ".join(names))
            notify(self, fmt("There is no theme {}. There are {}.", safe(name), listed), severity="warning")

    def action_app_mouse(self) -> None:
        from tuiops.ui.terminal import set_mouse, takes_mouse

        taken = not takes_mouse(self)
        set_mouse(self, on=taken)
        on, off = lit("The console takes the mouse."), lit("The terminal has the mouse: select text freely.")
        notify(self, on if taken else off, timeout=3)

    def action_app_dump(self) -> None:
        from tuiops.ui.terminal import dump

        try:
            path = dump(self)
        except OSError as error:
            notify(self, fmt("The screen could not be written: {}", safe(str(error))), severity="error")
        else:
            notify(self, fmt("Written to {} (.txt, .svg).", safe(str(path))), timeout=8)

    def action_app_redraw(self) -> None:
        self.redraw()
