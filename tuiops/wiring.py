"""The composition root: from a configuration to a hub with its sources. The only file that knows everyone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, assert_never

import msgspec

from tuiops.beside import VIEWER, Beside, may_act
from tuiops.config.clouds import AwsConfig, ElasticsearchConfig, GcpConfig, LokiConfig
from tuiops.config.credentials import AwsCredentials, GoogleCredentials
from tuiops.config.load import Loaded
from tuiops.config.logs import CloudLog, CloudWatchLog, ElasticsearchLog, FileLog, JournalLog, LokiLog
from tuiops.config.model import Config, EnvironmentConfig, Permission, Person
from tuiops.config.people import local_account
from tuiops.config.sources import (
    AlertmanagerConfig,
    HostConfig,
    HttpSourceConfig,
    PrometheusConfig,
    SimulationConfig,
)
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.core.snapshot import Environment, Snapshot
from tuiops.core.text import lit, safe
from tuiops.errors import ConfigError, UsageError
from tuiops.hub.logbook import LogBook
from tuiops.hub.thread import HubThread
from tuiops.sources.shared import Shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from tuiops.acting import Settings
    from tuiops.config.logs import AnyLog
    from tuiops.config.model import AnySource
    from tuiops.config.proposal import Proposal
    from tuiops.config.systems import AnyProbe
    from tuiops.core.clock import Clock
    from tuiops.hub.hub import Hub, Plan
    from tuiops.runbooks.desk.distant import DistantDesk
    from tuiops.runbooks.desk.onlooker import Onlooker
    from tuiops.runbooks.desk.session import Seat, Sitting
    from tuiops.runbooks.engine.engine import Engine
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.managed import AmazonManaged
    from tuiops.sources.base import Source
    from tuiops.sources.gcp.client import GoogleClient
    from tuiops.sources.gcp.managed import GoogleManaged
    from tuiops.sources.http import HttpClient, HttpConnector


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch: a configuration, or without one this very machine."""

    loaded: Loaded | None = None
    """None: look around this machine and watch what is there."""
    reload: Callable[[], Loaded] | None = None
    """Reads the configuration again when its files change; None: never."""

    settings: Config = msgspec.field(default_factory=Config)
    """What the environment and the command line say when there is no configuration."""

    @property
    def config(self) -> Config:
        """The settings of the front end, which exist even when nothing is configured."""
        return self.loaded.config if self.loaded is not None else self.settings


def demonstration(base: Config) -> Config:
    """A simulated fleet of five systems with this machine beside it, under the user's own display settings."""
    name = "simulated production"
    return Config(
        environment=name,
        environments={name: EnvironmentConfig(production=True)},
        # Whoever tries it out may break and mend everything there; nothing of it is real.
        people={"you": Person(accounts=(local_account(),), role="operator")},
        permissions=(Permission(danger="X"),),
        display=base.display,
        keys=base.keys,
        logs=base.logs,
        wallboard=base.wallboard,
        sources={
            "simulation": SimulationConfig(interval=Duration(1)),
            "host": HostConfig(interval=Duration(2)),
        },
    )


def backend(
    subject: Subject,
    clock: Clock | None = None,
    reloaded: Callable[[Config], None] = lambda _: None,
    *,
    desk: DistantDesk | None = None,
) -> HubThread:
    """The read side for a front end with an event loop of its own. Nothing runs before its `start`.

    `reloaded` is called, in the hub's thread, with every configuration that takes effect later. `desk` is for front
    ends that act: for people who may, the write side is put together beside the hub, and the desk stands there.
    Without one, runs are only read.
    """
    clock = clock or SystemClock()
    book = LogBook(subject.config.logs.memory)
    shared = Shared()
    side = Beside(subject.loaded, desk, clock, shared) if subject.loaded is not None else None

    def changed(loaded: Loaded) -> None:
        if side is not None:
            side.use(loaded)
        reloaded(loaded.config)

    async def build() -> Hub:
        return _hub(await _plan(subject, clock, shared), clock, book)

    reloads = None
    if side is not None and subject.loaded is not None and subject.reload is not None:
        made = partial(plan, clock=clock, shared=shared)
        reloads = partial(_reloads, subject.loaded, subject.reload, made, side.make_way, changed)
    beside = side.work if side is not None else None
    return HubThread(_first_snapshot(subject, clock), book, clock, build, reloads, beside)


