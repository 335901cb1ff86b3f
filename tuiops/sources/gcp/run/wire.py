"""What the Cloud Run Admin API v2 sends, as far as it is read. Enumerations are text: Google adds to them.

https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tuiops.sources.gcp.client import Page

LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
SUCCEEDED = "CONDITION_SUCCEEDED"
FAILED = "CONDITION_FAILED"
UNDER_WAY = frozenset({"CONDITION_PENDING", "CONDITION_RECONCILING"})
READY = "Ready"

RETIRED = frozenset({"RETIRED", "RETIRING", "RESERVE"})
"""Reasons why a revision is not ready that are no failures: it is not wanted any more, or not yet."""


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of the API. Fields that are not listed are ignored."""


class Condition(_Wire, frozen=True, kw_only=True):
    """One aspect of a state; which one is told by its type alone, never by its place."""

    type: str = ""
    state: str = ""
    message: str = ""
    reason: str = ""
    revision_reason: str = ""
    last_transition_time: datetime | None = None


class TrafficTarget(_Wire, frozen=True, kw_only=True):
    """A share of traffic, as it is wished for or as it is."""

    type: str = ""
    revision: str = ""
    percent: int = 0
    tag: str = ""


class EnvVar(_Wire, frozen=True, kw_only=True):
    """An environment variable; one from a secret has no value."""

    name: str = ""
    value: str = ""
    value_source: dict[str, Any] | None = None


class Requirements(_Wire, frozen=True, kw_only=True):
    """What a container may use at most."""

    limits: dict[str, str] = {}


class Container(_Wire, frozen=True, kw_only=True):
    """One container of a revision."""

    name: str = ""
    image: str = ""
    env: tuple[EnvVar, ...] = ()
    resources: Requirements = Requirements()
    ports: tuple[dict[str, Any], ...] = ()


class ContainerStatus(_Wire, frozen=True, kw_only=True):
    """What a container's image was when the revision was made."""

    name: str = ""
    image_digest: str = ""


class Scaling(_Wire, frozen=True, kw_only=True):
    """Bounds on the number of instances; None where none is set."""

    min_instance_count: int | None = None
    max_instance_count: int | None = None


class Template(_Wire, frozen=True, kw_only=True):
    """What the next revision is made from."""

    revision: str = ""
    containers: tuple[Container, ...] = ()
    scaling: Scaling = Scaling()
    max_instance_request_concurrency: int = 0


class Service(_Wire, frozen=True, kw_only=True):
    """A service as it is wished for, and as it is."""

    name: str
    etag: str = ""
    generation: int | str = 0
    observed_generation: int | str = 0
    create_time: datetime | None = None
    update_time: datetime | None = None
    delete_time: datetime | None = None
    last_modifier: str = ""
    creator: str = ""
    client: str = ""
    client_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    template: Template = Template()
    scaling: Scaling = Scaling()
    traffic: tuple[TrafficTarget, ...] = ()
    traffic_statuses: tuple[TrafficTarget, ...] = ()
    latest_ready_revision: str = ""
    latest_created_revision: str = ""
    terminal_condition: Condition = Condition()
    conditions: tuple[Condition, ...] = ()
    reconciling: bool = False
    uri: str = ""


class Revision(_Wire, frozen=True, kw_only=True):
    """A revision; it never changes but in its conditions."""

    name: str
    create_time: datetime | None = None
    creator: str = ""
    client: str = ""
    client_version: str = ""
    labels: dict[str, str] = {}
    containers: tuple[Container, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()
    reconciling: bool = False


class Services(Page, frozen=True, kw_only=True):
    """A page of the services of a region."""

    services: tuple[msgspec.Raw, ...] = ()
    """Each a `Service`, left as it came: most are the same as in the last poll."""


class Revisions(Page, frozen=True, kw_only=True):
    """A page of the revisions of a service."""

    revisions: tuple[Revision, ...] = ()


class Status(_Wire, frozen=True, kw_only=True):
    """Why an operation failed."""

    code: int = 0
    message: str = ""


class Operation(_Wire, frozen=True, kw_only=True):
    """A change under way."""

    name: str
    done: bool = False
    error: Status | None = None


def short(name: str) -> str:
    """The last part of a resource name: `chat` of `projects/p/locations/l/services/chat`."""
    return name.rpartition("/")[2]


def condition(conditions: tuple[Condition, ...], kind: str) -> Condition:
    """The condition of a type; an empty one when there is none."""
    return next((one for one in conditions if one.type == kind), Condition())
