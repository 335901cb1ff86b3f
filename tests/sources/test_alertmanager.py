"""The Alertmanager source: its mapping by itself, and the whole against a real server and broken ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.hostile import Hostile, Request
from tuiops.config.sources import AlertmanagerConfig
from tuiops.config.systems import AlertRule, Service, System
from tuiops.config.values import Duration
from tuiops.core.alerts import AlertState, Report, merge
from tuiops.core.clock import FakeClock, SystemClock
from tuiops.core.severity import Severity
from tuiops.errors import BadAnswer, QueryRefused
from tuiops.sources.alert_mapping import AlertMapper, Native, identity, keep_worst
from tuiops.sources.alertmanager import AlertmanagerSource
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.alertmanager import Alertmanager
    from tests.servers.fixtures import Servers
    from tuiops.core.alerts import Alert
    from tuiops.core.clock import Clock

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SYSTEMS = {
    "shop": System(
        services={"api": Service(match="api-prod")},
        respond={"P1": 900.0},  # type: ignore[dict-item] # a Duration is a float
        severities={"Weird": "P1"},
        alerts={"Posts": AlertRule(severity="P2"), "Payment": AlertRule(respond=Duration(600))},
    ),
    "broad": System(match={"team": "ops"}),
    "narrow": System(match={"team": "ops", "app": "pay"}, service_labels=("pod",)),
}


def mapped(labels: Mapping[str, str], annotations: Mapping[str, str] | None = None, **rest: object) -> Alert:
    native = Native(labels, annotations or {}, rest.pop("started", NOW), AlertState.FIRING, **rest)  # type: ignore[arg-type]  # by the test
    return AlertMapper(SYSTEMS, "am").alert(native, NOW)


def source(url: str, clock: Clock | None = None, **settings: object) -> AlertmanagerSource:
    clock = clock or SystemClock()
    config = AlertmanagerConfig(url=url, **settings)  # type: ignore[arg-type] # by the test
    return AlertmanagerSource("am", config, SYSTEMS, HttpConnector(lambda _: "", clock), clock)


def test_system_service_and_severity() -> None:
    alert = mapped({"alertname": "A", "system": "shop", "job": "x", "instance": "api-prod", "severity": "WEIRD "})
    assert (alert.system, alert.service, alert.severity, alert.severity_known) == ("shop", "api", Severity.P1, True)
    assert alert.due == NOW + timedelta(minutes=15)
    assert mapped({"team": "ops"}).system == "broad"
    alert = mapped({"team": "ops", "app": "pay", "pod": "p-1", "job": "j"})
    assert (alert.system, alert.service) == ("narrow", "p-1")
    assert mapped({"team": "dev", "system": "unheard-of"}).system == "unheard-of"


def test_the_rule_of_an_alert_counts_before_its_word() -> None:
    posts, payment, other = (
        mapped({"alertname": name, "system": "shop", "severity": "critical"}) for name in ("Posts", "Payment", "Other")
    )
    assert (posts.severity, posts.native_severity, posts.due) == (Severity.P2, "critical", None)
    assert (payment.severity, payment.due) == (Severity.P1, NOW + timedelta(minutes=10))
    assert (other.severity, other.due) == (Severity.P1, NOW + timedelta(minutes=15))
    assert mapped({"alertname": "Posts", "system": "shop", "severity": "typo"}).severity_known
    assert not mapped({"alertname": "Payment", "system": "shop", "severity": "typo"}).severity_known


def test_an_unknown_or_missing_severity_is_p3_and_said_so() -> None:
    for labels in ({}, {"severity": "catastrophe"}):
        alert = mapped(labels)
        assert (alert.severity, alert.severity_known, alert.due) == (Severity.P3, False, None)


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()), st.datetimes())
def test_whatever_comes_is_mapped_and_printable(labels: dict[str, str], notes: dict[str, str], at: datetime) -> None:
    alert = mapped(labels, notes, started=at.replace(tzinfo=UTC), generator=next(iter(notes.values()), ""))
    shown = [alert.name, alert.system, alert.service, alert.summary, alert.native_severity, *alert.description]
    shown += [text for pair in (*alert.labels, *alert.annotations, *alert.links) for text in pair]
    assert all(text.isprintable() for text in shown)
    assert datetime(1970, 1, 1, tzinfo=UTC) <= alert.started <= NOW
    assert merge([Report((alert,)), Report((alert,))]) == (alert,)


@given(
    st.dictionaries(st.text(min_size=1), st.text(min_size=1)), st.dictionaries(st.text(min_size=1), st.text(min_size=1))
)
def test_identity_is_of_the_labels_alone(one: dict[str, str], other: dict[str, str]) -> None:
    assert (identity(one) == identity(other)) == (one == other)
    assert identity(one) == identity(dict(reversed(one.items()))) == identity({**one, "": ""})


def test_only_addresses_of_the_web_become_links() -> None:
    alert = mapped(
        {}, {"runbook_url": "javascript:alert(1)", "dashboard_url": "https://d/\x1b[0m"}, generator="http://p"
    )
    assert alert.links == (("dashboard", "https://d/␛[0m"), ("expression", "http://p"))


def test_the_worst_are_kept() -> None:
    alerts = [mapped({"n": str(n), "severity": word}) for n, word in enumerate(["low", "page", "high", "low"])]
    kept, dropped = keep_worst(alerts, 2)
    assert ([one.severity for one in kept], dropped) == ([Severity.P1, Severity.P2], 2)


@pytest.fixture(scope="module")
def alertmanager(module_servers: Servers) -> Alertmanager:
    server = module_servers.alertmanager(
        inhibit_rules=[
            {"source_matchers": ['alertname="Root"'], "target_matchers": ['alertname="Leaf"'], "equal": ["system"]}
        ]
    )
    server.fire({"alertname": "Watchdog", "severity": "none"})
    server.fire({"alertname": "Root", "severity": "page", "system": "shop"}, {"summary": "[bold]all[/] \x1b[31mdown"})
    server.fire({"alertname": "Leaf", "severity": "high", "system": "shop"})
    server.fire({"alertname": "Quiet", "severity": "high"})
    server.silence({"alertname": "Quiet"}, author="mia", comment="planned \u202ework")
    server.wait_for("Quiet", "suppressed")
    server.wait_for("Leaf", "suppressed")
    server.wait_for("Root")
    return server


async def test_a_real_alertmanager(alertmanager: Alertmanager) -> None:
    am = source(alertmanager.url, watchdog="Watchdog")
    update = await am.read_alerts()
    await am.close()
    found = {str(alert.name): alert for alert in update.alerts}
    assert set(found) == {"Root", "Leaf", "Quiet"}
    assert (update.watchdog, update.warnings, update.dropped, update.requests) == (True, (), 0, 3)
    assert found["Root"].state is AlertState.FIRING
    assert found["Root"].summary == "[bold]all[/] ␛[31mdown"
    assert (found["Leaf"].state, found["Leaf"].inhibited_by) == (AlertState.INHIBITED, ("Root",))
    assert (found["Quiet"].state, found["Quiet"].silenced_by) == (AlertState.SILENCED, ("mia: planned \ufffdwork",))


async def test_a_filter_does_not_hide_the_watchdog(alertmanager: Alertmanager) -> None:
    am = source(alertmanager.url, watchdog="Watchdog", filter=('system="shop"',))
    update = await am.read_alerts()
    await am.close()
    assert {alert.name for alert in update.alerts} == {"Root", "Leaf"}
    assert update.watchdog is True


async def test_a_missing_watchdog_is_told(alertmanager: Alertmanager) -> None:
    am = source(alertmanager.url, watchdog='No "such" \\ alert', filter=('system="shop"',))
    assert (await am.read_alerts()).watchdog is False
    await am.close()


async def test_a_filter_that_is_none_is_refused(alertmanager: Alertmanager) -> None:
    am = source(alertmanager.url, filter=("team=",))
    am_bad = source(alertmanager.url, filter=("{{{",))
    with pytest.raises(QueryRefused):
        await am_bad.read_alerts()
    await am.close()
    await am_bad.close()


def native(name: str, **changes: object) -> dict[str, object]:
    base: dict[str, object] = {
        "labels": {"alertname": name},
        "annotations": {},
        "fingerprint": name,
        "startsAt": "2026-05-01T11:00:00Z",
        "endsAt": "2026-05-01T12:05:00Z",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        "something": {"new": [1]},
    }
    return base | changes


def serving(alerts: object, cluster: str = "ready") -> Hostile:
    async def handler(request: Request) -> None:
        status = {"cluster": {"status": cluster}}
        await request.answer(json.dumps(status if "status" in request.target else alerts).encode())

    return Hostile(handler)


@pytest.mark.parametrize(
    "alerts",
    [
        {"alerts": []},
        None,
        [native("A", labels={"alertname": 1})],
        [native("A", labels=None)],
        [native("A", startsAt="yesterday")],
        [native("A", startsAt="2026-05-01T11:00:00")],
        [native("A"), {}],
    ],
)
async def test_wrong_types_are_a_bad_answer_as_a_whole(alerts: object) -> None:
    async with serving(alerts) as server:
        am = source(server.url)
        with pytest.raises(BadAnswer):
            await am.read_alerts()
        await am.close()


async def test_unknown_states_fire_and_odd_times_are_bounded() -> None:
    alerts = [
        native("A", status={"state": "unheard-of"}),
        native("B", status={"state": "suppressed", "mutedBy": ["weekend"]}),
        native("C", startsAt="0001-01-01T00:00:00+14:00"),
        native("D", startsAt="9999-12-31T23:59:59Z"),
    ]
    async with serving(alerts) as server:
        am = source(server.url, FakeClock(NOW))
        update = await am.read_alerts()
        await am.close()
    states = {alert.name: alert.state for alert in update.alerts}
    assert states == {
        "A": AlertState.FIRING, "B": AlertState.SILENCED, "C": AlertState.FIRING, "D": AlertState.FIRING,
    }  # fmt: skip
    assert len(merge([Report(update.alerts)])) == 4


async def test_a_watchdog_that_was_not_renewed_is_dead() -> None:
    async with serving([native("Watchdog")]) as server:
        clock = FakeClock(NOW)
        am = source(server.url, clock, watchdog="Watchdog")
        assert (await am.read_alerts()).watchdog is True
        clock.advance(600)
        assert (await am.read_alerts()).watchdog is False
        await am.close()


async def test_ten_thousand_alerts_are_bounded_and_the_worst_kept() -> None:
    alerts = [
        native(f"A{n}", labels={"alertname": f"A{n}", "severity": "page" if n % 100 == 7 else "low"})
        for n in range(10_000)
    ]
    async with serving(alerts) as server:
        am = source(server.url, FakeClock(NOW), max_items=200)
        update = await am.read_alerts()
        await am.close()
    assert (len(update.alerts), update.dropped) == (200, 9_800)
    assert sum(alert.severity is Severity.P1 for alert in update.alerts) == 100


async def test_a_settling_cluster_is_told() -> None:
    async with serving([], "settling") as server:
        am = source(server.url)
        assert (await am.read_alerts()).warnings == ("its cluster is settling: alerts may be missing",)
        await am.close()
