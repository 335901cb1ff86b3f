"""What the source of a cloud is made of: parts, one for each API or kind of resource.

A part reads all that the configuration wants of its API together, in as few requests as that takes. What one
resource refuses to tell becomes an `unknown` reading and a warning; a part that cannot read anything raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from tuiops.core.alerts import Alert
from tuiops.core.drift import Drift
from tuiops.core.health import Reading
from tuiops.core.rollouts import Rollout
from tuiops.core.text import EMPTY, SafeText, fmt, safe
from tuiops.sources.resource_naming import age_id, resource_indicators, state_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tuiops.config.resources import AnyResource
    from tuiops.config.systems import System
    from tuiops.sources.abilities import Prepared, Receipt, Target

_Config = TypeVar("_Config", bound="AnyResource")

WELL, DEGRADED, DOWN = 0.0, 1.0, 2.0
"""Values of a state, as `Unit.STATE` has them."""


class Watched(msgspec.Struct, Generic[_Config], frozen=True, kw_only=True):
    """A resource of the configuration, and how what is read of it is written."""

    system_id: str
    id: str
    config: _Config
    source: SafeText

    @property
    def system(self) -> SafeText:
        return safe(self.system_id)

    @property
    def service(self) -> SafeText:
        return safe(self.config.service)

    @property
    def feed(self) -> SafeText:
        """Where its rollouts and drifts come from."""
        return fmt("{}/rollouts", self.source)

    def state(self, at: datetime, value: float, note: SafeText = EMPTY) -> Reading:
        """How it stands, `WELL`, `DEGRADED` or `DOWN`, and why."""
        return Reading(
            system=self.system, service=self.service, indicator=state_id(self.id), at=at, value=value, note=note
        )

    def age(self, at: datetime, seconds: float | None, note: SafeText = EMPTY) -> Reading:
        """How old is what should be young; None when there is none."""
        return Reading(
            system=self.system, service=self.service, indicator=age_id(self.id), at=at, value=seconds, note=note
        )

    def unknown(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        """Nothing can be said of it: every reading that it should have."""
        return tuple(
            Reading(system=self.system, service=self.service, indicator=indicator.id, at=at, unknown=reason)
            for indicator in resource_indicators(self.system_id, self.id, self.config)
        )

    def drift(self, what: SafeText, expected: SafeText, actual: SafeText) -> Drift:
        """One property of it that is not as expected."""
        return Drift(
            system=self.system,
            service=self.service,
            resource=safe(self.id),
            what=what,
            expected=expected,
            actual=actual,
            source=self.feed,
        )


def watched(source: str, systems: Mapping[str, System], kind: type[_Config]) -> tuple[Watched[_Config], ...]:
    """The resources of a kind that the systems say are in a source."""
    return tuple(
        Watched(system_id=system_id, id=resource_id, config=resource, source=safe(source))
        for system_id, system in systems.items()
        for resource_id, resource in system.resources.items()
        if isinstance(resource, kind) and resource.source == source
    )


def all_unknown(resources: Iterable[Watched[_Config]], at: datetime, reason: SafeText) -> tuple[Reading, ...]:
    """What a part's readings are when it fails as a whole."""
    return tuple(reading for resource in resources for reading in resource.unknown(at, reason))


class PartHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A reading for everything that a part is asked for, be it `unknown`."""

    readings: tuple[Reading, ...]
    warnings: tuple[SafeText, ...] = ()
    dropped: int = 0


class PartRollouts(msgspec.Struct, frozen=True, kw_only=True):
    """The rollouts of a part's resources, and where these are not as expected."""

    rollouts: tuple[Rollout, ...] = ()
    drifts: tuple[Drift, ...] = ()
    moving: bool = False
    """Whether something rolls, so that it should be looked at again soon."""
    warnings: tuple[SafeText, ...] = ()
    dropped: int = 0


class PartAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts that a part knows of."""

    alerts: tuple[Alert, ...] = ()
    knows_silences: bool = True
    """Whether it would tell that an alert is silenced."""
    warnings: tuple[SafeText, ...] = ()
    dropped: int = 0


class Part(Protocol):
    """One API or kind of resource. It is made only where the configuration wants something of it."""

    @property
    def name(self) -> SafeText:
        """A word or two for warnings and actions, such as `ECS`; no two parts of a source share one."""
        ...


@runtime_checkable
class HealthPart(Part, Protocol):
    """Reads states and indicators."""

    async def read_health(self, at: datetime) -> PartHealth:
        """`at`: when the poll began. Raises errors.SourceError when nothing can be read."""
        ...

    def unread(self, at: datetime, reason: SafeText) -> tuple[Reading, ...]:
        """What its readings are when it raised: all unknown, with the reason."""
        ...


@runtime_checkable
class RolloutsPart(Part, Protocol):
    """Reads rollouts."""

    async def read_rollouts(self, at: datetime) -> PartRollouts: ...


@runtime_checkable
class AlertsPart(Part, Protocol):
    """Reads alerts."""

    async def read_alerts(self, at: datetime) -> PartAlerts: ...


@runtime_checkable
class ActingPart(Part, Protocol):
    """Carries out what it prepared. `Prepared.call` is made by `call_of`."""

    async def perform(self, prepared: Prepared) -> Receipt: ...

    async def look_up(self, receipt: Receipt) -> Receipt: ...


@runtime_checkable
class ResourcePart(Part, Protocol):
    """Can do something to resources of its own."""

    def able(self, target: Target) -> object | None:
        """Who has the abilities of a resource, by the protocols of `abilities`; None when it is another part's."""
        ...


def call_of(part: Part, body: bytes) -> bytes:
    """What a part will send, with its name, as `Prepared.call` holds it."""
    return part.name.encode() + b"\n" + body


def body_of(call: bytes) -> bytes:
    """What `call_of` was given."""
    return call.partition(b"\n")[2]


def part_of(call: bytes) -> str:
    """Name of the part that prepared a call."""
    return call.partition(b"\n")[0].decode()
