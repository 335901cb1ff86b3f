"""The one list of all that a person can do: footer, help, palette, commands, keymap and documents derive from it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec
from textual.binding import Binding

from tuiops.core.access import Danger, Role
from tuiops.core.text import EMPTY, SafeText, lit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Scope(Enum):
    """Where an action's keys work, and so which other actions they may not clash with."""

    GLOBAL = "everywhere"
    CONSOLE = "console"
    TABLE = "tables"
    HEALTH = "health"
    ALERTS = "alerts"
    ROLLOUTS = "rollouts"
    LOGS = "logs"
    DETAIL = "detail screens"
    CARD = "cards"
    RUN = "runs"
    LINKS = "links"
    WALLBOARD = "wallboard"

    @property
    def word(self) -> SafeText:
        return lit(self.value)

    @property
    def meets(self) -> frozenset[Scope]:
        """The scopes whose keys are live together with this one's."""
        return _MEETS[self]


_TABLES = frozenset({Scope.TABLE, Scope.HEALTH, Scope.ALERTS, Scope.ROLLOUTS})
_SHARED = frozenset({Scope.GLOBAL, Scope.CONSOLE})
_MEETS: Mapping[Scope, frozenset[Scope]] = {
    Scope.GLOBAL: frozenset(Scope) - {Scope.WALLBOARD},
    Scope.CONSOLE: _SHARED | _TABLES | {Scope.LOGS},
    Scope.TABLE: _SHARED | _TABLES,
    Scope.HEALTH: _SHARED | {Scope.TABLE, Scope.HEALTH},
    Scope.ALERTS: _SHARED | {Scope.TABLE, Scope.ALERTS},
    Scope.ROLLOUTS: _SHARED | {Scope.TABLE, Scope.ROLLOUTS},
    Scope.LOGS: _SHARED | {Scope.LOGS},
    Scope.DETAIL: frozenset({Scope.GLOBAL, Scope.DETAIL, Scope.CARD, Scope.RUN}),
    Scope.CARD: frozenset({Scope.GLOBAL, Scope.DETAIL, Scope.CARD}),
    Scope.RUN: frozenset({Scope.GLOBAL, Scope.DETAIL, Scope.RUN}),
    Scope.LINKS: frozenset({Scope.GLOBAL, Scope.LINKS}),
    Scope.WALLBOARD: frozenset({Scope.WALLBOARD}),
}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. `id` names it for good: users' keymaps refer to it."""

    id: str
    scope: Scope
    label: SafeText
    """One or two words, for the footer."""
    help: SafeText
    """One sentence."""
    keys: tuple[str, ...] = ()
    """Textual's names of the default keys."""
    command: str = ""
    """The word after `:`; empty when it makes no sense as a command."""
    argument: SafeText = EMPTY
    """What the command takes, for the help; empty when nothing."""
    footer: int = 0
    """Place in the footer, from the left; 0 keeps it out."""
    danger: Danger = Danger.SAFE
    """The most that it, or what it opens, can do to the world or to our record of it."""
    role: Role = Role.VIEWER
    """Who may do it, at least."""

    @property
    def method(self) -> str:
        """Name of the Textual action: `pane.next` is handled by `action_pane_next`."""
        return self.id.replace(".", "_")


def _writes(
    identity: str, scope: Scope, keys: str, label: SafeText, explained: SafeText, *,
    command: str = "", argument: SafeText = EMPTY, footer: int = 0, role: Role = Role.OPERATOR,
) -> Action:  # fmt: skip
    """An action that changes something, or leads there."""
    return Action(
        id=identity, scope=scope, keys=tuple(keys.split()), label=label, help=explained, command=command,
        argument=argument, footer=footer, danger=Danger.CHANGES, role=role,
    )  # fmt: skip


def _actions(scope: Scope, *rows: tuple[str, str, SafeText, SafeText] | Action) -> tuple[Action, ...]:
    """Rows of `id, keys (space-separated), label, help`; whole Actions where a row says more."""
    return tuple(
        row
        if isinstance(row, Action)
        else Action(id=row[0], scope=scope, keys=tuple(row[1].split()), label=row[2], help=row[3])
        for row in rows
    )


