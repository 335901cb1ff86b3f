"""Every single thing that a person can do at a screen: each key, each action by command or palette, each cell."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.ui.acting.flow import press
from tuiops.ui.actions import ACTIONS
from tuiops.ui.app import TuiopsApp
from tuiops.ui.keymap import PRESETS, key_name
from tuiops.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.pilot import Pilot
    from textual.screen import Screen as TextualScreen
    from textual.widget import Widget

    Act = tuple[str, Callable[[], Awaitable[object]]]

NAMED = (
    "enter", "escape", "tab", "shift+tab", "space", "backspace", "delete", "insert", "up", "down", "left", "right",
    "home", "end", "pageup", "pagedown", *(f"f{number}" for number in range(1, 13)),
    *(f"ctrl+{letter}" for letter in "cdefghijklmnoprtuvwxyz"),
)  # fmt: skip
"""Keys that send no sign, but for those that terminals keep."""
LEAVES = frozenset({"app.quit", "app.read_only", "app.dump", "app.palette"})
"""Actions that end what is tried, write a file, or list the others."""


def keys() -> tuple[str, ...]:
    """Textual's names of every key of a keyboard, and of every key that is bound in any preset."""
    signs = [key_name(chr(number)) for number in range(33, 127)]
    bound = [key for action in ACTIONS.values() for key in action.keys]
    preset = [key for keymap in PRESETS.values() for written in keymap.values() for key in written.split(",")]
    return tuple(dict.fromkeys((*signs, *NAMED, *bound, *preset)))


class Screen:
    """One screen of a console, put back as it was before whatever is tried next."""

    def __init__(self, pilot: Pilot[None], way: tuple[str, ...]) -> None:
        """`way`: the keys that lead there from the console."""
        app = pilot.app
        assert isinstance(app, TuiopsApp)
        self._app = app
        self._pilot = pilot
        self._way = way
        self._there: TextualScreen[object] | None = None
        self._focused: Widget | None = None

    async def back(self) -> None:
        """Be there as if nobody had done anything yet."""
        app = self._app
        app.freeze(on=False)
        there = self._there
        if there is None or there not in app.screen_stack:
            await self._anew()
        elif there is not app.screen:
            while there is not app.screen:
                app.pop_screen()
            await self._pilot.pause()
        elif there.has_class("searching"):
            await self._pilot.press("escape")
        if app.focused is not self._focused:
            app.set_focus(self._focused)

    async def _anew(self) -> None:
        app = self._app
        while len(app.screen_stack) > 1:
            app.pop_screen()
        await self._pilot.pause()
        if any(prompt.display for prompt in app.console_screen.query(Prompt)):
            await self._pilot.press("escape")
        await press(self._pilot, *self._way)
        self._there, self._focused = app.screen, app.focused

    def presses(self) -> Iterator[Act]:
        """Every key."""
        for key in keys():
            yield key, partial(self._pilot.press, key)

    def deeds(self) -> Iterator[Act]:
        """Every action, as the palette and the commands carry it out."""
        for action in ACTIONS.values():
            if action.id not in LEAVES:
                yield f"perform {action.id}", partial(self._app.perform, action)

    def clicks(self) -> Iterator[Act]:
        """Every piece of the screen, once."""
        for cell in self.cells():
            yield f"click {cell}", partial(self._pilot.click, offset=cell)

    def cells(self) -> list[tuple[int, int]]:
        """One cell of each widget in each of its styles."""
        screen = self._app.screen
        width, height = screen.size
        found: dict[object, tuple[int, int]] = {}
        for row in range(height):
            for column in range(width):
                piece = (screen.get_widget_at(column, row)[0], screen.get_style_at(column, row))
                found.setdefault(piece, (column, row))
        return list(found.values())
