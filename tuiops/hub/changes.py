"""Notices what became different between one answer and the next, for `what changed`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tuiops.core.alerts import AlertState
from tuiops.core.health import State, judge_service
from tuiops.core.rollouts import Phase
from tuiops.core.snapshot import Change
from tuiops.core.text import EMPTY, fmt, lit
from tuiops.core.units import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tuiops.core.alerts import Alert
    from tuiops.core.drift import Drift
    from tuiops.core.health import ServiceHealth
    from tuiops.core.rollouts import Rollout
    from tuiops.core.source import Freshness, SourceStatus
    from tuiops.core.text import SafeText
    from tuiops.hub.rollouts import Seen

KEPT = 500
"""Changes kept; older ones make room."""


class ChangeLog:
    """A bounded list of changes, newest first, and what is needed to notice the next one."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque()
        self._states: dict[tuple[str, str], State] = {}
        self._freshness: dict[str, Freshness] = {}
        self._frozen: tuple[Change, ...] | None = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Newest first."""
        if self._frozen is None:
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

    def note_rollouts(self, before: Seen | None, after: Seen, now: datetime) -> None:
        """Rollouts that began or ended, at their own times; drifts that came and went.

        Of what was over before the first answer only the end is told; a drift of that answer is no change.
        """
        known = before.rollouts if before is not None else {}
        for identity, rollout in after.rollouts.items():
            earlier = known.get(identity)
            if earlier is None and (rollout.live or before is not None):
                self._add_rollout(rollout, _began(rollout), rollout.started, now)
            if not rollout.live and (earlier is None or earlier.phase is not rollout.phase):
                self._add_rollout(rollout, _over(rollout), rollout.ended or now, now)
        if before is not None:
            self._note_drifts(before.drifts, after.drifts, now)

    def _note_drifts(self, before: tuple[Drift, ...], after: tuple[Drift, ...], now: datetime) -> None:
        earlier, later = ({drift.key: drift for drift in drifts} for drifts in (before, after))
        for key, drift in later.items():
            known = earlier.get(key)
            if known is None or known.actual != drift.actual or known.expected != drift.expected:
                self._add(now, fmt("drift: {}", drift.text()), drift.system, drift.service)
        for key, drift in earlier.items():
            if key not in later:
                self._add(now, fmt("drift is over: {}", drift.what), drift.system, drift.service)

    def _add_rollout(self, rollout: Rollout, text: SafeText, at: datetime, now: datetime) -> None:
        change = fmt("rollout {} → {} {}", rollout.old or lit("?"), rollout.new or lit("?"), text)
        self._add(min(at, now), change, rollout.system, rollout.service)

    def _add(self, at: datetime, text: SafeText, system: SafeText = EMPTY, service: SafeText = EMPTY) -> None:
        """Where its time belongs: a source may tell late of what happened earlier."""
        if len(self._changes) == KEPT:
            if at < self._changes[-1].at:
                return
            self._changes.pop()
        place = next((n for n, change in enumerate(self._changes) if change.at <= at), len(self._changes))
        self._changes.insert(place, Change(at=at, system=system, service=service, text=text))
        self._frozen = None


def _began(rollout: Rollout) -> SafeText:
    by = fmt(" by {}", rollout.by) if rollout.by else EMPTY
    return fmt("began{}{}", by, fmt(" with {}", rollout.client) if rollout.client else EMPTY)


def _over(rollout: Rollout) -> SafeText:
    if rollout.phase is Phase.UNKNOWN:
        return lit("lost from sight")
    return rollout.phase.word if rollout.took is None else fmt("{} after {}", rollout.phase.word, span(rollout.took))
