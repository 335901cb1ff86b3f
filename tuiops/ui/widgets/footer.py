"""The keys of the focused pane, from the registry, and what the console has to say about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.strip import Strip
from textual.widget import Widget

from tuiops.core.text import EMPTY, fmt, join, lit
from tuiops.ui.actions import within
from tuiops.ui.format import cut, width_of
from tuiops.ui.theme import look_of
from tuiops.ui.widgets.safe import blanks, segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.segment import Segment

    from tuiops.core.text import SafeText
    from tuiops.ui.actions import Action, Scope
    from tuiops.ui.keymap import Keymap
    from tuiops.ui.theme import Look


class Footer(Widget):
    """One line."""

    DEFAULT_CSS = "Footer { dock: bottom; height: 1; }"
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._strip: Strip | None = None
        self._shown: object = None

    def show(
        self, scopes: Sequence[Scope], keymap: Keymap, notices: Sequence[SafeText], idle: frozenset[str] = frozenset()
    ) -> None:
        """The footer actions of the scopes but for the `idle` ones, by their ids; notices stand at the right."""
        shown = (tuple(scopes), idle, keymap, tuple(notices), self.size.width, look_of(self))
        if shown != self._shown:
            self._shown = shown
            actions = sorted(
                (a for a in within(*scopes) if a.footer and a.id not in idle), key=lambda action: action.footer
            )
            self._strip = footer_strip(actions, keymap, notices, self.size.width, look_of(self))
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        ground = look_of(self).palette.panel
        return self._strip or Strip.blank(self.size.width, ground)


def footer_strip(
    actions: Sequence[Action], keymap: Keymap, notices: Sequence[SafeText], width: int, look: Look
) -> Strip:
    """As many actions as fit, whole; help and command are never the ones left out, nor is a notice.

    Of notices that are longer than half the line only what happened is said, and where all of it stands.
    """
    palette = look.palette
    ground = palette.panel
    key_style = palette.accent + ground.background_style
    word_style = palette.muted + ground.background_style
    entries = [(keymap.shown(action.id), action) for action in actions]
    wanted = [(keys[0], action) for keys, action in entries if keys]
    kept = [entry for entry in wanted if entry[1].footer >= 80]
    used = sum(_width(*entry) for entry in kept)
    said, more = notices[0] if notices else EMPTY, EMPTY
    whole = join(": ", [text for text in (said, join("; ", notices[1:])) if text])
    if width_of(whole) < width // 2:
        said = whole
    else:
        more = lit(", see :sources")
    wished = min(width_of(said), width // 2) + width_of(more)
    room = width - 1 - (wished + 2 if said else 0)
    for entry in wanted:
        if entry not in kept and used + _width(*entry) <= room:
            kept.append(entry)
            used += _width(*entry)
    kept.sort(key=lambda entry: entry[1].footer)
    pieces: list[Segment] = []
    for key, action in kept:
        pieces += [segment(fmt(" {} ", key), key_style), segment(fmt("{}  ", action.label), word_style)]
    if said and width - used > 12:
        left = width - used - 2 - width_of(more)
        note = fmt("{}{}", cut(said, left, look.glyphs.cut), more) if left > 0 else cut(said, left + width_of(more))
        stale = palette.stale + ground.background_style
        pieces += [blanks(width - used - 1 - width_of(note), ground), segment(note, stale)]
    return Strip(pieces).adjust_cell_length(width, ground)


def _width(key: SafeText, action: Action) -> int:
    return width_of(key) + width_of(action.label) + 4
