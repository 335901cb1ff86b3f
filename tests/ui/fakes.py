"""A backend that holds whatever snapshot a test gives it, and snapshots worth looking at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.alerts import Alert, AlertState, Report, merge
from tuiops.core.clock import FakeClock
from tuiops.core.comparison import Comparison
from tuiops.core.health import Indicator, Limit, Measure, Reading, ServiceHealth, SystemHealth
from tuiops.core.rollouts import Gate, GateResult, Phase, Rollout, Step
from tuiops.core.severity import Severity
from tuiops.core.snapshot import Environment, Feed, Snapshot, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import EMPTY, SafeText, safe
from tuiops.core.units import Unit
from tuiops.core.updates import Budget
from tuiops.hub.logbook import LogBook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.core.updates import Series

NOW = datetime(2026, 3, 5, 5, 2, 11, tzinfo=UTC)


class FakeBackend:
    """Publishes in the caller's thread."""

    def __init__(self, snapshot: Snapshot, clock: FakeClock | None = None) -> None:
        self.snapshot = snapshot
        self.clock = clock or FakeClock(NOW)
        self.logs = LogBook()
        self.started = 0
        self.poked: list[str | None] = []
        self.listeners: list[Callable[[Snapshot], None]] = []

    def start(self) -> None:
        self.started += 1

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for listener in self.listeners:
            listener(snapshot)

    def poke(self, feed: str | None = None) -> None:
        self.poked.append(feed)

    async def history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        return ()

    async def comparison(self, system: str, service: str, new: str, old: str) -> Comparison:
        return Comparison(at=self.clock.now())


def feed(
    name: str, topic: Topic, *, age: float = 3, failing: int = 0, word: str = "", watchdog: bool | None = None
) -> Feed:
    answered = NOW - timedelta(seconds=age)
    status = SourceStatus(
        name=safe(name),
        kind=safe("prometheus"),
        interval=15,
        answered=answered,
        tried=NOW,
        failing=failing,
        word=safe(word),
    )
    return Feed(topic, status, watchdog)


def indicator(system: str, name: str, heading: str, unit: Unit, degraded: str, down: str) -> Indicator:
    return Indicator(
        system=safe(system), id=safe(name), heading=safe(heading), unit=unit, source=safe("prom"),
        degraded=Limit.parse(degraded, unit), down=Limit.parse(down, unit),
    )  # fmt: skip


def service(system: str, name: str, errors: float | None, p95: float | None, label: str = "") -> ServiceHealth:
    kinds = (
        (indicator(system, "errors", "ERR%", Unit.RATIO, "> 1%", "> 5%"), errors),
        (indicator(system, "p95", "P95", Unit.SECONDS, "> 2s", "> 10s"), p95),
    )
    measures = tuple(
        Measure(
            indicator=kind,
            reading=Reading(
                system=safe(system), service=safe(name), indicator=kind.id, at=NOW - timedelta(seconds=3), value=value
            ),
            trend=tuple((value or 0) * (0.2 + 0.1 * step) for step in range(8)),
        )
        for kind, value in kinds
    )
    links = ((safe("runbook"), safe("https://example.org/runbook")),)
    return ServiceHealth(
        system=safe(system), service=safe(name), label=safe(label or name), measures=measures, links=links
    )


def system(name: str, *services: ServiceHealth) -> SystemHealth:
    return SystemHealth(system=safe(name), label=safe(name), environment=safe("production"), services=services)


def alert(
    number: int, where: str, severity: Severity, summary: str, *, left: float | None = 751, old: float = 120,
    state: AlertState = AlertState.FIRING,
) -> Alert:  # fmt: skip
    place, _, of = where.partition("/")
    return Alert(
        identity=f"alert-{number}", name=safe(f"Alert{number}"), system=safe(place), service=safe(of),
        severity=severity,
        state=state, summary=safe(summary), started=NOW - timedelta(seconds=old),
        due=None if left is None else NOW + timedelta(seconds=left), sources=(safe("am"),),
        links=((safe("runbook"), safe("https://example.org/runbook")),),
    )  # fmt: skip


