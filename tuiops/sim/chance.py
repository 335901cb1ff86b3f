"""Chance that repeats: numbers that look random and depend on nothing but a key and a time."""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b

_MASK = (1 << 64) - 1
_DAY = 86400.0
_TOKYO = 9 * 3600.0
_QUIETEST_HOUR = 4.5


@lru_cache(maxsize=4096)
def key_of(*parts: str | int) -> int:
    """A 64-bit key for a name; equal parts give equal keys on every machine."""
    return int.from_bytes(blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def mix(key: int, step: int) -> int:
    """64 well-mixed bits of a key and a step (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    z = (key + step * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def unit(key: int, step: int) -> float:
    """A number in 0–1, one excluded."""
    return (mix(key, step) >> 11) / (1 << 53)


def smooth(key: int, t: float, period: float) -> float:
    """A continuous wander in −1…1 that takes a turn every `period` seconds."""
    position = t / period
    step = math.floor(position)
    share = position - step
    share *= share * (3.0 - 2.0 * share)
    left, right = unit(key, step), unit(key, step + 1)
    return 2.0 * (left + (right - left) * share) - 1.0


def daily(epoch: float) -> float:
    """The tide of a Japanese working day in −1…1: lowest at half past four, highest twelve hours later."""
    hour = (epoch + _TOKYO) % _DAY / 3600.0
    return -math.cos(2.0 * math.pi * (hour - _QUIETEST_HOUR) / 24.0)
