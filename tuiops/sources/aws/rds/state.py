"""How an instance stands, from what RDS tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.sources.parts import DEGRADED, DOWN, WELL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tuiops.sources.aws.rds.wire import Event, Instance, Snapshot

AVAILABLE = "available"

SERVES = frozenset({
    AVAILABLE, "backing-up", "configuring-activity-stream", "configuring-associated-roles",
    "configuring-enhanced-monitoring", "configuring-iam-database-auth", "configuring-log-exports", "modifying",
    "storage-config-upgrade", "storage-initialization", "storage-optimization",
})  # fmt: skip
"""States in which an instance serves (docs.aws.amazon.com/AmazonRDS: viewing DB instance status)."""

CHANGES = frozenset({
    "converting-to-vpc", "creating", "delete-precheck", "maintenance", "moving-to-vpc", "rebooting", "renaming",
    "resetting-master-credentials", "starting", "upgrading",
})  # fmt: skip
"""States that pass by themselves, in which it may not serve."""

_FAILED = frozenset({
    "deleting", "failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
    "insufficient-capacity", "restore-error", "stopped", "stopping", "storage-full",
})  # fmt: skip

TELLING = frozenset({"availability", "failover", "failure", "low storage", "recovery"})
"""Categories of events that say why an instance is, or was, as it is."""


def serves_not(status: str) -> bool:
    """Whether it is down, and stays so unless somebody acts."""
    return status in _FAILED or status.startswith("incompatible-")


def standing(instance: Instance, event: Event | None, at: datetime) -> tuple[float | None, SafeText]:
    """A state and why; None when the word for it is not known."""
    status = instance.db_instance_status
    value = DOWN if serves_not(status) else WELL if status in SERVES else DEGRADED if status in CHANGES else None
    if value is None:
        return None, fmt("RDS calls it {}, which is no known state", safe(status or "nothing", 60))
    notes = [_status(instance)] if status != AVAILABLE else []
    broken = [info for info in instance.status_infos if not info.normal]
    if broken and value == WELL:
        value = DEGRADED
    notes += [fmt("{}: {}", safe(info.status_type, 40), safe(info.message or info.status, 160)) for info in broken]
    if event is not None and event.date is not None:
        notes.append(fmt("{} ago: {}", span(age(at, event.date)), safe(event.message, 160)))
    if not notes and instance.multi_az:
        notes.append(fmt("Multi-AZ, in {}", safe(instance.availability_zone, 40)))
    return value, join(" · ", notes)


def telling(events: Iterable[Event], name: str) -> Event | None:
    """The last event of an instance that tells of its availability."""
    found = [
        (event.date, event)
        for event in events
        if event.date is not None and event.source_identifier == name and TELLING & set(event.event_categories)
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def backup_note(instance: Instance, snapshot: Snapshot | None, at: datetime) -> SafeText:
    """`automated shop-2026 · restorable to 4m ago`."""
    notes: list[SafeText] = []
    if snapshot is not None:
        notes.append(fmt("{} {}", safe(snapshot.snapshot_type, 20), safe(snapshot.db_snapshot_identifier, 80)))
    if instance.latest_restorable_time is not None:
        notes.append(fmt("restorable to {} ago", span(age(at, instance.latest_restorable_time))))
    elif not instance.backup_retention_period:
        notes.append(lit("automated backups are off"))
    return join(" · ", notes)


def newest(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """The newest one that can be restored."""
    found = [
        (one.snapshot_create_time, one)
        for one in snapshots
        if one.status == AVAILABLE and one.snapshot_create_time is not None
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _status(instance: Instance) -> SafeText:
    status = safe(instance.db_instance_status, 60)
    return fmt("{} {}%", status, safe(instance.percent_progress, 5)) if instance.percent_progress else status or EMPTY
