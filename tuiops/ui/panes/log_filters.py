"""What the log pane was asked to show: a subject, a level, patterns in and out, each of which can be switched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tuiops.core.logs import Level
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.hub.logfilter import LogFilter, Pattern
from tuiops.ui.format import plural
from tuiops.ui.widgets.log_painter import level_words

if TYPE_CHECKING:
    from tuiops.ui.panes.base import Part
    from tuiops.ui.theme import Palette

_LEVELS: Final = (Level.NONE, Level.INFO, Level.WARNING, Level.ERROR)
_NUMBER = re.compile(r"-?[1-9][0-9]?")


class FilterLine:
    """One filter of the list: a pattern that keeps lines in or out, on or off."""

    def __init__(self, text: str) -> None:
        """`!` in front keeps out. Raises `re.error` when the rest is no regular expression."""
        self.out = text.startswith("!")
        self.pattern = Pattern(text[1:] if self.out else text)
        self.on = True


class LogFilters:
    """Changed by the reader's keys; `wanted` is what the index is asked for."""

    def __init__(self) -> None:
        self.system = EMPTY
        self.service = EMPTY
        self.level = Level.NONE
        self.fold = False
        self.lines: list[FilterLine] = []

    @property
    def subject(self) -> SafeText:
        """`system/service`, as much of it as there is."""
        return join("/", [name for name in (self.system, self.service) if name])

    @property
    def wanted(self) -> LogFilter:
        on = [line for line in self.lines if line.on]
        return LogFilter(
            include=tuple(line.pattern for line in on if not line.out),
            exclude=tuple(line.pattern for line in on if line.out),
            level=self.level,
            system=self.system,
            service=self.service,
            fold=self.fold,
        )

    def next_level(self) -> None:
        """The next higher level; after the last, every line."""
        self.level = _LEVELS[(_LEVELS.index(self.level) + 1) % len(_LEVELS)]

    def obey(self, text: str) -> None:
        """Carry out one line of the prompt; an empty one shows everything. Raises `re.error`."""
        if not text:
            self.lines.clear()
            self.level, self.system, self.service = Level.NONE, EMPTY, EMPTY
        elif _NUMBER.fullmatch(text) and abs(int(text)) <= len(self.lines):
            number = abs(int(text)) - 1
            if text.startswith("-"):
                del self.lines[number]
            else:
                self.lines[number].on = not self.lines[number].on
        else:
            self.lines.append(FilterLine(text))

    def notes(self, palette: Palette) -> list[Part]:
        """What is in force, for the title."""
        notes: list[Part] = []
        if self.system:
            notes.append((self.subject, palette.accent))
        if self.level:
            notes.append((level_words(self.level), palette.accent))
        if self.lines:
            on = sum(line.on for line in self.lines)
            notes.append((fmt("{} of {}", on, plural(len(self.lines), lit("filter"), lit("filters"))), palette.accent))
        if any(line.on and line.pattern.gave_up for line in self.lines):
            notes.append((lit("a filter takes too long"), palette.level[Level.WARNING]))
        return notes

    def rows(self, palette: Palette) -> list[list[Part]]:
        """The numbered list above the prompt."""
        rows: list[list[Part]] = []
        for number, line in enumerate(self.lines, start=1):
            state = lit("on ") if line.on else lit("off")
            way = lit("out") if line.out else lit("in ")
            style = palette.text if line.on else palette.faint
            rows.append([(fmt(" {} {} {} {}", number, state, way, safe(line.pattern.text)), style)])
        return rows
