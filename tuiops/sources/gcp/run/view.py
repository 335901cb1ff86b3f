"""One look at a Cloud Run service: which revisions there are, what share of traffic each is meant to have, and has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import SafeText, fmt, safe
from tuiops.sources.gcp.run.wire import (
    FAILED,
    LATEST,
    READY,
    RETIRED,
    SUCCEEDED,
    Condition,
    Revision,
    Service,
    TrafficTarget,
    condition,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

CONSOLE = "tuiops"
"""What this console calls itself as a client of the API."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = {"cloud-console": "Cloud Console", "gcloud": "gcloud", "terraform": "Terraform", CONSOLE: CONSOLE}
_PIPELINES = ("managed-by", "deployment-tool")
"""Labels by which pipelines mark what they deploy with gcloud."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A service and its revisions at one moment. Shares are percent by revision, those of zero left out."""

    service: Service
    listed: tuple[Revision, ...]
    """The revisions as they were listed."""
    revisions: Mapping[str, Revision]
    """By name, as far as they are known."""
    set: Mapping[str, int]
    actual: Mapping[str, int]
    tags: Mapping[str, str]
    """By revision."""

    @property
    def created(self) -> str:
        """The revision that was made last."""
        return short(self.service.latest_created_revision)

    @property
    def main(self) -> str:
        """The revision that most of the traffic goes to; empty when none does."""
        return max(self.actual, key=lambda name: self.actual[name], default="")

    @property
    def updated(self) -> datetime:
        """When somebody last changed the service."""
        return self.service.update_time or self.service.create_time or _EPOCH

    @property
    def settled(self) -> datetime | None:
        """When it came to rest; None while it has not."""
        last = self.service.terminal_condition
        return None if self.service.reconciling else last.last_transition_time or self.updated

    def made(self, name: str) -> datetime | None:
        """When a revision was made."""
        revision = self.revisions.get(name)
        return revision.create_time if revision is not None else None

    @property
    def newest(self) -> tuple[str, ...]:
        """Every revision, the one that was made last first."""
        return tuple(sorted(self.revisions, key=lambda name: (self.made(name) or _EPOCH, name), reverse=True))

    def can_serve(self, name: str) -> bool:
        """Whether a revision is there, and ready."""
        revision = self.revisions.get(name)
        return revision is not None and self.failure(name) is None and not revision.reconciling

    def newer(self, name: str, other: str) -> bool:
        """Whether a revision was made after another; one that is not known is the older one."""
        return (self.made(name) or _EPOCH) > (self.made(other) or _EPOCH) or (name == self.created != other)

    def failure(self, name: str) -> Condition | None:
        """Why a revision will not become ready; None when it is, or still may."""
        revision = self.revisions.get(name)
        own = condition(revision.conditions, READY) if revision is not None else Condition()
        if own.state == FAILED and own.revision_reason not in RETIRED:
            return own
        whole = self.service.terminal_condition
        unready = name == self.created and name != short(self.service.latest_ready_revision)
        return whole if unready and whole.state == FAILED and not self.service.reconciling else None

    def ready(self, name: str) -> datetime | None:
        """When a revision became ready; None when it has not."""
        revision = self.revisions.get(name)
        own = condition(revision.conditions, READY) if revision is not None else Condition()
        if own.state == SUCCEEDED:
            return own.last_transition_time or self.updated
        return self.updated if name == short(self.service.latest_ready_revision) else None


def look(service: Service, revisions: tuple[Revision, ...]) -> View:
    """What an answer of the API shows."""
    created, ready = short(service.latest_created_revision), short(service.latest_ready_revision)
    wanted = service.traffic or (TrafficTarget(type=LATEST, percent=100),)
    return View(
        service=service,
        listed=revisions,
        revisions={short(revision.name): revision for revision in revisions},
        set=_shares(wanted, created),
        actual=_shares(service.traffic_statuses, ready),
        tags={short(one.revision) or created: one.tag for one in wanted if one.tag},
    )


def _shares(targets: Iterable[TrafficTarget], latest: str) -> dict[str, int]:
    shares: dict[str, int] = {}
    for target in targets:
        name = latest if target.type == LATEST and not target.revision else short(target.revision)
        if target.percent > 0 and name:
            shares[name] = shares.get(name, 0) + target.percent
    return shares


def image_of(revision: Revision | None) -> SafeText:
    """The image of a revision's serving container, with the digest that it was resolved to."""
    if revision is None or not revision.containers:
        return safe("")
    serving = next((one for one in revision.containers if one.ports), revision.containers[0])
    resolved = {status.name: status.image_digest for status in revision.container_statuses}
    return safe(resolved.get(serving.name) or serving.image)


def client_of(thing: Service | Revision) -> SafeText:
    """What it was last changed with, such as `gcloud 528.0.0` or `github-actions`."""
    for label in _PIPELINES:
        if thing.labels.get(label):
            return safe(thing.labels[label])
    if thing.labels.get("goog-terraform-provisioned") == "true" and not thing.client:
        return safe(_NAMES["terraform"])
    name = safe(_NAMES.get(thing.client, thing.client))
    return fmt("{} {}", name, safe(thing.client_version)) if name and thing.client_version else name
