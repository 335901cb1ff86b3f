"""The simulated fleet as a configuration has its systems: what runbooks may name, choose from and act on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from tuiops.config.model import Runbooks
from tuiops.config.resources import (
    CloudRunResource,
    CloudSqlResource,
    EcsResource,
    HostingResource,
    RdsResource,
)
from tuiops.config.sources import SimulationConfig
from tuiops.config.systems import GaugeIndicator, Service, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tuiops.config.load import Loaded
    from tuiops.config.resources import AnyResource
    from tuiops.config.systems import Quantity
    from tuiops.core.units import Unit
    from tuiops.sim.model import Metric, ResourceModel, SystemModel

RUNBOOKS = Path(__file__).parent / "runbooks"
"""The folder of the runbooks for these systems."""


def declared(source: str) -> dict[str, System]:
    """Every simulated system, of which everything is read from a source of this name."""
    from tuiops.sim.fleet import FLEET

    return {system.id: _system(system, source) for system in FLEET}


def complete(loaded: Loaded, folders: Iterable[Path]) -> Loaded:
    """A configuration with the systems of its simulation, as far as it has none of their names, and their runbooks.

    The same one where it has no simulation. `folders`: where its own runbooks are, which need not exist where it names
    none.
    """
    config = loaded.config
    source = next((name for name, one in config.sources.items() if isinstance(one, SimulationConfig)), None)
    if source is None:
        return loaded
    own = config.runbooks.folders or tuple(str(folder) for folder in folders if folder.is_dir())
    completed = msgspec.structs.replace(
        config,
        systems={**declared(source), **config.systems},
        runbooks=Runbooks(folders=tuple(dict.fromkeys((*own, str(RUNBOOKS))))),
    )
    return msgspec.structs.replace(loaded, config=completed)


def _system(system: SystemModel, source: str) -> System:
    return System(
        services={service.id: Service(links=dict(service.links)) for service in system.services},
        indicators={metric.id: _indicator(system, metric, source) for metric in system.metrics},
        resources={one.id: _resource(system, one, source) for one in system.resources},
    )


def _indicator(system: SystemModel, metric: Metric, source: str) -> GaugeIndicator:
    return GaugeIndicator(
        source=source,
        heading=metric.heading,
        services=tuple(_measured(system, metric)),
        query=metric.id,
        unit=_quantity(metric.unit),
        degraded=metric.degraded,
        down=metric.down,
        idle_is_ok=metric.idle_is_ok,
    )


def _measured(system: SystemModel, metric: Metric) -> Iterator[str]:
    return (service.id for service in system.services if metric.id in service.metrics)


def _resource(system: SystemModel, one: ResourceModel, source: str) -> AnyResource:
    match one.kind:
        case "cloud_run":
            return CloudRunResource(source=source, service=one.service, name=one.name, region=system.region)
        case "ecs":
            return EcsResource(source=source, service=one.service, name=one.name, cluster=one.cluster)
        case "firebase_hosting":
            return HostingResource(source=source, service=one.service, name=one.name)
        case "cloud_sql":
            return CloudSqlResource(source=source, service=one.service, name=one.name)
        case "rds":
            return RdsResource(source=source, service=one.service, name=one.name)


def _quantity(unit: Unit) -> Quantity:
    """The unit as a configuration names it; nothing simulated is a state."""
    return cast("Quantity", unit.value)
