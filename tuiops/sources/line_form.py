"""From the configuration of a log stream to the way its lines are read."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tuiops.core.guarded import Guarded
from tuiops.core.logformat import LineFormat

if TYPE_CHECKING:
    from tuiops.config.logs import LogConfig


def line_format(config: LogConfig) -> LineFormat:
    """How the stream's lines are read. Zone and pattern were checked when the configuration was loaded."""
    return LineFormat(
        kind=config.format,
        fields=dict(config.fields),
        mask=frozenset(config.mask),
        zone=_zone(config.naive_time),
        multiline=Guarded(config.multiline) if config.multiline else None,
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
