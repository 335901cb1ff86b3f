"""What the title of the log pane says of the streams behind it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from tuiops.core.text import EMPTY, SafeText, fmt, join, lit
from tuiops.core.units import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tuiops.core.health import SystemHealth
    from tuiops.core.logs import StreamStatus

LATE: Final = 10.0
"""Seconds from which on it is said how late lines come: a store that is polled every five has some of them anyway."""


def lateness(streams: Sequence[StreamStatus]) -> Iterator[SafeText]:
    """What makes the lines other than what happens now: how late they come, and what their senders leave out."""
    late = [stream for stream in streams if stream.opened and stream.late is not None and stream.late >= LATE]
    if late:
        worst = max(late, key=lambda stream: stream.late or 0)
        yield fmt("{}late {}", EMPTY if len(streams) == 1 else fmt("{} ", worst.name), span(worst.late or 0))
    for stream in streams:
        if stream.opened and stream.thinned:
            yield stream.thinned if len(streams) == 1 else fmt("{} {}", stream.name, stream.thinned)


def unknown_subject(
    systems: Sequence[SystemHealth], streams: Sequence[StreamStatus], system: SafeText, service: SafeText
) -> SafeText:
    """What is wrong with a system or a service that somebody typed, and what comes nearest; empty when nothing is.

    A stream that no single service writes may name services that nobody configured: those are believed.
    """
    known = {each.system: {service.service for service in each.services} for each in systems}
    for stream in streams:
        known.setdefault(stream.system, set()).add(stream.service)
    known.pop(EMPTY, None)
    asked = fmt("{}/{}", system, service) if service else system
    if system in known and (not service or service in known[system]):
        return EMPTY
    if system in known and any(stream.system == system and not stream.service for stream in streams):
        return EMPTY
    whole = [fmt("{}/{}", name, each) for name, services in known.items() for each in services if each]
    return fmt("No log is called {}. {}", asked, _nearest(asked, [*known, *whole]))


def _nearest(asked: SafeText, names: Sequence[SafeText]) -> SafeText:
    by_end = [name for name in names if name.rpartition("/")[2] == asked]
    close = by_end or [name for name in names if name in get_close_matches(asked, names, n=1, cutoff=0.5)]
    if close:
        return fmt("Did you mean {}?", close[0])
    tops = [name for name in names if "/" not in name]
    return fmt("There are {}.", join(", ", sorted(tops))) if tops else lit("There are none.")
