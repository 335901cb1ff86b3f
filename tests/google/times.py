"""Times as Google's APIs write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def text(at: datetime) -> str:
    """A moment in RFC 3339."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