_GLOBAL = _actions(
    Scope.GLOBAL,
    Action(id="app.help", scope=Scope.GLOBAL, keys=("question_mark", "fullwidth_question_mark"), command="help",
           footer=90, label=lit("help"), help=lit("Show every key and command, searchable.")),
    Action(id="app.command", scope=Scope.GLOBAL, keys=("colon", "fullwidth_colon"), footer=80, label=lit("command"),
           help=lit("Type a command; Tab completes it, the up key brings back earlier ones.")),
    ("app.palette", "ctrl+p", lit("palette"), lit("Search all actions by name.")),
    ("app.back", "q escape ｑ", lit("back"), lit("Leave this view; `:q` quits.")),
    ("app.cancel", "ctrl+c", lit("cancel"), lit("Cancel what is being typed or shown; never quits.")),
    Action(id="app.quit", scope=Scope.GLOBAL, command="q", label=lit("quit"), help=lit("Quit.")),
    ("view.last", "minus", lit("last view"), lit("Go to the view before this one; again to return.")),
    ("view.older", "left_square_bracket", lit("older view"), lit("Go back in the history of views.")),
    ("view.newer", "right_square_bracket", lit("newer view"), lit("Go forward in the history of views.")),
    Action(id="data.refresh", scope=Scope.GLOBAL, keys=("r",), command="refresh", label=lit("refresh"),
           help=lit("Poll every source without waiting for its turn.")),
    Action(id="data.freeze", scope=Scope.GLOBAL, keys=("p",), command="freeze", label=lit("freeze"),
           help=lit("Hold the screen still while data goes on buffering; again to catch up.")),
    Action(id="time.style", scope=Scope.GLOBAL, keys=("T",), command="time", label=lit("times"),
           help=lit("Show times in the local zone, in UTC, or as ages.")),
    ("text.copy", "y", lit("copy"), lit("Copy the selection to the terminal's clipboard (OSC 52).")),
    ("link.open", "o", lit("links"), lit("Show the pages of the selection; nothing opens by itself.")),
    ("link.console", "b", lit("cloud console"), lit("Show the selection's page in its cloud's own console.")),
    Action(id="app.read_only", scope=Scope.GLOBAL, command="ro", label=lit("read-only"),
           help=lit("Make this session read-only until it is started again.")),
    Action(id="app.mouse", scope=Scope.GLOBAL, keys=("f2",), command="mouse", label=lit("mouse"),
           help=lit("Let the console take the mouse, or leave it to the terminal.")),
    Action(id="app.dump", scope=Scope.GLOBAL, keys=("L",), command="dump", label=lit("dump"),
           help=lit("Write the screen to a text file and a picture.")),
    ("app.redraw", "ctrl+l", lit("redraw"), lit("Draw everything again.")),
    Action(id="app.theme", scope=Scope.GLOBAL, command="theme", argument=lit("NAME"), label=lit("theme"),
           help=lit("Switch the theme; without a name, to the next one.")),
    Action(id="app.sources", scope=Scope.GLOBAL, command="sources", label=lit("sources"),
           help=lit("Show every source: when it answered, what went wrong.")),
    Action(id="runs.list", scope=Scope.GLOBAL, keys=("X",), command="runs", footer=75, label=lit("runs"),
           help=lit("Show all runs, present and past.")),
    Action(id="runs.open", scope=Scope.GLOBAL, command="run", argument=lit("NUMBER"), label=lit("run"),
           help=lit("Show one run; without a number, the newest one.")),
    _writes("runs.approve", Scope.GLOBAL, "", lit("approve"), lit("Look at another person's run and let it begin."),
            command="approve", argument=lit("NUMBER"), role=Role.APPROVER),
    _writes("runs.reject", Scope.GLOBAL, "", lit("reject"),
            lit("Say no to a run that waits for an approval, or take back your own."),
            command="reject", argument=lit("NUMBER REASON")),
    _writes("runs.abort", Scope.GLOBAL, "", lit("abort"), lit("Stop a run; it asks once."),
            command="abort", argument=lit("NUMBER")),
    Action(id="runs.why", scope=Scope.GLOBAL, command="why", argument=lit("RUNBOOK"), label=lit("why"),
           help=lit("Explain what you may do about the selection, and why.")),
    Action(id="app.changes", scope=Scope.GLOBAL, command="changes", label=lit("changes"),
           help=lit("Show what changed lately, everywhere.")),
)  # fmt: skip

