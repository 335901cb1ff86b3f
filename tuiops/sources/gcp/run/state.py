"""How a Cloud Run service stands, by its own conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.sources.gcp.run.wire import FAILED, LATEST, SUCCEEDED, UNDER_WAY, short
from tuiops.sources.parts import DEGRADED, DOWN, WELL

if TYPE_CHECKING:
    from tuiops.sources.gcp.run.wire import Condition, Service, TrafficTarget

_MESSAGE = 300


def state_of(service: Service) -> tuple[float | None, SafeText]:
    """`WELL`, `DEGRADED` or `DOWN` and why; None when its condition says what nobody here knows."""
    ready = service.terminal_condition
    serves = any(target.percent for target in service.traffic_statuses)
    if service.delete_time is not None:
        return DOWN, lit("is deleted")
    if ready.state == SUCCEEDED:
        return WELL, summary(service)
    if ready.state == FAILED:
        text = fmt("{} fails, {} serves: {}", _latest(service), _ready(service), explained(ready))
        return (DEGRADED, text) if serves else (DOWN, explained(ready))
    if service.reconciling or ready.state in UNDER_WAY:
        text = fmt("{} · {} is coming up", summary(service) or lit("nothing serves yet"), _latest(service))
        return (WELL if serves else DEGRADED), text
    return None, fmt("Cloud Run says {}", safe(ready.state)) if ready.state else lit("Cloud Run tells no state")


def explained(condition: Condition) -> SafeText:
    """A condition's own message, its reason where it has none."""
    return safe(condition.message.strip() or condition.revision_reason or condition.reason or "no reason", _MESSAGE)


def pinned(service: Service) -> bool:
    """Whether traffic goes to named revisions, so that a deployment gets none by itself.

    A service without any target sends all traffic to the latest revision.
    """
    return bool(service.traffic) and not any(one.type == LATEST and one.percent for one in service.traffic)


def summary(service: Service) -> SafeText:
    """`pinned · 90% chat-00001, 10% chat-00002`."""
    shares = [share for share in service.traffic_statuses if share.percent]
    text = join(", ", (_share(share, service) for share in sorted(shares, key=lambda share: -share.percent)))
    return fmt("pinned · {}", text) if pinned(service) else text


def _share(share: TrafficTarget, service: Service) -> SafeText:
    revision = short(share.revision or service.latest_ready_revision)
    return fmt("{}% {}", share.percent, safe(revision))


def _latest(service: Service) -> SafeText:
    return safe(short(service.latest_created_revision) or "the new revision")


def _ready(service: Service) -> SafeText:
    return safe(short(service.latest_ready_revision) or "an older one")
