"""What a snapshot says, as rows for scripts and as an exit code for monitoring. Pure functions of (snapshot, time)."""

from __future__ import annotations

import math
from datetime import UTC
from typing import TYPE_CHECKING, Any

from tuiops.cli.exits import Exit
from tuiops.core.health import State, judge, judge_service, judge_system
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Topic
from tuiops.core.source import Freshness
from tuiops.core.units import show

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tuiops.core.alerts import Alert
    from tuiops.core.health import Measure, ServiceHealth, SystemHealth
    from tuiops.core.snapshot import Feed, Snapshot
    from tuiops.core.source import SourceStatus

SCHEMA = 1
"""Version of the documents. It grows when a key changes its meaning or goes; keys may be added at any time."""

Row = dict[str, Any]
_BY_STATE = {State.OK: Exit.OK, State.UNKNOWN: Exit.UNKNOWN, State.DEGRADED: Exit.DEGRADED, State.DOWN: Exit.DOWN}
_BY_SEVERITY = {Severity.P1: Exit.DOWN, Severity.P2: Exit.DEGRADED}
_GRAVITY = (Exit.OK, Exit.UNKNOWN, Exit.DEGRADED, Exit.DOWN)


def rfc3339(at: datetime | None) -> str | None:
    """`2026-01-31T12:00:00Z`, with milliseconds when there are any."""
    if at is None:
        return None
    precision = "milliseconds" if at.microsecond else "seconds"
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def head(kind: str, snapshot: Snapshot, now: datetime) -> Row:
    """What every document begins with."""
    environment = {"name": snapshot.environment.name, "production": snapshot.environment.production}
    return {"schema": SCHEMA, "kind": kind, "at": rfc3339(now), "environment": environment}


def status(snapshot: Snapshot, now: datetime, system: str | None = None) -> Row:
    """The document of `tuiops status`."""
    code = status_exit(snapshot, now, system)
    active = [alert for alert in alerts_of(snapshot, system) if alert.active]
    return {
        **head("status", snapshot, now),
        "status": code.name.lower(),
        "quiet_is_proven": snapshot.quiet_is_proven(now),
        "alerts": {level.name: sum(alert.severity is level for alert in active) for level in Severity},
        "systems": [system_row(each, snapshot.statuses, now) for each in systems_of(snapshot, system)],
        "sources": [source_row(feed, now) for feed in snapshot.feeds.values()],
        "notices": list(snapshot.notices),
    }


def services(snapshot: Snapshot, now: datetime, system: str | None = None) -> Row:
    """The document of `tuiops services`."""
    rows = [service_row(service, snapshot.statuses, now) for service in services_of(snapshot, system)]
    return {**head("services", snapshot, now), "services": rows}


def alerts(snapshot: Snapshot, now: datetime, system: str | None = None) -> Row:
    """The document of `tuiops alerts`."""
    rows = [alert_row(alert) for alert in alerts_of(snapshot, system)]
    return {**head("alerts", snapshot, now), "quiet_is_proven": snapshot.quiet_is_proven(now), "alerts": rows}


def system_row(system: SystemHealth, statuses: dict[str, SourceStatus], now: datetime) -> Row:
    verdict = judge_system(system, statuses, now)
    return {
        "system": system.system,
        "label": system.label,
        "environment": system.environment,
        "state": verdict.state.name.lower(),
        "reason": verdict.reason,
        "services": len(system.services),
    }


def service_row(service: ServiceHealth, statuses: dict[str, SourceStatus], now: datetime) -> Row:
    verdict = judge_service(service, statuses, now)
    return {
        "system": service.system,
        "service": service.service,
        "label": service.label,
        "state": verdict.state.name.lower(),
        "reason": verdict.reason,
        "indicators": [_measure_row(measure, statuses, now) for measure in service.measures],
        "links": dict(service.links),
    }


