"""Line mode: what changes is printed as a line, for screen readers and terminals without cursor control."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

from tuiops.core.alerts import count_active
from tuiops.core.health import judge_system
from tuiops.core.severity import Severity
from tuiops.core.text import SafeText, fmt, join, lit
from tuiops.ui.format import Times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tuiops.core.snapshot import Snapshot
    from tuiops.hub.backend import Backend

WAIT = 1.0
"""Seconds between looks at what time alone has changed."""


def status(snapshot: Snapshot, now: datetime) -> dict[str, SafeText]:
    """One line for each thing that has a state; lines carry no ages, so that only news is said again."""
    lines: dict[str, SafeText] = {}
    statuses = snapshot.statuses
    for name, entry in snapshot.feeds.items():
        word = fmt(", {}", entry.status.word) if entry.status.word else lit("")
        freshness = entry.status.freshness(now)
        lines[f"source {name}"] = fmt("source {}: {}{}", entry.status.name, lit(freshness.value), word)
    for system in snapshot.systems:
        verdict = judge_system(system, statuses, now)
        lines[f"system {system.system}"] = fmt("{}: {}", system.label, verdict.state.word)
    counts = count_active(snapshot.alerts)
    if any(counts.values()) or snapshot.quiet_is_proven(now):
        firing = join(", ", (fmt("{} {}", counts[severity], severity.word) for severity in Severity))
    else:
        firing = lit("unknown, not every alert source is live")
    lines["alerts"] = fmt("alerts firing: {}", firing)
    for alert in snapshot.alerts:
        place = fmt("{}/{}", alert.system, alert.service)
        lines[f"alert {alert.identity}"] = fmt(
            "{} {} {}: {}", alert.severity.word, alert.state.word, place, alert.summary or alert.name
        )
    return lines


def news(before: dict[str, SafeText], after: dict[str, SafeText]) -> Iterator[SafeText]:
    """What to print: lines that are new or different, then alerts that are over."""
    for key, line in after.items():
        if before.get(key) != line:
            yield line
    for key, line in before.items():
        if key not in after:
            yield fmt("over: {}", line)


def run(backend: Backend, write: Callable[[SafeText], None], times: Times | None = None) -> None:
    """Print until interrupted; `write` gets one line at a time, without its newline."""
    shown: dict[str, SafeText] = {}
    style = times or Times()
    arrivals: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    unsubscribe = backend.subscribe(arrivals.put)
    backend.start()
    try:
        while True:
            now = backend.clock.now()
            lines = status(backend.snapshot, now)
            for line in news(shown, lines):
                write(fmt("{}  {}", style.clock(now), line))
            shown = lines
            _wait(arrivals)
    except KeyboardInterrupt:
        return
    finally:
        unsubscribe()


def _wait(arrivals: queue.SimpleQueue[Snapshot]) -> None:
    try:
        arrivals.get(timeout=WAIT)
        while True:  # several at once are one piece of news
            arrivals.get_nowait()
    except queue.Empty:
        return
