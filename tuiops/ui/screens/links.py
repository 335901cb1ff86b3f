"""The pages that belong to a selection: shown, and opened only when one is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.format import plural
from tuiops.ui.keymap import keymap_of
from tuiops.ui.messages import CopyText
from tuiops.ui.panes.base import TitleBar, paused_part
from tuiops.ui.shell import View, shell_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.line_table import LineTable
from tuiops.ui.widgets.safe import notify
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tuiops.core.snapshot import Snapshot

Link = tuple[SafeText, SafeText]

_COLUMNS = (
    Column(id="name", heading=lit("NAME"), width=16),
    Column(id="address", heading=lit("ADDRESS"), width=20, grow=1),
)
_OWN_GLOBALS = frozenset({"link.open", "text.copy"})
"""Actions of the whole program whose target is the page that is selected."""


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


class LinksScreen(View):
    """Names and addresses. Only web addresses are ever opened."""

    DEFAULT_CSS = """
    LinksScreen { layout: vertical; }
    LinksScreen > LineTable { border: round $accent; border-top: none; }
    LinksScreen.-ascii > LineTable { border: ascii $accent; border-top: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.LINKS),
        *(binding for binding in bindings(Scope.GLOBAL) if binding.id in _OWN_GLOBALS),
    ]
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LINKS, Scope.GLOBAL)
    """Whose actions the footer shows."""

    def __init__(self, links: tuple[Link, ...]) -> None:
        super().__init__()
        self._links = links

    def compose(self) -> ComposeResult:
        yield Header()
        yield TitleBar()
        yield LineTable(LinkModel(), _COLUMNS)
        yield Footer()

    def begin(self) -> None:
        self.set_class(look_of(self).glyphs.corners.isascii(), "-ascii")
        self._table.focus()
        self.call_after_refresh(self._table.set_rows, self._links)

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        palette, keymap = look_of(self).palette, keymap_of(self.app)
        self.query_one(Header).show(snapshot, now)
        count = plural(len(self._links), lit("page"), lit("pages"))
        heading = fmt("Links {} {}", look_of(self).glyphs.dot, count)
        back = [(fmt("{} back", key), palette.muted) for key in keymap.shown("app.back")[:1]]
        self.query_one(TitleBar).show([(heading, palette.bold)], [*paused_part(shell_of(self)), *back])
        self.query_one(Footer).show(self.SCOPES, keymap, snapshot.notices)
        self._table.redraw()

    @property
    def _table(self) -> LineTable[Link]:
        return self.query_one(LineTable)

    def on_line_table_chosen(self) -> None:
        self.action_link_open()

    def action_links_visit(self) -> None:
        self.action_link_open()

    def action_link_open(self) -> None:
        link = self._table.selected
        if link is None:
            return
        if not link[1].startswith(("https://", "http://")):
            notify(self.app, lit("Not opened: it is not a web address."), severity="warning")
            return
        self.app.open_url(link[1])
        self.dismiss()

    def action_text_copy(self) -> None:
        link = self._table.selected
        self.post_message(CopyText(link[1] if link is not None else EMPTY))
