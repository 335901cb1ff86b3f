"""The pages that belong to a selection: shown, and opened only when one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen

from tuiops.core.text import SafeText, lit
from tuiops.ui.messages import CopyText
from tuiops.ui.shell import shell_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.line_table import LineTable
from tuiops.ui.widgets.safe import SafeStatic, notify, set_title
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Hashable

    from textual.app import ComposeResult
    from textual.binding import BindingType

Link = tuple[SafeText, SafeText]


class LinkModel:
    """How links look."""

    def key(self, row: Link) -> Hashable:
        return row

    def stamp(self, row: Link) -> Hashable:
        return row

    def stale(self, row: Link, drawing: Drawing) -> bool:  # noqa: ARG002 - links do not age
        return False

    def cells(self, row: Link, drawing: Drawing) -> tuple[Cell, ...]:
        palette = drawing.look.palette
        return (Cell(row[0], palette.bold), Cell(row[1], palette.text))


class LinksScreen(ModalScreen[None], inherit_bindings=False):
    """Names and addresses. Only web addresses are ever opened."""

    CSS = """
    LinksScreen { align: center middle; }
    LinksScreen > Vertical { width: 90%; height: auto; max-height: 80%; border: round $accent; }
    LinksScreen > Vertical { background: $background; }
    LinksScreen LineTable { height: auto; min-height: 6; }
    LinksScreen SafeStatic { color: $quiet; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("enter,o", "open"), ("y", "copy"), ("escape,q", "leave")]

    def __init__(self, links: tuple[Link, ...]) -> None:
        super().__init__()
        self._links = links

    def compose(self) -> ComposeResult:
        columns = (
            Column(id="name", heading=lit("NAME"), width=16),
            Column(id="address", heading=lit("ADDRESS"), width=20, grow=1),
        )
        with Vertical() as box:
            set_title(box, lit(" Links "))
            yield LineTable(LinkModel(), columns)
            yield SafeStatic(lit("Enter opens in this machine's browser   y copies   Esc leaves"))

    def on_mount(self) -> None:
        self._table.styles.height = min(len(self._links) + 2, 20)
        self._table.focus()
        self.call_after_refresh(self._table.set_rows, self._links)

    @property
    def _table(self) -> LineTable[Link]:
        return self.query_one(LineTable)

    def action_open(self) -> None:
        link = self._table.selected
        if link is None:
            return
        if not link[1].startswith(("https://", "http://")):
            notify(shell_of(self), lit("Not opened: it is not a web address."), severity="warning")
            return
        self.app.open_url(link[1])
        self.dismiss()

    def action_copy(self) -> None:
        link = self._table.selected
        if link is not None:
            self.post_message(CopyText(link[1]))

    def action_leave(self) -> None:
        self.dismiss()
