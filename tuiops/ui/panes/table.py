"""A pane whose body is a table: filter, sort, fold, and the pivots from a row to its detail, logs and changes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from tuiops.core.subject import Subject
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import UsageError
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.filtering import Filter, parse
from tuiops.ui.messages import ActOn, OpenChanges, OpenLogs, OpenService
from tuiops.ui.panes.base import Pane
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.line_table import NAVIGATION, LineTable
from tuiops.ui.widgets.prompt import Prompt
from tuiops.ui.widgets.safe import notify

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

    from textual.binding import BindingType

    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.panes.base import Part
    from tuiops.ui.widgets.columns import Column
    from tuiops.ui.widgets.line_table import RowModel

_Row = TypeVar("_Row")

GONE = lit("The row that was selected is gone. Press j or k to select another.")
NOTHING_SELECTED = lit("Nothing is selected here.")


class Same:
    """Equal only for the very same object: comparing thousands of values would cost more than drawing them."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


class TablePane(Pane, Generic[_Row]):
    """Rows made from a snapshot. A subclass says what they are."""

    BINDINGS: ClassVar[list[BindingType]] = [b for b in bindings(Scope.TABLE) if b.id not in NAVIGATION]
    FIELDS: ClassVar[tuple[str, ...]]
    """Columns that a filter may name."""
    SORTS: ClassVar[tuple[str, ...]] = ()
    """Fields that `s` goes through; before the first one, the pane's own order."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.filter = Filter()
        self.sort = EMPTY
        self.folded: set[Hashable] = set()
        self._made_of: object = None
        self._quiet = False

    @abstractmethod
    def model(self) -> RowModel[_Row]:
        """What the table must know of the rows."""

    @abstractmethod
    def columns(self, snapshot: Snapshot) -> tuple[Column, ...]:
        """The table's columns."""

    @abstractmethod
    def made_of(self, snapshot: Snapshot, now: datetime) -> object:
        """Differs when the rows must be made again."""

    @abstractmethod
    def rows(self, snapshot: Snapshot, now: datetime) -> list[_Row]:
        """The rows, filtered, sorted, folded."""

    @abstractmethod
    def empty(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        """Sentences for when there are no rows: what would be here, why it is not, what to do."""

    @abstractmethod
    def title(self, snapshot: Snapshot, now: datetime) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """Notes and right end of the title."""

    @abstractmethod
    def subject(self, row: _Row) -> tuple[SafeText, SafeText]:
        """System and service that a row is about; the service may be empty."""

    def acted_on(self, row: _Row) -> tuple[Subject, ...]:
        """What `x` on a row is about."""
        system, service = self.subject(row)
        return (Subject(system=system, service=service),)

    def subjects(self) -> tuple[Subject, ...]:
        """What is marked, or else what is selected, as it is at this moment; empty when it is nothing."""
        row = self.table.selected
        rows = self.table.marked or (() if row is None else (row,))
        return tuple(dict.fromkeys(subject for one in rows for subject in self.acted_on(one)))

    @property
    def table(self) -> LineTable[_Row]:
        return self.query_one(LineTable)

    def make_body(self) -> LineTable[_Row]:
        return LineTable(self.model(), self.columns(shell_of(self).snapshot))

    def _said(self, snapshot: Snapshot, now: datetime) -> tuple[SafeText, ...]:
        return (lit("Starting."),) if snapshot.starting else self.empty(snapshot, now)

    def show(self, snapshot: Snapshot, now: datetime) -> None:
        made_of = (self.made_of(snapshot, now), self.filter, self.sort, frozenset(self.folded))
        table = self.table
        if made_of != self._made_of:
            self._made_of = made_of
            rows = self.rows(snapshot, now)
            empty = self._no_match() if self.filter and not rows else self._said(snapshot, now)
            table.set_rows(rows, columns=self.columns(snapshot), empty=empty, quiet=self._quiet)
        elif not table.rows:
            table.set_rows((), empty=self._no_match() if self.filter else self._said(snapshot, now), quiet=True)
        else:
            table.redraw()
        self._quiet = False
        notes, right = self.title(snapshot, now)
        palette = shell_of(self).look.palette
        chosen: list[Part] = []
        if self.filter:
            chosen.append((fmt("/{}", safe(self.filter.text)), palette.accent))
        if self.sort:
            chosen.append((fmt("by {}", self.sort), palette.accent))
        # What a person chose comes before further counts: where room is short, it must not be what is left out.
        notes = (*notes[:1], *chosen, *notes[1:])
        self.show_title(notes, right)

    def _no_match(self) -> tuple[SafeText, ...]:
        return (
            fmt("Nothing matches /{}", safe(self.filter.text)),
            lit("Press / and clear the filter to see all rows."),
        )

    def show_again(self) -> None:
        """Draw after a choice of the person's: rows that appear by it do not glow."""
        self._quiet = True
        shell = shell_of(self)
        self.show(shell.snapshot, shell.now)

    def set_filter(self, text: str) -> str:
        """Filter by what was typed; returns what is wrong with it, the earlier filter then stays."""
        try:
            self.filter = parse(text, self.FIELDS)
        except UsageError as error:
            return str(error)
        self.show_again()
        return ""

    def _subject(self) -> tuple[SafeText, SafeText] | None:
        row = self.table.selected
        if row is None:
            notify(self.app, GONE if self.table.rows else NOTHING_SELECTED)
            return None
        return self.subject(row)

    # Actions

    def on_line_table_chosen(self) -> None:
        self.action_table_detail()

    def action_table_detail(self) -> None:
        subject = self._subject()
        if subject is not None and subject[1]:
            self.post_message(OpenService(*subject))
        elif subject is not None:
            self.action_table_fold()

    def action_table_metrics(self) -> None:
        subject = self._subject()
        if subject is not None and subject[1]:
            self.post_message(OpenService(*subject))

    def action_table_logs(self) -> None:
        subject = self._subject()
        if subject is not None:
            self.post_message(OpenLogs(*subject))

    def action_table_act(self) -> None:
        subjects = self.subjects()
        if subjects:
            self.post_message(ActOn(subjects))
        else:
            notify(self.app, GONE if self.table.rows else NOTHING_SELECTED)

    def action_table_changes(self) -> None:
        subject = self._subject()
        if subject is not None:
            self.post_message(OpenChanges(*subject))

    def action_table_filter(self) -> None:
        # At once, not by a message: the next key may be here already, and it is for the prompt.
        self.screen.query_one(Prompt).ask("filter", safe(self.filter.text))

    def action_table_sort(self) -> None:
        order = (EMPTY, *map(SafeText, self.SORTS))
        self.sort = order[(order.index(self.sort) + 1) % len(order)]
        self.show_again()

    def action_table_fold(self) -> None:
        key = self.fold_key()
        if key is not None:
            self.folded ^= {key}
            self.show_again()

    def fold_key(self) -> Hashable | None:
        """What is folded or unfolded for the selected row; None when nothing can be."""
        return None
