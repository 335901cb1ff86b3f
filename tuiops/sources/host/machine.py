"""One whole look at the machine, from counters to file systems."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.core.changes import Change
from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import TimedOut
from tuiops.sources.host import indicators as of
from tuiops.sources.host.attempt import attempt
from tuiops.sources.host.counters import cpu_between, disk_between, read_counters, traffic_between
from tuiops.sources.host.disks import Disks
from tuiops.sources.host.processes import Listeners, Processes, process_service
from tuiops.sources.host.report import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuiops.config.sources import HostConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.host.counters import Counters

_FIRST_LOOK = 0.1
"""Seconds between the two looks at counters that the first answer needs."""
_PRESSURE = Path("/proc/pressure")

_CPU = lit("cpu")
_MEMORY = lit("memory")
_IO = lit("io")
_NETWORK = lit("network")
_LABELS = {_CPU: lit("CPU"), _MEMORY: _MEMORY, _IO: lit("disk I/O"), _NETWORK: _NETWORK}


class Machine:
    """Looks at everything that blocks, one look at a time; run it in a thread."""

    def __init__(self, config: HostConfig, clock: Clock) -> None:
        self._clock = clock
        self._disks = Disks(config.mounts)
        self._processes = Processes(config.processes)
        self._listeners = Listeners(config.listeners)
        self._before: Counters | None = None
        self._looking = threading.Lock()
        self._system = safe(config.system)
        self._booted: float | None = None

    def look(self) -> tuple[Seen, ...]:
        """Everything seen. TimedOut when the last look is not over yet."""
        if not self._looking.acquire(blocking=False):
            raise TimedOut("the last look at this machine is not over yet")
        try:
            return tuple(self._look())
        finally:
            self._looking.release()

    def happened(self) -> tuple[Change, ...]:
        """When the machine and the processes that are configured were started, as far as the last look could tell."""
        if self._booted is None:
            # Counted back from the clock, so that asking again gives other fractions of a second.
            self._booted = attempt(_boot_time)
        found = [] if self._booted is None else [self._started(self._booted, EMPTY, lit("machine started"))]
        for name, since in self._processes.started.items():
            found.append(self._started(since, process_service(name), fmt("process {} started", safe(name))))
        return tuple(found)

    def _started(self, since: float, service: SafeText, text: SafeText) -> Change:
        return Change(at=datetime.fromtimestamp(round(since), UTC), system=self._system, service=service, text=text)

    def _look(self) -> Iterator[Seen]:
        before = self._before
        if before is None:
            before = read_counters(self._clock.monotonic())
            time.sleep(_FIRST_LOOK)
        after = self._before = read_counters(self._clock.monotonic())
        yield from _cpu(before, after)
        yield from _memory()
        yield from self._disks.look()
        yield from _io(before, after)
        yield from _network(before, after)
        yield from self._processes.look()
        yield from self._listeners.look()


def _cpu(before: Counters, after: Counters) -> Iterator[Seen]:
    if after.cpu is not None:
        cpu = cpu_between(before, after)
        yield _seen(_CPU, of.CPU, cpu.busy if cpu else None)
        if (load := attempt(_load_per_core)) is not None:
            yield _seen(_CPU, of.LOAD, load)
        if "iowait" in after.cpu:
            yield _seen(_CPU, of.IOWAIT, cpu.iowait if cpu else None)
        if "steal" in after.cpu:
            yield _seen(_CPU, of.STEAL, cpu.steal if cpu else None)
        yield from _pressure(_CPU)


def _memory() -> Iterator[Seen]:
    import psutil

    if (memory := attempt(psutil.virtual_memory)) is not None and memory.total:
        yield _seen(_MEMORY, of.MEMORY, 1.0 - memory.available / memory.total)
    if (swap := attempt(psutil.swap_memory)) is not None and swap.total:
        yield _seen(_MEMORY, of.SWAP, swap.used / swap.total)
    yield from _pressure(_MEMORY)


def _io(before: Counters, after: Counters) -> Iterator[Seen]:
    if after.disk is not None:
        disk = disk_between(before, after)
        yield _seen(_IO, of.READ, disk.read if disk else None)
        yield _seen(_IO, of.WRITE, disk.written if disk else None)
    yield from _pressure(_IO)


def _network(before: Counters, after: Counters) -> Iterator[Seen]:
    if after.interfaces:
        traffic = traffic_between(before, after)
        yield _seen(_NETWORK, of.RECEIVED, traffic.received if traffic else None)
        yield _seen(_NETWORK, of.SENT, traffic.sent if traffic else None)
        yield _seen(_NETWORK, of.ERRORS, traffic.errors if traffic else None)
        yield _seen(_NETWORK, of.DROPS, traffic.drops if traffic else None)


def _pressure(service: SafeText) -> Iterator[Seen]:
    """Share of the last ten seconds in which some task waited for the resource (Linux, accounting/psi)."""
    share = attempt(lambda: parse_pressure((_PRESSURE / service).read_text(encoding="ascii")))
    if share is not None:
        yield _seen(service, of.PRESSURE, share)


def parse_pressure(text: str) -> float:
    """0–1 from `some avg10=1.20 avg60=…`. IndexError or ValueError when it is something else."""
    return float(text.split("avg10=", 1)[1].split(None, 1)[0]) / 100


def _boot_time() -> float:
    import psutil

    return psutil.boot_time()


def _load_per_core() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def _seen(service: SafeText, indicator: SafeText, value: float | None) -> Seen:
    return Seen(service, _LABELS[service], indicator, value)
