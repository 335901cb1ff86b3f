"""Every key and command, from the registry and the keymap in force, searchable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.ui.actions import ACTIONS, Action, Scope
from tuiops.ui.format import fit
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.pen import BLANK, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tuiops.ui.keymap import Keymap
    from tuiops.ui.screens.pen import Pen, Row

KEYS = 16
"""Columns of the keys."""
NAMES = 17
"""Columns of an action's name."""


class HelpScreen(DetailScreen):
    """The actions that work where help was asked for come first."""

    def __init__(self, context: Scope | None = None) -> None:
        super().__init__()
        self._asked_in = context
        self._filter = EMPTY

    def heading(self, pen: Pen) -> SafeText:
        where = fmt("Help {} {}", pen.look.glyphs.dot, self._asked_in.word if self._asked_in else lit("everything"))
        return fmt("{} {} '{}'", where, pen.look.glyphs.dot, self._filter) if self._filter else where

    def seek(self, text: SafeText) -> None:
        """Show only what contains the text."""
        self._filter = text
        self.sheet.scroll_home(animate=False)
        self.show_now()

    def rows(self, pen: Pen) -> Sequence[Row]:
        return help_sheet(pen, self.keymap, self._asked_in, self._filter)


def help_sheet(pen: Pen, keymap: Keymap, context: Scope | None, wanted: SafeText = EMPTY) -> list[Row]:
    """The whole sheet: the context's scope first, then those that are live together with it, then the others."""
    rows: list[Row] = []
    for scope in _scopes(context):
        found = [a for a in ACTIONS.values() if a.scope is scope and _matches(a, keymap, wanted)]
        if found:
            rows += pen.heading(SafeText(scope.word[:1].upper() + scope.word[1:]))
            rows += [row for action in found for row in _action_rows(pen, keymap, action)]
    if not rows:
        return list(pen.sentence(fmt("Nothing here is called '{}'.", wanted)))
    return [*rows[1:], BLANK]


def _scopes(context: Scope | None) -> Iterable[Scope]:
    if context is None:
        return tuple(Scope)
    return sorted(Scope, key=lambda scope: (scope is not context, scope not in context.meets, scope is Scope.GLOBAL))


def _matches(action: Action, keymap: Keymap, wanted: SafeText) -> bool:
    """By name, by words of the help, by command, or by the key itself."""
    if wanted in keymap.shown(action.id):
        return True
    text = f"{action.label} {action.help} :{action.command} {action.id}".casefold()
    return all(word in text for word in wanted.casefold().split())


def _action_rows(pen: Pen, keymap: Keymap, action: Action) -> list[Row]:
    keys = join(" ", keymap.shown(action.id))
    command = join(" ", [fmt(":{}", SafeText(action.command)), action.argument]) if action.command else EMPTY
    indent = KEYS + NAMES + 4
    explained = wrap(join("  ", [text for text in (action.help, command) if text]), max(12, pen.width - indent))
    rows: list[Row] = []
    for number, line in enumerate(explained):
        first = number == 0
        rows.append(
            (
                pen.bold(fmt("  {}", fit(keys if first else EMPTY, KEYS, mark=pen.look.glyphs.cut))),
                pen.text(fmt("{}  ", fit(action.label if first else EMPTY, NAMES))),
                pen.muted(line),
            )
        )
    return rows
