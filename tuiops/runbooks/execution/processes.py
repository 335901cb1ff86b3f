"""The processes of an execution: descendants of its supervisor, and whatever carries its id in its environment.

The supervisor of a command imports it (see there). On Linux /proc says it all; elsewhere psutil, when it is at hand.
"""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any

VARIABLE = "TUIOPS_EXECUTION_ID"
"""Environment variable by which the processes of an execution are known."""

PROC = "/proc"
_DEAD = frozenset("ZX")


class Process:
    """A process, as it was at one moment."""

    __slots__ = ("name", "parent", "pid", "state")

    def __init__(self, pid: int, parent: int, name: str, state: str) -> None:
        self.pid = pid
        self.parent = parent
        self.name = name
        self.state = state
        """A letter, as `ps` shows it."""


def why(state: str) -> str:
    """Why a process in this state may still be there after it was ended; empty when that says nothing."""
    return "waits for a device" if state.startswith("D") else ""


def has_proc() -> bool:
    """Whether the kernel shows processes as Linux does."""
    return os.path.exists(f"{PROC}/self/stat")


def descendants(root: int) -> list[Process]:
    """All living descendants of a process, itself left out."""
    table = _table()
    children: dict[int, list[Process]] = {}
    for process in table:
        children.setdefault(process.parent, []).append(process)
    found, todo = [], list(children.get(root, ()))
    while todo:
        process = todo.pop()
        todo += children.pop(process.pid, [])
        if process.state not in _DEAD:
            found.append(process)
    return found


def marked(execution: str) -> list[Process]:
    """All living processes whose environment has the execution's id, as far as we may see them."""
    wanted = f"{VARIABLE}={execution}"
    if not has_proc():
        return _marked_elsewhere(execution)
    found = []
    entry = wanted.encode()
    for process in _table():
        with contextlib.suppress(OSError), open(f"{PROC}/{process.pid}/environ", "rb") as environ:
            if entry in environ.read().split(b"\0"):
                found.append(process)
    return [process for process in found if process.state not in _DEAD]


def tell(processes: list[Process], *signals: signal.Signals) -> dict[int, str]:
    """Send signals; by process ID: why it could not be done. Those that are gone are no failure."""
    refused = {}
    for process in processes:
        try:
            for one in signals:
                os.kill(process.pid, one)
        except ProcessLookupError:
            continue
        except PermissionError:
            refused[process.pid] = "belongs to somebody else"
    return refused


def _table() -> list[Process]:
    if not has_proc():
        return _table_elsewhere()
    found = []
    for entry in os.listdir(PROC):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError), open(f"{PROC}/{entry}/stat", "rb") as stat:
                found.append(_parsed(stat.read()))
    return found


def _parsed(stat: bytes) -> Process:
    """`PID (NAME) STATE PARENT …`, where the name may hold anything (proc(5))."""
    pid, _, rest = stat.partition(b" (")
    name, _, fields = rest.rpartition(b") ")
    state, parent, *_ = fields.split()
    return Process(int(pid), int(parent), name.decode("utf-8", "replace"), state.decode())


def _psutil() -> Any:
    try:
        import psutil
    except ImportError:
        return None
    return psutil


def _table_elsewhere() -> list[Process]:
    psutil = _psutil()
    if psutil is None:
        return []
    states = {psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_DEAD: "X", psutil.STATUS_STOPPED: "T"}
    return [
        Process(found.pid, found.info["ppid"] or 0, found.info["name"] or "?", states.get(found.info["status"], "S"))
        for found in psutil.process_iter(["ppid", "name", "status"])
    ]


def _marked_elsewhere(execution: str) -> list[Process]:
    psutil = _psutil()
    if psutil is None:
        return []
    wanted = {
        found.pid
        for found in psutil.process_iter(["environ"])
        if (found.info["environ"] or {}).get(VARIABLE) == execution
    }
    return [process for process in _table_elsewhere() if process.pid in wanted and process.state not in _DEAD]
