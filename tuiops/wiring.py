"""The composition root: from a configuration to a hub with its sources. The only file that knows everyone."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, assert_never

import msgspec

from tuiops.config.load import Loaded
from tuiops.config.model import Config, EnvironmentConfig
from tuiops.config.sources import (
    AlertmanagerConfig,
    HostConfig,
    HttpSourceConfig,
    PrometheusConfig,
    SimulationConfig,
)
from tuiops.config.systems import FileLog, JournalLog
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.core.snapshot import Environment, Snapshot
from tuiops.core.text import lit, safe
from tuiops.errors import ConfigError
from tuiops.hub.logbook import LogBook
from tuiops.hub.thread import HubThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from tuiops.config.sources import AnySource
    from tuiops.config.sources import Bastion as BastionConfig
    from tuiops.config.systems import AnyLog, AnyProbe
    from tuiops.core.clock import Clock
    from tuiops.hub.hub import Hub, Plan
    from tuiops.sources.base import Source
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector


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
    subject: Subject, clock: Clock | None = None, reloaded: Callable[[Config], None] = lambda _: None
) -> HubThread:
    """The read side for a front end with an event loop of its own. Nothing runs before its `start`.

    `reloaded` is called, in the hub's thread, with every configuration that takes effect later.
    """
    clock = clock or SystemClock()
    book = LogBook(subject.config.logs.memory)

    bastions = Bastions()

    async def build() -> Hub:
        return _hub(await _plan(subject, clock, bastions), clock, book)

    reloads = None
    if subject.loaded is not None and subject.reload is not None:
        loaded, reload = subject.loaded, subject.reload
        reloads = partial(_reloads, loaded, reload, partial(plan, clock=clock, bastions=bastions), reloaded)
    return HubThread(_first_snapshot(subject, clock), book, clock, build, reloads)


async def hub(subject: Subject, clock: Clock | None = None) -> Hub:
    """The read side in the running event loop, for commands without a screen. Not started yet."""
    clock = clock or SystemClock()
    return _hub(await _plan(subject, clock), clock, LogBook(subject.config.logs.memory))


def console(subject: Subject) -> int:
    """Show the console until somebody leaves it; the exit status that the process should have."""
    from tuiops.ui.app import TuiopsApp
    from tuiops.ui.keymap import build
    from tuiops.ui.messages import SettingsChanged

    def reloaded(config: Config) -> None:
        app.post_message(SettingsChanged(config.display, build(config.keys.preset, config.keys.bind)))

    keys = subject.config.keys
    reads = backend(subject, reloaded=reloaded)
    app = TuiopsApp(reads, subject.config.display, build(keys.preset, keys.bind))
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


async def _plan(subject: Subject, clock: Clock, bastions: Bastions | None = None) -> Plan:
    if subject.loaded is not None:
        return plan(subject.loaded.config, clock, bastions)
    from tuiops.sources.local import look_around

    return plan(await look_around(), clock)


async def _reloads(
    loaded: Loaded, reload: Callable[[], Loaded], made: Callable[[Config], Plan], reloaded: Callable[[Config], None]
) -> AsyncIterator[Plan | ConfigError]:
    from tuiops.config.watch import watch

    async for change in watch(loaded, reload):
        if isinstance(change, ConfigError):
            yield change
        else:
            yield made(change.config)
            reloaded(change.config)


class Bastions:
    """The bastions of one configuration after another; one that is configured as before stays connected."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[BastionConfig, Bastion]] = {}

    def of(self, config: Config) -> dict[str, Bastion]:
        """Those that the configuration names."""
        if config.bastions:
            from tuiops.sources.bastion import Bastion

            for name, wanted in config.bastions.items():
                if name not in self._known or self._known[name][0] != wanted:
                    self._known[name] = (wanted, Bastion(name, wanted))
        self._known = {name: known for name, known in self._known.items() if name in config.bastions}
        return {name: bastion for name, (_, bastion) in self._known.items()}


def plan(config: Config, clock: Clock, bastions: Bastions | None = None) -> Plan:
    """Everything that a configuration asks for, constructed and not yet connected."""
    from tuiops.config.secrets import resolve_secret
    from tuiops.hub.declare import declared_systems, environment
    from tuiops.hub.hub import Plan
    from tuiops.sources.http import HttpConnector

    ways = (bastions or Bastions()).of(config)
    connector = HttpConnector(resolve_secret, clock, ways)
    sources: list[Source] = []
    origins: dict[str, object] = {}
    wishes: dict[str, object] = {}

    def add(source: Source, origin: object, wish: object) -> None:
        sources.append(source)
        origins[source.name], wishes[source.name] = origin, wish

    for name, wanted in config.sources.items():
        for source in _source(name, wanted, config, connector, clock):
            add(source, _origin(wanted, config), (wanted, config.systems, config.bastions, config.environment))
    for system_id, system in config.systems.items():
        for probe_id, probe in system.probes.items():
            via = config.bastions.get(getattr(probe, "via", None) or "")
            add(_probe(system_id, probe_id, probe, ways, clock), (probe, via), (probe, via))
        for log_id, log in system.logs.items():
            add(_log(system_id, log_id, log, clock), log, log)
    return Plan(
        environment=environment(config),
        declared=declared_systems(config),
        sources=tuple(sources),
        shared=tuple(ways.values()),
        origins=origins,
        wishes=wishes,
    )


def _origin(source: AnySource, config: Config) -> object:
    """Where a source's data comes from: what it said stays true while this is equal, whatever else is asked of it."""
    if isinstance(source, HttpSourceConfig):
        return (type(source), source.url, source.headers, config.bastions.get(source.via or ""))
    return source


def _source(name: str, source: AnySource, config: Config, connector: HttpConnector, clock: Clock) -> Iterator[Source]:
    match source:
        case PrometheusConfig():
            from tuiops.sources.prometheus.alerts import prometheus_source

            yield prometheus_source(name, source, config.systems, connector, clock)
        case AlertmanagerConfig():
            from tuiops.sources.alertmanager import AlertmanagerSource

            yield AlertmanagerSource(name, source, config.systems, connector, clock)
        case HostConfig():
            from tuiops.sources.host.source import HostSource

            yield HostSource(name, source, environment=safe(config.environment), clock=clock)
        case SimulationConfig():
            from tuiops.sim import build_simulation

            yield from build_simulation(source, clock).sources()
        case _:
            assert_never(source)


def _probe(system_id: str, probe_id: str, probe: AnyProbe, ways: Mapping[str, Bastion], clock: Clock) -> Source:
    from tuiops.sources.probe.make import make_probe

    via = getattr(probe, "via", None)
    return make_probe(system_id, probe_id, probe, clock=clock, bastion=ways[via] if via else None)


def _log(system_id: str, log_id: str, log: AnyLog, clock: Clock) -> Source:
    system, service, name = safe(system_id), safe(log.service or ""), safe(f"{system_id}/{log_id}")
    match log:
        case FileLog():
            from tuiops.sources.logs.file import FileLogSource

            return FileLogSource(name, system, service, log, clock)
        case JournalLog():
            from tuiops.sources.logs.journal import JournalLogSource

            return JournalLogSource(name, system, service, log, clock)
        case _:
            assert_never(log)
