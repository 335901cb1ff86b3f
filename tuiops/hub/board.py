"""Everything that is known, between the polls that change it and the snapshots that show it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.snapshot import Feed, Snapshot, Topic
from tuiops.core.source import Freshness
from tuiops.core.text import EMPTY
from tuiops.core.updates import AlertsUpdate, BudgetsUpdate, HealthUpdate, RolloutsUpdate
from tuiops.hub.alerts import AlertBoard
from tuiops.hub.changes import ChangeLog
from tuiops.hub.health import HealthBoard
from tuiops.hub.rollouts import RolloutBoard

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tuiops.core.health import SystemHealth
    from tuiops.core.logs import StreamStatus
    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Environment
    from tuiops.core.source import SourceStatus
    from tuiops.core.text import SafeText
    from tuiops.core.updates import Budget
    from tuiops.hub.poller import Result


class Board:
    """Takes results in, gives snapshots out. No I/O, no clock of its own."""

    def __init__(self, environment: Environment, declared: Iterable[SystemHealth] = ()) -> None:
        self.environment = environment
        self.health = HealthBoard(declared)
        self.notices: tuple[SafeText, ...] = ()
        self.runs: tuple[RunView, ...] = ()
        self.trouble: SafeText = EMPTY
        """Why runs cannot be recorded or are not known, in a sentence; empty when all is well."""
        self._alerts = AlertBoard()
        self._rollouts = RolloutBoard()
        self._changes = ChangeLog()
        self._feeds: dict[str, Feed] = {}
        self._budgets: dict[str, tuple[Budget, ...]] = {}
        self._version = 0

    def expect(self, feed: Feed) -> None:
        """Know of a feed before it has answered; one that is known already keeps its standing."""
        self._feeds.setdefault(feed.status.name, feed)

    def forget(self, name: str) -> None:
        """Drop a feed and all that it said."""
        self._feeds.pop(name, None)
        self._rollouts.forget(name)
        self._budgets.pop(name, None)
        self._alerts.forget(name)
        self.health.forget(name)

    def feed(self, name: str) -> Feed | None:
        """A feed's last standing."""
        return self._feeds.get(name)

    def apply(self, result: Result, now: datetime) -> None:
        """Take in the result of one poll. A failed one changes the feed's standing and nothing else."""
        name = result.status.name
        known = self._feeds.get(name)
        self._feeds[name] = _standing(result, known)
        match result.update:
            case HealthUpdate() as update:
                self._changes.note_happened(name, update.happened, now)
                touched = self.health.apply(name, update)
                self._changes.note_services(touched, self._statuses(), now)
            case AlertsUpdate() as update:
                before, after = self._alerts.apply(name, update, self._live_alert_feeds(now))
                if known is None or known.status.answered is None:
                    self._changes.note_first_alerts(before, after)
                elif after is not before:
                    self._changes.note_alerts(before, after, now)
            case RolloutsUpdate() as update:
                seen = self._rollouts.apply(name, update)
                self._changes.note_rollouts(*seen, now)
            case BudgetsUpdate() as update:
                self._budgets[name] = update.budgets
            case None:
                pass
        self._changes.note_feed(result.status, now)

    def tick(self, now: datetime) -> bool:
        """Notice feeds that went quiet, and what that makes of alerts; whether anything is different."""
        quiet = [feed.status.name for feed in self._feeds.values() if self._changes.note_feed(feed.status, now)]
        if quiet:
            services = (service for system in self.health.systems for service in system.services)
            self._changes.note_services(services, self._statuses(), now)
        before, after = self._alerts.review(self._live_alert_feeds(now))
        if after is not before:
            self._changes.note_alerts(before, after, now)
        return bool(quiet) or after is not before

    def snapshot(self, now: datetime, streams: tuple[StreamStatus, ...] = ()) -> Snapshot:
        """All that is known, as one value."""
        self._version += 1
        return Snapshot(
            version=self._version,
            at=now,
            environment=self.environment,
            systems=self.health.systems,
            alerts=self._alerts.alerts,
            rollouts=self._rollouts.rollouts,
            drifts=self._rollouts.drifts,
            budgets=tuple(budget for found in self._budgets.values() for budget in found),
            feeds=MappingProxyType(dict(self._feeds)),
            streams=streams,
            changes=self._changes.changes,
            runs=self.runs,
            notices=(*self.notices, self.trouble) if self.trouble else self.notices,
        )

    def _statuses(self) -> dict[str, SourceStatus]:
        return {name: feed.status for name, feed in self._feeds.items()}

    def _live_alert_feeds(self, now: datetime) -> frozenset[str]:
        return frozenset(
            name
            for name, feed in self._feeds.items()
            if feed.topic is Topic.ALERTS and feed.status.freshness(now) is Freshness.LIVE
        )


def _standing(result: Result, known: Feed | None) -> Feed:
    """How a feed stands after a poll. A failed one leaves what the last answer said of watchdog and rules."""
    match result.update:
        case HealthUpdate() as update:
            return Feed(result.topic, result.status, rules_fail=update.rules_fail)
        case AlertsUpdate() as update:
            return Feed(result.topic, result.status, watchdog=update.watchdog)
        case None if known is not None:
            return msgspec.structs.replace(known, status=result.status)
        case _:
            return Feed(result.topic, result.status)
