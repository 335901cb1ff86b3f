"""The Cloud Run Admin API v2, as far as services, revisions and operations go.

A change is accepted at once and carried out by the clock: a deployment takes `build` seconds, traffic `shift`
seconds. Until then a service is reconciling and its traffic is as before.

    run = google.teach(RunApi(google.clock))
    run.deploy("chat", "shop/chat:1")
    google.clock.advance(60)
"""

from __future__ import annotations

import copy
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.google.discovery import document
from tests.google.errors import GoogleError
from tests.google.server import Call, Handler, paged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.core.clock import Clock

LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
_TAG = re.compile(r"[a-z][a-z0-9-]{0,45}")
_ENDLESS = 1e9


@dataclass
class Pending:
    """A change under way."""

    operation: str
    ends: float
    """On the monotonic clock."""
    revision: str = ""
    """The one that it makes; empty when only traffic moves."""
    failure: str = ""
    """Why the revision will not become ready."""


@dataclass
class Kept:
    """A service, and what it will be."""

    service: dict[str, Any]
    revisions: list[dict[str, Any]] = field(default_factory=list)
    """Newest first."""
    pending: Pending | None = None


class RunApi:
    """The API, and everybody who uses it beside the console."""

    name = "run"
    document = document("run", "v2")

    def __init__(self, clock: Clock, *, project: str = "shop-production", region: str = "asia-northeast1") -> None:
        self._clock = clock
        self.project = project
        self.region = region
        self.build = 20.0
        """Seconds from a deployment until its revision is ready."""
        self.shift = 5.0
        """Seconds until traffic flows as it is wished for."""
        self.failure = ""
        """Why the next revisions will not become ready; they will when it is empty."""
        self._kept: dict[tuple[str, str], Kept] = {}
        self._operations: dict[str, dict[str, Any]] = {}
        self._count = 0

    @property
    def handlers(self) -> Mapping[str, Handler]:
        services = "projects.locations.services"
        return {
            f"{services}.list": self._list,
            f"{services}.get": self._get,
            f"{services}.patch": self._patch,
            f"{services}.revisions.list": self._revisions,
            "projects.locations.operations.get": self._operation,
        }

    # What others do.

    def deploy(
        self,
        name: str,
        image: str,
        *,
        region: str = "",
        traffic: bool = True,
        tag: str = "",
        suffix: str = "",
        client: str = "gcloud",
        by: str = "kim@shop.example",
        **template: Any,
    ) -> str:
        """Make a revision as `gcloud run deploy` does; without `traffic` it gets none. Its name, which ends with
        `suffix` where one is given; GoogleError when there is one of that name.
        """
        place = region or self.region
        kept = self._kept.get((place, name))
        if kept is None:
            kept = self._kept[place, name] = Kept(self._blank(place, name, by))
        self._settle(kept)
        wanted = copy.deepcopy(kept.service)
        container = {"image": image, "resources": {"limits": {"cpu": "1000m", "memory": "512Mi"}}}
        wanted["template"] = {"maxInstanceRequestConcurrency": 80, "scaling": {"maxInstanceCount": 10}} | template
        wanted["template"].setdefault("containers", [container])
        number = len(kept.revisions) + 1
        usual = f"{number:05d}-{hashlib.sha256(f'{name}{number}'.encode()).hexdigest()[:3]}"
        revision = f"{name}-{suffix or usual}"
        if any(_short(one["name"]) == revision for one in kept.revisions):
            raise GoogleError(409, f"Revision named '{revision}' already exists", status="ALREADY_EXISTS")
        if not traffic:
            wanted["traffic"] = [
                {
                    **target,
                    "type": REVISION,
                    "revision": target.get("revision") or _short(kept.service["latestReadyRevision"]),
                }
                for target in wanted["traffic"]
            ]
        if tag:
            # A tag is one revision's: giving it to another one takes it from the former.
            wanted["traffic"] = [*_without(tag, wanted), {"type": REVISION, "revision": revision, "tag": tag}]
        self._begin(kept, wanted, by=by, client=client, revision=revision)
        return revision

    def share(
        self,
        name: str,
        percents: Mapping[str, int],
        *,
        region: str = "",
        client: str = "gcloud",
        by: str = "kim@shop.example",
    ) -> None:
        """Share traffic as `gcloud run services update-traffic` does; `LATEST` floats."""
        kept = self._kept[region or self.region, name]
        self._settle(kept)
        wanted = copy.deepcopy(kept.service)
        tags = [target for target in wanted["traffic"] if target.get("tag") and not target.get("percent")]
        wanted["traffic"] = [
            {"type": LATEST, "percent": percent}
            if revision == "LATEST"
            else {"type": REVISION, "revision": revision, "percent": percent}
            for revision, percent in percents.items()
        ] + tags
        self._begin(kept, wanted, by=by, client=client)

    def untag(self, name: str, tag: str, *, region: str = "") -> None:
        """Take a tag away as `gcloud run services update-traffic --remove-tags` does."""
        kept = self._kept[region or self.region, name]
        self._settle(kept)
        wanted = copy.deepcopy(kept.service)
        wanted["traffic"] = _without(tag, wanted)
        self._begin(kept, wanted, by="kim@shop.example", client="gcloud")

    def service(self, name: str, region: str = "") -> dict[str, Any]:
        """A service as it is now."""
        kept = self._kept[region or self.region, name]
        self._settle(kept)
        return kept.service

    def delete(self, name: str, region: str = "") -> None:
        """Take a service away."""
        del self._kept[region or self.region, name]

    # What the API answers.

    def _list(self, call: Call) -> object:
        project, region = call.variables
        self._own(project)
        found = [kept for (place, _), kept in sorted(self._kept.items()) if place == region]
        for kept in found:
            self._settle(kept)
        return paged(call, [kept.service for kept in found], "services", most=100)

    def _get(self, call: Call) -> object:
        return self._found(call).service

    def _revisions(self, call: Call) -> object:
        return paged(call, self._found(call).revisions, "revisions", most=100)

    def _operation(self, call: Call) -> object:
        for kept in self._kept.values():
            self._settle(kept)
        found = self._operations.get(call.variables[2])
        if found is None:
            raise GoogleError(404, f"operation {call.variables[2]} not found")
        return found

    def _patch(self, call: Call) -> object:
        kept = self._found(call)
        wanted = copy.deepcopy(kept.service)
        etag = call.body.get("etag")
        if etag and etag != kept.service["etag"]:
            raise GoogleError(
                409, "Conflict for resource: version does not match the current version", status="ABORTED"
            )
        mask = call.parameter("updateMask")
        for path in mask.split(",") if mask else [key for key in call.body if key not in {"name", "etag"}]:
            _copy(path.split("."), call.body, wanted)
        self._check_traffic(kept, wanted["traffic"])
        revision = ""
        if wanted["template"] != kept.service["template"] or call.parameter("forceNewRevision") == "true":
            number = len(kept.revisions) + 1
            revision = wanted["template"].get("revision") or f"{_short(wanted['name'])}-{number:05d}-new"
            if any(_short(one["name"]) == revision for one in kept.revisions):
                raise GoogleError(409, f"Revision named '{revision}' already exists", status="ALREADY_EXISTS")
        by = "console@shop-production.iam.gserviceaccount.com"
        return self._begin(kept, wanted, by=by, client=wanted.get("client", ""), revision=revision)

    def _found(self, call: Call) -> Kept:
        project, region, name, *_ = call.variables
        self._own(project)
        kept = self._kept.get((region, name))
        if kept is None:
            raise GoogleError(404, f"Resource '{name}' of kind 'SERVICE' in region '{region}' does not exist")
        self._settle(kept)
        return kept

    def _own(self, project: str) -> None:
        if project != self.project:
            raise GoogleError(403, f"Permission denied on resource project {project}.", reason="CONSUMER_INVALID")

    def _check_traffic(self, kept: Kept, traffic: list[dict[str, Any]]) -> None:
        known = {_short(one["name"]) for one in kept.revisions}
        for target in traffic:
            if target["type"] == REVISION and target.get("revision") not in known:
                raise GoogleError(
                    400, f"Revision {target.get('revision')} does not exist", status="FAILED_PRECONDITION"
                )
            if target["type"] == LATEST and target.get("revision"):
                raise GoogleError(400, "a target of the latest revision names none")
            if target.get("tag") and _TAG.fullmatch(target["tag"]) is None:
                raise GoogleError(400, f"invalid tag {target['tag']}")
        keys = [(target["type"], target.get("revision"), target.get("tag")) for target in traffic]
        if len(set(keys)) < len(keys):
            raise GoogleError(400, "spec.traffic: more than one target for the same revision")
        if sum(target.get("percent", 0) for target in traffic) != 100:
            raise GoogleError(400, "spec.traffic: the percentages of all targets must add up to 100")

    # How things come about.

    def _blank(self, region: str, name: str, by: str) -> dict[str, Any]:
        full = f"projects/{self.project}/locations/{region}/services/{name}"
        now = _text(self._clock.now())
        return {
            "name": full,
            "uid": "00000000-0000-4000-8000-000000000000",
            "generation": "0",
            "observedGeneration": "0",
            "createTime": now,
            "updateTime": now,
            "creator": by,
            "ingress": "INGRESS_TRAFFIC_ALL",
            "launchStage": "GA",
            "template": {},
            "traffic": [{"type": LATEST, "percent": 100}],
            "trafficStatuses": [],
            "uri": f"https://{name}-abc-an.a.run.app",
        }

    def _begin(self, kept: Kept, wanted: dict[str, Any], *, by: str, client: str, revision: str = "") -> dict[str, Any]:
        self._count += 1
        now = self._clock.now()
        wanted |= {
            "generation": str(int(kept.service["generation"]) + 1),
            "etag": f'"etag-{self._count}"',
            "updateTime": _text(now),
            "lastModifier": by,
            "client": client,
            "clientVersion": "528.0.0",
            "reconciling": True,
        }
        if revision:
            full = f"{wanted['name']}/revisions/{revision}"
            wanted["latestCreatedRevision"] = full
            kept.revisions.insert(0, _revision(full, wanted, now, by, client))
        kept.service = wanted
        self._tell(wanted, "CONDITION_RECONCILING", now, "Deploying Revision." if revision else "Routing traffic.")
        operation = {
            "name": f"{wanted['name'].partition('/services/')[0]}/operations/op-{self._count}",
            "metadata": {"@type": "type.googleapis.com/google.cloud.run.v2.Service", "name": wanted["name"]},
            "done": False,
        }
        self._operations[f"op-{self._count}"] = operation
        ends = self._clock.monotonic() + (self.build if revision else self.shift)
        kept.pending = Pending(f"op-{self._count}", ends, revision, self.failure if revision else "")
        return operation

    def endless(self) -> None:
        """What is under way will never end."""
        for kept in self._kept.values():
            if kept.pending is not None:
                kept.pending.ends = _ENDLESS

    def _settle(self, kept: Kept) -> None:
        """Carry out what is due."""
        pending, now = kept.pending, self._clock.monotonic()
        if pending is None or now < pending.ends:
            return
        service, operation = kept.service, self._operations[pending.operation]
        at = self._clock.now() - timedelta(seconds=now - pending.ends)
        kept.pending = None
        service["reconciling"] = False
        operation["done"] = True
        newest = kept.revisions[0]
        if pending.failure:
            newest["conditions"] = _conditions("CONDITION_FAILED", at, pending.failure, "HEALTH_CHECK_CONTAINER_ERROR")
            newest["reconciling"] = False
            message = f"Revision '{pending.revision}' is not ready and cannot serve traffic. {pending.failure}"
            self._tell(service, "CONDITION_FAILED", at, message)
            operation["error"] = {"code": 9, "message": message}
            return
        if pending.revision:
            newest["conditions"] = _conditions("CONDITION_SUCCEEDED", at)
            newest["reconciling"] = False
            service["latestReadyRevision"] = newest["name"]
        service["trafficStatuses"] = [_flowing(target, service) for target in service["traffic"]]
        service["observedGeneration"] = service["generation"]
        self._tell(service, "CONDITION_SUCCEEDED", at)
        operation["response"] = {"@type": operation["metadata"]["@type"], **copy.deepcopy(service)}

    @staticmethod
    def _tell(service: dict[str, Any], state: str, at: datetime, message: str = "") -> None:
        common = {"state": state, "lastTransitionTime": _text(at)} | ({"message": message} if message else {})
        if state == "CONDITION_FAILED":
            common["reason"] = "REVISION_FAILED"
        service["terminalCondition"] = {"type": "Ready", **common}
        # Nothing promises an order: whoever takes the first one for `Ready` is mistaken.
        service["conditions"] = [{"type": kind, **common} for kind in ("RoutesReady", "ConfigurationsReady")]


