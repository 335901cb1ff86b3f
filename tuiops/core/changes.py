"""What happened and when, for `what changed`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tuiops.core.text import EMPTY, SafeText


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that became different."""

    at: datetime
    """When it did; of what was only found out later, as its source tells it."""
    system: SafeText = EMPTY
    service: SafeText = EMPTY
    text: SafeText
