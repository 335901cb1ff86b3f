"""Which row of a table is selected, which are marked, which part of them is seen. By key, never by index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_NEAR = 64
"""How far from its last place a row is looked for before every key is indexed."""

_Row = TypeVar("_Row")


class Selection(Generic[_Row]):
    """A cursor over rows that are swapped whole. `page` is the number of rows that are seen at once."""

    def __init__(self, name: Callable[[_Row], Hashable]) -> None:
        """`name` says a row's key."""
        self.rows: Sequence[_Row] = ()
        self.cursor = 0
        self.key: Hashable | None = None
        """Of the selected row; None when nobody selected one, or when it is gone."""
        self.top = 0
        """Index of the first row that is seen."""
        self.marks: set[Hashable] = set()
        self._name = name
        self._index: dict[Hashable, int] | None = None

    @property
    def row(self) -> _Row | None:
        """The selected row."""
        if self.key is None:
            return None
        at = self.find(self.key)
        return None if at is None else self.rows[at]

    @property
    def marked(self) -> tuple[_Row, ...]:
        """The marked rows that are there, in their order."""
        if not self.marks:
            return ()
        return tuple(row for row in self.rows if self._name(row) in self.marks)

    def visible(self, page: int) -> Sequence[_Row]:
        return self.rows[self.top : self.top + max(0, page)]

    def replace(self, rows: Sequence[_Row], page: int) -> bool:
        """Take other rows; whether another row than before, or none, is selected by it.

        Rows where there were none select the first one. A selected row that vanished leaves nothing selected: the
        selection never slides onto a neighbour that nobody chose.
        """
        before, was_empty = self.key, not self.rows
        self.rows, self._index = rows, None
        if self.key is not None:
            at = self.find(self.key)
            if at is None:
                self.key = None
                self.cursor = min(self.cursor, max(0, len(rows) - 1))
            else:
                self.cursor = at
        elif rows and was_empty:
            self.cursor, self.key = 0, self._name(rows[0])
        self.keep_visible(page)
        return self.key != before

    def find(self, key: Hashable) -> int | None:
        """The index of a key's row. Rows seldom move far, so the neighbourhood is tried first."""
        rows, name, at = self.rows, self._name, self.cursor
        if self._index is None:
            if at < len(rows) and name(rows[at]) == key:
                return at
            for near in range(max(0, at - _NEAR), min(len(rows), at + _NEAR)):
                if name(rows[near]) == key:
                    return near
            self._index = {name(row): position for position, row in enumerate(rows)}
        return self._index.get(key)

    def go(self, at: int, page: int) -> bool:
        """Select the row at an index, or the nearest there is; False when there are no rows."""
        if not self.rows:
            return False
        self.cursor = max(0, min(at, len(self.rows) - 1))
        self.key = self._name(self.rows[self.cursor])
        self.keep_visible(page)
        return True

    def keep_visible(self, page: int) -> None:
        """Scroll so that the selected row is seen and no line is wasted."""
        page = max(1, page)
        self.top = max(0, min(self.top, len(self.rows) - page))
        if self.key is not None:
            self.top = max(min(self.top, self.cursor), self.cursor - page + 1)

    def toggle_mark(self) -> None:
        """Mark the selected row, or unmark it."""
        if self.key is not None:
            self.marks ^= {self.key}

    def mark_all(self) -> None:
        self.marks = {self._name(row) for row in self.rows}