def _without(tag: str, service: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets of a service's traffic, none of which has the tag."""
    kept = [{key: value for key, value in one.items() if (key, value) != ("tag", tag)} for one in service["traffic"]]
    return [one for one in kept if one.get("percent") or one.get("tag")]


def _revision(name: str, service: dict[str, Any], at: datetime, by: str, client: str) -> dict[str, Any]:
    template = service["template"]
    digests = [
        {"name": container.get("name", ""), "imageDigest": digest(container["image"])}
        for container in template["containers"]
    ]
    return {
        "name": name,
        "service": _short(service["name"]),
        "createTime": _text(at),
        "creator": by,
        "client": client,
        "clientVersion": service["clientVersion"],
        "containers": copy.deepcopy(template["containers"]),
        "containerStatuses": digests,
        "scaling": template.get("scaling", {}),
        "maxInstanceRequestConcurrency": template.get("maxInstanceRequestConcurrency", 80),
        "conditions": _conditions("CONDITION_RECONCILING", at),
        "reconciling": True,
    }


def digest(image: str) -> str:
    """What a registry would say that a tag stands for."""
    name = image.partition("@")[0].rpartition(":")[0] or image
    return image if "@" in image else f"{name}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _conditions(state: str, at: datetime, message: str = "", reason: str = "") -> list[dict[str, str]]:
    common = {"state": state, "lastTransitionTime": _text(at)}
    if message:
        common |= {"message": message, "revisionReason": reason}
    first = {"type": "ResourcesAvailable", "state": "CONDITION_SUCCEEDED", "lastTransitionTime": _text(at)}
    return [first, {"type": "ContainerHealthy", **common}, {"type": "Ready", **common}]


def _flowing(target: dict[str, Any], service: dict[str, Any]) -> dict[str, Any]:
    revision = _short(service["latestReadyRevision"]) if target["type"] == LATEST else target["revision"]
    found = {**target, "revision": revision}
    if target.get("tag"):
        found["uri"] = service["uri"].replace("https://", f"https://{target['tag']}---")
    return found


def _copy(path: list[str], origin: dict[str, Any], to: dict[str, Any]) -> None:
    """One field of an update mask; what is not sent is cleared."""
    *parents, last = path
    for name in parents:
        origin, to = origin.get(name, {}), to.setdefault(name, {})
    if last in origin:
        to[last] = copy.deepcopy(origin[last])
    else:
        to.pop(last, None)


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
