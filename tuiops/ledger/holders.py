"""Who holds a lock, and whether the process still lives, as far as this machine can tell."""

from __future__ import annotations

import functools
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.core.text import safe
from tuiops.ledger.base import Holder

if TYPE_CHECKING:
    from tuiops.core.text import SafeText

_STATE, _START = 0, 19
"""Fields of /proc/PID/stat after the name: proc(5) counts them from 3, and calls these 3 and 22."""


def this_process(name: SafeText, session: str) -> Holder:
    """The running process as a holder. `session` is one sitting at one console."""
    return Holder(
        name=name, session=session, host=_host(), boot=_boot(), pid=os.getpid(), born=_born(os.getpid()) or 0.0
    )


def dead(holder: Holder) -> bool:
    """Whether its process is known to have ended. Only this machine's own processes can be known."""
    import psutil

    if (holder.host, holder.boot) != (_host(), _boot()):
        return False
    if not psutil.pid_exists(holder.pid):
        return True
    born = _born(holder.pid)
    # None: it is there, but another user's, and the system does not say more.
    return born is not None and born != holder.born


def of_this_boot(boot: str) -> bool:
    """Whether a holder's `boot` is this machine's present uptime, whoever counts its processes."""
    return boot.partition(" ")[0] == _boot().partition(" ")[0]


@functools.cache
def _host() -> str:
    return safe(socket.gethostname())


@functools.cache
def _boot() -> str:
    """Identity of the host's uptime and of the process IDs in use: containers count their own."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return safe(f"{boot} {Path('/proc/self/ns/pid').readlink()}")
    import psutil

    return f"{psutil.boot_time():.0f}"


def _born(pid: int) -> float | None:
    """When a process began; 0.0 for one that is dead but not yet buried; None when that is not told.

    Linux counts ticks since the boot. The time of day, which psutil makes of them, moves when the clock is set.
    """
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return 0.0 if fields[_STATE] in {b"Z", b"X"} else float(fields[_START])
    if Path("/proc/self/stat").exists():
        return None
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    return None
