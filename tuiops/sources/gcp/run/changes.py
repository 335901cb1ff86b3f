"""Changes of a Cloud Run service: what is sent, what gcloud command would do the same, what comes of it. All pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.errors import QueryRefused
from tuiops.sources.abilities import Fact, Wish
from tuiops.sources.gcp.run.drift import least_instances, most_instances
from tuiops.sources.gcp.run.state import pinned
from tuiops.sources.gcp.run.view import View
from tuiops.sources.gcp.run.wire import LATEST, REVISION, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLOATING = "LATEST"
"""Stands for whichever revision is the latest, as in gcloud."""

RESTARTED = "OPS_RESTARTED_AT"
"""The environment variable whose change makes a revision that is otherwise the same."""

_READ_ONLY = ("buildInfo",)
"""Fields of containers that are for output only."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it was read, whole and in parts."""

    path: str
    raw: dict[str, Any]
    view: View
    region: str
    project: str

    @property
    def name(self) -> str:
        return short(self.view.service.name)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be set. It can be written down: environments, which may hold secrets, are read anew for the body."""

    traffic: tuple[dict[str, Any], ...] = ()
    """The targets of a change of traffic; empty for a new revision."""
    images: tuple[str, ...] = ()
    """The digests of a new revision's containers, in their order."""
    restarted: str = ""
    """The value of `RESTARTED`; empty to leave it as it is."""
    scaling: dict[str, int] | None = None

    def body(self, raw: dict[str, Any]) -> dict[str, Any]:
        """What is sent for the service `raw`. QueryRefused when it has other containers than those of the order."""
        if self.traffic:
            return {"traffic": list(self.traffic)}
        containers = _containers(raw)
        if len(containers) != len(self.images):
            raise QueryRefused("the service has other containers by now; prepare it again")
        for container, image in zip(containers, self.images, strict=True):
            container["image"] = image
        if self.restarted:
            serving = containers[_serving(containers)]
            others = [one for one in serving.get("env", []) if one.get("name") != RESTARTED]
            serving["env"] = [*others, {"name": RESTARTED, "value": self.restarted}]
        template: dict[str, Any] = {"containers": containers}
        return {"template": template if self.scaling is None else {**template, "scaling": self.scaling}}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change, ready to be told and sent."""

    order: Order
    mask: tuple[str, ...]
    """The fields that change."""
    argv: tuple[SafeText, ...]
    """Without region and project, which are the same for all."""
    after: tuple[Fact, ...]
    undo: SafeText
    reversal: Wish | None


def shifted(found: Found, percents: Mapping[str, int]) -> Change:
    """Traffic shared otherwise; tags stay. QueryRefused says what Cloud Run would refuse, or should."""
    shares = _resolved(found, percents)
    targets: list[dict[str, Any]] = [
        {"type": LATEST, "percent": share}
        if name == FLOATING
        else {"type": REVISION, "revision": name, "percent": share}
        for name, share in shares.items()
    ]
    targets += [
        {"type": LATEST, "tag": one.tag}
        if one.type == LATEST
        else {"type": REVISION, "revision": short(one.revision), "tag": one.tag}
        for one in found.view.service.traffic
        if one.tag
    ]
    return Change(
        order=Order(traffic=tuple(targets)),
        mask=("traffic",),
        argv=_traffic_argv(found.name, shares),
        after=(Fact(lit("traffic"), _traffic_text(found, shares)),),
        undo=_traffic_undo(found),
        reversal=_traffic_reversal(found),
    )


def restarted(found: Found, token: str) -> Change:
    """A new revision of the images that serve now. `token`: what makes it another one."""
    containers, images = _same_images(found)
    setting = safe(f"--update-env-vars={RESTARTED}={token}")
    return Change(
        order=Order(images=images, restarted=token),
        # A revision that was named by hand would otherwise be asked for twice.
        mask=("template.containers", "template.revision"),
        argv=(*_update(found.name), *_images_argv(containers, images, setting)),
        after=(Fact(lit("traffic"), _after_deploy(found)),),
        undo=fmt("send all traffic back to {}", safe(found.view.main)),
        reversal=_back_to_what_served(found),
    )


def rescaled(found: Found, least: int, most: int) -> Change:
    """A new revision of the images that serve now, with other bounds."""
    if not 0 <= least <= most or most < 1:
        raise QueryRefused(f"{least} to {most} instances cannot be; the least is from 0 to the most, the most from 1")
    bound = found.view.service.scaling.max_instance_count
    if bound and most > bound:
        raise QueryRefused(f"the service as a whole is bound to {bound} instances; raise that first")
    was_least, was_most = least_instances(found.view.service), most_instances(found.view.service)
    containers, images = _same_images(found)
    bounds = (fmt("--min-instances={}", least), fmt("--max-instances={}", most))
    return Change(
        order=Order(images=images, scaling={"minInstanceCount": least, "maxInstanceCount": most}),
        mask=(
            "template.containers",
            "template.revision",
            "template.scaling.minInstanceCount",
            "template.scaling.maxInstanceCount",
        ),
        argv=(*_update(found.name), *bounds, *_images_argv(containers, images)),
        after=(Fact(lit("instances"), fmt("{} to {}", least, most)), Fact(lit("traffic"), _after_deploy(found))),
        undo=fmt("set {} to {} again", was_least, was_most),
        reversal=_scale_reversal(found, was_least, was_most),
    )


def _resolved(found: Found, percents: Mapping[str, int]) -> dict[str, int]:
    """Shares by revision or `LATEST`, tags replaced by what they stand for; those of nothing left out."""
    if any(not 0 <= share <= 100 for share in percents.values()):
        raise QueryRefused("a share of traffic is from 0 to 100 percent")
    if sum(percents.values()) != 100:
        raise QueryRefused(f"the shares add up to {sum(percents.values())}%, not to 100%")
    tags = {tag: name for name, tag in found.view.tags.items()}
    shares: dict[str, int] = {}
    for given, share in percents.items():
        name = given if given == FLOATING or given in found.view.revisions else tags.get(given, given)
        if name in shares:
            raise QueryRefused(f"{safe(name)} is named twice")
        shares[name] = share
    shares = {name: share for name, share in shares.items() if share}
    latest = short(found.view.service.latest_ready_revision)
    if FLOATING in shares and latest in shares:
        raise QueryRefused(f"LATEST is {safe(latest)} at present, which has a share of its own; name one of them")
    for name in shares:
        _check_ready(found, name)
    return shares


def _check_ready(found: Found, name: str) -> None:
    if name == FLOATING:
        if not found.view.service.latest_ready_revision:
            raise QueryRefused("no revision is ready")
        return
    if name not in found.view.revisions:
        raise QueryRefused(f"{safe(found.name)} has no revision or tag {safe(name)}")
    failure = found.view.failure(name)
    if failure is not None:
        raise QueryRefused(f"{safe(name)} is not ready and cannot serve: {safe(failure.message, 300)}")
    if found.view.revisions[name].reconciling:
        raise QueryRefused(f"{safe(name)} is not ready yet")


def _containers(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """A copy of the template's containers, as they can be sent."""
    containers: list[dict[str, Any]] = copy.deepcopy(raw.get("template", {}).get("containers", []))
    for container in containers:
        for name in _READ_ONLY:
            container.pop(name, None)
    return containers


