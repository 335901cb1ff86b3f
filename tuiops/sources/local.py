"""A configuration from a look around this machine, for a console that was started without one.

Nothing is asked that is not on this machine, and nothing is sent that a server could mind: only ports that
are known for HTTP get a `HEAD /`, Redis gets its PING; of all the others it is only watched whether somebody
still listens. A connection that says nothing fills the logs of sshd, databases and mail servers, and some
of them punish it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from tuiops.config.logs import FileLog, JournalLog
from tuiops.config.model import Config
from tuiops.config.sources import AlertmanagerConfig, HostConfig, PrometheusConfig
from tuiops.config.systems import GaugeIndicator, HttpProbe, RedisProbe, Service, System
from tuiops.config.values import Duration
from tuiops.sources.host.attempt import attempt
from tuiops.sources.host.command import output_of
from tuiops.sources.host.processes import listeners

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    import httpx

    from tuiops.config.logs import AnyLog
    from tuiops.config.model import AnySource
    from tuiops.config.systems import AnyProbe

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_LAST_OF_JOURNAL = ("journalctl", "--lines=1", "--quiet", "--no-pager", "--output=cat")
LOG_FOLDER = Path("/var/log")
ENVIRONMENT = "this machine"
HOST = "host"

PATIENCE = 0.5
"""Seconds for all questions together; they are asked side by side."""
_INTERVAL = Duration(5)

_HTTP = frozenset({80, 3000, 5000, 5601, 8000, 8008, 8080, 8081, 8088, 8428, 8500, 8888, 9000, 9080, 9090,
                   9091, 9093, 9100, 9115, 9121, 9187, 9200, 15672})  # fmt: skip
_REDIS = frozenset({6379, 6380})
_KNOWN = frozenset({22, 25, 53, 110, 143, 389, 443, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2049, 2181, 2379, 2380,
                    3306, 4222, 5432, 5433, 5671, 5672, 6443, 8086, 8443, 9042, 9092, 9300, 11211, 26379, 27017, 33060,
                    50051})  # fmt: skip
"""Ports of servers as their projects assign them, beside all below 1024. Others come and go with their programs."""
_PRIVILEGED = 1024
_MOST_PROBES = 16
_MOST_LISTENERS = 24
_MOST_JOBS = 50
_MOST_LOGS = 8

_ANSWERS = ("2xx", "3xx", "4xx", "501")
"""Whoever refuses HEAD or wants a login is there all the same; 5xx is trouble."""

_PROMETHEUS = frozenset({9090, 8428})
"""Prometheus' own, and VictoriaMetrics'."""
_ALERTMANAGER = 9093
_ANYWHERE = frozenset({"0.0.0.0", "::", "*", "127.0.0.1", "::ffff:0.0.0.0", "::ffff:127.0.0.1"})
_LOOPBACK_6 = "::1"
_ANSWER = 0.3
"""Seconds that one server on this machine has to answer."""
_LARGEST = 1 << 20
"""Bytes of an answer."""


class _Build(msgspec.Struct):
    status: str


class _Values(msgspec.Struct):
    data: tuple[str, ...]


class _AlertmanagerStatus(msgspec.Struct, rename={"version_info": "versionInfo"}):
    version_info: dict[str, str]


class Door(NamedTuple):
    """Something on this machine that listens for connections."""

    port: int
    host: str
    """The loopback address at which it can be reached."""
    owner: str
    """Name of the process, empty when it is not ours to know."""


class Surroundings(NamedTuple):
    """All that was found."""

    host_name: str
    doors: tuple[Door, ...] = ()
    web: frozenset[int] = frozenset()
    """Ports that speak HTTP."""
    prometheus: str | None = None
    jobs: tuple[str, ...] = ()
    alertmanager: str | None = None
    logs: Mapping[str, AnyLog] = MappingProxyType({})


async def look_around(patience: float = PATIENCE, folder: Path = LOG_FOLDER) -> Config:
    """What there is to watch on this machine, as a configuration. Never raises.

    Takes at most `patience` seconds; what did not answer by then is left out.
    """
    deadline = asyncio.get_running_loop().time() + patience
    logs = asyncio.create_task(_in_time(_find_logs(folder), deadline))
    doors = await _in_time(asyncio.to_thread(find_doors), deadline) or ()
    web, prometheus, alertmanager = await asyncio.gather(
        _in_time(_find_web(doors), deadline),
        _in_time(_find_prometheus(doors), deadline),
        _in_time(_find_alertmanager(doors), deadline),
    )
    return describe(
        Surroundings(
            host_name=socket.gethostname(),
            doors=doors,
            web=web or frozenset(),
            prometheus=prometheus[0] if prometheus else None,
            jobs=prometheus[1] if prometheus else (),
            alertmanager=alertmanager,
            logs=await logs or {},
        )
    )


def describe(found: Surroundings) -> Config:
    """The configuration that watches all of it."""
    services: dict[str, Service] = {}
    probes: dict[str, AnyProbe] = {}
    watched: list[int] = []
    for door in found.doors:
        service = f"port-{door.port}"
        probe = _probe(door, service) if door.port in found.web or door.port in _REDIS else None
        if probe is not None and len(probes) < _MOST_PROBES:
            services[service] = Service(label=f"{door.owner or 'port'} :{door.port}")
            probes[service] = probe
        elif (door.port < _PRIVILEGED or door.port in _KNOWN | _HTTP) and len(watched) < _MOST_LISTENERS:
            watched.append(door.port)
    sources: dict[str, AnySource] = {
        HOST: HostConfig(system=HOST, interval=_INTERVAL, listeners=tuple(watched), label=found.host_name)
    }
    systems = {HOST: System(label=found.host_name, services=services, probes=probes, logs=dict(found.logs))}
    if found.alertmanager is not None:
        sources["alertmanager"] = AlertmanagerConfig(url=found.alertmanager, interval=_INTERVAL)
    if found.prometheus is not None:
        alerts = found.alertmanager is None
        sources["prometheus"] = PrometheusConfig(url=found.prometheus, interval=_INTERVAL, alerts=alerts)
        systems["prometheus"] = _scraped(found.jobs)
    return Config(environment=ENVIRONMENT, sources=sources, systems=systems)


def _probe(door: Door, service: str) -> AnyProbe:
    if door.port in _REDIS:
        return RedisProbe(service=service, heading="PING", host=door.host, port=door.port)
    url = f"{_address(door)}/"
    return HttpProbe(service=service, heading="HTTP", url=url, method="HEAD", expect_status=_ANSWERS)


def _scraped(jobs: Sequence[str]) -> System:
    """What a local Prometheus scrapes: each job is a service, down when one of its targets is."""
    return System(
        label="Prometheus",
        services={job: Service() for job in jobs[:_MOST_JOBS]},
        indicators={
            "up": GaugeIndicator(
                source="prometheus", heading="UP", by="job", query="min by (job) (up)", unit="count", down="< 1"
            )
        },
    )


def _address(door: Door) -> str:
    return f"http://[{door.host}]:{door.port}" if ":" in door.host else f"http://{door.host}:{door.port}"


def find_doors() -> tuple[Door, ...]:
    """Who listens on this machine, reachable over loopback, by port. Blocks; empty where the system does not tell."""
    doors: list[Door] = []
    for port, found in sorted((attempt(listeners) or {}).items()):
        addresses = {address for address, _ in found}
        host = "127.0.0.1" if addresses & _ANYWHERE else _LOOPBACK_6 if _LOOPBACK_6 in addresses else None
        if host is not None:
            doors.append(Door(port, host, next((owner for _, owner in found if owner), "")))
    return tuple(doors)


async def _in_time(work: Awaitable[_T], deadline: float) -> _T | None:
    """What it yields; None when it fails or is not done by then. Here nothing is worth an error on screen."""
    try:
        async with asyncio.timeout_at(deadline):
            return await work
    except Exception:  # the console starts without what could not be found out
        log.debug("looking around", exc_info=True)
        return None


async def _find_web(doors: Sequence[Door]) -> frozenset[int]:
    """Ports among those known for HTTP whose server answers a HEAD, however it answers."""
    asked = [door for door in doors if door.port in _HTTP]
    if not asked:
        return frozenset()
    async with await _client() as client:
        answers = await asyncio.gather(*(_speaks_http(client, door) for door in asked))
    return frozenset(door.port for door, speaks in zip(asked, answers, strict=True) if speaks)


async def _speaks_http(client: httpx.AsyncClient, door: Door) -> bool:
    import httpx

    try:
        async with asyncio.timeout(_ANSWER), client.stream("HEAD", f"{_address(door)}/"):
            return True
    except (httpx.HTTPError, TimeoutError):
        return False


async def _find_prometheus(doors: Sequence[Door]) -> tuple[str, tuple[str, ...]] | None:
    """The address of a server of Prometheus' API, and the jobs that it scrapes."""
    for door in doors:
        if door.port not in _PROMETHEUS:
            continue
        async with await _client() as client:
            build = await _json(client, f"{_address(door)}/api/v1/status/buildinfo", _Build)
            if build is None or build.status != "success":
                continue
            jobs = await _json(client, f"{_address(door)}/api/v1/label/job/values", _Values)
            return _address(door), jobs.data if jobs else ()
    return None