@contextlib.asynccontextmanager
async def seat(subject: Subject, patience: float | None) -> AsyncIterator[tuple[Engine, Sitting]]:
    """An engine and a seat at it in the running event loop, for commands.

    `patience`: seconds that the first round of polls may take; None not to wait for it. Raises LedgerError when
    nothing can be recorded, and UsageError.
    """
    from tuiops.acting import Here, engine

    async with _watched(subject) as (watching, settings), engine(watching, settings, Here(settings)) as found:
        if patience is not None:
            await watching.first_round(patience)
        yield found


@contextlib.asynccontextmanager
async def outlook(subject: Subject, patience: float) -> AsyncIterator[tuple[Onlooker, Seat]]:
    """The same for commands that only plan: nothing is written to the ledger, and there need not be any. UsageError."""
    from tuiops.acting import Here, onlooker

    async with _watched(subject) as (watching, settings), onlooker(watching, settings, Here(settings)) as found:
        await watching.first_round(patience)
        yield found


@contextlib.asynccontextmanager
async def _watched(subject: Subject) -> AsyncIterator[tuple[Hub, Settings]]:
    from tuiops.acting import Settings

    if subject.loaded is None:
        raise UsageError("there is no configuration, and so there are no runbooks")
    clock, shared = SystemClock(), Shared()
    watching = _hub(await _plan(subject, clock, shared), clock, LogBook(subject.config.logs.memory))
    await watching.start()
    try:
        yield watching, Settings(subject.loaded, clock, shared)
    finally:
        await watching.stop()


async def hub(subject: Subject, clock: Clock | None = None) -> Hub:
    """The read side in the running event loop, for commands without a screen. Not started yet."""
    clock = clock or SystemClock()
    return _hub(await _plan(subject, clock), clock, LogBook(subject.config.logs.memory))


def console(subject: Subject) -> int:
    """Show the console until somebody leaves it; the exit status that the process should have."""
    from tuiops.config.people import principal
    from tuiops.runbooks.desk.distant import DistantDesk
    from tuiops.ui.acting.front import NO_DESK
    from tuiops.ui.app import TuiopsApp
    from tuiops.ui.keymap import build
    from tuiops.ui.messages import SettingsChanged

    def reloaded(config: Config) -> None:
        app.post_message(SettingsChanged(config.display, build(config.keys.preset, config.keys.bind)))

    keys = subject.config.keys
    desk, why_not = None, NO_DESK
    if subject.loaded is not None:
        if may_act(subject.config):
            desk = DistantDesk(principal(subject.config, local_account(), ""), SystemClock())
        else:
            why_not = VIEWER
    reads = backend(subject, reloaded=reloaded, desk=desk)
    app = TuiopsApp(reads, subject.config.display, build(keys.preset, keys.bind), desk=desk, why_not=why_not)
    try:
        app.run(mouse=_takes_mouse(subject.config))
        return app.return_code or 0
    finally:
        reads.stop()


def wallboard(subject: Subject) -> int:
    """Show the wallboard until somebody leaves it; the exit status that the process should have."""
    from tuiops.ui.wallboard.app import WallboardApp

    reads = backend(subject)
    try:
        app = WallboardApp(reads, subject.config.display, subject.config.wallboard)
        app.run(mouse=False)
        return app.return_code or 0
    finally:
        reads.stop()


def _takes_mouse(config: Config) -> bool:
    """Over SSH the mouse stays with the terminal, whose own selection is the way to copy there."""
    return config.display.mouse == "on" or (config.display.mouse == "auto" and "SSH_CONNECTION" not in os.environ)


def _hub(plan: Plan, clock: Clock, book: LogBook) -> Hub:
    from tuiops.hub.hub import Hub
    from tuiops.hub.tail import LogPump

    return Hub(plan, clock, book, LogPump(book, clock))


def _first_snapshot(subject: Subject, clock: Clock) -> Snapshot:
    from tuiops.hub.declare import declared_systems, environment

    if subject.loaded is None:
        return Snapshot(version=0, at=clock.now(), environment=Environment(lit("this machine")))
    config = subject.loaded.config
    return Snapshot(version=0, at=clock.now(), environment=environment(config), systems=declared_systems(config))


async def _plan(subject: Subject, clock: Clock, shared: Shared | None = None) -> Plan:
    if subject.loaded is not None:
        return plan(subject.loaded.config, clock, shared)
    from tuiops.sources.local import look_around

    return plan(await look_around(), clock)


