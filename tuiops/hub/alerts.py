"""Alerts of all feeds, merged; those that just ended stay for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.alerts import Alert, AlertState, merge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.updates import AlertsUpdate

RESOLVED_STAYS = timedelta(minutes=10)
RESOLVED_MOST = 50


class AlertBoard:
    """The last answer of each alert feed, and what ended recently."""

    def __init__(self) -> None:
        self._reports: dict[str, tuple[Alert, ...]] = {}
        self._resolved: dict[str, tuple[datetime, Alert]] = {}
        self._merged: tuple[Alert, ...] = ()
        self._current: dict[str, Alert] = {}
        """Those of the merged ones that have not ended, by identity."""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Most urgent first, resolved ones last."""
        return self._merged

    def apply(self, feed: str, update: AlertsUpdate) -> tuple[Mapping[str, Alert], Mapping[str, Alert]]:
        """Replace a feed's alerts; returns those before and those after, by identity."""
        if self._reports.get(feed) == update.alerts:
            self._expire(update.at)
            return self._current, self._current
        before = self._current
        self._reports[feed] = update.alerts
        merged = merge(self._reports.values())
        after = {alert.identity: alert for alert in merged}
        for identity, alert in before.items():
            if identity not in after and alert.state is not AlertState.PENDING:
                ended = msgspec.structs.replace(alert, state=AlertState.RESOLVED, due=None)
                self._resolved[identity] = (update.at, ended)
        for identity in after:
            self._resolved.pop(identity, None)
        self._current = after
        self._expire(update.at)
        self._merged = merged + tuple(alert for _, alert in reversed(self._resolved.values()))
        return before, after

    def forget(self, feed: str) -> None:
        """Drop what a feed reported, because its source is gone."""
        if self._reports.pop(feed, None) is not None:
            self._merged = merge(self._reports.values())
            self._current = {alert.identity: alert for alert in self._merged}

    def _expire(self, now: datetime) -> None:
        old = [identity for identity, (ended, _) in self._resolved.items() if now - ended > RESOLVED_STAYS]
        surplus = list(self._resolved)[: max(0, len(self._resolved) - RESOLVED_MOST)]
        for identity in {*old, *surplus}:
            _, alert = self._resolved.pop(identity)
            self._merged = tuple(known for known in self._merged if known is not alert)
