"""Snapshots built by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.health import Indicator, Limit, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import safe
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from tuiops.core.severity import Severity

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LIMIT = Limit.parse("> 1%", Unit.RATIO)
DOWN = Limit.parse("> 20%", Unit.RATIO)


def service(name: str, value: float | None, system: str = "shop") -> ServiceHealth:
    indicator = Indicator(
        system=safe(system), id=safe("errors"), heading=safe("ERR%"), unit=Unit.RATIO, source=safe("prom"),
        degraded=LIMIT, down=DOWN,
    )  # fmt: skip
    reading = Reading(system=safe(system), service=safe(name), indicator=indicator.id, at=NOW, value=value)
    measure = Measure(indicator=indicator, reading=reading)
    return ServiceHealth(system=safe(system), service=safe(name), label=safe(name.upper()), measures=(measure,))


def alert(severity: Severity, name: str = "Broken", system: str = "shop", **given: AlertState) -> Alert:
    return Alert(
        identity=name, name=safe(name), system=safe(system), service=safe("api"), severity=severity,
        state=given.get("state", AlertState.FIRING), summary=safe("it is \x1b[31mbroken"),
        started=NOW - timedelta(minutes=5), due=NOW + timedelta(minutes=10),
        labels=((safe("severity"), safe("page")),),
    )  # fmt: skip


def feed(name: str, topic: Topic, age: float | None = 3.0, watchdog: bool | None = None) -> Feed:
    answered = None if age is None else NOW - timedelta(seconds=age)
    status = SourceStatus(name=safe(name), kind=safe("prometheus"), interval=15.0, answered=answered)
    return Feed(topic, status, watchdog)


def snapshot(
    *services: ServiceHealth,
    alerts: tuple[Alert, ...] = (),
    feeds: tuple[Feed, ...] = (feed("prom", Topic.HEALTH), feed("am/alerts", Topic.ALERTS)),
) -> Snapshot:
    systems: dict[str, list[ServiceHealth]] = {}
    for each in services:
        systems.setdefault(each.system, []).append(each)
    return Snapshot(
        version=1,
        at=NOW,
        environment=Environment(safe("production"), production=True),
        systems=tuple(
            SystemHealth(system=safe(name), label=safe(name), environment=safe("production"), services=tuple(each))
            for name, each in systems.items()
        ),
        alerts=alerts,
        feeds=MappingProxyType({each.status.name: each for each in feeds}),
    )
