"""The words in which a simulated fleet is described: what there is, what goes wrong with it, what is released.

Times are seconds relative to the start of the world, negative before it. Values are in the inner scale of
their unit (`core.units`): ratios 0–1, seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Literal

import msgspec

from tuiops.core.rollouts import StepKind
from tuiops.core.units import Unit


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator of a system, with its limits in the words of a configuration file."""

    id: str
    heading: str
    unit: Unit = Unit.RATIO
    degraded: str | None = None
    down: str | None = None
    objective: float | None = None
    late: float = 0.0
    """Seconds by which its samples are behind."""
    max_age: float | None = None
    idle_is_ok: bool = False


class Course(msgspec.Struct, frozen=True):
    """How a metric of a service runs while all is well."""

    base: float
    tide: float = 0.0
    """Share of `base` that the time of day adds or takes."""
    wander: float = 0.1
    """Share of `base` that chance adds or takes."""
    idle: float = 0.0
    """Share of the time in which there is no traffic to measure."""


class ServiceModel(msgspec.Struct, frozen=True):
    """One service and the course of each of its metrics, by the metric's id."""

    id: str
    metrics: dict[str, Course]
    links: tuple[tuple[str, str], ...] = ()


class Recurrence(msgspec.Struct, frozen=True):
    """When something happens: exactly at `first`, about every `every` seconds after it, and `past` times before."""

    first: float
    every: float
    spread: float = 0.2
    """Largest delay by chance, as a share of `every`."""
    past: int = 1
    """How many times it happened before `first`."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident does to one metric of one service."""

    service: str
    metric: str
    peak: float
    delay: float = 0.0
    ramp: float = 120.0
    fade: float = 150.0


class AlertModel(msgspec.Struct, frozen=True, kw_only=True):
    """An alert rule: a metric of a service beyond a limit for a time."""

    name: str
    service: str
    metric: str
    limit: str
    summary: str
    severity: str
    hold: float = 300.0
    """Seconds between pending and firing, a rule's `for`."""
    description: tuple[str, ...] = ()
    silenced_by: str = ""
    inhibited_by: str = ""
    """Name of the alert of the same incident that makes this one superfluous."""


class StepModel(msgspec.Struct, frozen=True):
    """One step of a release; `lasts` in seconds, `weight` the new revision's share of traffic, 0–1."""

    label: str
    lasts: float
    weight: float | None = None
    kind: StepKind = StepKind.WORK
    stage: str = ""


class GateModel(msgspec.Struct, frozen=True, kw_only=True):
    """A condition on a metric of the released service, decided at the end of the step at index `after`."""

    label: str
    metric: str
    fails: str
    """The limit beyond which the release is taken back, such as `> 5%`."""
    after: int


class ReleaseModel(msgspec.Struct, frozen=True, kw_only=True):
    """A release that comes again, each time with revisions `stride` further on."""

    service: str
    strategy: str
    by: str
    steps: tuple[StepModel, ...]
    gates: tuple[GateModel, ...] = ()
    old: int
    new: int
    stride: int = 1
    revision: str = "rev {}"
    """How a revision's number is written; `{}` alone makes it a digest."""
    offset: float = 0.0
    """Seconds after the start of its occurrence."""
    message: str = ""
    client: str = ""
    image: str = ""
    """Repository of the image; a digest for each revision comes behind it."""
    instances: int = 0
    """How many there are of the service; 0 where nobody tells."""
    in_place: bool = False
    """Whether instances are replaced rather than traffic shared out."""
    lag: float = 15.0
    """Seconds until the traffic that is set has really moved."""


class DriftModel(msgspec.Struct, frozen=True, kw_only=True):
    """A property of a service that is not as expected, from a moment on."""

    service: str
    resource: str
    what: str
    expected: str
    actual: str
    since: float = -86400.0
    lasts: float = 10 * 86400.0


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that goes wrong: effects on metrics, the alerts that notice, the releases that caused or mended it."""

    id: str
    when: Recurrence
    lasts: float
    effects: tuple[Effect, ...]
    alerts: tuple[AlertModel, ...] = ()
    releases: tuple[ReleaseModel, ...] = ()


class Routine(msgspec.Struct, frozen=True):
    """A release that nothing goes wrong with."""

    when: Recurrence
    release: ReleaseModel


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the system's source refuses to answer, although the system itself may be well."""

    when: Recurrence
    lasts: float
    reason: str
    retry_after: float


ResourceKind = Literal["cloud_run", "ecs", "firebase_hosting", "cloud_sql", "rds"]
"""As a configuration file calls them."""


class Breakage(msgspec.Struct, frozen=True, kw_only=True):
    """What a bad revision does when all of the traffic goes to it; less traffic, less of it."""

    effects: tuple[Effect, ...]
    alerts: tuple[AlertModel, ...]


class ResourceModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a service runs on or keeps its data in: what can be acted on."""

    id: str
    kind: ResourceKind
    service: str
    name: str
    """What its cloud calls it."""
    cluster: str = ""
    """Of ECS."""
    revision: str = ""
    """As a release has it; empty where nothing is released."""
    number: int = 0
    """Of the revision that serves before anything is released."""
    least: int = 1
    most: int = 10
    """Instances, or tasks; both are the same where their number is fixed."""
    broken: Breakage | None = None


class Moment(msgspec.Struct, frozen=True):
    """What a log line may know: its time, the fleet's state as one number, and a source of chance."""

    at: datetime
    trouble: float
    """0 when all is well with the service, 1 at the height of an incident."""
    rng: Random
    revision: str = ""
    """The revision of the service that writes the line; empty when only one is known."""

    @property
    def wrong(self) -> bool:
        """Whether this line tells of a failure."""
        return self.rng.random() < 0.004 + 0.55 * self.trouble


class LogModel(msgspec.Struct, frozen=True, kw_only=True):
    """One log stream."""

    service: str
    rate: float
    """Records a second while all is well."""
    burst: float
    """How many times as many at the height of an incident."""
    write: Callable[[Moment], str]
    """A record without its last newline; it may have several lines."""


class SystemModel(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated system, whole."""

    id: str
    environment: str
    metrics: tuple[Metric, ...]
    services: tuple[ServiceModel, ...]
    severities: dict[str, str]
    """What the system's own severity words mean, P1–P4."""
    respond: dict[str, float]
    """Seconds to respond, by P1–P4."""
    incidents: tuple[Incident, ...] = ()
    routines: tuple[Routine, ...] = ()
    outages: tuple[Outage, ...] = ()
    logs: tuple[LogModel, ...] = ()
    drifts: tuple[DriftModel, ...] = ()
    resources: tuple[ResourceModel, ...] = ()
    project: str = ""
    """The account or project that the resources are in."""
    region: str = ""
    budgets: dict[str, float] = {}
    """What was left of the error budgets at the start, by service; each belongs to the metric with an objective."""
