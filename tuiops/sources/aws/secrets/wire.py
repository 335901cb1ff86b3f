"""The members of Secrets Manager's answers that are used, by the names of its API. None of them holds a value."""

from __future__ import annotations

from datetime import datetime

import msgspec

CURRENT = "AWSCURRENT"
"""The stage of the version that is read where none is named."""


class _Pascal(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Secrets Manager begins its names with a capital letter."""


class Replica(_Pascal, frozen=True, kw_only=True):
    """The same secret in another region."""

    region: str = ""
    status: str = ""
    """InSync, Failed or InProgress."""


class Secret(_Pascal, frozen=True, kw_only=True):
    """The answer to DescribeSecret."""

    name: str
    rotation_enabled: bool | None = None
    next_rotation_date: datetime | None = None
    deleted_date: datetime | None = None
    """When it was told to be deleted; nobody can read it from then on."""
    version_ids_to_stages: dict[str, tuple[str, ...]] = {}
    replication_status: tuple[Replica, ...] = ()

    @property
    def current(self) -> str:
        """ID of the version that is read where none is named; empty when there is none."""
        return next((one for one, stages in self.version_ids_to_stages.items() if CURRENT in stages), "")


class Version(_Pascal, frozen=True, kw_only=True):
    version_id: str = ""
    version_stages: tuple[str, ...] = ()
    """Those that name it; without any it may vanish."""
    created_date: datetime | None = None


class Versions(_Pascal, frozen=True, kw_only=True):
    """One page of ListSecretVersionIds."""

    versions: tuple[Version, ...] = ()
    next_token: str = ""


class Added(_Pascal, frozen=True, kw_only=True):
    """The answer to PutSecretValue."""

    version_id: str
