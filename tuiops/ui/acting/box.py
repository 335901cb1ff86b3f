"""What every question to a person shares: a sheet in a box, a field where something is typed, and choices.

The first choice leaves everything as it is, and has the focus. Keys are read only while the screen has been seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical

from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.ui.actions import Scope, bindings
from tuiops.ui.panes.base import TitleBar
from tuiops.ui.screens.detail import DetailScreen
from tuiops.ui.screens.pen import Pen, Row, wrap
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.choice import Choice
from tuiops.ui.widgets.document import Document
from tuiops.ui.widgets.prompt import Line
from tuiops.ui.widgets.safe import SafeStatic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.style import Style
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget
    from textual.widgets import Input

    from tuiops.core.snapshot import Snapshot

_MOST_SAID = 4
"""Rows of what is said right above the choices; what is longer stands whole on the sheet, too."""


class Box(DetailScreen):
    """A question. A subclass says what is on the sheet, what can be chosen, and what follows from it."""

    DEFAULT_CSS = """
    Box { align-horizontal: center; }
    Box > #box { height: 1fr; max-width: 124; }
    Box > #box > #inside { border: round $accent; border-top: none; height: auto; }
    Box.-ascii > #box > #inside { border: ascii $accent; border-top: none; }
    Box #inside > Document { height: 1; }
    Box #said { height: auto; padding: 0 1; display: none; }
    Box #field { height: 1; padding: 0 1; }
    Box #field > SafeStatic { width: auto; color: $quiet; }
    Box #field > Line, Box #field > Line:focus { border: none; height: 1; width: 1fr; padding: 0; background: $panel; }
    Box #choices { height: 1; align-horizontal: right; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.CARD)]
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.CARD, Scope.GLOBAL)

    LIVE: ClassVar[bool] = True
    LONGEST: ClassVar[int] = 500
    """Characters that can be typed into the field."""

    _unsaid: Sequence[Row] = ()
    """What is said, at the top of the sheet where it is too long to stand above the choices alone."""
    _below = 0
    """Rows between the sheet and the choices."""

    # What a subclass says.

    def choices(self) -> Sequence[Choice]:
        """From left to right; the first one leaves everything as it is."""
        raise NotImplementedError

    def asked(self) -> SafeText:
        """What is to be typed into the field; empty when nothing is."""
        return EMPTY

    def said(self, pen: Pen) -> Sequence[tuple[SafeText, Style]]:  # noqa: ARG002 - most say nothing
        """Sentences right above the choices."""
        return ()

    def typed(self, text: str) -> None:
        """The text of the field differs."""

    def chosen(self, name: str) -> None:
        """Something was chosen that can be chosen at this moment."""
        raise NotImplementedError

    # What all of them do.

    def body(self) -> ComposeResult:
        with Vertical(id="box"):
            yield TitleBar()
            with Vertical(id="inside"):
                yield Document()
                yield SafeStatic(id="said")
                if self.asked():
                    yield self._field()
                with Horizontal(id="choices"):
                    yield from self.choices()

    def begin(self) -> None:
        super().begin()
        self.sheet.can_focus = False
        self.start_over()

    def start_over(self) -> None:
        """The focus to what leaves everything as it is."""
        self.set_focus(self.query(Choice).first())

    def _field(self) -> Horizontal:
        # Most questions have none, and it costs as much as all the rest of a box.
        line = Line(max_length=self.LONGEST, select_on_focus=False, id="typed")
        return Horizontal(SafeStatic(fmt("{} ", self.asked()), id="asked"), line, id="field")

    def fill(self, text: str) -> None:
        """What the field says, where there is one; nobody is told that it was typed."""
        for line in self.query("#typed").results(Line):
            with self.prevent(line.Changed):
                line.value = text

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        asked = self.asked()
        if asked and not self.query("#field"):
            self.query_one("#inside").mount(self._field(), before="#choices")
        for field in self.query("#field"):
            field.display = bool(asked)
        for text in self.query("#asked").results(SafeStatic):
            text.show(fmt("{} ", asked))
        look = look_of(self)
        pen = Pen(look=look, times=self.host.times, now=now, width=max(20, self.sheet.columns))
        lines = [(line, style) for text, style in self.said(pen) for line in wrap(text, pen.width - 2)]
        said = self.query_one("#said", SafeStatic)
        said.display = bool(lines)
        said.show_lines([[piece] for piece in lines[:_MOST_SAID]])
        self._below = min(len(lines), _MOST_SAID) + bool(asked)
        self._unsaid = [(pen.text(lit(" ")), piece) for piece in lines] if len(lines) > _MOST_SAID else []
        super().draw(snapshot, now)
        self._fit()

    def trimmed(self, rows: list[Row]) -> list[Row]:
        if self._unsaid:
            rows = [*self._unsaid, *rows]
        return rows[1:] if len(rows) > self._room and not rows[0] else rows

    @property
    def _room(self) -> int:
        """Rows that the sheet may have: header, title, choices, lower border and footer take one each."""
        return self.size.height - 5 - self._below

    def page(self, rows: int) -> int:
        """The sheet is as high as what is on it, as far as there is room."""
        return max(1, min(rows, self._room))

    def _fit(self) -> None:
        height = self.page(len(self.sheet.rows))
        if self.sheet.styles.height is None or self.sheet.styles.height.value != height:
            self.sheet.styles.height = height

    # Ways from one choice to the next.

    def _stops(self) -> list[Widget]:
        fields = list(self.query("#typed")) if self.asked() else []
        first, *rest = self.query(Choice)
        others = [choice for choice in rest if choice.display]
        if self.focused is first and all(choice.open for choice in others):
            # What need not be typed is not in the way.
            return [first, *others, *fields]
        return [first, *fields, *others]

    def _go(self, by: int) -> None:
        stops = self._stops()
        at = stops.index(self.focused) if self.focused in stops else 0
        self.set_focus(stops[(at + by) % len(stops)])

    def action_card_next(self) -> None:
        self._go(1)

    def action_card_previous(self) -> None:
        self._go(-1)

    async def end_search(self) -> None:
        await super().end_search()
        self.start_over()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "typed":
            event.stop()
            event.prevent_default()
            self.typed(event.value)
            self.show_now()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field goes on to the next choice: it never is one."""
        if event.input.id == "typed":
            event.stop()
            event.prevent_default()
            self._go(1)

    async def on_key(self, event: events.Key) -> None:
        field = next(iter(self.query("#typed").results(Line)), None) if self.asked() else None
        if field is None:
            return
        if self.focused is field and event.key in {"tab", "shift+tab", "down", "up"}:
            self._go(1 if event.key in {"tab", "down"} else -1)
        elif isinstance(self.focused, Choice) and event.is_printable and event.character:
            # Whoever is asked to type and types means the field, and no key of the same letter.
            self.set_focus(field)
            field.insert_text_at_cursor(event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_choice_pressed(self, message: Choice.Pressed) -> None:
        message.stop()
        choice = next((one for one in self.query(Choice) if one.name == message.name), None)
        if choice is not None and choice.open:
            self.chosen(message.name)