async def _reloads(
    loaded: Loaded,
    reload: Callable[[], Loaded],
    made: Callable[[Config], Plan],
    make_way: Callable[[Loaded], Awaitable[None]],
    reloaded: Callable[[Loaded], None],
) -> AsyncIterator[Plan | ConfigError]:
    from tuiops.config.watch import watch

    async for change in watch(loaded, reload):
        if isinstance(change, ConfigError):
            yield change
        else:
            following = made(change.config)
            await make_way(change)
            yield following
            reloaded(change)


class _Maker:
    """Makes the sources of one configuration."""

    def __init__(self, config: Config, clock: Clock, shared: Shared) -> None:
        from tuiops.config.secrets import resolve_secret
        from tuiops.sources.http import HttpConnector

        shared.begin()
        self._config = config
        self._clock = clock
        self._shared = shared
        self.bastions = {name: shared.bastion(name, wanted) for name, wanted in config.bastions.items()}
        self._connector = HttpConnector(resolve_secret, clock, self.bastions)

    def sources(self, name: str, source: AnySource) -> Iterator[Source]:
        """What a source of the configuration becomes: nothing polls a log store."""
        systems, connector, clock = self._config.systems, self._connector, self._clock
        match source:
            case PrometheusConfig():
                from tuiops.sources.prometheus.alerts import prometheus_source

                yield prometheus_source(name, source, systems, self._managed(name, source), clock)
            case AlertmanagerConfig():
                from tuiops.sources.alertmanager import AlertmanagerSource

                yield AlertmanagerSource(name, source, systems, connector, clock)
            case GcpConfig():
                from tuiops.sources.gcp.source import gcp_source

                yield gcp_source(name, source, systems, self.google(name, source), clock)
            case AwsConfig():
                from tuiops.sources.aws.source import aws_source

                yield aws_source(name, source, systems, self.amazon(name, source), clock)
            case HostConfig():
                from tuiops.sources.host.source import HostSource

                yield HostSource(name, source, environment=safe(self._config.environment), clock=clock)
            case SimulationConfig():
                from tuiops.sim.simulation import build_simulation

                yield from build_simulation(source, clock).sources()
            case ElasticsearchConfig() | LokiConfig():
                return
            case _:
                assert_never(source)

    def _managed(self, name: str, source: PrometheusConfig) -> HttpConnector:
        """What connects to a Prometheus, and signs where a cloud keeps it."""
        credentials = self._config.credentials.get(source.credentials or "")
        if credentials is None:
            return self._connector
        url, clock = source.url, self._clock

        def make() -> GoogleManaged | AmazonManaged:
            if isinstance(credentials, GoogleCredentials):
                from tuiops.sources.gcp.managed import GoogleManaged

                return GoogleManaged(url, credentials, clock)
            from tuiops.sources.aws.managed import AmazonManaged

            return AmazonManaged(url, credentials, clock)

        return self._shared.get("managed", name, (url, credentials), make).signing(self._connector)

    def probe(self, system_id: str, probe_id: str, probe: AnyProbe) -> Source:
        """What knocks at a door."""
        from tuiops.sources.probe.make import make_probe

        via = getattr(probe, "via", None)
        bastion = self.bastions[via] if via else None
        return make_probe(system_id, probe_id, probe, clock=self._clock, bastion=bastion)

    def log(self, system_id: str, log_id: str, log: AnyLog) -> Source:
        """What tails a log stream."""
        system, service, name = safe(system_id), safe(log.service or ""), safe(f"{system_id}/{log_id}")
        clock, store = self._clock, self._config.sources.get(getattr(log, "source", ""))
        match log, store:
            case FileLog(), _:
                from tuiops.sources.logs.file import FileLogSource

                return FileLogSource(name, system, service, log, clock)
            case JournalLog(), _:
                from tuiops.sources.logs.journal import JournalLogSource

                return JournalLogSource(name, system, service, log, clock)
            case CloudLog(), GcpConfig():
                from tuiops.sources.gcp.logging import CloudLogSource

                return CloudLogSource(name, system, service, log, self.google(log.source, store), clock)
            case CloudWatchLog(), AwsConfig():
                from tuiops.sources.aws.logs import CloudWatchLogSource

                return CloudWatchLogSource(name, system, service, log, self.amazon(log.source, store), clock)
            case ElasticsearchLog(), ElasticsearchConfig():
                from tuiops.sources.logs.elasticsearch import ElasticsearchLogSource

                return ElasticsearchLogSource(name, system, service, log, self._store(log.source, store), clock)
            case LokiLog(), LokiConfig():
                from tuiops.sources.logs.loki import LokiLogSource

                return LokiLogSource(name, system, service, log, self._store(log.source, store), clock)
            case _:
                raise AssertionError(f"the loader let {name} name a source that holds no such logs")

    def _store(self, name: str, source: ElasticsearchConfig | LokiConfig) -> HttpClient:
        via = self._config.bastions.get(source.via or "")

        def make() -> HttpClient:
            if isinstance(source, ElasticsearchConfig):
                from tuiops.sources.logs.elasticsearch import elasticsearch_client

                return elasticsearch_client(source, self._connector)
            from tuiops.sources.logs.loki import loki_client

            return loki_client(source, self._connector)

        return self._shared.get("log store", name, (source, via), make)

    def google(self, name: str, source: GcpConfig) -> GoogleClient:
        """What asks a Google Cloud project, for all that wants something of it."""
        from tuiops.sources.gcp.auth import GoogleAuth
        from tuiops.sources.gcp.client import GoogleClient

        found = self._config.credentials.get(source.credentials or "")
        credentials = found if isinstance(found, GoogleCredentials) else GoogleCredentials()
        via = self._config.bastions.get(source.via or "")

        def make() -> GoogleClient:
            return GoogleClient(
                source, GoogleAuth(credentials, self._clock, source.project), self._connector, self._clock
            )

        return self._shared.get("google", name, (source, credentials, via), make)

    def amazon(self, name: str, source: AwsConfig) -> AwsClient:
        """What asks an AWS account in a region, for all that wants something of it."""
        from tuiops.sources.aws.auth import AwsAuth
        from tuiops.sources.aws.client import AwsClient

        found = self._config.credentials.get(source.credentials or "")
        credentials = found if isinstance(found, AwsCredentials) else AwsCredentials()
        via = self._config.bastions.get(source.via or "")

        def make() -> AwsClient:
            return AwsClient(source, AwsAuth(credentials, source.region, self._clock), self._connector, self._clock)

        return self._shared.get("amazon", name, (source, credentials, via), make)


