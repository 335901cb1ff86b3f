"""What the title of the log pane says of the streams behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tuiops.core.text import EMPTY, SafeText, fmt
from tuiops.core.units import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
