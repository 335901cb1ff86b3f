"""How bad an alarm is: CloudWatch has no severities, so people write them into tags, names and descriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tuiops.core.severity import DEFAULT_WORDS
from tuiops.sources.alert_mapping import SEVERITY_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.systems import System

TAGS = (SEVERITY_LABEL, "priority")
"""Tags that say it, in any case, the first one that is there."""

_STATED = re.compile(r"\b(?:severity|priority)\s*[:=]\s*[\"']?([^\s\"',;.\]]{1,40})", re.IGNORECASE)
_BRACKETED = re.compile(r"\[\s*([^\[\]]{1,40}?)\s*\]")
_LEVEL = re.compile(r"(?<![A-Za-z0-9])(P[1-4])(?![A-Za-z0-9])", re.IGNORECASE)


class Words:
    """The words for severities that the systems know."""

    def __init__(self, systems: Mapping[str, System]) -> None:
        own = (word.strip().casefold() for system in systems.values() for word in system.severities)
        self._known = frozenset((*DEFAULT_WORDS, *own))

    def severity(self, name: str, description: str, tags: Mapping[str, str]) -> str:
        """The word for how bad an alarm is, empty where nothing says it.

        A tag `severity` or `priority` counts first; then `severity: high` in the description; then a word in
        brackets, `[critical]`, or `P1` to `P4` standing alone, in the name or else in the description. Plain words
        of a name are none: `low-disk-space` is no low severity.
        """
        by_name = {key.casefold(): value for key, value in tags.items()}
        for tag in TAGS:
            if by_name.get(tag):
                return by_name[tag]
        if found := _STATED.search(description):
            return found[1]
        for text in (name, description):
            for word in _BRACKETED.findall(text):
                if word.casefold() in self._known:
                    return str(word)
            if found := _LEVEL.search(text):
                return found[1].upper()
        return ""
