"""Where somebody has been: the history behind `-`, `[` and `]`."""

from __future__ import annotations

from typing import NamedTuple

_KEPT = 50


class Place(NamedTuple):
    """A view and what it is about."""

    kind: str
    """`pane`, `logs`, `service`, `alert`, `changes`, `sources` or `help`."""
    names: tuple[str, ...] = ()


class History:
    """Places in the order of visits, with a position that moves along them."""

    def __init__(self, start: Place) -> None:
        self._places = [start]
        self._at = 0
        self._before: int | None = None

    @property
    def here(self) -> Place:
        return self._places[self._at]

    def visit(self, place: Place) -> None:
        """Go somewhere; what was ahead is forgotten."""
        if place == self.here:
            return
        self._places = [*self._places[: self._at + 1], place][-_KEPT:]
        self._at = len(self._places) - 1
        self._before = self._at - 1

    def older(self) -> Place | None:
        return self._to(self._at - 1)

    def newer(self) -> Place | None:
        return self._to(self._at + 1)

    def last(self) -> Place | None:
        """The place before this one; again to return."""
        return None if self._before is None else self._to(self._before)

    def _to(self, at: int) -> Place | None:
        if not 0 <= at < len(self._places):
            return None
        self._before, self._at = self._at, at
        return self.here
