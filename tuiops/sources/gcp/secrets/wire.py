"""What Secret Manager sends, as far as it is read. There is no message here that holds a value.

https://cloud.google.com/secret-manager/docs/reference/rest
"""

from __future__ import annotations

from tuiops.sources.gcp.client import Page
from tuiops.sources.gcp.message import Message, Moment, short

ENABLED = "ENABLED"


class Rotation(Message, frozen=True, kw_only=True):
    """When a secret wants another version."""

    next_rotation_time: Moment | None = None


class Secret(Message, frozen=True, kw_only=True):
    """A secret, without its versions."""

    name: str
    expire_time: Moment | None = None
    rotation: Rotation = Rotation()


class Version(Message, frozen=True, kw_only=True):
    """A version of a secret."""

    name: str
    state: str = ""
    create_time: Moment | None = None
    scheduled_destroy_time: Moment | None = None

    @property
    def id(self) -> str:
        """Its number."""
        return short(self.name)


class Versions(Page, frozen=True, kw_only=True):
    """A page of versions, the newest first."""

    versions: tuple[Version, ...] = ()