_CONSOLE = _actions(
    Scope.CONSOLE,
    Action(id="pane.next", scope=Scope.CONSOLE, keys=("tab",), footer=60, label=lit("pane"),
           help=lit("Go to the next pane.")),
    ("pane.previous", "shift+tab", lit("previous"), lit("Go to the previous pane.")),
    Action(id="pane.health", scope=Scope.CONSOLE, keys=("1",), command="health", label=lit("health"),
           help=lit("Go to the health pane.")),
    Action(id="pane.alerts", scope=Scope.CONSOLE, keys=("2",), command="alerts", label=lit("alerts"),
           help=lit("Go to the alerts pane.")),
    Action(id="pane.rollouts", scope=Scope.CONSOLE, keys=("3",), command="rollouts", label=lit("rollouts"),
           help=lit("Go to the rollouts pane.")),
    Action(id="pane.logs", scope=Scope.CONSOLE, keys=("4",), command="logs", argument=lit("SYSTEM[/SERVICE]"),
           label=lit("logs"), help=lit("Go to the log pane, for a system or service when one is named.")),
    ("pane.maximise", "f", lit("maximise"), lit("Give the pane the whole screen, or put it back.")),
)  # fmt: skip

_TABLE = _actions(
    Scope.TABLE,
    ("table.down", "j down", lit("down"), lit("Select the next row.")),
    ("table.up", "k up", lit("up"), lit("Select the previous row.")),
    ("table.top", "g home", lit("top"), lit("Select the first row.")),
    ("table.bottom", "G end", lit("bottom"), lit("Select the last row.")),
    ("table.page_down", "pagedown", lit("page down"), lit("Go down a page.")),
    ("table.page_up", "pageup", lit("page up"), lit("Go up a page.")),
    ("table.half_down", "ctrl+d", lit("half down"), lit("Go down half a page.")),
    ("table.half_up", "ctrl+u", lit("half up"), lit("Go up half a page.")),
    Action(id="table.filter", scope=Scope.TABLE, keys=("slash", "fullwidth_solidus"), command="filter",
           argument=lit("TEXT"), footer=70, label=lit("filter"),
           help=lit("Filter rows: words, !word, column:value, sev>=P2; empty shows all.")),
    ("table.sort", "s", lit("sort"), lit("Sort by the next column; after the last one, by urgency again.")),
    ("table.mark", "space", lit("mark"), lit("Mark the row, or unmark it, and go down.")),
    ("table.mark_all", "asterisk", lit("mark all"), lit("Mark every row shown.")),
    ("table.unmark", "u", lit("unmark"), lit("Unmark every row.")),
    ("table.wide", "w", lit("wide"), lit("Show every column, however narrow.")),
    Action(id="table.detail", scope=Scope.TABLE, keys=("d", "enter"), footer=30, label=lit("detail"),
           help=lit("Open the detail of the row.")),
    ("table.fold", "right left", lit("fold"), lit("Unfold or fold the row's group.")),
    Action(id="table.logs", scope=Scope.TABLE, keys=("l",), footer=10, label=lit("logs"),
           help=lit("Show the log lines of the row's service.")),
    ("table.metrics", "m", lit("metrics"), lit("Show the metrics of the row's service.")),
    _writes("table.act", Scope.TABLE, "x", lit("act"),
            lit("Show what can be done about the row, or about the marked rows."), footer=5),
    Action(id="table.changes", scope=Scope.TABLE, keys=("v",), footer=20, label=lit("what changed"),
           help=lit("Show what changed lately around the row's service.")),
)  # fmt: skip

_HEALTH = _actions(
    Scope.HEALTH,
    Action(id="health.unhealthy", scope=Scope.HEALTH, keys=("exclamation_mark",), footer=40, label=lit("unhealthy"),
           help=lit("Show only what is not ok, or everything again.")),
)  # fmt: skip

_ALERTS = _actions(
    Scope.ALERTS,
    Action(id="alerts.quiet", scope=Scope.ALERTS, keys=("i",), footer=40, label=lit("silenced"),
           help=lit("Show silenced and inhibited alerts too, or hide them.")),
    Action(id="alerts.group", scope=Scope.ALERTS, keys=("z",), footer=41, label=lit("group"),
           help=lit("Group by system, by service, by name, or not at all.")),
    ("alerts.fold", "Z", lit("fold"), lit("Fold every group, or unfold them all.")),
)  # fmt: skip

