"""Whose an incident is, by the resource that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.resources import (
    CloudRunResource,
    CloudSqlResource,
    MemorystoreResource,
    SecretResource,
    UptimeResource,
)
from tuiops.sources.gcp.message import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.clouds import GcpConfig
    from tuiops.config.resources import AnyResource
    from tuiops.config.systems import System
    from tuiops.sources.gcp.monitoring.wire import Incident

_Key = tuple[str, str, str]
"""Kind, region or nothing, name."""


class Owners:
    """The resources that the systems say are in a source, as Cloud Monitoring's labels name them."""

    def __init__(self, source: str, config: GcpConfig, systems: Mapping[str, System]) -> None:
        self._known: dict[_Key, tuple[str, str]] = {}
        for system_id, system in systems.items():
            for resource in system.resources.values():
                if resource.source == source and (key := _configured(resource, config.region or "")) is not None:
                    self._known.setdefault(key, (system_id, resource.service))

    def of(self, incident: Incident) -> tuple[str, str] | None:
        """The system and the service; None when nobody watches what the incident is about."""
        key = _measured(incident)
        return self._known.get(key) if key is not None else None


def _configured(resource: AnyResource, region: str) -> _Key | None:
    match resource:
        case CloudRunResource():
            return ("run", resource.region or region, resource.name)
        case MemorystoreResource():
            return ("redis", resource.region or region, resource.name)
        case CloudSqlResource():
            return ("sql", "", resource.name)
        case SecretResource():
            return ("secret", "", resource.name)
        case UptimeResource():
            return ("uptime", "", resource.name)
        case _:
            return None


def _measured(incident: Incident) -> _Key | None:
    """By the labels of monitored resources (cloud.google.com/monitoring/api/resources)."""
    labels = incident.resource.labels
    check = incident.metric.labels.get("check_id")
    if check:
        return ("uptime", "", check)
    match incident.resource.type:
        case "cloud_run_revision":
            return ("run", labels.get("location", ""), labels.get("service_name", ""))
        case "redis_instance":
            return ("redis", labels.get("region", ""), short(labels.get("instance_id", "")))
        case "cloudsql_database":
            return ("sql", "", labels.get("database_id", "").rpartition(":")[2])
        case "secretmanager.googleapis.com/Secret":
            return ("secret", "", labels.get("secret_id", ""))
        case _:
            return None
