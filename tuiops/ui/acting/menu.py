"""What can be done about the rows that `x` was pressed on: a letter each; what cannot be done says why."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from tuiops.core.clock import age
from tuiops.core.health import State
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import countdown, span
from tuiops.errors import TuiopsError
from tuiops.ui.acting.answers import answer
from tuiops.ui.acting.card_rows import took, usual
from tuiops.ui.actions import Scope, bindings, within
from tuiops.ui.keymap import Keymap, keymap_of
from tuiops.ui.panes.base import TitleBar
from tuiops.ui.run_signs import danger_style
from tuiops.ui.screens.pen import BLANK, Pen
from tuiops.ui.shell import View, shell_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.document import Document
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.line_table import NAVIGATION, LineTable
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from datetime import datetime

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tuiops.core.alerts import Alert
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.subject import Subject
    from tuiops.runbooks.desk.desk import Desk, Offered
    from tuiops.ui.screens.pen import Row

_COLUMNS = (
    Column(id="key", heading=EMPTY, width=1),
    Column(id="danger", heading=EMPTY, width=1),
    Column(id="title", heading=lit("WHAT"), width=24, grow=3),
    Column(id="usual", heading=lit("USUALLY"), width=12, right=True, rank=1),
    Column(id="why", heading=EMPTY, width=14, grow=4),
)
_ABOUT = 10
"""Rows that the menu leaves to what is said about the selected line, at least."""
_SUBJECTS = 3
"""Rows that are named; the rest is counted."""


class OfferModel:
    """How the lines of the menu look."""

    def __init__(self) -> None:
        self.letters: dict[str, str] = {}
        """By runbook: the letter that chooses it."""

    def key(self, row: Offered) -> Hashable:
        return row.runbook

    def stamp(self, row: Offered) -> Hashable:
        return row.reason

    def stale(self, row: Offered, drawing: Drawing) -> bool:  # noqa: ARG002 - what cannot be chosen is dim
        return bool(row.reason)

    def cells(self, row: Offered, drawing: Drawing) -> tuple[Cell, ...]:
        palette = drawing.look.palette
        open_to = not row.reason
        letter = safe(self.letters.get(row.runbook, ""))
        usually = took(row.typical[0]) if row.typical is not None else drawing.look.glyphs.dash
        second = lit("second person") if row.second and open_to else EMPTY
        return (
            Cell(letter, palette.accent if open_to else palette.faint),
            Cell(row.danger.letter, danger_style(row.danger, palette) if open_to else palette.faint),
            Cell(row.title, palette.bold if open_to else palette.faint),
            Cell(usually, palette.muted if open_to else palette.faint),
            Cell(row.reason or second, palette.muted if open_to else palette.faint),
        )


class MenuScreen(View):
    """Opens at once, and is filled as soon as the desk has answered."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    HELD: ClassVar[float] = 0.1
    LIVE: ClassVar[bool] = True
    DEFAULT_CSS = """
    MenuScreen { layout: vertical; align-horizontal: center; }
    MenuScreen > TitleBar, MenuScreen > #inside { max-width: 140; }
    MenuScreen > #inside { height: auto; border: round $accent; border-top: none; }
    MenuScreen.-ascii > #inside { border: ascii $accent; border-top: none; }
    MenuScreen LineTable.-none { visibility: hidden; max-height: 0; }
    MenuScreen #subjects, MenuScreen LineTable, MenuScreen #about { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "choose"), *(binding for binding in bindings(Scope.GLOBAL) if binding.id == "data.refresh")
    ]  # fmt: skip

    def __init__(
        self,
        desk: Desk | None,
        why_not: SafeText,
        subjects: tuple[Subject, ...],
        chosen: Callable[[MenuScreen, Offered], None],
    ) -> None:
        """`why_not`: why nothing can be done at all, when `desk` is None; `chosen` is given this menu, too."""
        super().__init__()
        self._desk = desk
        self._why_not = why_not
        self.subjects = subjects
        self._chosen = chosen
        self._model = OfferModel()
        self._offers: tuple[Offered, ...] | None = None if desk is not None else ()
        self._trouble = why_not if desk is None else EMPTY
        self._ahead = ""
        """A letter that was pressed before the menu was there."""

    def compose(self) -> ComposeResult:
        yield Header()
        yield TitleBar()
        with Vertical(id="inside"):
            yield Document(id="subjects")
            yield LineTable(self._model, _COLUMNS)
            yield Document(id="about")
        yield Footer()

    def begin(self) -> None:
        self.set_class(look_of(self).glyphs.corners.isascii(), "-ascii")
        for sheet in self.query(Document):
            sheet.can_focus = False
        self.set_focus(self._table)
        self.look()

    @property
    def filled(self) -> bool:
        return self._offers is not None or bool(self._trouble)

    @property
    def keymap(self) -> Keymap:
        """The keys in force."""
        return keymap_of(self.app)

    @property
    def _table(self) -> LineTable[Offered]:
        return self.query_one(LineTable)

    def look(self) -> None:
        """Ask what can be done."""
        if self._desk is not None:
            self.run_worker(self._ask(self._desk), group="menu", exclusive=True, exit_on_error=False)

    async def _ask(self, desk: Desk) -> None:
        try:
            self._offers, self._trouble = await answer(desk.offered(self.subjects)), EMPTY
        except TuiopsError as error:
            self._offers, self._trouble = (), safe(str(error), 500)
        self._deal(self._offers)
        self.show_now()
        if self._ahead:
            self._press(self._ahead)

    def _deal(self, offers: Iterable[Offered]) -> None:
        """A letter for each line that has none: those that were read once stay what they are while this is open."""
        dealt = self._model.letters
        free = (letter for letter in self._letters() if letter not in dealt.values())
        dealt |= {offer.runbook: next(free, "") for offer in offers if offer.runbook not in dealt}

    def _letters(self) -> str:
        """The letters that do nothing else here."""
        used = {key for action in within(Scope.GLOBAL) for key in self.keymap.keys(action.id)}
        used |= {key for name in (*NAVIGATION, "table.act") for key in self.keymap.keys(name)}
        return "".join(letter for letter in string.ascii_lowercase if letter not in used)

    # What is on it.

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        shell = shell_of(self)
        subjects, about = self.query_one("#subjects", Document), self.query_one("#about", Document)
        pen = Pen(look=look_of(self), times=shell.times, now=now, width=max(20, about.columns))
        named = [pen.clip(row) for row in self._subject_rows(pen, snapshot)]
        subjects.styles.height = len(named)
        subjects.show(named)
        offers = self._offers or ()
        room = max(3, self.size.height - len(named) - 4 - _ABOUT)
        self._table.styles.height = min(len(offers) + 1, room)
        self._table.set_class(not offers, "-none")
        self._table.set_rows(offers, quiet=True)
        explained = [pen.clip(row) for row in self._about_rows(pen)]
        about.styles.height = max(1, len(explained))
        about.show(explained)
        names = list(dict.fromkeys(subject.name for subject in self.subjects))
        of = names[0] if len(names) == 1 else fmt("{} services", len(names))
        back = [pen.muted(fmt("{} back", key)) for key in self.keymap.shown("app.back")[:1]]
        self.query_one(TitleBar).show((pen.bold(fmt("Act on {}", of)),), (*back, pen.environment(snapshot.environment)))
        self.query_one(Header).show(snapshot, now)
        self.query_one(Footer).show((Scope.GLOBAL,), self.keymap, snapshot.notices)

    def _empty(self) -> tuple[SafeText, ...]:
        if self._offers is None:
            return (lit("Looking what can be done …"),)
        if self._trouble:
            return (fmt("Nothing can be done here: {}.", self._trouble),)
        return (
            lit("No runbook is offered for this."),
            lit("Its [offer] says for which alerts and services a runbook is; `tuiops runbook list` has all of them."),
        )

    def _subject_rows(self, pen: Pen, snapshot: Snapshot) -> Iterator[Row]:
        """The rows that it is about, as they stand at this moment."""
        yield BLANK
        alerts = {alert.identity: alert for alert in snapshot.alerts}
        for subject in self.subjects[:_SUBJECTS]:
            yield (
                _alert_row(pen, subject, alerts.get(subject.alert))
                if subject.alert
                else (
                    pen.bold(fmt("  {}", subject.name)),
                    pen.muted(
                        fmt("   {} {} {}", subject.old, pen.look.glyphs.arrow, subject.new) if subject.new else EMPTY
                    ),
                )
            )
        more = len(self.subjects) - _SUBJECTS
        if more > 0:
            yield (pen.muted(fmt("  and {} more", more)),)
        yield BLANK

    def _about_rows(self, pen: Pen) -> Iterator[Row]:
        """All about the selected line."""
        offer = self._table.selected
        if offer is None:
            for number, sentence in enumerate(self._empty()):
                yield from pen.sentence(sentence, pen.look.palette.muted if number else pen.look.palette.text)
            return
        yield BLANK
        if offer.reason:
            yield from pen.paragraph(lit("not now"), offer.reason, pen.look.palette.state[State.DEGRADED])
        yield from pen.paragraph(lit("danger"), fmt("{}  {}", offer.danger.letter, offer.danger.word))
        if offer.description:
            yield from pen.paragraph(lit("what for"), offer.description)
        yield from pen.paragraph(lit("usually takes"), usual(offer.typical))
        if offer.second:
            yield from pen.paragraph(lit("approval"), lit("another person must approve it before it begins"))
        for name, values in offer.fills:
            shown = safe(", ".join(values))
            yield from pen.paragraph(safe(name), fmt("{}   from the selected row", shown))
        if offer.source:
            yield from pen.paragraph(lit("source"), offer.source)

    # Keys.

    def on_line_table_moved(self) -> None:
        self.show_now()

    def on_line_table_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        offer = self._table.selected
        if offer is not None:
            self._take(offer)

    def on_key(self, event: events.Key) -> None:
        if len(event.key) == 1 and event.key in self._letters():
            event.stop()
            event.prevent_default()
            self._press(event.key)

    def _press(self, letter: str) -> None:
        if self._offers is None:
            self._ahead = letter
            return
        self._ahead = ""
        for offer in self._offers:
            if self._model.letters[offer.runbook] == letter:
                self._table.select(offer.runbook)
                self._take(offer)
                return

    def _take(self, offer: Offered) -> None:
        if offer.reason:
            self.app.bell()
            self.show_now()
        else:
            self._chosen(self, offer)

    def action_data_refresh(self) -> None:
        self.look()


def _alert_row(pen: Pen, subject: Subject, alert: Alert | None) -> Row:
    """An alert with its severity and what is left to respond; that it is gone is said."""
    if alert is None:
        return (pen.bold(fmt("  {}  ", subject.name)), pen.text(subject.alert_name), pen.muted(lit("   gone by now")))
    left = EMPTY
    if alert.due is not None:
        seconds = (alert.due - pen.now).total_seconds()
        left = fmt("   {} left to respond", countdown(seconds)) if seconds > 0 else lit("   overdue")
    return (
        pen.text(lit("  ")),
        (fmt(" {} {} ", alert.severity.glyph, alert.severity.word), pen.look.palette.severity[alert.severity]),
        pen.bold(fmt("  {}  ", subject.name)),
        pen.text(alert.summary or alert.name),
        pen.muted(fmt("   for {}{}", span(age(pen.now, alert.started)), left)),
    )
