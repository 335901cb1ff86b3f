"""When things happen: occurrences of whatever recurs, computed for any moment of the past or the future."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from tuiops.sim.chance import unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.sim.model import Recurrence


class Occurrence(msgspec.Struct, frozen=True):
    """One time that something happens: `number` 0 is the one that the world opens with."""

    number: int
    start: float


def occurrence(when: Recurrence, key: int, number: int) -> Occurrence:
    """The occurrence with a number; the opening one is exactly on time, the others come late by chance."""
    late = unit(key, number) * when.spread * when.every if number else 0.0
    return Occurrence(number, when.first + number * when.every + late)


def latest(when: Recurrence, key: int, t: float) -> Occurrence:
    """The last occurrence that has begun at `t`; before the first of all, that one, which is yet to begin."""
    number = math.floor((t - when.first) / when.every)
    found = occurrence(when, key, max(number, -when.past))
    return found if found.start <= t else occurrence(when, key, max(number - 1, -when.past))


def between(when: Recurrence, key: int, start: float, end: float) -> Iterator[Occurrence]:
    """Every occurrence that begins in `start` ≤ … ≤ `end`, oldest first."""
    first = max(math.floor((start - when.first) / when.every) - 1, -when.past)
    last = math.floor((end - when.first) / when.every)
    for number in range(first, last + 1):
        found = occurrence(when, key, number)
        if start <= found.start <= end:
            yield found


def strength(since: float, *, delay: float, ramp: float, lasts: float, fade: float) -> float:
    """How far an effect has developed, 0–1, `since` seconds after its incident began.

    It rises evenly for `ramp` seconds after `delay`, stays until the incident ends after `lasts`, and
    falls evenly for `fade` seconds.
    """
    if since <= delay or since >= lasts + fade:
        return 0.0
    rising = (since - delay) / ramp if since < delay + ramp else 1.0
    falling = (lasts + fade - since) / fade if since > lasts else 1.0
    return min(rising, falling)
