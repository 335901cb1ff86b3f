"""Alerts of all feeds, merged; those that just ended stay for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.alerts import Alert, AlertState, Report, merge

if TYPE_CHECKING:
    from tuiops.core.updates import AlertsUpdate

Current = Mapping[str, Alert]
"""Alerts that have not ended, by identity."""

RESOLVED_STAYS = timedelta(minutes=10)
RESOLVED_MOST = 50


class AlertBoard:
    """The last answer of each alert feed, and what ended recently."""

    def __init__(self) -> None:
        self._reports: dict[str, Report] = {}
        self._live: frozenset[str] = frozenset()
        """The feeds that were live when the reports were merged."""
        self._resolved: dict[str, tuple[datetime, Alert]] = {}
        self._ended: tuple[Alert, ...] = ()
        """Alerts of which a source says itself that they are over, and no other that they are not."""
        self._all: tuple[Alert, ...] = ()
        self._current: Current = {}
        """Most urgent first."""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Most urgent first, resolved ones last."""
        return self._all

    def apply(self, feed: str, update: AlertsUpdate, live: frozenset[str]) -> tuple[Current, Current]:
        """Replace a feed's alerts, `live` being the feeds whose word counts; returns those before and those after.

        They are the same object when nothing changed.
        """
        report = Report(update.alerts, knows_silences=update.knows_silences)
        if self._reports.get(feed) == report:
            before, after = self.review(live)
            self._expire(update.at)
            return before, after
        self._reports[feed] = report
        before, after = self._merge(live)
        for alert in self._ended:
            # Told of by a source that remembers: it may have begun and ended between two answers.
            self._resolved.setdefault(alert.identity, (update.at, msgspec.structs.replace(alert, due=None)))
        for identity, alert in before.items():
            if identity not in after and identity not in self._resolved and alert.state is not AlertState.PENDING:
                ended = msgspec.structs.replace(alert, state=AlertState.RESOLVED, due=None)
                self._resolved[identity] = (update.at, ended)
        self._list()
        self._expire(update.at)
        return before, after

    def review(self, live: frozenset[str]) -> tuple[Current, Current]:
        """Weigh the reports again when other feeds are live than before; returns what `apply` returns."""
        if live == self._live:
            return self._current, self._current
        before, after = self._merge(live)
        self._list()
        return before, after

    def forget(self, feed: str) -> None:
        """Drop what a feed reported, because its source is gone."""
        if self._reports.pop(feed, None) is not None:
            self._merge(self._live - {feed})
            self._list()

    def _merge(self, live: frozenset[str]) -> tuple[Current, Current]:
        before, self._live = self._current, live
        merged = merge(
            report if name in live else msgspec.structs.replace(report, live=False)
            for name, report in self._reports.items()
        )
        self._current = {alert.identity: alert for alert in merged if alert.state is not AlertState.RESOLVED}
        self._ended = tuple(alert for alert in merged if alert.state is AlertState.RESOLVED)
        return before, self._current

    def _list(self) -> None:
        for identity in self._resolved.keys() & self._current.keys():
            del self._resolved[identity]
        self._all = (*self._current.values(), *(alert for _, alert in reversed(self._resolved.values())))

    def _expire(self, now: datetime) -> None:
        old = [identity for identity, (ended, _) in self._resolved.items() if now - ended > RESOLVED_STAYS]
        surplus = list(self._resolved)[: max(0, len(self._resolved) - RESOLVED_MOST)]
        for identity in {*old, *surplus}:
            del self._resolved[identity]
        if old or surplus:
            self._list()
