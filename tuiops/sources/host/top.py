"""The processes that use most of the machine, for its detail screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Callable

_MEASURED_FOR = 0.2
"""Seconds over which the use of the processors is measured."""


class ProcessUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one process uses."""

    pid: int
    name: SafeText
    user: SafeText
    """Empty when the system does not tell."""
    cpu: float
    """Of one processor: 1 is one that is busy all the time, 2 are two."""
    rss: int
    """Resident memory in bytes."""


def top_processes(count: int, pause: Callable[[float], None] = time.sleep) -> tuple[ProcessUse, ...]:
    """The `count` processes that use most of the processors, then most memory. Blocks for a fifth of a second.

    Processes that end meanwhile, or that the system does not show us, are left out.
    """
    import psutil

    fields = ["pid", "name", "username", "cpu_times", "memory_info"]
    started = time.monotonic()
    before = {process: _cpu_seconds(process.info["cpu_times"]) for process in psutil.process_iter(["cpu_times"])}
    pause(_MEASURED_FOR)
    found: list[ProcessUse] = []
    for process in psutil.process_iter(fields):
        info = process.info
        if info["memory_info"] is None:
            continue
        now = _cpu_seconds(info["cpu_times"])
        seconds = time.monotonic() - started
        found.append(
            ProcessUse(
                pid=info["pid"],
                name=safe(info["name"] or ""),
                user=safe(info["username"] or ""),
                cpu=max(0.0, now - before.get(process, now)) / seconds,
                rss=info["memory_info"].rss,
            )
        )
    found.sort(key=lambda use: (-use.cpu, -use.rss, use.pid))
    return tuple(found[:count])


def _cpu_seconds(times: object) -> float:
    """User and system time; 0 when the system does not tell."""
    return float(getattr(times, "user", 0.0)) + float(getattr(times, "system", 0.0))
