"""Limits that must be crossed for a while before they count, so that a value at its limit does not flap."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Hold(msgspec.Struct, gc=False, frozen=True):
    """What counts of one limit, and since when the readings say otherwise."""

    crossed: bool
    since: datetime
    """The first reading of those that made it count."""
    against: datetime | None = None
    """The first of the last readings, if these all say the opposite."""


def held(before: Hold | None, at: datetime, seconds: float, *, crossed: bool) -> Hold:
    """What counts after a reading, `seconds` being how long the opposite must last before it does.

    The first reading counts at once, since a single look must tell what it sees; but what has not lasted itself
    need not be outlasted.
    """
    if before is None:
        return Hold(crossed, at)
    if crossed is before.crossed:
        return before if before.against is None else Hold(crossed, before.since)
    against = before.against or at
    lasted = ((before.against or at) - before.since).total_seconds()
    if (at - against).total_seconds() >= seconds or (before.crossed and lasted < seconds):
        return Hold(crossed, against)
    return Hold(before.crossed, before.since, against)
