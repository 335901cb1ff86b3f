"""Blanks: values that only the owner of an installation knows, left in a file with the name of what belongs there.

    project = "FILL IN: the Google Cloud project of manga"

A file that is handed on has them where a guess would be worse than nothing.
"""

from __future__ import annotations

import re

_BLANK = re.compile(r"FILL IN(?::\s*(?P<wanted>.*))?", re.DOTALL)
_SHOWN = 200
"""Characters of what is wanted; a longer text is cut."""


def wanted(value: object) -> str | None:
    """What is to be filled in where this value stands; None when the value is no blank."""
    if not isinstance(value, str) or not value.startswith("FILL IN"):
        return None
    found = _BLANK.fullmatch(value)
    if found is None:
        return None
    return " ".join((found["wanted"] or "").split())[:_SHOWN] or "a value"
