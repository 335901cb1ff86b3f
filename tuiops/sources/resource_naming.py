"""What the resources of a service measure, known before any cloud has been asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.config.resources import CloudSqlResource, RdsResource, SecretResource, SecretsManagerResource
from tuiops.core.health import Indicator, Limit
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from tuiops.config.resources import AnyResource


def state_id(resource_id: str) -> SafeText:
    """The indicator of a resource's state."""
    return fmt("resource:{}", safe(resource_id))


def age_id(resource_id: str) -> SafeText:
    """The indicator of a resource's age: of its last backup, or of its newest secret."""
    return fmt("resource:{}:age", safe(resource_id))


def resource_indicators(system_id: str, resource_id: str, config: AnyResource) -> tuple[Indicator, ...]:
    """Its state, and the age that it has a limit for, if any."""
    state = Indicator(
        system=safe(system_id),
        id=state_id(resource_id),
        heading=safe(config.heading),
        unit=Unit.STATE,
        source=safe(config.source),
    )
    limit, heading = _aging(config)
    if limit is None:
        return (state,)
    age = Indicator(
        system=safe(system_id),
        id=age_id(resource_id),
        heading=heading,
        unit=Unit.SECONDS,
        source=safe(config.source),
        degraded=Limit.parse(limit, Unit.SECONDS),
    )
    return (state, age)


def _aging(config: AnyResource) -> tuple[str | None, SafeText]:
    match config:
        case CloudSqlResource() | RdsResource():
            return config.backup, lit("BACKUP")
        case SecretResource() | SecretsManagerResource():
            return config.rotate, lit("ROTATED")
        case _:
            return None, lit("")
