"""Quantities as people write them in a file and read them on a screen: `15s`, `500ms`, `1%`, `2GiB`."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit

if TYPE_CHECKING:
    from collections.abc import Mapping

DURATIONS: Mapping[str, float] = {
    "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0,
}  # fmt: skip
SIZES: Mapping[str, float] = {
    "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip

_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(\S*)\s*", re.ASCII)
_SPAN = re.compile(
    r"(?:(?P<d>\d{1,5})d)?(?:(?P<h>\d\d?)h)?(?:(?P<m>\d\d?)(?:m|(?<=h\d\d)))?(?:(?P<s>\d\d?)s)?", re.ASCII
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)


class Unit(StrEnum):
    """What a number means. Inside, ratios are 0–1, times are seconds, sizes are bytes."""

    RATIO = "ratio"
    PERCENT = "percent"
    SECONDS = "seconds"
    BYTES = "bytes"
    COUNT = "count"
    PER_SECOND = "per second"
    STATE = "state"
    """Not a quantity but how something stands by its keeper's own account: 0 well, 1 degraded, 2 down."""

    @property
    def scale(self) -> float:
        """What a value read in this unit is multiplied by to become the inner one."""
        return 0.01 if self is Unit.PERCENT else 1.0


def parse_duration(text: str) -> float:
    """Seconds in `500ms`, `15s`, `5m`, `1h30m`, `30d`. ValueError says what would have been right."""
    compact = text.strip()
    parts = _DURATION_PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as 500ms, 15s, 5m or 1h30m")
    return sum(float(number) * DURATIONS[unit] for number, unit in parts)


def parse_size(text: str) -> int:
    """Bytes in `64MB`, `2GiB`."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[2] not in SIZES or float(match[1]) < 0:
        raise ValueError(f"{text!r} is not a size; write a number and a unit, such as 512KB, 64MB or 2GiB")
    return int(float(match[1]) * SIZES[match[2]])


def parse_quantity(text: str, unit: Unit) -> float:
    """A number in the inner scale of `unit`: `1%` of a ratio is 0.01, `500ms` of seconds is 0.5.

    A ratio, a time or a size without its unit is refused: 1 and 1% differ by a hundred.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit")
    number, suffix = float(match[1]), match[2]
    if unit in {Unit.RATIO, Unit.PERCENT}:
        if suffix != "%":
            raise ValueError(f"{text!r} needs a percent sign: a ratio's limit is written like 1%")
        return number / 100
    table = DURATIONS if unit is Unit.SECONDS else SIZES if unit is Unit.BYTES else None
    if table is None:
        if suffix:
            raise ValueError(f"{text!r} has a unit, but the indicator counts plain numbers")
        return number
    if suffix not in table:
        raise ValueError(f"{text!r} needs a unit: one of {', '.join(table)}")
    return number * table[suffix]


def show(value: float, unit: Unit) -> SafeText:
    """The value as a cell shows it, without waste: at most eight characters and a sign for values below 10¹²."""
    if math.isnan(value):
        return lit("no data")
    if math.isinf(value):
        return lit("+Inf" if value > 0 else "-Inf")
    if value < 0:
        return fmt("-{}", show(-value, unit))
    if unit is Unit.STATE:
        return lit("ok") if value < 1 else lit("degraded") if value < 2 else lit("DOWN")
    return _show_quantity(value, unit)


def _show_quantity(value: float, unit: Unit) -> SafeText:
    if unit in {Unit.RATIO, Unit.PERCENT}:
        return SafeText(_short_percent(value * 100) + "%")
    if unit is Unit.SECONDS:
        return SafeText(f"{value * 1000:.0f}ms" if value < 1 else f"{value:.2f}s" if value < 60 else span(value))
    if unit is Unit.BYTES:
        return show_size(value)
    suffix = "/s" if unit is Unit.PER_SECOND else ""
    return SafeText(_short_number(value) + suffix)


def show_size(value: float) -> SafeText:
    """Binary multiples: `1.4GiB`."""
    if abs(value) < 1024:
        return SafeText(f"{value:.0f}B")
    for name in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if abs(value) < 1024 or name == "TiB":
            break
    return SafeText(f"{value:.1f}{name}" if abs(value) < 99.95 else f"{value:.0f}{name}")


def span(seconds: float) -> SafeText:
    """How long, in at most two parts: `45s`, `3m`, `1h05`, `2d3h`. Never negative."""
    whole = int(max(0.0, seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 60:
        return SafeText(f"{whole}s")
    if minutes < 60:
        return SafeText(f"{minutes}m")
    if hours < 24:
        return SafeText(f"{hours}h{minutes % 60:02d}")
    return SafeText(f"{days}d{hours % 24}h" if days < 10 else f"{days}d")


def exact_span(seconds: float) -> SafeText:
    """How long as a file writes it, nothing rounded, in the largest unit that leaves a whole number: `15m`, `500ms`."""
    for unit, factor in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= factor and seconds % factor == 0:
            return SafeText(f"{seconds / factor:.0f}{unit}")
    return SafeText(f"{seconds * 1000:.0f}ms")


def short_span(seconds: float) -> SafeText:
    """How long, in at most four columns below 1,000 days: `1h05`, but `23h` for `23h59`."""
    text = span(seconds)
    if len(text) <= 4 or text.endswith("d"):
        return text
    return SafeText(text[: text.index("d" if "d" in text else "h") + 1])


def seconds_of(text: str) -> float | None:
    """What `span` wrote, in seconds; None for any other text. What it left out stays lost: `3m` is 180."""
    match = _SPAN.fullmatch(text)
    if not text or match is None:
        return None
    days, hours, minutes, seconds = (int(match[part] or 0) for part in ("d", "h", "m", "s"))
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def countdown(seconds: float) -> SafeText:
    """Time left as a clock shows it: `12:31`, `3h41`; `now` when it is up."""
    if seconds <= 0:
        return lit("now")
    whole = int(seconds)
    if whole < 3600:
        return SafeText(f"{whole // 60}:{whole % 60:02d}")
    return span(seconds)


def _short_percent(percent: float) -> str:
    for limit, decimals in ((10, 2), (1000, 1), (10_000, 0)):
        if percent < limit:
            return f"{percent:.{decimals}f}"
    return _short_number(percent)


def _short_number(value: float) -> str:
    """A number of at least zero, in at most five characters below 10¹²."""
    if value and value < 0.001:
        return f"{value:.0e}"
    if value < 1000:
        return f"{value:.4g}" if value >= 1 else f"{value:.3f}".rstrip("0").rstrip(".")
    for limit, divisor, suffix in ((1e4, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (1e12, 1e9, "G")):
        if value < limit:
            scaled = value / divisor
            plain = not suffix or scaled >= 99.95 or scaled == int(scaled)
            return f"{scaled:.0f}{suffix}" if plain else f"{scaled:.1f}{suffix}"
    return f"{value:.1e}".replace("e+", "e")
