"""The registry's actions in Textual's command palette."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider

from tuiops.core.text import SafeText, fmt
from tuiops.ui.actions import ACTIONS, Action, Scope, within
from tuiops.ui.app import TuiopsApp

if TYPE_CHECKING:
    from textual.command import Hits


class ActionProvider(Provider):
    """Every action by its label and its sentence."""

    async def discover(self) -> Hits:
        for action in ACTIONS.values():
            if action.scope is not Scope.WALLBOARD and (action.footer or action.command):
                yield DiscoveryHit(self._title(action), partial(self._perform, action), help=action.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in within(*set(Scope) - {Scope.WALLBOARD}):
            title = self._title(action)
            score = max(matcher.match(title), 0.9 * matcher.match(action.help))
            if score > 0:
                yield Hit(score, matcher.highlight(title), partial(self._perform, action), help=action.help)

    def _title(self, action: Action) -> SafeText:
        app = self.app
        keys = app.keymap.shown(action.id) if isinstance(app, TuiopsApp) else ()
        name = fmt("{}: {}", action.scope.word, action.label)
        return fmt("{}  ({})", name, keys[0]) if keys else name

    async def _perform(self, action: Action) -> None:
        if isinstance(self.app, TuiopsApp):
            await self.app.perform(action)