def rollout() -> Rollout:
    return Rollout(
        id=safe("r1"), system=safe("tokyo"), service=safe("chat"), strategy=safe("blue-green"), old=safe("9f2c"),
        new=safe("b71e"), by=safe("CI"), phase=Phase.RUNNING, started=NOW - timedelta(minutes=7), weight=0.1,
        steps=(
            Step(label=safe("deploy"), phase=Phase.SUCCEEDED),
            Step(label=safe("health"), phase=Phase.SUCCEEDED),
            Step(label=safe("canary"), phase=Phase.RUNNING, weight=0.1, started=NOW - timedelta(seconds=108),
                 ends=NOW + timedelta(seconds=192)),
            Step(label=safe("full"), phase=Phase.WAITING, weight=1.0),
        ),
        gates=(Gate(label=safe("error ≤ 5%"), value=safe("0.8%"), result=GateResult.PASS),),
        source=safe("run/rollouts"),
    )  # fmt: skip


def fleet() -> Snapshot:
    """Five systems, one of them on fire."""
    systems = (
        system("manga", service("manga", "phase1", 0.001, 1.2), service("manga", "phase6", 0.02, 1.8)),
        system("tokyo", service("tokyo", "chat", 0.004, 0.4)),
        system(
            "pricealert", service("pricealert", "worker", 0.001, 0.4), service("pricealert", "api", 0.062, 2.41),
            service("pricealert", "通知サービス", 0.0, None),
        ),
        system("omniy", service("omniy", "functions", 0.0, 0.2)),
    )  # fmt: skip
    alerts = merge([Report((
        alert(1, "pricealert/api", Severity.P1, "error rate 6.2% > 1%"),
        alert(2, "manga/phase6", Severity.P2, "AI quota exhausted", left=3400, old=180),
        alert(3, "pricealert/rds", Severity.P2, "CPU 91% > 75%", left=3482, old=60),
        alert(4, "tokyo/chat", Severity.P3, "p95 3.4 s > 3 s", left=13260, old=1140),
        alert(5, "omniy/functions", Severity.P3, "CPU 84% > 80%", left=13800, old=1860),
        alert(6, "tokyo/db", Severity.P3, "backup is late", left=None, old=4000, state=AlertState.SILENCED),
        alert(7, "manga/phase2", Severity.P2, "no progress", left=900, old=300, state=AlertState.INHIBITED),
    ))])  # fmt: skip
    feeds = (
        feed("prom", Topic.HEALTH),
        feed("am", Topic.ALERTS, age=2, watchdog=True),
        feed("run/rollouts", Topic.ROLLOUTS, age=5),
    )
    return Snapshot(
        version=1, at=NOW, environment=Environment(safe("production"), production=True), systems=systems, alerts=alerts,
        rollouts=(rollout(),), feeds={entry.status.name: entry for entry in feeds},
        budgets=(
            Budget(source=safe("prom"), system=safe("pricealert"), service=safe("api"), indicator=safe("errors"),
                   objective=0.999, left=0.12, gone_at=NOW + timedelta(hours=9)),
        ),
    )  # fmt: skip


def stale(snapshot: Snapshot, seconds: float = 240, word: str = "unreachable") -> Snapshot:
    """The same, with every source silent for a while."""
    feeds = {
        name: Feed(
            entry.topic,
            msgspec.structs.replace(
                entry.status, answered=NOW - timedelta(seconds=seconds), failing=3, word=safe(word)
            ),
            entry.watchdog,
        )
        for name, entry in snapshot.feeds.items()
    }
    return msgspec.structs.replace(snapshot, version=snapshot.version + 1, feeds=feeds)


def nothing() -> Snapshot:
    """A console without configuration."""
    return Snapshot(version=1, at=NOW, environment=Environment(SafeText("default")))


__all__ = ["EMPTY", "NOW", "FakeBackend", "alert", "feed", "fleet", "nothing", "rollout", "service", "stale", "system"]
