"""What every pane has: a title that says who it is and how old its data is, a body, and ways to somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.strip import Strip
from textual.widget import Widget

from tuiops.core.snapshot import stalest
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import span
from tuiops.ui.format import cut, width_of
from tuiops.ui.shell import shell_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.differing import refresh_where
from tuiops.ui.widgets.safe import segments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.style import Style
    from textual.app import ComposeResult

    from tuiops.core.snapshot import Feed, Snapshot
    from tuiops.ui.actions import Scope
    from tuiops.ui.shell import Shell
    from tuiops.ui.theme import Look, Palette

Part = tuple[SafeText, "Style"]


_LEAST_NOTE = 12
"""Columns below which a note is left out rather than cut."""


class TitleBar(Widget):
    """The upper border of a pane: `╭ 1 Health ── 3 of 12 ─────── live 3s ╮`."""

    DEFAULT_CSS = "TitleBar { height: 1; }"
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()
        self._shown: tuple[object, ...] = ()
        self._strip = Strip([])
        """What was drawn last."""

    def show(self, left: Sequence[Part], right: Sequence[Part]) -> None:
        """Parts at the left, most important first, and at the right; drawn only where they differ."""
        shown = (tuple(left), tuple(right), look_of(self))
        if shown != self._shown:
            self._left, self._right, self._shown = tuple(left), tuple(right), shown
            before, self._strip = self._strip, self._paint()
            refresh_where(self, (before,), (self._strip,))

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        self._strip = self._paint()
        return self._strip

    def _paint(self) -> Strip:
        return title_strip(self._left, self._right, self.size.width, look_of(self), focused=self._focused)

    @property
    def _focused(self) -> bool:
        return isinstance(self.parent, Widget) and self.parent.has_focus_within


def title_strip(left: Sequence[Part], right: Sequence[Part], width: int, look: Look, *, focused: bool) -> Strip:
    """The upper border in `width` columns. What does not fit is left out whole, from the middle."""
    line = look.palette.accent if focused else look.palette.border
    rule, corners = look.glyphs.horizontal, look.glyphs.corners
    tail = [piece for part in right for piece in ((lit(" "), line), part)]
    room = width - 4 - sum(width_of(text) for text, _ in tail) - 2
    head: list[Part] = []
    for position, (text, style) in enumerate(left):
        short = cut(text, room - 1, look.glyphs.cut)
        if not short or (position and short != text and width_of(short) < _LEAST_NOTE):
            # Nor does a separator stand where nothing follows it.
            if head and head[-1][0] in {look.glyphs.dot, rule}:
                head, room = head[:-2], room + 2
            break
        head += [(lit(" "), line), (short, style)]
        room -= width_of(short) + 1
    middle = fmt(" {}", SafeText(rule * max(0, room)))
    pieces = [
        (SafeText(corners[0] + rule), line), *head, (middle, line), *tail,
        (SafeText(" " + rule + corners[1]) if tail else SafeText(rule * 2 + corners[1]), line),
    ]  # fmt: skip
    return Strip(segments(*pieces)).adjust_cell_length(width, line)


class Pane(Widget, can_focus=False):
    """A titled part of the console. Its body is the child that takes the focus."""

    NUMBER: ClassVar[int] = 0
    """The key that leads to it; 0 for a pane that has a screen of its own."""
    NAME: ClassVar[SafeText]
    SCOPES: ClassVar[tuple[Scope, ...]]
    """Whose actions the footer shows while the pane has the focus."""

    DEFAULT_CSS = """
    Pane { layout: vertical; }
    Pane > .body { height: 1fr; border: round $line; border-top: none; }
    Pane:focus-within > .body { border: round $accent; border-top: none; }
    Pane.-ascii > .body { border: ascii $line; border-top: none; }
    Pane.-ascii:focus-within > .body { border: ascii $accent; border-top: none; }
    """

    def compose(self) -> ComposeResult:
        yield TitleBar()
        body = self.make_body()
        body.add_class("body")
        yield body

    def make_body(self) -> Widget:
        """The widget under the title; it can take the focus."""
        raise NotImplementedError

    def show(self, snapshot: Snapshot, now: datetime) -> None:
        """Draw what is different."""
        raise NotImplementedError

    @property
    def body(self) -> Widget:
        return self.query_one(".body", Widget)

    def on_mount(self) -> None:
        self.set_class(look_of(self).glyphs.corners.isascii(), "-ascii")

    def on_descendant_focus(self) -> None:
        self.query_one(TitleBar).refresh()

    def on_descendant_blur(self) -> None:
        self.query_one(TitleBar).refresh()

    def show_title(self, notes: Sequence[Part], right: Sequence[Part]) -> None:
        """The pane's number and name, then notes; the right end is for the age of the data."""
        palette = look_of(self).palette
        name = (fmt("{} {}", self.NUMBER, self.NAME) if self.NUMBER else self.NAME, palette.bold)
        rule = (look_of(self).glyphs.horizontal, palette.border)
        dot = (look_of(self).glyphs.dot, palette.border)
        parts: list[Part] = [name]
        for position, note in enumerate(notes):
            parts += [dot if position else rule, note]
        self.query_one(TitleBar).show(parts, paused_part(shell_of(self)) or right)

    def selection_text(self) -> SafeText:
        """What `y` copies."""
        return EMPTY

    def selection_links(self) -> tuple[tuple[SafeText, SafeText], ...]:
        """What `o` shows: names and addresses."""
        return ()


def paused_part(shell: Shell) -> tuple[Part, ...]:
    """How long a frozen screen has stood still, in place of ages that stand still with it."""
    seconds = shell.paused
    return () if seconds is None else ((fmt("PAUSED {}", span(seconds)), shell.look.palette.stale),)


def freshness_part(feeds: tuple[Feed, ...], now: datetime, palette: Palette) -> tuple[Part, ...]:
    """How old the data of a pane is, by its worst feed; nothing when no feed is configured."""
    status = stalest(feeds, now)
    if status is None:
        return ()
    return ((status.describe(now), palette.freshness(status.freshness(now))),)
