"""How a service stands, from what ECS tells of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.sources.parts import DEGRADED, DOWN, WELL

if TYPE_CHECKING:
    from datetime import datetime

    from tuiops.sources.aws.ecs.wire import Service, Task

RECENT = 600.0
"""Seconds that an event, or a stopped task, counts as describing the present."""

MINIMUM_HEALTHY = 100
"""Percent of the desired tasks that ECS keeps running in a deployment, unless told otherwise."""

_MESSAGE = 160
_TROUBLE = re.compile(r"unable to|unhealthy|fail|could not", re.IGNORECASE)
"""What ECS writes into events about tasks that it cannot place, start or keep."""
_WHO = re.compile(r"^\(service [^)]*\)\s*")
_GONE = {"DRAINING": lit("the service is being deleted"), "INACTIVE": lit("the service was deleted")}


class Standing(NamedTuple):
    """A state and why."""

    value: float
    note: SafeText = EMPTY


def failing(service: Service, now: datetime) -> bool:
    """Whether its tasks may be failing, so that the reason of those that stopped is worth a look."""
    for one in service.deployments:
        since = (now - (one.updated_at or one.created_at)).total_seconds()
        if (one.failed_tasks or one.rollout_state == "FAILED") and (one.status == "PRIMARY" or since <= RECENT):
            return True
    return service.running_count + service.pending_count < service.desired_count


def standing(service: Service, now: datetime, stopped: Task | None) -> Standing:
    """`stopped`: a task that stopped lately, if any."""
    primary, desired, running = service.primary, service.desired_count, service.running_count
    if service.status in _GONE:
        return Standing(DOWN, _GONE[service.status])
    if not desired:
        return Standing(WELL, lit("no tasks are wanted"))
    counts, why = fmt("{}/{} running", running, desired), reason(service, now, stopped)
    if not running:
        return Standing(DOWN, because(counts, why))
    if primary is not None and primary.rollout_state == "FAILED":
        said = safe(primary.rollout_state_reason, _MESSAGE)
        return Standing(DEGRADED, because(lit("deployment failed"), said or why))
    if primary is not None and primary.failed_tasks:
        return Standing(DEGRADED, because(fmt("{} tasks failed", primary.failed_tasks), why))
    return _by_count(service, because(counts, why), why)


def reason(service: Service, now: datetime, stopped: Task | None) -> SafeText:
    """Why tasks fail: what the last one said when it stopped, else what ECS' events say."""
    if stopped is not None and stopped.stopped_at is not None:
        said = stop_reason(stopped)
        if said and (now - stopped.stopped_at).total_seconds() <= RECENT:
            return said
    return trouble(service, now)


def stop_reason(task: Task) -> SafeText:
    """`Essential container in task exited (app: exit 1)`; empty for a task that was stopped on purpose."""
    if task.stop_code in {"ServiceSchedulerInitiated", "UserInitiated"}:
        return EMPTY
    text = safe(task.stopped_reason, _MESSAGE)
    for container in task.containers:
        if container.exit_code:
            return fmt("{} ({}: exit {})", text, safe(container.name, 40), container.exit_code)
        if container.reason and container.reason not in task.stopped_reason:
            return fmt("{} ({}: {})", text, safe(container.name, 40), safe(container.reason, _MESSAGE))
    return text


def trouble(service: Service, now: datetime) -> SafeText:
    """The newest event that tells of trouble, unless a steady state was reached since."""
    for event in service.events:
        if (now - event.created_at).total_seconds() > RECENT or "steady state" in event.message:
            return EMPTY
        if _TROUBLE.search(event.message):
            return safe(_WHO.sub("", event.message), _MESSAGE)
    return EMPTY


def because(what: SafeText, why: SafeText) -> SafeText:
    """`2/3 running: no space left on device`."""
    return fmt("{}: {}", what, why) if why else what


def _by_count(service: Service, counts: SafeText, why: SafeText) -> Standing:
    desired, running, primary = service.desired_count, service.running_count, service.primary
    if running < desired:
        percent = service.deployment_configuration.minimum_healthy_percent
        least = desired * (MINIMUM_HEALTHY if percent is None else percent) / 100
        rolls = primary is not None and primary.rollout_state == "IN_PROGRESS"
        # A deployment may go below the desired count as far as it was told.
        return Standing(WELL if rolls and running >= least and not why else DEGRADED, counts)
    return Standing(DEGRADED if why else WELL, counts)