def _measure_row(measure: Measure, statuses: dict[str, SourceStatus], now: datetime) -> Row:
    indicator, reading = measure.indicator, measure.reading
    verdict = judge(measure, statuses.get(indicator.source), now)
    value = reading.value if reading is not None else None
    finite = value if value is not None and math.isfinite(value) else None
    return {
        "indicator": indicator.id,
        "heading": indicator.heading,
        "state": verdict.state.name.lower(),
        "reason": verdict.reason,
        "value": finite,
        "shown": show(value, indicator.unit) if value is not None else None,
        "unit": "ratio" if indicator.unit.scale != 1 else indicator.unit.value,
        "at": rfc3339(reading.at) if reading is not None else None,
        "degraded": str(indicator.degraded) if indicator.degraded else None,
        "down": str(indicator.down) if indicator.down else None,
        "source": indicator.source,
    }


def alert_row(alert: Alert) -> Row:
    return {
        "severity": alert.severity.name,
        "native_severity": alert.native_severity,
        "state": alert.state.value,
        "name": alert.name,
        "system": alert.system,
        "service": alert.service,
        "summary": alert.summary,
        "started": rfc3339(alert.started),
        "due": rfc3339(alert.due),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "links": dict(alert.links),
        "sources": list(alert.sources),
        "silenced_by": list(alert.silenced_by),
        "inhibited_by": list(alert.inhibited_by),
    }


def source_row(feed: Feed, now: datetime) -> Row:
    status = feed.status
    return {
        "source": status.name,
        "kind": status.kind,
        "topic": feed.topic.value,
        "freshness": status.freshness(now).value,
        "answered": rfc3339(status.answered),
        "error": status.error or None,
        "warnings": list(status.warnings),
        "dropped": status.dropped,
        "watchdog": feed.watchdog,
    }


def systems_of(snapshot: Snapshot, system: str | None) -> list[SystemHealth]:
    """The systems asked for: all without a name."""
    return [each for each in snapshot.systems if system in {None, each.system}]


def services_of(snapshot: Snapshot, system: str | None) -> list[ServiceHealth]:
    """The services asked for, in the order of the configuration."""
    return [service for each in systems_of(snapshot, system) for service in each.services]


def alerts_of(snapshot: Snapshot, system: str | None) -> list[Alert]:
    """The alerts asked for, the most urgent first."""
    return [alert for alert in snapshot.alerts if system in {None, alert.system}]


def worst(codes: Iterable[Exit]) -> Exit:
    """The gravest of several; nothing at all is unknown, because nothing is never good news."""
    return max(codes, key=_GRAVITY.index, default=Exit.UNKNOWN)


def services_exit(snapshot: Snapshot, now: datetime, system: str | None = None) -> Exit:
    """The worst service."""
    statuses = snapshot.statuses
    return worst(_BY_STATE[judge_service(each, statuses, now).state] for each in services_of(snapshot, system))


def alerts_exit(snapshot: Snapshot, now: datetime, system: str | None = None) -> Exit:
    """The worst alert; without one that counts, whether quiet is proven."""
    firing = [_BY_SEVERITY.get(alert.severity, Exit.OK) for alert in alerts_of(snapshot, system) if alert.active]
    return worst([*firing, Exit.OK if snapshot.quiet_is_proven(now) else Exit.UNKNOWN])


def status_exit(snapshot: Snapshot, now: datetime, system: str | None = None) -> Exit:
    """The worst of services and alerts; not OK while any feed is less than live and whole."""
    codes = [services_exit(snapshot, now, system)]
    if snapshot.on(Topic.ALERTS):
        codes.append(alerts_exit(snapshot, now, system))
    codes += [Exit.OK if _sound(feed, now) else Exit.UNKNOWN for feed in snapshot.feeds.values()]
    return worst(codes)


def _sound(feed: Feed, now: datetime) -> bool:
    return feed.status.freshness(now) is Freshness.LIVE and not feed.status.warnings and not feed.status.dropped
