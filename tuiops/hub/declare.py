"""What a configuration declares: its systems and services, with nothing measured of them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from tuiops.config.systems import CloudWatchIndicator, GaugeIndicator, LatencyIndicator, RatioIndicator
from tuiops.core.health import Indicator, Limit, Measure, ServiceHealth, SystemHealth
from tuiops.core.snapshot import Environment
from tuiops.core.text import safe
from tuiops.core.units import Unit, parse_quantity
from tuiops.sources.probe.naming import probe_indicator, probe_name
from tuiops.sources.resource_naming import resource_indicators

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.model import Config
    from tuiops.config.systems import AnyIndicator, System


def declared_systems(config: Config) -> tuple[SystemHealth, ...]:
    """Every system with the services and indicators that are expected of it, in the order of the file."""
    return tuple(
        SystemHealth(
            system=safe(system_id),
            label=safe(system.label or system_id),
            environment=safe(system.environment or config.environment),
            services=tuple(_services(system_id, system)),
        )
        for system_id, system in config.systems.items()
    )


def environment(config: Config) -> Environment:
    """The environment that the header names: a production one when any system is in production."""
    named = (system.environment or config.environment for system in config.systems.values())
    used = list(dict.fromkeys(named)) or [config.environment]
    production = [name for name in used if (known := config.environments.get(name)) and known.production]
    return Environment(safe((production or used)[0]), production=bool(production))


def indicator(system_id: str, indicator_id: str, config: AnyIndicator) -> Indicator:
    """The core's view of a configured indicator. Limits are known to be readable: the loader has checked them."""
    unit, idle_is_ok, objective = _nature(config)
    return Indicator(
        system=safe(system_id),
        id=safe(indicator_id),
        heading=safe(config.heading),
        unit=unit,
        source=safe(config.source),
        degraded=Limit.parse(config.degraded, unit) if config.degraded else None,
        down=Limit.parse(config.down, unit) if config.down else None,
        idle_is_ok=idle_is_ok,
        max_age=None if config.max_age is None else config.max_age + (config.offset or 0.0),
        hold=config.hold or 0.0,
        objective=objective,
    )


def _nature(config: AnyIndicator) -> tuple[Unit, bool, float | None]:
    match config:
        case RatioIndicator():
            objective = parse_quantity(config.objective, Unit.RATIO) if config.objective else None
            return Unit.RATIO, config.idle_is_ok, objective
        case LatencyIndicator():
            return Unit.SECONDS, config.idle_is_ok, None
        case GaugeIndicator():
            return Unit(config.unit), config.idle_is_ok, None
        case CloudWatchIndicator():
            return Unit.RATIO if config.total else Unit(config.unit), config.idle_is_ok, None
        case _:
            assert_never(config)


def _services(system_id: str, system: System) -> Iterator[ServiceHealth]:
    for service_id, service in system.services.items():
        yield ServiceHealth(
            system=safe(system_id),
            service=safe(service_id),
            label=safe(service.label or service_id),
            measures=tuple(_measures(system_id, system, service_id)),
            links=tuple((safe(name), safe(address)) for name, address in service.links.items()),
        )


def _measures(system_id: str, system: System, service_id: str) -> Iterator[Measure]:
    for probe_id, probe in system.probes.items():
        if probe.service == service_id:
            feed = probe_name(system_id, probe_id)
            yield Measure(indicator=probe_indicator(system_id, probe_id, probe, feed), reading=None)
    for resource_id, resource in system.resources.items():
        if resource.service == service_id:
            for found in resource_indicators(system_id, resource_id, resource):
                yield Measure(indicator=found, reading=None)
    for indicator_id, config in system.indicators.items():
        if not config.services or service_id in config.services:
            yield Measure(indicator=indicator(system_id, indicator_id, config), reading=None)