def _serving(containers: list[dict[str, Any]]) -> int:
    """Position of the container that answers requests."""
    return next((place for place, one in enumerate(containers) if one.get("ports")), 0)


def _same_images(found: Found) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The template's containers, and the digests that serve now: a tag may stand for another image by now."""
    seen, service = found.view, found.view.service
    main = seen.main
    if not main or main != seen.created:
        raise QueryRefused(
            f"a new revision would be made from {safe(seen.created or 'nothing')}, "
            f"but {safe(main or 'nothing')} serves; shift traffic or deploy instead"
        )
    if service.reconciling:
        raise QueryRefused("a change is under way; wait for it")
    statuses = (
        {status.name: status.image_digest for status in seen.revisions[main].container_statuses}
        if (main in seen.revisions)
        else {}
    )
    containers = _containers(found.raw)
    if not containers:
        raise QueryRefused("Cloud Run tells no containers of the service")
    images: list[str] = []
    for container in containers:
        digest = statuses.get(container.get("name", "")) or container.get("image", "")
        if "@sha256:" not in digest:
            raise QueryRefused(
                f"Cloud Run does not tell the digest of {safe(digest)}; a tag may stand for another image"
            )
        images.append(digest)
    return containers, tuple(images)


def _images_argv(
    containers: list[dict[str, Any]], images: tuple[str, ...], setting: SafeText | None = None
) -> Iterator[SafeText]:
    """The image of every container, and a setting of the one that answers requests."""
    serving = _serving(containers)
    for place, (container, image) in enumerate(zip(containers, images, strict=True)):
        if len(containers) > 1:
            yield fmt("--container={}", safe(container.get("name", "")))
        yield fmt("--image={}", safe(image, 500))
        if setting is not None and place == serving:
            yield setting


