"""What the console that carries out a run knows beyond the ledger: values of gates, the end of an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.runs import Held, RunView
    from tuiops.core.text import SafeText

MOST_VALUES = 60
"""Looks of a gate that are kept for its sparkline."""


class Progress:
    """Overlays of the steps of one run. `changed` is called after every change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._held: dict[str, Held] = {}
        self._tails: dict[str, tuple[SafeText, ...]] = {}

    def held(self, step: str, held: Held) -> None:
        """A gate was looked at."""
        before = self._held.get(step)
        values = (*(before.values if before is not None else ()), *held.values)[-MOST_VALUES:]
        self._held[step] = msgspec.structs.replace(held, values=values)
        self._changed()

    def printed(self, step: str, tail: tuple[SafeText, ...]) -> None:
        """A command printed more."""
        self._tails[step] = tail
        self._changed()

    def over(self, view: RunView) -> RunView:
        """The view with what is known here laid over it."""
        if not self._held and not self._tails:
            return view
        steps = tuple(
            msgspec.structs.replace(step, held=self._held.get(step.key), tail=self._tails.get(step.key, ()))
            if step.key in self._held or step.key in self._tails
            else step
            for step in view.steps
        )
        return msgspec.structs.replace(view, steps=steps)
