"""Times as log lines write them: ISO 8601 and its cousins, epochs in four units, and forms that leave out the year."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_DATE = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?(?![\w.])",
    re.ASCII,
)
_ACCESS = re.compile(r"(\d\d)/([A-Za-z]{3})/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})", re.ASCII)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
# A number of this size counts units of this many per second: the ranges are those of the years 1973 to 5138.
_UNITS: Final = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1.0))
_LATEST: Final = 253_402_300_799.0
"""The last second of the year 9999."""


def from_epoch(value: float) -> datetime | None:
    """A time from seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size."""
    for smallest, per_second in _UNITS:
        if value >= smallest:
            seconds = value / per_second
            return datetime.fromtimestamp(seconds, UTC) if seconds <= _LATEST else None
    return None


def from_text(text: str, zone: tzinfo) -> datetime | None:
    """A time from a text that is nothing but a time; one without an offset is in `zone`."""
    text = text[:40].strip()
    try:
        return _aware(datetime.fromisoformat(text), zone) if len(text) > 10 else None
    except (ValueError, OverflowError):
        pass
    found = _DATE.match(text)
    if found:
        return from_match(found, zone)
    try:
        return from_epoch(float(text)) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def leading(text: str, zone: tzinfo) -> tuple[datetime | None, int]:
    """The time that a line begins with, brackets allowed, and where the rest of the line begins."""
    start = 1 if text.startswith("[") else 0
    found = _DATE.match(text, start)
    if found is None:
        return None, 0
    at = from_match(found, zone)
    end = found.end()
    if start and text[end : end + 1] == "]":
        end += 1
    return (at, end) if at else (None, 0)


def from_match(found: re.Match[str], zone: tzinfo) -> datetime | None:
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0")) if fraction else 0
    try:
        # A leap second is drawn as the second before it: datetime has no sixtieth.
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), micro, tzinfo=UTC)
        if offset in {"Z", "UTC"}:
            return at
        if offset:
            minutes = int(offset[1:3]) * 60 + int(offset[-2:])
            return at - timedelta(minutes=minutes if offset[0] == "+" else -minutes)
        return _aware(at.replace(tzinfo=None), zone)
    except (ValueError, OverflowError):
        return None


def without_year(month: int | str, day: int, clock: str, zone: tzinfo, now: datetime) -> datetime | None:
    """A time of syslog or klog: the latest such moment that is not more than a day ahead of `now`."""
    number = month if isinstance(month, int) else _MONTHS.get(month.lower(), 0)
    whole, _, fraction = clock.partition(".")
    for year in (now.year + 1, now.year, now.year - 1, now.year - 2, now.year - 3, now.year - 4):
        try:
            hour, minute, second = (int(part) for part in whole.split(":"))
            micro = int(fraction[:6].ljust(6, "0")) if fraction else 0
            at = _aware(datetime(year, number, day, hour, minute, min(second, 59), micro), zone)  # noqa: DTZ001 - the zone follows
        except (ValueError, OverflowError):
            continue  # 29 February exists in some of these years only
        if at is not None and at <= now + timedelta(days=1):
            return at
    return None


def from_access_log(text: str) -> datetime | None:
    """`22/Nov/2026:14:02:09 +0900`, as the Common Log Format writes it."""
    found = _ACCESS.fullmatch(text)
    if found is None:
        return None
    day, month, year, clock, offset = found.groups()
    number = _MONTHS.get(month.lower(), 0)
    inner = _DATE.fullmatch(f"{year}-{number:02}-{day} {clock}{offset}")
    return from_match(inner, UTC) if inner else None


def _aware(at: datetime, zone: tzinfo) -> datetime | None:
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
