"""What is measured of a machine, and the limits that its configuration sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.health import Indicator, Limit
from tuiops.core.text import SafeText, lit, safe
from tuiops.core.units import Unit

if TYPE_CHECKING:
    from tuiops.config.sources import HostConfig

CPU = lit("cpu")
LOAD = lit("load")
IOWAIT = lit("iowait")
STEAL = lit("steal")
PRESSURE = lit("pressure")
MEMORY = lit("memory")
SWAP = lit("swap")
DISK = lit("disk")
INODES = lit("inodes")
READ = lit("disk_read")
WRITE = lit("disk_write")
RECEIVED = lit("net_in")
SENT = lit("net_out")
ERRORS = lit("net_errors")
DROPS = lit("net_drops")
PROCESSES = lit("processes")
ZOMBIES = lit("zombies")
RUNNING = lit("running")
LISTENING = lit("listening")
FAILED = lit("failed_units")

_SHAPES: tuple[tuple[SafeText, SafeText, Unit], ...] = (
    (CPU, lit("CPU%"), Unit.RATIO),
    (LOAD, lit("LOAD"), Unit.COUNT),
    (IOWAIT, lit("IOWAIT"), Unit.RATIO),
    (STEAL, lit("STEAL"), Unit.RATIO),
    (PRESSURE, lit("STALL%"), Unit.RATIO),
    (MEMORY, lit("MEM%"), Unit.RATIO),
    (SWAP, lit("SWAP%"), Unit.RATIO),
    (DISK, lit("USED%"), Unit.RATIO),
    (INODES, lit("INODE%"), Unit.RATIO),
    (READ, lit("RD B"), Unit.PER_SECOND),
    (WRITE, lit("WR B"), Unit.PER_SECOND),
    (RECEIVED, lit("IN B"), Unit.PER_SECOND),
    (SENT, lit("OUT B"), Unit.PER_SECOND),
    (ERRORS, lit("ERR"), Unit.PER_SECOND),
    (DROPS, lit("DROP"), Unit.PER_SECOND),
    (PROCESSES, lit("PROCS"), Unit.COUNT),
    (ZOMBIES, lit("ZOMBIE"), Unit.COUNT),
    (RUNNING, lit("RUN"), Unit.COUNT),
    (LISTENING, lit("LISTEN"), Unit.COUNT),
    (FAILED, lit("FAILED"), Unit.COUNT),
)


_HELD = frozenset({CPU, LOAD, MEMORY, SWAP})
"""What goes up and down by the second."""


def host_indicators(config: HostConfig, feed: SafeText) -> dict[SafeText, Indicator]:
    """Every indicator of a machine by its identifier. ValueError says what is wrong with a limit.

    Load is the 1-minute average per core; STALL% the share of the last ten seconds in which some task waited
    for the resource (Linux pressure stall information).
    """
    degraded = {
        CPU: config.cpu,
        LOAD: config.load,
        MEMORY: config.memory,
        SWAP: config.swap,
        DISK: config.disk,
        INODES: config.disk,
        FAILED: "> 0",
    }
    down = {DISK: config.disk_down, INODES: config.disk_down}
    return {
        name: Indicator(
            system=safe(config.system),
            id=name,
            heading=heading,
            unit=unit,
            source=feed,
            degraded=Limit.parse(degraded[name], unit) if name in degraded else None,
            down=Limit.parse(down[name], unit) if name in down else None,
            hold=float(config.hold) if name in _HELD else 0.0,
        )
        for name, heading, unit in _SHAPES
    }
