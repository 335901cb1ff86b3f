"""What the Cloud SQL Admin API v1 sends, as far as it is read.

https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1
"""

from __future__ import annotations

from tuiops.sources.gcp.client import Page
from tuiops.sources.gcp.message import Message, Moment

SUCCESSFUL = "SUCCESSFUL"
DONE = "DONE"


class BackupConfiguration(Message, frozen=True, kw_only=True):
    """When backups are taken, and whether logs are kept between them."""

    enabled: bool = False
    start_time: str = ""
    """In UTC, such as `18:00`."""
    point_in_time_recovery_enabled: bool = False
    binary_log_enabled: bool = False
    """What MySQL has instead."""
    transaction_log_retention_days: int = 0

    @property
    def logs_kept(self) -> bool:
        """Whether a moment between two backups can be restored."""
        return self.point_in_time_recovery_enabled or self.binary_log_enabled


class Settings(Message, frozen=True, kw_only=True):
    """What the owner has set."""

    settings_version: str | int = 0
    tier: str = ""
    activation_policy: str = ""
    availability_type: str = ""
    data_disk_size_gb: str | int = 0
    backup_configuration: BackupConfiguration = BackupConfiguration()
    deletion_protection_enabled: bool = False


class OutOfDisk(Message, frozen=True, kw_only=True):
    """What Cloud SQL thinks of the space on the data disk."""

    sql_out_of_disk_state: str = ""


class Scheduled(Message, frozen=True, kw_only=True):
    """The next maintenance."""

    start_time: Moment | None = None


class Instance(Message, frozen=True, kw_only=True):
    """A database instance."""

    name: str
    state: str = ""
    region: str = ""
    database_version: str = ""
    create_time: Moment | None = None
    settings: Settings = Settings()
    suspension_reason: tuple[str, ...] = ()
    out_of_disk_report: OutOfDisk = OutOfDisk()
    scheduled_maintenance: Scheduled = Scheduled()


class Warned(Message, frozen=True, kw_only=True):
    """Why an answer may be incomplete."""

    code: str = ""
    message: str = ""
    region: str = ""


class Instances(Page, frozen=True, kw_only=True):
    """A page of instances."""

    items: tuple[Instance, ...] = ()
    warnings: tuple[Warned, ...] = ()


class Failure(Message, frozen=True, kw_only=True):
    """What went wrong."""

    code: str = ""
    message: str = ""


class BackupRun(Message, frozen=True, kw_only=True):
    """One attempt at a backup."""

    id: str | int = 0
    status: str = ""
    type: str = ""
    description: str = ""
    enqueued_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    error: Failure | None = None


class BackupRuns(Page, frozen=True, kw_only=True):
    """A page of backup runs, the newest first."""

    items: tuple[BackupRun, ...] = ()


class Backup(Message, frozen=True, kw_only=True):
    """A backup by the name under which it can be restored into an instance of its own."""

    name: str
    state: str = ""
    instance: str = ""
    backup_run: str = ""
    """Resource name of the run that took it."""


class Backups(Page, frozen=True, kw_only=True):
    """A page of backups of a project."""

    backups: tuple[Backup, ...] = ()


class Failures(Message, frozen=True, kw_only=True):
    """Why an operation failed."""

    errors: tuple[Failure, ...] = ()


class Operation(Message, frozen=True, kw_only=True):
    """A change under way."""

    name: str
    status: str = ""
    operation_type: str = ""
    user: str = ""
    insert_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    error: Failures | None = None
    target_id: str = ""


class Operations(Page, frozen=True, kw_only=True):
    """A page of operations, the newest first."""

    items: tuple[Operation, ...] = ()


class RecoveryWindow(Message, frozen=True, kw_only=True):
    """The moments that can be restored."""

    earliest_recovery_time: Moment | None = None
    latest_recovery_time: Moment | None = None
