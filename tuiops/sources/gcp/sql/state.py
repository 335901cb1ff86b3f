"""How a Cloud SQL instance stands, and how old its last good backup is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.clock import age
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.core.units import span
from tuiops.sources.gcp.sql.reader import Kept, running
from tuiops.sources.gcp.sql.wire import SUCCESSFUL, BackupRun, Instance, Operation
from tuiops.sources.parts import DEGRADED, DOWN, WELL

if TYPE_CHECKING:
    from datetime import datetime

LONG = 3600.0
"""Seconds after which an operation is taken to hang; most take minutes (cloud.google.com/sql/docs: operations)."""

RECENT = 3600.0
"""Seconds that a failed operation is told of."""

_BACKUPS = frozenset({"BACKUP", "BACKUP_VOLUME", "DELETE_BACKUP", "EXPORT"})
"""Operations that do not disturb, however long they take."""

_STATES = {
    "RUNNABLE": (WELL, EMPTY),
    "MAINTENANCE": (DOWN, lit("is down for maintenance")),
    "ONLINE_MAINTENANCE": (DEGRADED, lit("is in maintenance")),
    "PENDING_CREATE": (DEGRADED, lit("is being created")),
    "REPAIRING": (DEGRADED, lit("is being repaired")),
    "FAILED": (DOWN, lit("has failed")),
    "SUSPENDED": (DOWN, lit("is suspended")),
    "PENDING_DELETE": (DOWN, lit("is being deleted")),
}


def state_of(
    instance: Instance, operations: tuple[Operation, ...] | None, kept: Kept | None, at: datetime
) -> tuple[float | None, SafeText]:
    """`WELL`, `DEGRADED` or `DOWN` and why; None when its state is a word that nobody here knows.

    `operations`: None when they could not be read; one that hangs is not noticed then, which the text says.
    """
    if instance.state not in _STATES:
        said = safe(instance.state)
        return None, fmt("Cloud SQL says {}", said) if said else lit("Cloud SQL tells no state")
    value, word = _STATES[instance.state]
    notes = [word, *(safe(reason) for reason in instance.suspension_reason)]
    if value == WELL and instance.settings.activation_policy == "NEVER":
        value, notes = DOWN, [lit("was stopped by its owner")]
    if instance.out_of_disk_report.sql_out_of_disk_state == "SOFT_SHUTDOWN":
        value = DOWN
        notes.append(lit("is shut down: its disk is almost full"))
    if operations is None:
        operations = ()
        notes.append(lit("operations not known"))
    for operation in running(operations):
        seconds = age(at, operation.start_time or operation.insert_time or at)
        hangs = seconds > LONG and operation.operation_type not in _BACKUPS
        value = max(value, DEGRADED) if hangs else value
        notes.append(_under_way(operation, seconds))
    notes += [
        fmt("{} failed {} ago: {}", safe(one.operation_type), span(age(at, one.end_time)), failure(one))
        for one in operations
        if one.error is not None and one.end_time is not None and age(at, one.end_time) < RECENT
    ]
    notes += _settings(instance, kept, at)
    return value, join(" · ", (note for note in notes if note))


def last_good(kept: Kept) -> BackupRun | None:
    """The newest backup that can be restored."""
    return next((run for run in kept.runs if run.status == SUCCESSFUL), None)


def backup_age(instance: Instance, kept: Kept, at: datetime) -> tuple[float | None, SafeText]:
    """Seconds since the last good backup ended, and what is to be said of it.

    Where there is none, it is at least as old as the instance is; None when that is not told either.
    """
    good = last_good(kept)
    newest = kept.runs[0] if kept.runs else None
    failed = EMPTY
    if newest is not None and newest.status == "FAILED":
        why = newest.error.message if newest.error is not None else ""
        failed = fmt("the last one failed: {}", safe(why or "no reason", 300))
    if good is not None:
        ended = good.end_time or good.start_time or good.enqueued_time
        return (age(at, ended) if ended is not None else None), failed
    note = lit("no good backup so far") if kept.all_read else fmt("none of the last {} backups is good", len(kept.runs))
    since = instance.create_time
    if not kept.all_read:
        since = kept.runs[-1].enqueued_time or kept.runs[-1].start_time
    return (age(at, since) if since is not None else None), join(" · ", [note, failed] if failed else [note])


def failure(operation: Operation) -> SafeText:
    """What an operation says about why it failed."""
    errors = operation.error.errors if operation.error is not None else ()
    return safe(errors[0].message or errors[0].code, 300) if errors else lit("no reason")


def window_text(kept: Kept, at: datetime) -> SafeText:
    """The moments that can be restored, such as `7d ago to 2m ago`; empty when that is not told."""
    window = kept.window
    if window is None or window.latest_recovery_time is None:
        return EMPTY
    latest = fmt("{} ago", span(age(at, window.latest_recovery_time)))
    if window.earliest_recovery_time is None:
        return fmt("until {}", latest)
    return fmt("{} ago to {}", span(age(at, window.earliest_recovery_time)), latest)


def _under_way(operation: Operation, seconds: float) -> SafeText:
    by = fmt(" by {}", safe(operation.user)) if operation.user else EMPTY
    word = lit("waits") if operation.status == "PENDING" else lit("runs")
    return fmt("{} {} for {}{}", safe(operation.operation_type or "an operation"), word, span(seconds), by)


def _settings(instance: Instance, kept: Kept | None, at: datetime) -> list[SafeText]:
    settings, backups = instance.settings, instance.settings.backup_configuration
    found = [safe(instance.database_version), safe(settings.tier), safe(settings.availability_type.lower())]
    if str(settings.data_disk_size_gb) not in {"", "0"}:
        found.append(fmt("{} GB", safe(str(settings.data_disk_size_gb))))
    if not backups.enabled:
        found.append(lit("backups are off"))
    if backups.logs_kept:
        window = window_text(kept, at) if kept is not None else EMPTY
        found.append(fmt("any moment from {}", window) if window else lit("point-in-time recovery on"))
    else:
        found.append(lit("no point-in-time recovery"))
    if not settings.deletion_protection_enabled:
        found.append(lit("may be deleted"))
    starts = instance.scheduled_maintenance.start_time
    if starts is not None and starts > at:
        found.append(fmt("maintenance in {}", span(age(starts, at))))
    return [note for note in found if note]