async def _find_alertmanager(doors: Sequence[Door]) -> str | None:
    for door in doors:
        if door.port == _ALERTMANAGER:
            async with await _client() as client:
                if await _json(client, f"{_address(door)}/api/v2/status", _AlertmanagerStatus) is not None:
                    return _address(door)
    return None


async def _client() -> httpx.AsyncClient:
    return await asyncio.to_thread(_make_client)


def _make_client() -> httpx.AsyncClient:
    import ssl

    import httpx

    # Only plain HTTP is spoken here: an empty context spares reading the system's authorities.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False, timeout=_ANSWER)


async def _json(client: httpx.AsyncClient, url: str, shape: type[_T]) -> _T | None:
    """The decoded answer; None when it is anything else than promised."""
    import httpx

    body = b""
    try:
        async with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code != httpx.codes.OK or "Content-Encoding" in response.headers:
                return None
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _LARGEST:
                    return None
        return msgspec.json.decode(body, type=shape)
    except (httpx.HTTPError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def _find_logs(folder: Path) -> dict[str, AnyLog]:
    """The journal; where there is none the system's log file, or else the files that were written to last."""
    if await asyncio.to_thread(output_of, _LAST_OF_JOURNAL, PATIENCE):
        return {"journal": JournalLog()}
    files = await asyncio.to_thread(log_files, folder)
    return {path.stem: FileLog(paths=(str(path),)) for path in files}


def log_files(folder: Path) -> tuple[Path, ...]:
    """`syslog` or `messages`; without them the `*.log` files of the folder that were written to last. Blocks."""
    for name in ("syslog", "messages"):
        if _readable(folder / name):
            return (folder / name,)
    try:
        found = [(path.stat().st_mtime, path) for path in folder.glob("*.log") if _readable(path)]
    except OSError:
        return ()
    return tuple(sorted(path for _, path in sorted(found, reverse=True)[:_MOST_LOGS]))


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK) and path.stat().st_size > 0
    except OSError:
        return False
