"""Which incidents a snooze silences. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.sources.gcp.message import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tuiops.sources.gcp.monitoring.wire import Incident, Snooze

_TERM = re.compile(
    r"\s*(?P<group>resource|metric|metadata)\.(?P<kind>labels?|user_labels|system_labels)\."
    r'"?(?P<name>[A-Za-z0-9_.-]+?)"?\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*',
    re.ASCII,
)
_AND = re.compile(r"AND\s")

Terms = tuple[tuple[str, str, str], ...]
"""Group of labels, label, value."""


def active(snooze: Snooze, now: datetime) -> bool:
    """Whether it is in force. One whose end is not told is not: nothing is hidden by what is not understood."""
    start, end = snooze.interval.start_time, snooze.interval.end_time
    return end is not None and (start or end) <= now < end


def silences(snooze: Snooze, incident: Incident) -> bool:
    """Whether a snooze in force is about an incident; never when its filter is not understood."""
    if incident.policy.name not in snooze.criteria.policies:
        return False
    wanted = terms(snooze.criteria.filter)
    if wanted is None:
        return False
    labels = _labels(incident)
    return all(labels[group].get(name) == value for group, name, value in wanted)


def terms(text: str) -> Terms | None:
    """The equations of a snooze's filter, all of which must hold; None when it holds anything else."""
    found: list[tuple[str, str, str]] = []
    rest = text.strip()
    while rest:
        term = _TERM.match(rest)
        if term is None:
            return None
        kind = "labels" if term["kind"] == "label" else term["kind"]
        group = f"{term['group']}.{kind}"
        if (term["group"] == "metadata") is (kind == "labels"):
            return None
        found.append((group, term["name"], re.sub(r"\\(.)", r"\1", term["value"])))
        rest = rest[term.end() :]
        if not rest:
            break
        link = _AND.match(rest)
        if link is None or not (rest := rest[link.end() :].strip()):
            return None
    return tuple(found)


def described(snooze: Snooze) -> SafeText:
    """Its comment, and until when it lasts."""
    comment = safe(snooze.display_name, 512) or lit("snooze")
    end = snooze.interval.end_time
    return fmt("{} (until {})", comment, safe(stamp(end))) if end is not None else comment


def _labels(incident: Incident) -> Mapping[str, Mapping[str, object]]:
    return {
        "resource.labels": incident.resource.labels,
        "metric.labels": incident.metric.labels,
        "metadata.user_labels": incident.metadata.user_labels,
        "metadata.system_labels": incident.metadata.system_labels,
    }
