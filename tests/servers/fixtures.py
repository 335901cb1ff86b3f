"""Fixtures that hand real servers to tests.

    def test_it(servers):
        exporter = servers.exporter()
        prometheus = servers.prometheus(scrape_targets={"api": [exporter.target]})

`servers` ends what it started with the test, `module_servers` with the last test of a module. A server that
cannot be had skips the test and says why; where CI or TUIOPS_REQUIRE_SERVERS is set it fails the test.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

import pytest

from tests.servers.alertmanager import Alertmanager
from tests.servers.exporter import Exporter
from tests.servers.ministack import Ministack
from tests.servers.moto import Moto
from tests.servers.node_exporter import NodeExporter
from tests.servers.osmem import Osmem
from tests.servers.packages import MissingServer, Program, locate
from tests.servers.postgresql import Postgresql
from tests.servers.prometheus import Prometheus, Rules
from tests.servers.redis import Redis, RedisExporter
from tests.servers.sshd import Sshd
from tests.servers.victoriametrics import VictoriaMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class _Server(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


_AnyServer = TypeVar("_AnyServer", bound=_Server)


@cache
def _found(name: str) -> Program | MissingServer:
    try:
        return locate(name)
    except MissingServer as error:
        return error


def program(name: str) -> Program:
    """The program, or the end of the test."""
    found = _found(name)
    if isinstance(found, MissingServer):
        cannot_be_had(found)
    return found


def cannot_be_had(error: MissingServer) -> NoReturn:
    """The end of a test that lacks something: a skip, a failure where servers are required."""
    if os.environ.get("CI") or os.environ.get("TUIOPS_REQUIRE_SERVERS"):
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))  # the text says what is missing and what would bring it


class Servers:
    """Starts servers and remembers them, to end them in the opposite order."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._count = 0

    def exporter(self) -> Exporter:
        """A service whose metrics the test sets."""
        return self._started(Exporter())

    def prometheus(
        self,
        *,
        scrape_targets: Mapping[str, Sequence[str]] | None = None,
        scrape_configs: Sequence[Mapping[str, object]] = (),
        rules: Rules | Sequence[Rules] = (),
        alertmanagers: Sequence[str] = (),
        scrape: str = "1s",
        external_labels: Mapping[str, str] | None = None,
        web_config: str | None = None,
        arguments: Sequence[str] = (),
    ) -> Prometheus:
        """A Prometheus; see `Prometheus.__init__` for what the arguments are."""
        return self._started(
            Prometheus(
                program("prometheus"),
                self._new_folder("prometheus"),
                scrape_targets=scrape_targets,
                scrape_configs=scrape_configs,
                rules=rules,
                alertmanagers=alertmanagers,
                scrape=scrape,
                external_labels=external_labels,
                web_config=web_config,
                arguments=arguments,
            )
        )

    def alertmanager(
        self,
        *,
        inhibit_rules: Sequence[Mapping[str, object]] = (),
        webhooks: Sequence[str] = (),
        web_config: str | None = None,
        arguments: Sequence[str] = (),
    ) -> Alertmanager:
        """An Alertmanager; `webhooks` are the addresses that it notifies."""
        return self._started(
            Alertmanager(
                program("alertmanager"),
                self._new_folder("alertmanager"),
                inhibit_rules=inhibit_rules,
                webhooks=webhooks,
                web_config=web_config,
                arguments=arguments,
            )
        )

    def victoriametrics(
        self, *, scrape_targets: Mapping[str, Sequence[str]] | None = None, scrape: str = "1s"
    ) -> VictoriaMetrics:
        folder = self._new_folder("victoriametrics")
        return self._started(
            VictoriaMetrics(program("victoriametrics"), folder, scrape_targets=scrape_targets, scrape=scrape)
        )

    def node_exporter(self) -> NodeExporter:
        return self._started(NodeExporter(program("node_exporter"), self._new_folder("node-exporter")))

    def redis(self, *, password: str | None = None) -> Redis:
        return self._started(Redis(program("redis"), self._new_folder("redis"), password=password))

    def redis_exporter(self, redis: Redis) -> RedisExporter:
        return self._started(RedisExporter(program("redis_exporter"), self._new_folder("redis-exporter"), redis))

    def postgresql(self) -> Postgresql:
        """A PostgreSQL whose commits are durable."""
        try:
            server = Postgresql(program("postgresql"), self._new_folder("postgresql"))
        except MissingServer as error:
            cannot_be_had(error)
        return self._started(server)

    def osmem(self) -> Osmem:
        """A store of documents that answers like OpenSearch."""
        return self._started(Osmem(self._new_folder("osmem")))

    def ministack(self) -> Ministack:
        """AWS whose ECS really deploys."""
        return self._started(Ministack(self._new_folder("ministack")))

    def moto(self) -> Moto:
        """AWS that is read and simply changed."""
        return self._started(Moto(self._new_folder("moto")))

    def sshd(self, environment: Mapping[str, str] | None = None) -> Sshd:
        """A bastion: `host`, `port`, `user`, `identity`, `known_hosts`; `environment` is of its sessions."""
        return self._started(Sshd(program("sshd"), self._new_folder("sshd"), environment or {}))

    def _new_folder(self, name: str) -> Path:
        self._count += 1
        folder = self._folder / f"{name}-{self._count}"
        folder.mkdir()
        return folder

    def _started(self, server: _AnyServer) -> _AnyServer:
        self._stack.callback(server.stop)
        server.start()
        return server


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that live as long as the test."""
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture(scope="module")
def module_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that the tests of a module share."""
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("servers"), stack)
