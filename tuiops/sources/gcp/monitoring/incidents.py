"""Incidents of Cloud Monitoring as alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.text import SafeText, lit, safe
from tuiops.sources.alert_mapping import SEVERITY_LABEL, Native
from tuiops.sources.gcp.message import short
from tuiops.sources.gcp.monitoring.snoozing import described, silences
from tuiops.sources.gcp.monitoring.wire import CLOSED, Incident, Policy, Snooze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from tuiops.sources.alert_mapping import AlertMapper

CLOSED_STAYS = timedelta(minutes=10)
"""How long a closed incident is told of, so that one is seen that began and ended between two polls."""

_CONSOLE = "https://console.cloud.google.com/monitoring/alerting/alerts/{id}?project={project}"

_UNSPECIFIED = frozenset({"", "SEVERITY_UNSPECIFIED"})


class Around(NamedTuple):
    """What is known beside the incidents."""

    project: str
    policies: Mapping[str, Policy]
    """By resource name."""
    snoozes: Sequence[Snooze]
    """Those in force."""
    owner: Callable[[Incident], tuple[str, str] | None]
    """The system and the service that an incident is about, where a resource of theirs is watched."""


def alerts(incidents: Iterable[Incident], around: Around, mapper: AlertMapper, at: datetime) -> list[Alert]:
    """One alert for each set of labels: the one that is open, of several the oldest; else the last to be closed."""
    found: dict[str, Alert] = {}
    for incident in sorted(incidents, key=lambda one: (one.state == CLOSED, _order(one, at))):
        if incident.state == CLOSED and (incident.close_time is None or at - incident.close_time > CLOSED_STAYS):
            continue
        alert = mapper.alert(_native(incident, around, at), at)
        found.setdefault(alert.identity, alert)
    return list(found.values())


def labels(incident: Incident, project: str) -> dict[str, str]:
    """By what an incident is told apart; where names clash, what people chose goes before what machines know."""
    policy = incident.policy
    found = {
        **incident.metric.labels,
        **incident.log.extracted_labels,
        **incident.resource.labels,
        "project": project,
        **policy.user_labels,
        "alertname": policy.display_name or short(policy.name),
    }
    if incident.resource.type:
        found.setdefault("resource_type", incident.resource.type)
    if policy.severity not in _UNSPECIFIED:
        found.setdefault(SEVERITY_LABEL, policy.severity.lower())
    return found


def _native(incident: Incident, around: Around, at: datetime) -> Native:
    policy = around.policies.get(incident.policy.name)
    silenced = tuple(described(snooze) for snooze in around.snoozes if silences(snooze, incident))
    return Native(
        labels=labels(incident, around.project),
        annotations=_annotations(incident, policy),
        started=incident.open_time or at,
        state=_state(incident, silenced),
        silenced_by=silenced,
        owner=around.owner(incident),
        pages=tuple(_pages(incident, policy, around.project)),
    )


def _state(incident: Incident, silenced: Sequence[SafeText]) -> AlertState:
    """Anything that is not plainly closed fires: an unknown word must hide nothing."""
    if incident.state == CLOSED:
        return AlertState.RESOLVED
    return AlertState.SILENCED if silenced else AlertState.FIRING


def _annotations(incident: Incident, policy: Policy | None) -> dict[str, str]:
    found = {"policy": incident.policy.name}
    if incident.metric.type:
        found["metric"] = incident.metric.type
    if policy is None:
        return found
    conditions = policy.conditions
    # Which condition was met is not told: it is certain only where there is one.
    summary = policy.documentation.subject or (conditions[0].display_name if len(conditions) == 1 else "")
    found |= {"summary": summary, "description": policy.documentation.content}
    if conditions:
        kind = "log filter" if conditions[0].condition_matched_log is not None else "expression"
        found[kind] = " ; ".join(one.expression for one in conditions if one.expression)
    return {name: text for name, text in found.items() if text}


def _pages(incident: Incident, policy: Policy | None, project: str) -> Iterable[tuple[SafeText, str]]:
    yield lit("incident"), _CONSOLE.format(id=quote(short(incident.name), safe="."), project=quote(project))
    for link in policy.documentation.links if policy is not None else ():
        # An address with variables in it was meant for notifications, which fill them in.
        if "${" not in link.url:
            yield safe(link.display_name) or lit("link"), link.url


def _order(incident: Incident, at: datetime) -> float:
    if incident.state == CLOSED:
        return -(incident.close_time or at).timestamp()
    return (incident.open_time or at).timestamp()
