"""Keys that come faster than they are dealt with: each waits until all that the one before it set off is done.

A key travels from the widget that has the focus to the app, through a queue in each one on the way, and so does what
it sets off: a text that is entered, a screen that is opened, the focus that moves. Of `:q` typed in one go, Textual
would hand the `q` to the table that had the focus before the `:`. How long it takes depends on the machine, so
nothing here asks for the time: what is to be found out follows through the same queues.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.app import App
    from textual.dom import DOMNode

Typed = events.Key | events.Paste
"""What somebody types; a paste keeps its place among the keys."""


class TypeAhead:
    """Lets what is typed arrive one after the other."""

    def __init__(self, app: App[None], deliver: Callable[[events.Event], Awaitable[None]]) -> None:
        """`deliver` is Textual's own way of handing an event to where the focus is."""
        self._app = app
        self._deliver = deliver
        self._waiting: deque[Typed] = deque()
        self._under_way = False
        """Whether something typed, or what it set off, has not been dealt with."""

    async def take(self, typed: Typed) -> None:
        """Deliver it when it is its turn: now, if nothing is under way."""
        if self._under_way:
            self._waiting.append(typed)
        else:
            await self._hand_over(typed)

    async def _hand_over(self, typed: Typed) -> None:
        self._under_way = True
        target = self._app.focused or self._app.screen
        await self._deliver(self._as_meant(typed))
        self._follow(target)

    def _as_meant(self, typed: Typed) -> Typed:
        """Enter, where a terminal made a line feed of it: all do before a program takes the single keys."""
        if isinstance(typed, events.Key) and typed.character == "\n" and typed.key not in self._app.active_bindings:
            return events.Key("enter", "\r")
        return typed

    def _follow(self, node: DOMNode | None) -> None:
        """Be told when all that waits in a queue is done; at the app at once when the queue was closed."""
        if node is None or not node.call_later(self._caught_up, node):
            self._app.call_later(self._caught_up, self._app)

    async def _caught_up(self, node: DOMNode) -> None:
        """All that waited in the queue is done; what it left for others went to their queues, most of it upwards."""
        if node is not self._app:
            self._follow(node.parent)
        elif not any(busy.call_later(self._caught_up, busy) for busy in self._busy()):
            self._under_way = False
            if self._waiting:
                await self._hand_over(self._waiting.popleft())

    def _busy(self) -> Iterator[DOMNode]:
        """The app, the screens and their widgets in whose queues something waits."""
        if self._app.message_queue_size:
            yield self._app
        for screen in self._app.screen_stack:
            for node in screen.walk_children(with_self=True):
                if node.message_queue_size:
                    yield node
