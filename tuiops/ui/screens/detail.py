"""What all detail screens share: a sheet that scrolls, a search in it, a line of keys, ages that tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal

from tuiops.core.subject import Subject
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.keymap import keymap_of
from tuiops.ui.messages import ActOn, CopyText, OpenChanges, OpenLinks, OpenLogs
from tuiops.ui.panes.base import TitleBar, paused_part
from tuiops.ui.screens.pen import Pen, Piece, Row
from tuiops.ui.shell import Shell, View, shell_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.document import Document
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.prompt import Line
from tuiops.ui.widgets.safe import SafeStatic, notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from tuiops.core.snapshot import Snapshot
    from tuiops.ui.keymap import Keymap

_OWN_GLOBALS = frozenset({"link.open", "text.copy"})
"""Actions of the whole program whose target is what the screen shows."""
_WHOLE_PAGE_LESS = 2
"""Rows of the last page that stay in view after a page."""


class DetailScreen(View):
    """A titled sheet. A subclass says what is on it; this class knows how to keep it current."""

    DEFAULT_CSS = """
    DetailScreen { layout: vertical; }
    DetailScreen > Document { border: round $accent; border-top: none; height: 1fr; }
    DetailScreen.-ascii > Document { border: ascii $accent; border-top: none; }
    DetailScreen > #search { height: 1; }
    DetailScreen > #search > SafeStatic { width: 2; }
    DetailScreen > #search > Line { border: none; height: 1; width: 1fr; padding: 0; background: $panel; }
    DetailScreen > #search > Line:focus { border: none; background: $panel; }
    DetailScreen.searching > Footer { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.DETAIL),
        *(binding for binding in bindings(Scope.GLOBAL) if binding.id in _OWN_GLOBALS),
    ]
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DETAIL, Scope.GLOBAL)
    """Whose actions the footer shows."""

    HELD: ClassVar[float] = 0.1

    def __init__(self) -> None:
        super().__init__()
        self._sought = EMPTY

    # What a subclass says.

    def heading(self, pen: Pen) -> SafeText:
        """The title in the border."""
        raise NotImplementedError

    def notes(self, pen: Pen) -> Sequence[Piece]:  # noqa: ARG002 - most have none
        """What stands at the right end of the title."""
        return ()

    def rows(self, pen: Pen) -> Sequence[Row]:
        """The sheet for a pen of a given width."""
        raise NotImplementedError

    def trimmed(self, rows: list[Row]) -> list[Row]:
        """The rows without those that are there only where there is room."""
        return rows

    def page(self, rows: int) -> int:  # noqa: ARG002 - most have their place, whatever is on them
        """Rows that are seen at a time when there are as many as this."""
        return self.sheet.size.height

    @property
    def subject(self) -> tuple[SafeText, SafeText]:
        """System and service that logs and changes are asked for."""
        return EMPTY, EMPTY

    @property
    def acted_on(self) -> Subject | None:
        """What `x` is about; None where nothing can be done."""
        system, service = self.subject
        return Subject(system=system, service=service) if system else None

    @property
    def links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        """The pages that belong to what is shown."""
        return ()

    @property
    def copied(self) -> SafeText:
        """What `copy` puts on the clipboard."""
        return EMPTY

    @property
    def idle(self) -> frozenset[str]:
        """Ids of the actions that would do nothing here, which the footer leaves out."""
        idle = {"detail.range"}
        if not self.subject[0]:
            idle.add("detail.logs")
        if self.acted_on is None:
            idle.add("detail.act")
        return frozenset(idle)

    # What all of them do.

    @property
    def host(self) -> Shell:
        return shell_of(self)

    @property
    def keymap(self) -> Keymap:
        """The keys in force."""
        return keymap_of(self.app)

    @property
    def sheet(self) -> Document:
        return self.query_one(Document)

    def compose(self) -> ComposeResult:
        yield Header()
        yield from self.body()
        yield Footer()

    def body(self) -> ComposeResult:
        """What stands between header and footer: a title and the sheet."""
        yield TitleBar()
        yield Document()

    def begin(self) -> None:
        self.set_class(look_of(self).glyphs.corners.isascii(), "-ascii")
        self.sheet.focus()
        self.call_after_refresh(self.show_now)

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        if self.sheet.size.width == 0:
            return
        pen = Pen(look=look_of(self), times=self.host.times, now=now, width=self.sheet.columns)
        drawn = self.trimmed([pen.clip(row) for row in self.rows(pen)])
        self.sheet.show([_lit_up(row, self._sought, pen) for row in drawn] if self._sought else drawn)
        self.query_one(TitleBar).show((pen.bold(self.heading(pen)),), self._aside(pen, len(drawn)))
        self.query_one(Header).show(snapshot, now)
        self.query_one(Footer).show(self.SCOPES, self.keymap, snapshot.notices, self.idle)

    def _aside(self, pen: Pen, rows: int) -> list[Piece]:
        """The right end of the title: how much is below, and how to leave."""
        below = max(0, rows - self.sheet.scroll_offset.y - self.page(rows))
        back = self.keymap.shown("app.back")
        more = [pen.muted(fmt("{} {} more", pen.look.glyphs.down, below))] if below else []
        more += [pen.muted(pen.look.glyphs.dot)] if more and back else []
        ways = [pen.muted(fmt("{} back", key)) for key in back[:1]]
        return [*(() if self.LIVE else paused_part(self.host)), *more, *ways, *self.notes(pen)]

    # Actions.

    def action_detail_down(self) -> None:
        self.sheet.scroll_by(1)

    def action_detail_up(self) -> None:
        self.sheet.scroll_by(-1)

    def action_detail_page_down(self) -> None:
        self.sheet.scroll_by(max(1, self.sheet.size.height - _WHOLE_PAGE_LESS))

    def action_detail_page_up(self) -> None:
        self.sheet.scroll_by(-max(1, self.sheet.size.height - _WHOLE_PAGE_LESS))

    def action_detail_top(self) -> None:
        self.sheet.scroll_home(animate=False)

    def action_detail_bottom(self) -> None:
        self.sheet.scroll_end(animate=False)

    def action_detail_logs(self) -> None:
        if self.subject[0]:
            self.post_message(OpenLogs(*self.subject))

    def action_detail_act(self) -> None:
        subject = self.acted_on
        if subject is not None:
            self.post_message(ActOn((subject,)))
        else:
            notify(self.app, lit("There is nothing here that could be acted on."))

    def action_detail_changes(self) -> None:
        self.post_message(OpenChanges(*self.subject))

    def action_detail_range(self) -> None:
        """Only sheets with plots have a range."""

    def action_link_open(self) -> None:
        self.post_message(OpenLinks(self.links))

    def action_text_copy(self) -> None:
        self.post_message(CopyText(self.copied))

    # Search.

    async def action_detail_search(self) -> None:
        # Made when it is asked for: a field costs as much as a sheet, and most are read without.
        await self.mount(Horizontal(SafeStatic(lit("/")), line := Line(), id="search"), before=self.query_one(Footer))
        self.add_class("searching")
        line.focus()

    async def end_search(self) -> None:
        """Back to the sheet; what was found stays lit up."""
        self.remove_class("searching")
        self.sheet.focus()
        await self.query("#search").remove()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.seek(safe(event.value))

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        await self.end_search()

    async def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.has_class("searching"):
            event.stop()
            event.prevent_default()
            self.seek(EMPTY)
            await self.end_search()

    def seek(self, text: SafeText) -> None:
        """Light up the rows that contain a text and go to the first one."""
        self._sought = text
        self.show_now()
        number = self.sheet.find(text) if text else None
        if number is not None:
            self.sheet.scroll_to(y=max(0, number - 2), animate=False)


def _lit_up(row: Row, sought: SafeText, pen: Pen) -> Row:
    if sought.casefold() not in "".join(text for text, _ in row).casefold():
        return row
    return tuple((text, style + pen.look.palette.selection) for text, style in row)
