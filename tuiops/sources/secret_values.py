"""What keeps the value of a secret out of every text, whichever cloud it goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.errors import QueryRefused

if TYPE_CHECKING:
    from tuiops.core.text import SafeText
    from tuiops.errors import SourceError

MOST_BYTES = 65_536
"""What a version may hold (cloud.google.com/secret-manager/quotas; the model of PutSecretValue)."""


def check_size(value: bytes) -> None:
    """QueryRefused when no version can hold it."""
    if not value or len(value) > MOST_BYTES:
        raise QueryRefused(f"a secret version holds 1 to {MOST_BYTES} bytes, not {len(value)}")


def wordless(error: SourceError, api: SafeText) -> SourceError:
    """The same failure without a server's words, which may quote any part of what it was sent.

    Raise it where the first one is not handled any more, or it would be told as the context.
    """
    text = f"{api}: {error.word}; its own words are not shown, for they may quote the value"
    return type(error)(text, retry_after=error.retry_after)
