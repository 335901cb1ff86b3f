"""How values become cells: times in the chosen zone, text cut to columns, numbers as small bars."""

from __future__ import annotations

import math
from datetime import UTC, timedelta, tzinfo
from enum import Enum
from typing import TYPE_CHECKING

import msgspec
from rich.cells import cell_len, set_cell_size

from tuiops.core.clock import age
from tuiops.core.text import SafeText, fmt, lit
from tuiops.core.units import Unit, show, span
from tuiops.ui.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tuiops.core.health import Indicator

_PERCENT = frozenset({Unit.RATIO, Unit.PERCENT})
_STEADY = _PERCENT | {Unit.COUNT}
"""Units whose values differ little in size; times and sizes change their unit instead."""
_WEEK = timedelta(days=6)


class TimeStyle(Enum):
    """How a moment is written."""

    LOCAL = "local"
    UTC = "utc"
    RELATIVE = "relative"

    @property
    def following(self) -> TimeStyle:
        styles = list(TimeStyle)
        return styles[(styles.index(self) + 1) % len(styles)]


def zone(name: str) -> tzinfo:
    """The zone of an IANA name."""
    if name == "UTC":
        return UTC  # the default must not cost the search for the zones' database
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


class Times(msgspec.Struct, frozen=True):
    """Writes moments in a zone and a style."""

    zone: tzinfo = UTC
    style: TimeStyle = TimeStyle.LOCAL

    @property
    def _zone(self) -> tzinfo:
        return UTC if self.style is TimeStyle.UTC else self.zone

    def clock(self, now: datetime) -> SafeText:
        """The clock of the header: `14:02:11 JST`, whatever the style."""
        local = now.astimezone(self._zone)
        return SafeText(f"{local:%H:%M:%S} {local.tzname() or 'UTC'}")

    def minute(self, at: datetime, now: datetime) -> SafeText:
        """A moment to the minute, where seconds would claim too much: `14:02`, `Thu 14:02`, or its age."""
        local, today = at.astimezone(self._zone), now.astimezone(self._zone)
        if self.style is not TimeStyle.RELATIVE and local.date() == today.date():
            return SafeText(f"{local:%H:%M}")
        return self.moment(at, now)

    def moment(self, at: datetime, now: datetime) -> SafeText:
        """A moment in a cell: `14:02:11` today, `Thu 14:02` this week, `3 Mar 14:02`, or its age."""
        if self.style is TimeStyle.RELATIVE:
            return fmt("in {}", span(age(at, now))) if at > now else fmt("{} ago", span(age(now, at)))
        local, today = at.astimezone(self._zone), now.astimezone(self._zone)
        if local.date() == today.date():
            return SafeText(f"{local:%H:%M:%S}")
        if abs(local.date() - today.date()) < _WEEK:
            return SafeText(f"{local:%a %H:%M}")
        return SafeText(f"{local.day} {local:%b %H:%M}")


def width_of(text: SafeText) -> int:
    """Columns that the text takes; CJK takes two each."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: SafeText, width: int, mark: SafeText = UNICODE.cut) -> SafeText:
    """The text in at most `width` columns, ending in the mark when something is missing."""
    if width <= 0:
        return SafeText("")
    if width_of(text) <= width:
        return text
    if width == 1:
        return mark
    if text.isascii():
        return SafeText(text[: width - 1] + mark)
    # A wide character that does not fit leaves a blank, which would part the mark from its word.
    return SafeText(set_cell_size(text, width - 1).rstrip(" ") + mark)


def fit(text: SafeText, width: int, *, right: bool = False, mark: SafeText = UNICODE.cut) -> SafeText:
    """The text in exactly `width` columns: cut, or filled with blanks on the other side."""
    short = cut(text, width, mark)
    blanks = " " * max(0, width - width_of(short))
    return SafeText(blanks + short if right else short + blanks)


def full_name(system: SafeText, service: SafeText, width: int, mark: SafeText = UNICODE.cut) -> SafeText:
    """`system/service` in at most `width` columns; where room is short the system gives way."""
    if not system or not service:
        return cut(service or system, width, mark)
    whole = fmt("{}/{}", system, service)
    room = width - width_of(service) - 1
    if width_of(whole) <= width:
        return whole
    return fmt("{}/{}", cut(system, room, mark), service) if room > 0 else cut(service, width, mark)


def sparkline(values: Sequence[float | None], width: int, glyphs: Glyphs = UNICODE) -> SafeText:
    """The last `width` values as bars between their own least and greatest; gaps stay gaps, flat lines stay low.

    A band of less than 5% of its own height is drawn flat: noise must not look like an incident.
    """
    shown = list(values)[-width:]
    known = [value for value in shown if value is not None and math.isfinite(value)]
    if not known:
        return SafeText("")
    low, high = min(known), max(known)
    reach = max(high - low, 0.05 * abs(high))
    steps = len(glyphs.sparks) - 1
    bars = [
        glyphs.gap
        if value is None or not math.isfinite(value)
        else glyphs.sparks[round((value - low) / reach * steps) if reach else 0]
        for value in shown
    ]
    return SafeText("".join(bars).rjust(width))


def decimals(indicator: Indicator) -> int | None:
    """Decimals that every value of an indicator is shown with, by the size of its limit; None: as few as needed."""
    limit = indicator.degraded or indicator.down
    if indicator.unit not in _STEADY or limit is None:
        return None
    reach = abs(limit.value) * (100 if indicator.unit in _PERCENT else 1)
    return 2 if reach < 10 else 1 if indicator.unit in _PERCENT else 0


def steady(value: float, unit: Unit, places: int | None, *, sign: bool = True) -> SafeText:
    """A value with a fixed number of decimals, so that a column of them can be read down; `sign` adds the %."""
    percent = unit in _PERCENT
    shown = value * 100 if percent else value
    if places is None or not math.isfinite(value) or abs(shown) >= 1000:
        return show(value, unit)
    digits = SafeText(f"{shown:.{places}f}")
    return fmt("{}%", digits) if percent and sign else digits


def plural(count: int, one: SafeText, many: SafeText) -> SafeText:
    """`1 alert`, `3 alerts`."""
    return fmt("{} {}", SafeText(f"{count:,}"), one if count == 1 else many)


NOTHING = lit("—")