_ROLLOUTS = _actions(
    Scope.ROLLOUTS,
    Action(id="rollouts.history", scope=Scope.ROLLOUTS, keys=("h",), footer=40, label=lit("history"),
           help=lit("Show past rollouts too, or only the live ones.")),
)  # fmt: skip

_LOGS = _actions(
    Scope.LOGS,
    ("logs.down", "j down", lit("down"), lit("Go down a line.")),
    ("logs.up", "k up", lit("up"), lit("Go up a line.")),
    ("logs.page_down", "pagedown", lit("page down"), lit("Go down a page.")),
    ("logs.page_up", "pageup", lit("page up"), lit("Go up a page.")),
    ("logs.half_down", "ctrl+d", lit("half down"), lit("Go down half a page.")),
    ("logs.half_up", "ctrl+u", lit("half up"), lit("Go up half a page.")),
    ("logs.left", "left", lit("left"), lit("Scroll long lines back to the left.")),
    ("logs.right", "right", lit("right"), lit("Scroll long lines to the right.")),
    ("logs.top", "g home", lit("top"), lit("Go to the oldest line kept.")),
    ("logs.bottom", "G end", lit("bottom"), lit("Go to the newest line and follow.")),
    Action(id="logs.follow", scope=Scope.LOGS, keys=("F",), footer=10, label=lit("follow"),
           help=lit("Follow new lines, or stop.")),
    Action(id="logs.search", scope=Scope.LOGS, keys=("slash", "fullwidth_solidus"), footer=70, label=lit("search"),
           help=lit("Search by regular expression.")),
    ("logs.search_next", "n", lit("next hit"), lit("Go to the next hit.")),
    ("logs.search_previous", "N", lit("previous hit"), lit("Go to the previous hit.")),
    Action(id="logs.filters", scope=Scope.LOGS, keys=("ampersand",), footer=20, label=lit("filters"),
           help=lit("Filter lines in or out; each filter can be switched.")),
    ("logs.error_next", "e", lit("next error"), lit("Go to the next error.")),
    ("logs.error_previous", "E", lit("previous error"), lit("Go to the previous error.")),
    ("logs.warning_next", "w", lit("next warning"), lit("Go to the next warning.")),
    ("logs.warning_previous", "W", lit("previous warning"), lit("Go to the previous warning.")),
    ("logs.mark", "m", lit("mark"), lit("Mark the line, or unmark it.")),
    ("logs.mark_next", "apostrophe", lit("next mark"), lit("Go to the next marked line.")),
    ("logs.context", "C", lit("context"), lit("Show the lines around this one, filters off.")),
    ("logs.timestamps", "t", lit("times"), lit("Show or hide the time column.")),
    ("logs.wrap", "backslash", lit("wrap"), lit("Wrap long lines, or cut them.")),
    ("logs.fold", "z", lit("fold"), lit("Show only the first line of each record, or all of it.")),
    ("logs.histogram", "i", lit("histogram"), lit("Show how many lines came when, by level.")),
    ("logs.record_previous", "left_curly_bracket", lit("previous record"), lit("Go to the record before.")),
    ("logs.record_next", "right_curly_bracket", lit("next record"), lit("Go to the next record.")),
    ("logs.minute_back", "comma", lit("minute back"), lit("Go back a minute.")),
    ("logs.minute_on", "full_stop", lit("minute on"), lit("Go on a minute.")),
    ("logs.detail", "d enter", lit("detail"), lit("Show the whole record, field by field.")),
    ("logs.level", "s", lit("level"), lit("Show only lines of the next higher level; after the last, all.")),
)  # fmt: skip

