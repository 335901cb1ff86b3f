"""Notices what became different between one answer and the next, for `what changed`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tuiops.core.alerts import AlertState
from tuiops.core.health import State, judge_service
from tuiops.core.snapshot import Change
from tuiops.core.text import EMPTY, fmt, lit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tuiops.core.alerts import Alert
    from tuiops.core.health import ServiceHealth
    from tuiops.core.rollouts import Phase, Rollout
    from tuiops.core.source import Freshness, SourceStatus
    from tuiops.core.text import SafeText

KEPT = 500
"""Changes kept; older ones make room."""


class ChangeLog:
    """A bounded list of changes, newest first, and what is needed to notice the next one."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque(maxlen=KEPT)
        self._states: dict[tuple[str, str], State] = {}
        self._freshness: dict[str, Freshness] = {}
        self._phases: dict[str, dict[str, Phase]] = {}
        self._frozen: tuple[Change, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Newest first."""
        if len(self._frozen) != len(self._changes) or (self._changes and self._frozen[0] is not self._changes[0]):
            self._frozen = tuple(self._changes)
        return self._frozen

    def note_services(
        self, services: Iterable[ServiceHealth], statuses: Mapping[str, SourceStatus], now: datetime
    ) -> None:
        """Services whose state is another than last time. The first sight of one is no change."""
        for service in services:
            verdict = judge_service(service, statuses, now)
            before = self._states.get(service.key)
            self._states[service.key] = verdict.state
            if before is not None and before is not verdict.state:
                text = fmt("{} → {}  {}", before.word, verdict.state.word, verdict.reason)
                self._add(now, text, service.system, service.service)

    def note_alerts(self, before: Mapping[str, Alert], after: Mapping[str, Alert], now: datetime) -> None:
        """Alerts that began, ended or changed their state."""
        for identity, alert in after.items():
            known = before.get(identity)
            if known is None or known.state is not alert.state:
                text = fmt("{} {} {}", alert.severity.word, alert.name, alert.state.word)
                self._add(now, text, alert.system, alert.service)
        for identity, alert in before.items():
            if identity not in after:
                text = fmt("{} {} {}", alert.severity.word, alert.name, AlertState.RESOLVED.word)
                self._add(now, text, alert.system, alert.service)

    def note_feed(self, status: SourceStatus, now: datetime) -> bool:
        """A feed that came alive, went stale or died; whether it did."""
        freshness = status.freshness(now)
        before = self._freshness.get(status.name)
        self._freshness[status.name] = freshness
        if before is None or before is freshness:
            return False
        self._add(now, fmt("source {}: {} → {}  {}", status.name, lit(before.value), lit(freshness.value), status.word))
        return True

    def note_rollouts(self, feed: str, rollouts: tuple[Rollout, ...], now: datetime) -> None:
        """Rollouts that began or moved to another phase. What had ended before it was first seen is no change."""
        known = self._phases.get(feed, {})
        self._phases[feed] = {rollout.id: rollout.phase for rollout in rollouts}
        for rollout in rollouts:
            before = known.get(rollout.id)
            if before is rollout.phase or (before is None and rollout.phase.ended):
                continue
            text = fmt("rollout {} → {} {}", rollout.old, rollout.new, rollout.phase.word)
            self._add(now, text, rollout.system, rollout.service)

    def _add(self, at: datetime, text: SafeText, system: SafeText = EMPTY, service: SafeText = EMPTY) -> None:
        self._changes.appendleft(Change(at=at, system=system, service=service, text=text))
