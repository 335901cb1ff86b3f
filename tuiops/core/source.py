"""What is known about a source of data: when it last answered, and so how far what it said can be trusted."""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum

import msgspec

from tuiops.core.clock import age
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.core.units import countdown, seconds_of, span
from tuiops.errors import RateLimited

DEAD_AFTER_INTERVALS = 20
DEAD_AFTER_SECONDS = 300.0
_MISSED = 1.25
"""Intervals after which a source whose last poll failed is stale: within its second missed poll."""
_SILENT = 2.0
"""Intervals after which a source that has not even failed is stale."""
_LIMIT_NOTE = re.compile(r"(?P<api>\S{1,64}) limit (?P<left>[0-9smhd]{2,8})")


def limit_note(api: SafeText, seconds: float) -> SafeText:
    """The warning of a source that was refused for a vendor's limit and asks again in so many seconds."""
    return fmt("{} limit {}", api, span(seconds))


class Freshness(Enum):
    """How old the data of a source is, in a word. Computed from a status and a clock, never stored."""

    LIVE = "live"
    STALE = "stale"
    DEAD = "dead"
    NEVER = "never"


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One feed of one source: `name` is unique, such as `prom` or `prom/alerts`."""

    name: SafeText
    kind: SafeText
    interval: float
    """Seconds between polls when all is well."""
    grace: float = 0.0
    """Seconds that a poll may take before its data counts as late."""
    answered: datetime | None = None
    """When the data on screen was asked for."""
    tried: datetime | None = None
    failing: int = 0
    """Failed polls since the last good one."""
    word: SafeText = EMPTY
    """What went wrong, in one or two words; empty when nothing did."""
    error: SafeText = EMPTY
    """What went wrong, whole."""
    retry_at: datetime | None = None
    warnings: tuple[SafeText, ...] = ()
    """What the source itself says about the completeness of its last answer."""
    requests: int = 0
    dropped: int = 0
    """Items that a bound of ours kept out."""

    def freshness(self, now: datetime) -> Freshness:
        if self.answered is None:
            return Freshness.NEVER
        if (self.answered - now).total_seconds() > self.interval:
            # The wall clock was set back: how old the answer is cannot be told until the next one.
            return Freshness.STALE
        old = age(now, self.answered)
        if old > max(DEAD_AFTER_SECONDS, DEAD_AFTER_INTERVALS * self.interval):
            return Freshness.DEAD
        limit = _MISSED * self.interval if self.failing else _SILENT * self.interval + self.grace
        return Freshness.STALE if old > limit else Freshness.LIVE

    def limited(self, now: datetime) -> SafeText:
        """What a vendor's limit keeps late and for how long, such as `run limited 0:12`; empty when none does."""
        if self.failing and self.word == RateLimited.word and self.retry_at is not None and self.retry_at > now:
            return fmt("{} {}", self.word, countdown((self.retry_at - now).total_seconds()))
        if self.failing or self.answered is None:
            return EMPTY
        for warning in self.warnings:
            note = _LIMIT_NOTE.fullmatch(warning)
            seconds = seconds_of(note["left"]) if note is not None else None
            if note is None or seconds is None:
                continue
            left = seconds - age(now, self.answered)
            if left > 0:
                return fmt("{} limited {}", safe(note["api"]), countdown(left))
        return EMPTY

    def describe(self, now: datetime) -> SafeText:
        """For a border: `live 3s`, `live 3s · run limited 0:12`, `stale 4m · unreachable`, `never · timed out`."""
        freshness = self.freshness(now)
        limited = self.limited(now)
        word = limited or self.word
        if self.answered is None:
            return fmt("never · {}", word) if word else lit("waiting for first data")
        old = span(age(now, self.answered))
        text = fmt("{} {}", lit(freshness.value), old)
        if freshness is Freshness.LIVE:
            word = limited
        return fmt("{} · {}", text, word) if word else text