async def look_at_google(config: GcpConfig, credentials: GoogleCredentials, system: str) -> Proposal:
    """What could be watched of a Google Cloud project, which is called `google`."""
    from tuiops.sources.gcp.discover import discover

    given = {"file": credentials.file} if credentials.file else {}
    maker = _Maker(Config(credentials={"google": credentials}), SystemClock(), Shared())
    client = maker.google("google", config)
    try:
        return await discover(client, config, given, ("google", system))
    finally:
        await client.close()


async def look_at_amazon(config: AwsConfig, credentials: AwsCredentials, system: str) -> Proposal:
    """What could be watched of an AWS account in a region, which is called `aws`."""
    from tuiops.sources.aws.discover import discover

    given = {"profile": credentials.profile} if credentials.profile else {}
    maker = _Maker(Config(credentials={"aws": credentials}), SystemClock(), Shared())
    client = maker.amazon("aws", config)
    try:
        return await discover(client, config, given, ("aws", system))
    finally:
        await client.close()


def plan(config: Config, clock: Clock, shared: Shared | None = None) -> Plan:
    """Everything that a configuration asks for, constructed and not yet connected."""
    from tuiops.hub.declare import declared_systems, environment
    from tuiops.hub.hub import Plan

    shared = shared or Shared()
    maker = _Maker(config, clock, shared)
    sources: list[Source] = []
    origins: dict[str, object] = {}
    wishes: dict[str, object] = {}

    def add(source: Source, origin: object, wish: object) -> None:
        sources.append(source)
        origins[source.name], wishes[source.name] = origin, wish

    around = (config.systems, config.bastions, config.credentials, config.environment)
    for name, wanted in config.sources.items():
        for source in maker.sources(name, wanted):
            add(source, _origin(wanted, config), (wanted, *around))
    for system_id, system in config.systems.items():
        for probe_id, probe in system.probes.items():
            via = config.bastions.get(getattr(probe, "via", None) or "")
            add(maker.probe(system_id, probe_id, probe), (probe, via), (probe, via))
        for log_id, log in system.logs.items():
            store = config.sources.get(getattr(log, "source", ""))
            add(maker.log(system_id, log_id, log), (log, store), (log, store, *around[1:3]))
    return Plan(
        environment=environment(config),
        declared=declared_systems(config),
        sources=tuple(sources),
        shared=shared.all(),
        origins=origins,
        wishes=wishes,
    )


def _origin(source: AnySource, config: Config) -> object:
    """Where a source's data comes from: what it said stays true while this is equal, whatever else is asked of it."""
    if isinstance(source, HttpSourceConfig):
        return (type(source), source.url, source.headers, config.bastions.get(source.via or ""))
    return source
