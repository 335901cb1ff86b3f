"""Notices what became different between two answers, and what sources tell of before, for `what changed`."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from heapq import nlargest
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.alerts import AlertState
from tuiops.core.changes import Change
from tuiops.core.health import State, judge_service
from tuiops.core.rollouts import Phase
from tuiops.core.text import EMPTY, fmt, lit
from tuiops.core.units import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tuiops.core.alerts import Alert
    from tuiops.core.drift import Drift
    from tuiops.core.health import ServiceHealth
    from tuiops.core.rollouts import Rollout
    from tuiops.core.source import Freshness, SourceStatus
    from tuiops.core.text import SafeText
    from tuiops.hub.rollouts import Seen

KEPT = 500
"""Changes kept; older ones make room."""
FLAPS = 3
"""Turns of one service within `FLAPPING` from which they stand in one row."""
FLAPPING = timedelta(minutes=10)
"""After so long without a turn a service has stopped flapping."""


class _Turns(msgspec.Struct):
    """How often a service turned without a pause, and the rows that say so."""

    times: list[datetime]
    rows: list[Change]
    folded: bool = False


class ChangeLog:
    """A bounded list of changes, newest first, and what is needed to notice the next one."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._states: dict[tuple[str, str], State] = {}
        self._turns: dict[tuple[str, str], _Turns] = {}
        self._freshness: dict[str, Freshness] = {}
        self._happened: dict[str, frozenset[Change]] = {}
        self._frozen: tuple[Change, ...] | None = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Newest first; the same object while nothing came."""
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
                self._turn(service, text, now)

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

    def note_first_alerts(self, before: Mapping[str, Alert], after: Mapping[str, Alert]) -> None:
        """Alerts of a feed's first answer: they began when they say, not when they were first seen."""
        found = (alert for identity, alert in after.items() if identity not in before)
        for alert in nlargest(KEPT, found, key=lambda alert: alert.started):
            text = fmt("{} {} began, {}", alert.severity.word, alert.name, alert.state.word)
            self._add(alert.started, text, alert.system, alert.service)

    def note_happened(self, feed: str, happened: tuple[Change, ...], now: datetime) -> None:
        """What a source tells of itself, such as that a machine was started; each of it once."""
        known = self._happened.get(feed, frozenset())
        self._happened[feed] = frozenset(happened)
        for change in happened:
            if change not in known:
                self._insert(msgspec.structs.replace(change, at=min(change.at, now)))

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
        new = rollout.new or lit("?")
        change = fmt("rollout {} {}", fmt("{} → {}", rollout.old, new) if rollout.old else new, text)
        self._add(min(at, now), change, rollout.system, rollout.service)

    def _turn(self, service: ServiceHealth, text: SafeText, now: datetime) -> None:
        turns = self._turns.get(service.key)
        if turns is None or now - turns.times[-1] > FLAPPING:
            turns = self._turns[service.key] = _Turns([], [])
        turns.times.append(now)
        recent = [row for row in turns.rows if now - row.at <= FLAPPING]
        if not turns.folded:
            turns.times = turns.times[-len(recent) - 1 :]
            turns.folded = len(turns.times) >= FLAPS
        if turns.folded:
            gone = {id(row) for row in recent}
            self._changes = [row for row in self._changes if id(row) not in gone]
            lasted = span((now - turns.times[0]).total_seconds())
            text = fmt("flapped {}× in {}, {}", len(turns.times), lasted, text)
            recent = []
        turns.rows = [*recent, self._add(now, text, service.system, service.service)]

    def _add(self, at: datetime, text: SafeText, system: SafeText = EMPTY, service: SafeText = EMPTY) -> Change:
        change = Change(at=at, system=system, service=service, text=text)
        self._insert(change)
        return change

    def _insert(self, change: Change) -> None:
        place = bisect_left(self._changes, -change.at.timestamp(), key=lambda known: -known.at.timestamp())
        self._changes.insert(place, change)
        del self._changes[KEPT:]
        self._frozen = None


def _began(rollout: Rollout) -> SafeText:
    by = fmt(" by {}", rollout.by) if rollout.by else EMPTY
    return fmt("began{}{}", by, fmt(" with {}", rollout.client) if rollout.client else EMPTY)


def _over(rollout: Rollout) -> SafeText:
    if rollout.phase is Phase.UNKNOWN:
        return lit("lost from sight")
    return rollout.phase.word if rollout.took is None else fmt("{} after {}", rollout.phase.word, span(rollout.took))
