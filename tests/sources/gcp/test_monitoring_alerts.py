"""Incidents of Cloud Monitoring as alerts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.google.monitoring import MonitoringApi
from tests.waiting import eventually, let_pass
from tuiops.core.alerts import Alert, AlertState, Report, merge
from tuiops.core.severity import Severity
from tuiops.errors import AccessDenied
from tuiops.hub.feeds import abilities
from tuiops.sources.alert_mapping import AlertMapper, Native
from tuiops.sources.base import ReadsAlerts
from tuiops.sources.gcp.monitoring.snoozing import terms
from tuiops.sources.gcp.source import GcpAlertsSource, GcpSource

if TYPE_CHECKING:
    from tests.google.fixtures import GoogleStage
    from tuiops.core.updates import AlertsUpdate

SHOP = """
[systems.shop]
match = { project = "shop-production" }
service_labels = ["service_name"]
respond = { P1 = "15m" }
[systems.shop.services.orders]
"""
RUN = ("cloud_run_revision",)


@pytest.fixture
def monitoring(google: GoogleStage) -> MonitoringApi:
    return google.teach(MonitoringApi(google.clock))


async def read(source: GcpSource) -> AlertsUpdate:
    assert isinstance(source, GcpAlertsSource)
    return await source.read_alerts()


async def alert(source: GcpSource) -> Alert:
    (found,) = (await read(source)).alerts
    return found


async def test_an_incident_is_an_alert_with_all_that_its_policy_says(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    policy = monitoring.policy(
        "Orders fail",
        severity="CRITICAL",
        userLabels={"team": "checkout"},
        documentation={
            "content": "Look at the queue.\nThen call Kim.",
            "mimeType": "text/markdown",
            "subject": "Orders fail in production",
            "links": [
                {"displayName": "playbook", "url": "https://wiki.shop.example/orders"},
                {"displayName": "templated", "url": "https://wiki.shop.example/${resource.name}"},
            ],
        },
    )
    incident = monitoring.open(policy, "cloud_run_revision", service_name="orders", location="asia-northeast1")
    opened = google.clock.now()
    google.clock.advance(300)

    found = await alert(google.source(SHOP))

    assert (found.name, found.system, found.service) == ("Orders fail", "shop", "orders")
    assert (found.severity, found.native_severity, found.severity_known) == (Severity.P1, "critical", True)
    assert (found.state, found.started, found.due) == (AlertState.FIRING, opened, opened + timedelta(minutes=15))
    assert (found.summary, found.owner) == ("Orders fail in production", "checkout")
    assert found.description == ("Look at the queue.", "Then call Kim.")
    assert dict(found.labels) == {
        "alertname": "Orders fail",
        "severity": "critical",
        "team": "checkout",
        "project": "shop-production",
        "resource_type": "cloud_run_revision",
        "service_name": "orders",
        "location": "asia-northeast1",
    }
    number = incident["name"].rpartition("/")[2]
    assert dict(found.links) == {
        "incident": f"https://console.cloud.google.com/monitoring/alerting/alerts/{number}?project=shop-production",
        "playbook": "https://wiki.shop.example/orders",
    }


async def test_an_incident_is_one_with_the_same_alert_of_another_source(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    monitoring.open(monitoring.policy("Orders fail", userLabels={"severity": "p2"}), "cloud_run_revision", pod="a")
    source = google.source(SHOP)
    ours = await alert(source)
    labels = {str(name): str(value) for name, value in ours.labels}
    mapper = AlertMapper(google.config(SHOP).systems, "alertmanager")
    theirs = mapper.alert(Native(labels, {}, google.clock.now(), AlertState.FIRING), google.clock.now())

    (merged,) = merge([Report((ours,)), Report((theirs,))])

    assert merged.sources == ("gcp", "alertmanager")
    assert merged.severity is Severity.P2


async def test_a_severity_of_the_owner_counts_before_that_of_the_policy(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    monitoring.open(monitoring.policy("A", severity="WARNING", userLabels={"severity": "P1"}))

    assert (await alert(google.source(SHOP))).severity is Severity.P1


async def test_an_incident_that_ended_between_two_polls_is_seen_and_older_ones_are_not(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    old, brief = (monitoring.open(monitoring.policy(name)) for name in ("Old", "Brief"))
    monitoring.close(old)
    google.clock.advance(660)
    monitoring.close(brief)
    google.clock.advance(60)

    found = await alert(google.source(SHOP))

    assert (found.name, found.state) == ("Brief", AlertState.RESOLVED)


async def test_of_equal_incidents_the_open_one_counts(google: GoogleStage, monitoring: MonitoringApi) -> None:
    policy = monitoring.policy("Orders fail")
    monitoring.close(monitoring.open(policy))
    google.clock.advance(60)
    monitoring.open(policy)
    opened = google.clock.now()
    google.clock.advance(60)
    monitoring.open(policy)

    found = await alert(google.source(SHOP))

    assert (found.state, found.started) == (AlertState.FIRING, opened)


async def test_a_log_based_incident_has_the_labels_that_were_taken_from_the_log(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    condition = {
        "displayName": "payment refused",
        "conditionMatchedLog": {"filter": 'severity>=ERROR "refused"', "labelExtractors": {"shop": "EXTRACT(a)"}},
    }
    incident = monitoring.open(monitoring.policy("Payment refused", conditions=[condition]), "cloud_run_revision")
    incident["log"] = {"extractedLabels": {"shop": "tokyo"}}

    found = await alert(google.source(SHOP))

    assert found.label("shop") == "tokyo"
    assert found.summary == "payment refused"
    assert ("log filter", 'severity>=ERROR "refused"') in found.annotations


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        ({"conditionPrometheusQueryLanguage": {"query": "up == 0"}}, "up == 0"),
        ({"conditionAbsent": {"filter": 'metric.type="x"'}}, 'metric.type="x"'),
        ({"conditionSql": {"query": "SELECT 1"}}, None),
    ],
)
async def test_a_condition_is_told_in_its_own_language(
    google: GoogleStage, monitoring: MonitoringApi, condition: dict[str, object], expression: str | None
) -> None:
    monitoring.open(monitoring.policy("A", conditions=[{"displayName": "c", **condition}]))

    told = [text for name, text in (await alert(google.source(SHOP))).annotations if name == "expression"]
    assert told == ([expression] if expression else [])


async def test_an_incident_belongs_to_the_service_whose_resource_it_is_about(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    policy = monitoring.policy("A")
    monitoring.open(policy, "cloud_run_revision", service_name="chat", location="asia-northeast1")
    monitoring.open(policy, "cloud_run_revision", service_name="chat", location="us-central1")
    monitoring.open(policy, "cloudsql_database", database_id="shop-production:orders")
    monitoring.open(
        policy, "redis_instance", region="asia-northeast1", instance_id="projects/p/locations/l/instances/cache"
    )
    check = monitoring.open(policy, "uptime_url", host="shop.example")
    check["metric"] = {"type": "monitoring.googleapis.com/uptime_check/check_passed", "labels": {"check_id": "web-1"}}
    systems = "".join(
        f"""
        [systems.shop.services.{service}]
        [systems.shop.resources.{service}]
        kind = "{kind}"
        source = "gcp"
        service = "{service}"
        name = "{name}"
        """
        for service, kind, name in (
            ("front", "cloud_run", "chat"),
            ("db", "cloud_sql", "orders"),
            ("mem", "memorystore", "cache"),
            ("site", "uptime_check", "web-1"),
        )
    )

    found = (await read(google.source(systems))).alerts

    assert sorted((one.system, one.service) for one in found) == [
        ("", ""),
        ("shop", "db"),
        ("shop", "front"),
        ("shop", "mem"),
        ("shop", "site"),
    ]


# Snoozes.


async def test_a_snoozed_incident_is_silenced_with_the_comment(google: GoogleStage, monitoring: MonitoringApi) -> None:
    policy = monitoring.policy("Orders fail")
    monitoring.open(policy)
    monitoring.snooze("maintenance by Kim", [policy["name"]], minutes=30)
    source = google.source(SHOP)
    google.clock.advance(60)
    update = await read(source)
    google.clock.advance(1800)
    later = await alert(source)

    assert update.alerts[0].state is AlertState.SILENCED
    assert update.alerts[0].silenced_by == ("maintenance by Kim (until 2026-05-01T12:30:00Z)",)
    assert update.warnings == ("snoozed: maintenance by Kim (until 2026-05-01T12:30:00Z): Orders fail",)
    assert update.knows_silences
    assert later.state is AlertState.FIRING


@pytest.mark.parametrize(
    ("text", "silenced"),
    [
        ('resource.labels.service_name="orders"', True),
        ('resource.labels.service_name = "orders" AND metric.labels.code="500"', True),
        ('resource.labels.service_name="orders" AND metric.labels.code="404"', False),
        ('metadata.user_labels.team="a" AND metadata.system_labels.region="b"', False),
        ('resource.labels.service_name="orders" OR metric.labels.code="404"', False),
        ("resource.labels.service_name=~orders", False),
        ('resource.labels.service_name="orders" AND', False),
    ],
)
async def test_a_snooze_with_a_filter_silences_what_it_is_understood_to(
    google: GoogleStage, monitoring: MonitoringApi, text: str, silenced: bool
) -> None:
    policy = monitoring.policy("Orders fail")
    incident = monitoring.open(policy, "cloud_run_revision", service_name="orders")
    incident["metric"] = {"type": "run.googleapis.com/request_count", "labels": {"code": "500"}}
    monitoring.snooze("x", [policy["name"]], filter=text)
    google.clock.advance(60)

    update = await read(google.source(SHOP))

    assert (update.alerts[0].state is AlertState.SILENCED) is silenced
    told = [warning for warning in update.warnings if warning.startswith("the filter of a snooze is not understood")]
    assert len(told) == (terms(text) is None)


async def test_snoozes_that_may_not_be_read_silence_nothing(google: GoogleStage, monitoring: MonitoringApi) -> None:
    policy = monitoring.policy("Orders fail")
    monitoring.open(policy)
    monitoring.snooze("x", [policy["name"]])
    google.fault("monitoring", "snoozes.list", status=403, message="no monitoring.snoozes.list")

    update = await read(google.source(SHOP))

    assert update.alerts[0].state is AlertState.FIRING
    assert not update.knows_silences
    assert update.warnings == (
        "snoozes: monitoring forbids this (403): no monitoring.snoozes.list; snoozed alerts are shown as firing",
    )


# What is odd.


async def test_policies_from_which_nothing_can_come_are_told(google: GoogleStage, monitoring: MonitoringApi) -> None:
    monitoring.policy("Off", enabled=False)
    monitoring.policy("Broken", validity={"code": 3, "message": "no such metric"})

    assert (await read(google.source(SHOP))).warnings == (
        "alert policies that are switched off: Off",
        "alert policies that are invalid, so that they find nothing: Broken",
    )


async def test_a_state_that_nobody_knows_fires(google: GoogleStage, monitoring: MonitoringApi) -> None:
    monitoring.open(monitoring.policy("A"))
    google.fault(
        "monitoring",
        "alerts.list",
        change=lambda page: (
            page | {"alerts": [one | {"state": "SIMMERING", "new": 1} for one in page["alerts"]]}
            if "alerts" in page
            else page
        ),
    )

    assert (await alert(google.source(SHOP))).state is AlertState.FIRING


async def test_incidents_that_cannot_be_read_are_no_absence_of_alerts(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    google.fault("monitoring", "alerts.list", status=403, reason="SERVICE_DISABLED")

    with pytest.raises(AccessDenied, match="monitoring is not enabled in project shop-production"):
        await read(google.source(SHOP))


async def test_policies_that_cannot_be_read_cost_descriptions_alone(
    google: GoogleStage, monitoring: MonitoringApi
) -> None:
    monitoring.open(monitoring.policy("A"))
    google.fault("monitoring", "alertPolicies.list", status=500, message="backend error", times=1)
    source = google.source(SHOP)

    first, second = await read(source), await read(source)

    assert (first.alerts[0].summary, second.alerts[0].summary) == ("", "A too often")
    assert len(first.warnings) == 1
    assert second.warnings == ()


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("snoozes.list", "", "snoozes: monitoring gave no complete answer"),
        ("alertPolicies.list", "", "alert policies: monitoring gave no complete answer"),
        ("alerts.list", "CLOSED", "closed incidents: monitoring gave no complete answer"),
    ],
)
async def test_what_hangs_beside_the_open_incidents_is_a_warning(
    google: GoogleStage, monitoring: MonitoringApi, method: str, path: str, told: str
) -> None:
    monitoring.open(monitoring.policy("A"))
    google.fault("monitoring", method, path=path, hold=asyncio.Event())

    reading = asyncio.create_task(read(google.source(SHOP, 'timeout = "300s"')))
    await eventually(lambda: len(google.calls) == 4, "all four requests")
    await let_pass(100)
    update = await reading

    assert [one.state for one in update.alerts] == [AlertState.FIRING]
    assert len(update.warnings) == 1
    assert update.warnings[0].startswith(told)


async def test_a_page_that_is_cut_is_no_answer(google: GoogleStage, monitoring: MonitoringApi) -> None:
    for number in range(3):
        monitoring.open(monitoring.policy(f"A{number}"))
    source = google.source(SHOP, "max_items = 2")

    update = await read(source)

    assert len(update.alerts) == 2
    assert update.warnings == (
        "incidents: only the first 2 were read; raise max_items",
        "alert policies: only the first 2 were read; raise max_items",
    )


async def test_hostile_names_are_only_names(google: GoogleStage, monitoring: MonitoringApi) -> None:
    monitoring.open(monitoring.policy("\x1b]0;owned\x07 [bold]x", userLabels={"a": "\x1b[31m"}))

    found = await alert(google.source(SHOP))

    assert found.name.isprintable()
    assert all(value.isprintable() for _, value in found.labels)
    assert all(address.startswith("https://console.cloud.google.com/") for _, address in found.links)


async def test_an_incident_without_anything_is_an_alert(google: GoogleStage, monitoring: MonitoringApi) -> None:
    monitoring.incidents.append({"name": "projects/shop-production/alerts/1", "state": "OPEN"})

    found = await alert(google.source(SHOP))

    assert (found.name, found.started) == ("(no alertname)", google.clock.now())


async def test_policies_are_asked_for_now_and_then(google: GoogleStage, monitoring: MonitoringApi) -> None:
    source = google.source(SHOP)
    for _ in range(3):
        await read(source)
        google.clock.advance(30)
    before = len(google.asked("alertPolicies.list"))
    google.clock.advance(300)
    update = await read(source)

    assert (before, len(google.asked("alertPolicies.list")), update.requests) == (1, 2, 4)


def test_a_source_without_alerts_cannot_read_them(google: GoogleStage, monitoring: MonitoringApi) -> None:
    assert isinstance(google.source(SHOP), ReadsAlerts)
    assert not isinstance(google.source(SHOP, "alerts = false"), ReadsAlerts)
    assert abilities(google.source(SHOP))
