"""What the messages of Google's APIs have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]
"""A time as these APIs send it, in RFC 3339."""


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of an API. Fields that are not listed are ignored; enumerations are text, for Google adds to them."""


def short(name: str) -> str:
    """The last part of a resource name: `cache` of `projects/p/locations/l/instances/cache`."""
    return name.rpartition("/")[2]


def stamp(at: datetime) -> str:
    """A moment as these APIs expect it, such as `2026-05-01T12:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