def _update(name: str) -> tuple[SafeText, ...]:
    return (lit("gcloud"), lit("run"), lit("services"), lit("update"), safe(name))


def _traffic_argv(name: str, shares: Mapping[str, int]) -> tuple[SafeText, ...]:
    words = (lit("gcloud"), lit("run"), lit("services"), lit("update-traffic"), safe(name))
    if set(shares) == {FLOATING}:
        return (*words, lit("--to-latest"))
    pairs = join(",", (fmt("{}={}", safe(revision), share) for revision, share in shares.items()))
    return (*words, fmt("--to-revisions={}", pairs))


def _traffic_text(found: Found, shares: Mapping[str, int]) -> SafeText:
    """As `actions.traffic` will tell it when it is done."""
    latest = short(found.view.service.latest_created_revision)
    named = {latest if name == FLOATING else name: share for name, share in shares.items()}
    text = join(", ", (fmt("{}% {}", share, safe(name)) for name, share in sorted(named.items())))
    return fmt("{} as the latest", text) if FLOATING in shares else text


def _traffic_undo(found: Found) -> SafeText:
    before = found.view.service
    if not pinned(before):
        return lit("send all traffic to the latest revision again")
    return fmt("share it again as {}", join(", ", _pairs(found)))


def _traffic_reversal(found: Found) -> Wish | None:
    """Sharing it again as it is; None where it cannot be told in shares."""
    service = found.view.service
    floating = sum(one.percent for one in service.traffic if one.type == LATEST)
    shares: dict[str, int] = {}
    for one in service.traffic:
        if one.percent and one.type != LATEST:
            name = short(one.revision)
            shares[name] = shares.get(name, 0) + one.percent
    if floating or not shares:
        shares[FLOATING] = floating or 100
    if sum(shares.values()) != 100 or (FLOATING in shares and short(service.latest_ready_revision) in shares):
        return None
    text = ",".join(f"{name}={share}" for name, share in sorted(shares.items()))
    return Wish("shift_traffic", {"shares": text})


def _back_to_what_served(found: Found) -> Wish | None:
    """As far as traffic goes. What floats would float to the new revision: the one that serves is named instead."""
    if pinned(found.view.service):
        return _traffic_reversal(found)
    return Wish("shift_traffic", {"shares": f"{found.view.main}=100"}) if found.view.main else None


def _scale_reversal(found: Found, least: int, most: int) -> Wish | None:
    """Pinned traffic stays where the bounds are as before; the next revision to serve needs them set again."""
    if pinned(found.view.service):
        return _traffic_reversal(found)
    return Wish("scale", {"least": str(least), "most": str(most)})


def _pairs(found: Found) -> Iterator[SafeText]:
    for name, share in sorted(found.view.set.items()):
        yield fmt("{}={}", safe(name), share)


def _after_deploy(found: Found) -> SafeText:
    if pinned(found.view.service):
        return fmt("stays with {}, to which it is pinned; the new revision gets none", safe(found.view.main))
    return lit("goes to the new revision when it is ready")