_DETAIL = _actions(
    Scope.DETAIL,
    ("detail.down", "j down", lit("down"), lit("Scroll down.")),
    ("detail.up", "k up", lit("up"), lit("Scroll up.")),
    ("detail.page_down", "pagedown ctrl+d", lit("page down"), lit("Scroll down a page.")),
    ("detail.page_up", "pageup ctrl+u", lit("page up"), lit("Scroll up a page.")),
    ("detail.top", "g home", lit("top"), lit("Scroll to the top.")),
    ("detail.bottom", "G end", lit("bottom"), lit("Scroll to the bottom.")),
    Action(id="detail.logs", scope=Scope.DETAIL, keys=("l",), footer=10, label=lit("logs"),
           help=lit("Show the log lines of this service.")),
    Action(id="detail.changes", scope=Scope.DETAIL, keys=("v",), footer=20, label=lit("what changed"),
           help=lit("Show what changed lately around this service.")),
    Action(id="detail.range", scope=Scope.DETAIL, keys=("m",), footer=30, label=lit("range"),
           help=lit("Plot the next longer range; after the longest, the shortest.")),
    _writes("detail.act", Scope.DETAIL, "x", lit("act"), lit("Show what can be done about this."), footer=5),
    ("detail.search", "slash fullwidth_solidus", lit("search"), lit("Search in this view.")),
)  # fmt: skip

_CARD = _actions(
    Scope.CARD,
    ("card.next", "tab right", lit("next"), lit("Go to the next thing to choose.")),
    ("card.previous", "shift+tab left", lit("previous"), lit("Go back to the one before.")),
    Action(id="card.change", scope=Scope.CARD, keys=("e",), footer=10, label=lit("change values"),
           help=lit("Choose other values for the runbook's parameters.")),
)  # fmt: skip

_RUN = _actions(
    Scope.RUN,
    _writes("run.approve", Scope.RUN, "A", lit("approve"), lit("Let another person's run begin."), footer=1,
            role=Role.APPROVER),
    _writes("run.reject", Scope.RUN, "V", lit("reject"),
            lit("Say no to a run that waits for an approval, or take back your own."), footer=2),
    _writes("run.settle", Scope.RUN, "D", lit("say how it went"),
            lit("Say how a step came out that a person does, or whose end is unknown."), footer=3),
    _writes("run.resume", Scope.RUN, "R", lit("resume"), lit("Go on with the next step."), footer=4),
    _writes("run.skip", Scope.RUN, "S", lit("skip step"), lit("Leave a step out, with a reason."), footer=5),
    _writes("run.undo", Scope.RUN, "U", lit("undo"), lit("Undo what was done, the last step first."), footer=6),
    _writes("run.abort", Scope.RUN, "K", lit("abort"), lit("Stop the run; it asks once."), footer=7),
)  # fmt: skip

_LINKS = _actions(
    Scope.LINKS,
    Action(id="links.visit", scope=Scope.LINKS, keys=("enter",), footer=10, label=lit("open"),
           help=lit("Open the page in this machine's browser.")),
)  # fmt: skip

_WALLBOARD = _actions(
    Scope.WALLBOARD,
    ("wall.help", "question_mark fullwidth_question_mark", lit("help"), lit("Explain the wallboard.")),
    ("wall.leave", "ctrl+c", lit("leave"), lit("Leave the wallboard; twice within two seconds.")),
)  # fmt: skip

ACTIONS: Mapping[str, Action] = {
    action.id: action
    for action in (
        *_GLOBAL,
        *_CONSOLE,
        *_TABLE,
        *_HEALTH,
        *_ALERTS,
        *_ROLLOUTS,
        *_LOGS,
        *_DETAIL,
        *_CARD,
        *_RUN,
        *_LINKS,
        *_WALLBOARD,
    )
}

RESERVED = frozenset("aAcSUIxKDRV")
"""Letters that write somewhere; they are never a harmless read key anywhere."""


def within(*scopes: Scope) -> tuple[Action, ...]:
    """The actions of the scopes, in the order of the registry."""
    return tuple(action for action in ACTIONS.values() if action.scope in scopes)


def bindings(*scopes: Scope) -> list[Binding]:
    """Textual bindings for a widget, screen or app that handles these scopes' actions."""
    return [
        Binding(",".join(action.keys), action.method, action.label, show=False, id=action.id)
        for action in within(*scopes)
        if action.keys
    ]


def by_command(word: str) -> Action | None:
    """The action behind `:word`: a command, the name of any action, or the only command that begins so."""
    exact = [action for action in ACTIONS.values() if action.command == word]
    if exact or word in ACTIONS:
        return exact[0] if exact else ACTIONS[word]
    begun = [action for action in ACTIONS.values() if word and action.command.startswith(word)]
    return begun[0] if len(begun) == 1 else None


def commands() -> Iterable[Action]:
    """The actions that `:` knows."""
    return (action for action in ACTIONS.values() if action.command)
