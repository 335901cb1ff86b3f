"""The fleet's description is consistent: every name that is used exists, every alert can be seen coming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuiops.core.health import Limit
from tuiops.core.severity import Severity
from tuiops.sim.alerts import noticed
from tuiops.sim.fleet import FLEET

if TYPE_CHECKING:
    from tuiops.sim.model import Incident, SystemModel

SYSTEMS = pytest.mark.parametrize("system", FLEET, ids=lambda system: system.id)
INCIDENTS = pytest.mark.parametrize(
    ("system", "incident"),
    [pytest.param(system, each, id=f"{system.id}/{each.id}") for system in FLEET for each in system.incidents],
)


def test_five_systems() -> None:
    assert {system.id for system in FLEET} == {"manga", "tokyo", "omniy", "sagebase", "pricealert"}


@SYSTEMS
def test_metrics_of_services_are_declared_and_limits_can_be_read(system: SystemModel) -> None:
    declared = {metric.id for metric in system.metrics}
    assert {name for service in system.services for name in service.metrics} == declared
    for metric in system.metrics:
        for limit in (metric.degraded, metric.down):
            if limit is not None:
                assert Limit.parse(limit, metric.unit).unit is metric.unit


@SYSTEMS
def test_severities_have_a_time_to_respond(system: SystemModel) -> None:
    assert {Severity[priority] for priority in system.severities.values()} <= set(Severity)
    assert set(system.respond) == {"P1", "P2", "P3", "P4"}


@SYSTEMS
def test_logs_and_budgets_belong_to_services(system: SystemModel) -> None:
    services = {service.id for service in system.services}
    assert {log.service for log in system.logs} <= services
    assert set(system.budgets) <= services


@INCIDENTS
def test_incident_touches_what_exists(system: SystemModel, incident: Incident) -> None:
    measured = {(service.id, metric) for service in system.services for metric in service.metrics}
    assert {(effect.service, effect.metric) for effect in incident.effects} <= measured
    touched = {(effect.service, effect.metric) for effect in incident.effects}
    assert {(alert.service, alert.metric) for alert in incident.alerts} <= touched
    assert {alert.severity for alert in incident.alerts} <= set(system.severities)
    names = {alert.name for alert in incident.alerts}
    assert all(alert.inhibited_by in names for alert in incident.alerts if alert.inhibited_by)


@INCIDENTS
def test_incident_is_over_before_it_returns(system: SystemModel, incident: Incident) -> None:
    longest = max(effect.fade for effect in incident.effects)
    assert incident.lasts + longest < (1 - incident.when.spread) * incident.when.every


@INCIDENTS
def test_every_alert_fires_before_its_incident_ends(system: SystemModel, incident: Incident) -> None:
    assert all(noticed(incident, alert) + alert.hold < incident.lasts for alert in incident.alerts)


def test_names_of_incidents_are_unique() -> None:
    for system in FLEET:
        names = [incident.id for incident in system.incidents]
        assert len(names) == len(set(names))
