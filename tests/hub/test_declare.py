from __future__ import annotations

import pytest

from tuiops.config.model import Config, EnvironmentConfig
from tuiops.config.systems import GaugeIndicator, LatencyIndicator, RatioIndicator, Service, System, TcpProbe
from tuiops.config.values import Duration
from tuiops.core.units import Unit
from tuiops.hub.declare import declared_systems, environment, indicator

ERRORS = RatioIndicator(
    source="prom", heading="ERR%", total="all", bad="bad", degraded="> 1%", down="> 20%", objective="99.9%"
)
QUEUE = GaugeIndicator(source="prom", heading="QUEUE", query="queue", degraded="> 1000", services=("worker",))
SHOP = System(
    label="The shop",
    services={"api": Service(label="API", links={"runbook": "https://wiki/api"}), "worker": Service()},
    indicators={"errors": ERRORS, "queue": QUEUE, "p95": LatencyIndicator(source="p2", heading="P95", histogram="h")},
    probes={"front": TcpProbe(service="api", host="api", port=443)},
)


def test_services_have_the_probes_and_indicators_that_are_expected_of_them() -> None:
    (shop,) = declared_systems(Config(systems={"shop": SHOP}, environment="staging"))
    api, worker = shop.services
    assert (shop.label, shop.environment, api.label, worker.label) == ("The shop", "staging", "API", "worker")
    assert [m.indicator.heading for m in api.measures] == ["PROBE", "ERR%", "P95"]
    assert [m.indicator.heading for m in worker.measures] == ["ERR%", "QUEUE", "P95"]
    assert api.links == (("runbook", "https://wiki/api"),)
    assert all(measure.reading is None for service in shop.services for measure in service.measures)


def test_limits_and_objectives_are_in_the_inner_scale() -> None:
    (shop,) = declared_systems(Config(systems={"shop": SHOP}))
    errors = shop.services[0].measures[1].indicator
    assert errors.unit is Unit.RATIO
    assert errors.degraded is not None
    assert errors.degraded.value == 0.01
    assert errors.objective == pytest.approx(0.999)
    assert errors.source == "prom"


def test_one_system_in_production_makes_the_console_a_production_one() -> None:
    environments = {"prod": EnvironmentConfig(production=True), "staging": EnvironmentConfig()}
    systems = {"a": System(environment="staging"), "b": System(environment="prod")}
    found = environment(Config(environment="staging", environments=environments, systems=systems))
    assert (found.name, found.production) == ("prod", True)


def test_without_systems_the_environment_is_the_one_that_is_named() -> None:
    found = environment(Config(environment="prod", environments={"prod": EnvironmentConfig(production=True)}))
    assert (found.name, found.production) == ("prod", True)


def test_the_age_of_a_sample_counts_from_the_time_that_is_asked_for() -> None:
    late = GaugeIndicator(
        source="p", heading="Q", query="q", offset=Duration(120), max_age=Duration(300), hold=Duration(60)
    )
    found = indicator("shop", "queue", late)
    assert (found.max_age, found.hold) == (420, 60)
    assert (indicator("shop", "queue", QUEUE).max_age, indicator("shop", "queue", QUEUE).hold) == (None, 0)
