"""Alerts as every source reports them: merged, deduplicated, grouped and ordered by what is due first."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tuiops.core.severity import Severity
from tuiops.core.text import EMPTY, SafeText, lit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class AlertState(Enum):
    """Where an alert is in its life. Silenced and inhibited alerts still fire; they only do not call anybody."""

    PENDING = "pending"
    FIRING = "firing"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    RESOLVED = "resolved"

    @property
    def word(self) -> SafeText:
        return lit(self.value)


_Item = TypeVar("_Item")

Labels = tuple[tuple[SafeText, SafeText], ...]
"""Names and values, sorted by name. A tuple, so that alerts can be compared and kept as keys."""


OWNER_LABELS = ("owner", "team")
"""Labels by which alerts say whose they are; routes of an Alertmanager commonly go by them."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert, from however many sources report it."""

    identity: str
    """Equal for the same alert from several sources; never shown."""
    name: SafeText
    system: SafeText
    service: SafeText
    severity: Severity
    native_severity: SafeText = EMPTY
    severity_known: bool = True
    """False when the native word is not in the map and P3 was assumed."""
    state: AlertState
    summary: SafeText = EMPTY
    description: tuple[SafeText, ...] = ()
    labels: Labels = ()
    annotations: Labels = ()
    started: datetime
    due: datetime | None = None
    """When somebody must have responded, by the system's response targets."""
    sources: tuple[SafeText, ...] = ()
    silenced_by: tuple[SafeText, ...] = ()
    """Author and comment of each silence."""
    inhibited_by: tuple[SafeText, ...] = ()
    """Names of the alerts that inhibit this one."""
    links: tuple[tuple[SafeText, SafeText], ...] = ()
    """Names and addresses: runbook, expression, dashboard."""

    @property
    def active(self) -> bool:
        """Whether it calls for a person now."""
        return self.state is AlertState.FIRING

    @property
    def owner(self) -> SafeText:
        """Who looks after it: the first of the labels `owner` and `team` that it has; empty when it has neither."""
        return next((value for name in OWNER_LABELS if (value := self.label(name))), EMPTY)

    def label(self, name: str) -> SafeText:
        """The value of a label, empty when there is none."""
        for key, value in self.labels:
            if key == name:
                return value
        return EMPTY


class Report(msgspec.Struct, frozen=True):
    """What one feed says, and how far its word goes when others say something else of the same alert."""

    alerts: tuple[Alert, ...]
    live: bool = True
    knows_silences: bool = True
    """Whether the source knows of silences and inhibitions: an Alertmanager does, a Prometheus does not."""


_STATE_ORDER = {
    AlertState.FIRING: 0, AlertState.PENDING: 1, AlertState.SILENCED: 2, AlertState.INHIBITED: 3,
    AlertState.RESOLVED: 4,
}  # fmt: skip
_AUTHORITY = (AlertState.FIRING, AlertState.SILENCED, AlertState.INHIBITED)
"""States that a live source which knows of silences decides on; one such source that calls somebody is enough."""
_HEARSAY = (
    AlertState.FIRING,
    AlertState.PENDING,
    AlertState.SILENCED,
    AlertState.INHIBITED,
    AlertState.RESOLVED,
)
"""When no such source decides: a silence may be over, so nothing that fires is hidden by it."""
_NEVER_DUE = datetime.max.replace(tzinfo=UTC)


def merge(reports: Iterable[Report]) -> tuple[Alert, ...]:
    """One alert for each identity, in the order of `urgency`.

    Where reports disagree about a state, a silence or inhibition counts when a live source that knows of such things
    reports it and no other live one of them says that the alert fires.
    """
    by_identity: dict[str, list[tuple[Alert, Report]]] = defaultdict(list)
    for report in reports:
        for alert in report.alerts:
            by_identity[alert.identity].append((alert, report))
    merged = [found[0][0] if len(found) == 1 else _merge_same(found) for found in by_identity.values()]
    merged.sort(key=urgency)
    return tuple(merged)


def _precedence(told: tuple[Alert, Report]) -> int:
    """The smallest decides the state."""
    alert, report = told
    if report.live and report.knows_silences and alert.state in _AUTHORITY:
        return _AUTHORITY.index(alert.state)
    return len(_AUTHORITY) + _HEARSAY.index(alert.state)


def _merge_same(told: list[tuple[Alert, Report]]) -> Alert:
    lead, _ = min(told, key=_precedence)
    found = [alert for alert, _ in told]
    richest = max(found, key=lambda alert: (len(alert.annotations), len(alert.labels)))
    gravest = min(found, key=lambda alert: alert.severity)
    return msgspec.structs.replace(
        lead,
        severity=gravest.severity,
        native_severity=gravest.native_severity,
        severity_known=gravest.severity_known,
        summary=lead.summary or richest.summary,
        description=lead.description or richest.description,
        annotations=richest.annotations,
        started=min(alert.started for alert in found),
        due=min((alert.due for alert in found if alert.due is not None), default=None),
        sources=_union(alert.sources for alert in found),
        silenced_by=_union(alert.silenced_by for alert in found),
        inhibited_by=_union(alert.inhibited_by for alert in found),
        links=_union(alert.links for alert in found),
    )


def _union(groups: Iterable[tuple[_Item, ...]]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


def urgency(alert: Alert) -> tuple[int, datetime, int, datetime, str]:
    """Firing first, then what is due first, then the worse, then the older."""
    due = alert.due or _NEVER_DUE
    return (_STATE_ORDER[alert.state], due, alert.severity, alert.started, alert.identity)


def group(alerts: Iterable[Alert], by: Callable[[Alert], str]) -> Mapping[str, tuple[Alert, ...]]:
    """Alerts under the value of `by`, groups in the order of their most urgent alert."""
    groups: dict[str, list[Alert]] = {}
    for alert in alerts:
        groups.setdefault(by(alert), []).append(alert)
    return {name: tuple(members) for name, members in groups.items()}


def count_active(alerts: Iterable[Alert]) -> dict[Severity, int]:
    """Firing alerts of each severity, zero included."""
    counts = dict.fromkeys(Severity, 0)
    for alert in alerts:
        if alert.active:
            counts[alert.severity] += 1
    return counts
