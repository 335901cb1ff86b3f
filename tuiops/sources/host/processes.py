"""Processes and listeners: how many there are, and whether those that must be there are."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.sources.host.attempt import attempt
from tuiops.sources.host.indicators import LISTENING, PROCESSES, RUNNING, ZOMBIES
from tuiops.sources.host.report import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SERVICE = lit("processes")


class Processes:
    """All processes, and those whose names are configured."""

    def __init__(self, required: Sequence[str] = ()) -> None:
        self._required = tuple(required)
        self.started: Mapping[str, float] = {}
        """When the oldest process of each name that is configured was started, in seconds since the epoch."""

    def look(self) -> Iterator[Seen]:
        """Blocks for as long as it takes to list processes: about 30 µs for each."""
        found = attempt(self._list)
        if found is None:
            return
        count, zombies, names, self.started = found
        yield Seen(_SERVICE, _SERVICE, PROCESSES, float(count))
        yield Seen(_SERVICE, _SERVICE, ZOMBIES, float(zombies))
        for required in self._required:
            running = names[required]
            label = safe(required)
            problem = lit("") if running else lit("not running")
            yield Seen(process_service(required), label, RUNNING, float(running), problem)

    def _list(self) -> tuple[int, int, Counter[str], dict[str, float]]:
        """Processes, zombies among them, the living by name, and since when there are those that are configured."""
        import psutil

        count = zombies = 0
        names: Counter[str] = Counter()
        started: dict[str, float] = {}
        # A name costs another file of each process: only when somebody asks for names.
        for process in psutil.process_iter(["status", "name"] if self._required else ["status"]):
            count += 1
            if process.info["status"] == psutil.STATUS_ZOMBIE:
                zombies += 1
            elif self._required:
                name = process.info["name"] or ""
                names[name] += 1
                if name in self._required and (since := attempt(process.create_time)) is not None:
                    started[name] = min(since, started.get(name, since))
        return count, zombies, names, started


def process_service(name: str) -> SafeText:
    """The service that stands for the processes of a name."""
    return fmt("process:{}", safe(name))


class Listeners:
    """TCP ports that somebody must listen on. Nobody connects to them, so nobody's log fills up."""

    def __init__(self, ports: Sequence[int] = ()) -> None:
        self._ports = tuple(dict.fromkeys(ports))
        self._owners: dict[int, SafeText] = {}

    def look(self) -> Iterator[Seen]:
        """Nothing when no port is configured or the system does not tell who listens."""
        listening = attempt(listening_ports) if self._ports else None
        if listening is None:
            return
        for port in self._ports:
            owners = listening.get(port)
            if owners:
                # The last owner's name stays on the label when it is gone: that is who is missing.
                self._owners[port] = next((safe(owner) for owner in owners if owner), lit("port"))
            label = fmt("{} :{}", self._owners.get(port, lit("port")), port)
            service = fmt("listener:{}", port)
            if owners:
                yield Seen(service, label, LISTENING, float(len(owners)))
            else:
                yield Seen(service, label, LISTENING, 0.0, fmt("nothing listens on port {}", port))


def listening_ports() -> dict[int, list[str]]:
    """The names of the processes behind each TCP port that is listened on; empty where they are not ours to know.

    Blocks; psutil reads the open files of every process. Raises psutil.AccessDenied on macOS without root.
    """
    return {port: [owner for _, owner in found] for port, found in listeners().items()}


def listeners() -> dict[int, list[tuple[str, str]]]:
    """The same with the address of each listener before its owner."""
    import psutil

    found: dict[int, list[tuple[str, str]]] = {}
    names: dict[int, str] = {}
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr:
            continue
        pid = connection.pid
        if pid is not None and pid not in names:
            names[pid] = attempt(partial(_name, pid)) or ""
        owner = names.get(pid, "") if pid is not None else ""
        found.setdefault(connection.laddr.port, []).append((connection.laddr.ip, owner))
    return found


def _name(pid: int) -> str:
    import psutil

    return psutil.Process(pid).name()
