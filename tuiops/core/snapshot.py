"""The one value that every front end draws: frozen, versioned, complete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType

import msgspec

from tuiops.core.alerts import Alert
from tuiops.core.changes import Change
from tuiops.core.clock import age
from tuiops.core.drift import Drift
from tuiops.core.health import SystemHealth
from tuiops.core.logs import StreamStatus
from tuiops.core.rollouts import Rollout
from tuiops.core.runs import RunView
from tuiops.core.source import Freshness, SourceStatus
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import span
from tuiops.core.updates import Budget

_EVALUATES_RULES = frozenset({"prometheus"})
"""Kinds of sources that alerts come from in the first place, whoever passes them on."""


class Topic(Enum):
    """What a feed is about, and so which panes depend on it."""

    HEALTH = "health"
    ALERTS = "alerts"
    ROLLOUTS = "rollouts"
    BUDGETS = "budgets"


class Environment(msgspec.Struct, frozen=True):
    """Where the console is pointed. Production is marked in the header and on every card."""

    name: SafeText
    production: bool = False


class Feed(msgspec.Struct, frozen=True):
    """A source's answer on one topic, and how it stands."""

    topic: Topic
    status: SourceStatus
    watchdog: bool | None = None
    """Alerts only: whether the alert that always fires is there; None when none is configured."""
    rules_fail: bool = False
    """Health only: whether alerting rules of the source fail, as far as it has told."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known at one moment. Parts that did not change are the same objects as in the last one."""

    version: int
    at: datetime
    environment: Environment
    systems: tuple[SystemHealth, ...] = ()
    alerts: tuple[Alert, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    """Live ones first, then the newest; past ones too, as far as a source or this console remembers them."""
    drifts: tuple[Drift, ...] = ()
    budgets: tuple[Budget, ...] = ()
    feeds: Mapping[str, Feed] = MappingProxyType({})
    """By `SourceStatus.name`."""
    streams: tuple[StreamStatus, ...] = ()
    changes: tuple[Change, ...] = ()
    """Newest first, bounded."""
    runs: tuple[RunView, ...] = ()
    """Live ones first, then the newest."""
    notices: tuple[SafeText, ...] = ()
    """What the console has to say about itself, such as a configuration that could not be reloaded."""

    @property
    def starting(self) -> bool:
        """Whether this is the one that stands in before anything is known, even what there is to know."""
        return self.version == 0

    @property
    def statuses(self) -> dict[str, SourceStatus]:
        """What `core.health.judge` asks for."""
        return {name: feed.status for name, feed in self.feeds.items()}

    def on(self, topic: Topic) -> tuple[Feed, ...]:
        """The feeds of a topic."""
        return tuple(feed for feed in self.feeds.values() if feed.topic is topic)

    def is_live(self, feed: str, now: datetime) -> bool:
        """Whether a feed's last answer is fresh."""
        known = self.feeds.get(feed)
        return known is not None and known.status.freshness(now) is Freshness.LIVE

    def quiet_is_proven(self, now: datetime) -> bool:
        """Whether `no alerts` may be shown as good news.

        Every alert feed is live, complete, and its watchdog barks; and no rules are in doubt, because an Alertmanager
        behind a Prometheus that is gone or cannot evaluate its rules is as silent as one that has nothing to say.
        """
        feeds = self.on(Topic.ALERTS)
        alive = all(
            feed.status.freshness(now) is Freshness.LIVE and feed.watchdog is not False and not feed.status.warnings
            for feed in feeds
        )
        return bool(feeds) and alive and not self.rules_in_doubt(now)

    def rules_in_doubt(self, now: datetime) -> tuple[Feed, ...]:
        """The health feeds of sources whose alerting rules fail, or that evaluate rules and are not live."""
        return tuple(
            feed
            for feed in self.on(Topic.HEALTH)
            if feed.rules_fail
            or (feed.status.kind in _EVALUATES_RULES and feed.status.freshness(now) is not Freshness.LIVE)
        )

    def worst_budget(self, now: datetime) -> Budget | None:
        """The budget of which least is left. One whose feed is not live counts only when no other is left."""
        return min(
            self.budgets, key=lambda budget: (bool(self.lateness(budget.source, now)), budget.left), default=None
        )

    def lateness(self, feed: str, now: datetime) -> SafeText:
        """How far the word of a feed is from live, such as `stale 4m`; empty when it is live."""
        known = self.feeds.get(feed)
        if known is None or known.status.answered is None:
            return lit("without a source")
        freshness = known.status.freshness(now)
        if freshness is Freshness.LIVE:
            return EMPTY
        return fmt("{} {}", lit(freshness.value), span(age(now, known.status.answered)))


def stalest(feeds: tuple[Feed, ...], now: datetime) -> SourceStatus | None:
    """The status that a pane's border must show: the one that is worst off, None when there are no feeds."""
    order = (Freshness.LIVE, Freshness.STALE, Freshness.DEAD, Freshness.NEVER)
    return max(
        (feed.status for feed in feeds),
        key=lambda status: (
            order.index(status.freshness(now)),
            -(status.answered.timestamp() if status.answered else 0),
        ),
        default=None,
    )
