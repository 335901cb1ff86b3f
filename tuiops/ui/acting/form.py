"""The values that a runbook still needs, one after the other: typed and looked at as they are typed, or chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical
from textual.keys import key_to_character
from textual.widgets import Input

from tuiops.core.health import State
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.errors import TuiopsError
from tuiops.runbooks.format.model import (
    EnumParameter,
    IntegerParameter,
    ListedParameter,
    TextParameter,
    TimestampParameter,
)
from tuiops.ui.acting.answers import answer
from tuiops.ui.keymap import keymap_of, show_key
from tuiops.ui.panes.base import TitleBar
from tuiops.ui.screens.pen import BLANK, Pen
from tuiops.ui.shell import View, shell_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.columns import Column
from tuiops.ui.widgets.document import Document
from tuiops.ui.widgets.footer import Footer
from tuiops.ui.widgets.header import Header
from tuiops.ui.widgets.line_table import LineTable
from tuiops.ui.widgets.prompt import Line
from tuiops.ui.widgets.safe import SafeStatic
from tuiops.ui.widgets.table_lines import Cell, Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from datetime import datetime

    from textual import events
    from textual.app import ComposeResult

    from tuiops.core.snapshot import Snapshot
    from tuiops.runbooks.desk.desk import Desk
    from tuiops.runbooks.format.model import AnyParameter
    from tuiops.ui.acting.request import Request
    from tuiops.ui.screens.pen import Row

_COLUMNS = (
    Column(id="place", heading=EMPTY, width=2, right=True),
    Column(id="value", heading=EMPTY, width=10, grow=1),
)
LONGEST = 1024
"""Characters of a value."""


class OptionModel:
    """How the values that can be chosen look; of a list, each with its place in it."""

    def __init__(self) -> None:
        self.chosen: tuple[str, ...] = ()

    def key(self, row: SafeText) -> Hashable:
        return row

    def stamp(self, row: SafeText) -> Hashable:
        return row

    def stale(self, row: SafeText, drawing: Drawing) -> bool:  # noqa: ARG002 - choices do not age
        return False

    def cells(self, row: SafeText, drawing: Drawing) -> tuple[Cell, ...]:
        palette = drawing.look.palette
        place = fmt("{}", self.chosen.index(row) + 1) if row in self.chosen else EMPTY
        return (Cell(place, palette.accent), Cell(row, palette.bold if place else palette.text))


class FormScreen(View):
    """Asks for some of the parameters of a request, then hands it on."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    LIVE: ClassVar[bool] = True
    DEFAULT_CSS = """
    FormScreen { layout: vertical; align-horizontal: center; }
    FormScreen > TitleBar, FormScreen > #inside { max-width: 124; }
    FormScreen > #inside { height: 1fr; border: round $accent; border-top: none; }
    FormScreen.-ascii > #inside { border: ascii $accent; border-top: none; }
    FormScreen Document { height: auto; }
    FormScreen #entry { height: 1; padding: 0 1; background: $panel; }
    FormScreen #name { width: auto; color: $accent; background: $panel; }
    FormScreen Line, FormScreen Line:focus { border: none; height: 1; width: 1fr; padding: 0; background: $panel; }
    FormScreen #trouble { height: auto; min-height: 1; padding: 0 1; }
    FormScreen LineTable { height: 1fr; }
    """

    def __init__(self, desk: Desk, request: Request, asked: tuple[str, ...], done: Callable[[Request], None]) -> None:
        """`asked`: the parameters to ask for, in their order; `done` is called with the request that has them."""
        super().__init__()
        self._desk = desk
        self._request = request
        self._asked = asked
        self._done = done
        self._at = 0
        self._values = {name: tuple(values) for name, values in request.values.items()}
        self._model = OptionModel()
        self._options: tuple[SafeText, ...] | None = ()
        """What can be chosen; None while it is read."""
        self._trouble = EMPTY
        self._typing = ""

    def compose(self) -> ComposeResult:
        yield Header()
        yield TitleBar()
        with Vertical(id="inside"):
            yield Document()
            with Horizontal(id="entry"):
                yield SafeStatic(id="name")
                yield Line(max_length=LONGEST, select_on_focus=False)
            yield SafeStatic(id="trouble")
            yield LineTable(self._model, _COLUMNS)
        yield Footer()

    def begin(self) -> None:
        self.set_class(look_of(self).glyphs.corners.isascii(), "-ascii")
        self.query_one(Document).can_focus = False
        self._table.can_focus, self._table.shows_selection = False, True
        self._turn(0)

    @property
    def _table(self) -> LineTable[SafeText]:
        return self.query_one(LineTable)

    @property
    def _line(self) -> Line:
        return self.query_one(Line)

    @property
    def name_asked(self) -> str:
        """The parameter that is asked for at this moment."""
        return self._asked[self._at]

    @property
    def parameter(self) -> AnyParameter:
        return self._request.parameters[self.name_asked]

    @property
    def _by_list(self) -> bool:
        return isinstance(self.parameter, EnumParameter | ListedParameter)

    # From one parameter to the next.

    def _turn(self, at: int) -> None:
        self._at, self._trouble = at, EMPTY
        # The list of another parameter must not come in under this one's name.
        self.workers.cancel_group(self, "options")
        parameter = self.parameter
        current = self._values.get(self.name_asked) or _defaults(parameter)
        self._model.chosen = current if parameter.many else ()
        line = self._line
        with line.prevent(Input.Changed):
            line.value = "" if self._by_list or parameter.many else safe(current[0]) if current else ""
            self._typing = line.value
        line.cursor_position = len(line.value)
        self.set_focus(line)
        self._list()
        self.show_now()

    def _list(self) -> None:
        """What can be chosen, as it is at this moment."""
        parameter = self.parameter
        if isinstance(parameter, ListedParameter):
            self._options = None
            self.run_worker(self._ask(self.name_asked), group="options", exclusive=True, exit_on_error=False)
        else:
            self._options = (
                tuple(safe(one) for one in parameter.options) if isinstance(parameter, EnumParameter) else ()
            )
        self._show_options()

    async def _ask(self, name: str) -> None:
        try:
            asked = self._desk.choices(self._request.runbook, self._request.system, name, self._values)
            found, trouble = await answer(asked), EMPTY
        except TuiopsError as error:
            found, trouble = (), fmt("{}; Enter asks again", safe(str(error), 500))
        if name == self.name_asked:
            self._options, self._trouble = found, trouble
            self._show_options()
            self.show_now()

    def _show_options(self) -> None:
        wanted = self._typing.casefold()
        shown = [option for option in self._options or () if wanted in option.casefold()] if self._by_list else []
        if self._options is None:
            empty = (lit("Reading what there is …"),)
        elif not self._by_list:
            empty = (EMPTY,)
        elif not self._options:
            empty = (lit("There is nothing to choose from."),)
        else:
            empty = (lit("Nothing there is called so."),)
        self._table.set_rows(shown, empty=empty, quiet=True)
        if shown and self._table.selected is None:
            self._table.select(shown[0])
        current = self._values.get(self.name_asked)
        if not wanted and current and not self.parameter.many:
            self._table.select(safe(current[0]))

    def _take(self) -> None:
        """Enter: take what is typed or selected, and go on when it is good."""
        if self._options is None:
            return
        if self._by_list:
            if self._trouble and not self._options:
                self._trouble = EMPTY
                self._list()
                return
            option = self._table.selected
            if option is None:
                self._trouble = lit("choose one that there is")
            elif self.parameter.many:
                self._toggle(option)
            else:
                self._next((option,))
        elif self._typing or not self.parameter.many:
            problem = self._desk.objection(self.parameter, self._typing)
            if problem:
                self._trouble = fmt("{} {}", self._label(self.name_asked), problem)
            elif self.parameter.many:
                self._toggle(safe(self._typing, LONGEST))
            else:
                self._next((self._typing,))
        else:
            self._go_on()
        self.show_now()

    def _toggle(self, option: SafeText) -> None:
        """Put a value at the end of the list, or take it out."""
        chosen = self._model.chosen
        self._model.chosen = tuple(one for one in chosen if one != option) if option in chosen else (*chosen, option)
        self._trouble = EMPTY
        if self._typing:
            self._line.value = ""
        self._table.redraw()

    def _go_on(self) -> None:
        """Tab: the list is complete."""
        if not self.parameter.many:
            self._take()
        elif self._model.chosen:
            self._next(self._model.chosen)
        else:
            self._trouble = lit("choose at least one")
        self.show_now()

    def _next(self, values: tuple[str, ...]) -> None:
        self._values[self.name_asked] = values
        if self._at + 1 < len(self._asked):
            self._turn(self._at + 1)
        else:
            self._done(self._request.with_values(dict(self._values)))

    # What is on it.

    def draw(self, snapshot: Snapshot, now: datetime) -> None:
        shell = shell_of(self)
        sheet = self.query_one(Document)
        pen = Pen(look=look_of(self), times=shell.times, now=now, width=max(20, sheet.columns))
        rows = [pen.clip(row) for row in self._rows(pen)]
        if sheet.styles.height is None or sheet.styles.height.value != len(rows):
            sheet.styles.height = len(rows)
        sheet.show(rows)
        of = fmt("value {} of {}", self._at + 1, len(self._asked))
        title = (pen.bold(self._request.title), pen.muted(pen.look.glyphs.dot), pen.muted(of))
        keymap = keymap_of(self.app)
        # What is a sign elsewhere is typed into the line here.
        back = [key for key in keymap.keys("app.back") if not (key_to_character(key) or "\0").isprintable()]
        ways = [pen.muted(fmt("{} back", show_key(key))) for key in back[:1]]
        self.query_one(TitleBar).show(title, ways)
        self.query_one("#name", SafeStatic).show(fmt("{}: ", self._label(self.name_asked)))
        palette = pen.look.palette
        trouble = (self._trouble, palette.state[State.DEGRADED]) if self._trouble else (self._hint(), palette.muted)
        self.query_one("#trouble", SafeStatic).show(trouble)
        self.query_one(Header).show(snapshot, now)
        # What other keys do elsewhere, they type here.
        self.query_one(Footer).show((), keymap, snapshot.notices)
        self._table.redraw()

    def _rows(self, pen: Pen) -> Iterator[Row]:
        """What is known already, and what is asked for."""
        yield BLANK
        for name in self._request.parameters:
            values = self._values.get(name)
            if name == self.name_asked or not values:
                continue
            given = name in self._request.given and values == self._request.values.get(name)
            shown = join(", ", (safe(value) for value in values))
            note = lit("   from the selected row") if given else EMPTY
            yield from pen.paragraph(self._label(name), fmt("{}{}", shown, note))
        if self.parameter.many and self._model.chosen:
            yield from pen.paragraph(lit("chosen"), join(", ", (safe(one) for one in self._model.chosen)))
        for text in (safe(self.parameter.description, 4000), *self._format()):
            if text:
                yield from pen.sentence(text)
        yield BLANK

    def _format(self) -> Iterator[SafeText]:
        """How a value is written."""
        match self.parameter:
            case TextParameter(pattern=pattern):
                yield fmt("All of it must match {}", safe(pattern))
            case IntegerParameter(least=least, most=most):
                yield fmt("A whole number from {} to {}", least, most)
            case TimestampParameter(earliest=earliest):
                back = fmt(", at most {} back", span(earliest)) if earliest is not None else EMPTY
                yield fmt("A moment such as 2026-05-01T12:00:00Z{}", back)
            case _:
                pass

    def _hint(self) -> SafeText:
        last = self._at + 1 == len(self._asked)
        on = lit("the card") if last else lit("the next value")
        if self.parameter.many:
            return fmt("Enter puts a value on the list or takes it off, Tab goes on to {}.", on)
        if self._by_list:
            return fmt("Type to narrow the list, Up and Down to choose, Enter for {}.", on)
        return fmt("Enter goes on to {}.", on)

    def _label(self, name: str) -> SafeText:
        return safe(self._request.parameters[name].label or name, 60)

    # Keys.

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._typing = event.value
        self._trouble = EMPTY
        if self._by_list:
            self._show_options()
        elif self._typing:
            problem = self._desk.objection(self.parameter, self._typing)
            self._trouble = fmt("{} {}", self._label(self.name_asked), problem) if problem else EMPTY
        self.show_now()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    def on_key(self, event: events.Key) -> None:
        table = self._table
        ways: dict[str, Callable[[], None]] = {
            "up": table.action_table_up, "down": table.action_table_down, "pageup": table.action_table_page_up,
            "pagedown": table.action_table_page_down, "tab": self._go_on, "shift+tab": self._back,
        }  # fmt: skip
        if event.key in ways:
            event.stop()
            event.prevent_default()
            ways[event.key]()

    def _back(self) -> None:
        if self._at:
            self._turn(self._at - 1)


def _defaults(parameter: AnyParameter) -> tuple[str, ...]:
    if parameter.many:
        return parameter.defaults
    return (parameter.default,) if parameter.default else ()
