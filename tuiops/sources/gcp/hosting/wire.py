"""What the Firebase Hosting API v1beta1 sends, as far as it is read.

https://firebase.google.com/docs/reference/hosting/rest
"""

from __future__ import annotations

import msgspec

from tuiops.sources.gcp.client import Page
from tuiops.sources.gcp.message import Message, Moment, short

DEPLOY = "DEPLOY"
ROLLBACK = "ROLLBACK"
DISABLE = "SITE_DISABLE"


class User(Message, frozen=True, kw_only=True):
    """Who did it."""

    email: str = ""


class Version(Message, frozen=True, kw_only=True):
    """Files and settings that were uploaded together."""

    name: str = ""
    status: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    create_time: Moment | None = None
    file_count: str | int = 0

    @property
    def id(self) -> str:
        """The last part of its name."""
        return short(self.name)


class Release(Message, frozen=True, kw_only=True):
    """A version that was made public; or, of the type `SITE_DISABLE`, the end of all."""

    name: str
    type: str = ""
    version: Version = Version()
    message: str = ""
    release_time: Moment | None = None
    release_user: User = User()


class Releases(Page, frozen=True, kw_only=True):
    """A page of releases, the newest first."""

    releases: tuple[Release, ...] = ()
