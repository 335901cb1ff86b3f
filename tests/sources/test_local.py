from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.servers.http import request_json
from tests.sources.doors import saying, serving, silent
from tests.waiting import wait_until
from tuiops.config.logs import FileLog, JournalLog
from tuiops.config.sources import AlertmanagerConfig, HostConfig, PrometheusConfig
from tuiops.config.systems import GaugeIndicator, HttpProbe, RedisProbe
from tuiops.core.clock import SystemClock
from tuiops.sources import local
from tuiops.sources.local import Door, Surroundings, describe, find_doors, log_files, look_around
from tuiops.sources.probe.make import make_probe

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tests.sources.doors import Handler

_PATIENCE = 5.0
"""Seconds; more than a console has, because the machine of the tests is busy."""


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> list[Door]:
    """The only doors that this machine seems to have."""
    doors: list[Door] = []
    monkeypatch.setattr(local, "find_doors", lambda: tuple(doors))
    return doors


@pytest.fixture
def no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_LAST_OF_JOURNAL", ("false",))


def _known_for(monkeypatch: pytest.MonkeyPatch, table: str, port: int) -> None:
    """Make a port as well-known as the one that a real installation uses."""
    known = getattr(local, table)
    monkeypatch.setattr(local, table, port if isinstance(known, int) else known | {port})


def test_nothing_but_a_host_is_still_a_configuration() -> None:
    config = describe(Surroundings(host_name="box"))
    assert config.environment == "this machine"
    assert isinstance(config.sources["host"], HostConfig)
    assert config.sources["host"].system in config.systems
    assert config.systems["host"].label == "box"


def test_web_servers_and_redis_are_asked_and_all_others_only_watched() -> None:
    doors = (
        Door(22, "127.0.0.1", "sshd"),
        Door(3000, "::1", "grafana"),
        Door(5432, "127.0.0.1", "postgres"),
        Door(6379, "127.0.0.1", "redis-server"),
        Door(8080, "127.0.0.1", "not-http"),
        Door(40123, "127.0.0.1", "some-editor"),
    )
    config = describe(Surroundings(host_name="box", doors=doors, web=frozenset({3000})))
    host, system = config.sources["host"], config.systems["host"]
    assert isinstance(host, HostConfig)
    assert host.listeners == (22, 5432, 8080)
    web, redis = system.probes["port-3000"], system.probes["port-6379"]
    assert isinstance(web, HttpProbe)
    assert (web.url, web.method) == ("http://[::1]:3000/", "HEAD")
    assert isinstance(redis, RedisProbe)
    assert set(system.probes) == {"port-3000", "port-6379"}
    assert system.services["port-3000"].label == "grafana :3000"
    assert {probe.service for probe in system.probes.values()} == set(system.services)


def test_every_probe_of_it_can_be_made() -> None:
    doors = (Door(80, "127.0.0.1", "nginx\x1b[2J"), Door(6379, "127.0.0.1", ""))
    config = describe(Surroundings(host_name="box", doors=doors, web=frozenset({80})))
    for name, probe in config.systems["host"].probes.items():
        assert make_probe("host", name, probe, clock=SystemClock()).name.isprintable()


def test_hundreds_of_listeners_are_bounded() -> None:
    doors = tuple(Door(port, "127.0.0.1", "x") for port in range(1, 1000))
    config = describe(Surroundings(host_name="box", doors=doors, web=frozenset(range(1000))))
    host = config.sources["host"]
    assert isinstance(host, HostConfig)
    assert len(host.listeners) <= 24
    assert len(config.systems["host"].probes) <= 16


def test_a_local_prometheus_is_a_system_of_its_jobs() -> None:
    config = describe(Surroundings(host_name="box", prometheus="http://127.0.0.1:9090", jobs=("node", "api")))
    source, system = config.sources["prometheus"], config.systems["prometheus"]
    assert isinstance(source, PrometheusConfig)
    assert source.alerts
    assert set(system.services) == {"node", "api"}
    up = system.indicators["up"]
    assert isinstance(up, GaugeIndicator)
    assert (up.source, up.by, up.down) == ("prometheus", "job", "< 1")


def test_alerts_come_from_the_alertmanager_when_there_is_one() -> None:
    config = describe(Surroundings(host_name="box", prometheus="http://p", alertmanager="http://a"))
    prometheus = config.sources["prometheus"]
    assert isinstance(prometheus, PrometheusConfig)
    assert not prometheus.alerts
    assert isinstance(config.sources["alertmanager"], AlertmanagerConfig)


async def test_doors_of_this_machine_have_their_process_for_a_name() -> None:
    async with serving(silent) as port:
        door = next(door for door in find_doors() if door.port == port)
    assert door == Door(port, "127.0.0.1", psutil.Process().name())


@pytest.mark.parametrize(
    ("addresses", "host"),
    [
        (["0.0.0.0"], "127.0.0.1"),
        (["::"], "127.0.0.1"),
        (["::1"], "::1"),
        (["::1", "127.0.0.1"], "127.0.0.1"),
        (["192.168.1.5"], None),
        (["192.168.1.5", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_only_loopback_is_ever_knocked_at(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], host: str | None
) -> None:
    monkeypatch.setattr(local, "listeners", lambda: {80: [(address, "nginx") for address in addresses]})
    assert [door.host for door in find_doors()] == ([] if host is None else [host])


def test_a_system_that_does_not_tell_has_no_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied() -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(local, "listeners", denied)
    assert find_doors() == ()


@pytest.mark.parametrize(
    ("handler", "found"),
    [
        (saying(b"HTTP/1.1 200 OK\r\n\r\n"), True),
        (saying(b"HTTP/1.1 401 Unauthorized\r\n\r\n"), True),
        (saying(b"220 mail ESMTP\r\n\r\n"), False),
        (saying(b""), False),
        (silent, False),
    ],
)
async def test_a_port_is_a_web_server_when_it_says_so(
    monkeypatch: pytest.MonkeyPatch, only: list[Door], tmp_path: Path, handler: Handler, found: bool
) -> None:
    async with serving(handler) as port:
        _known_for(monkeypatch, "_HTTP", port)
        only.append(Door(port, "127.0.0.1", "web"))
        config = await look_around(_PATIENCE, tmp_path)
    host = config.sources["host"]
    assert isinstance(host, HostConfig)
    assert (f"port-{port}" in config.systems["host"].probes) == found
    assert (port in host.listeners) == (not found)


async def test_what_does_not_answer_in_time_is_left_out(
    monkeypatch: pytest.MonkeyPatch, only: list[Door], tmp_path: Path
) -> None:
    async with serving(silent) as port:
        for table in ("_HTTP", "_PROMETHEUS", "_ALERTMANAGER"):
            _known_for(monkeypatch, table, port)
        only.append(Door(port, "127.0.0.1", "mute"))
        config = await look_around(0.1, tmp_path)
    assert set(config.sources) == {"host"}


async def test_a_real_prometheus_and_a_real_alertmanager_are_found(
    monkeypatch: pytest.MonkeyPatch, only: list[Door], tmp_path: Path, servers: Servers
) -> None:
    exporter = servers.exporter()
    prometheus = servers.prometheus(scrape_targets={"shop-api": [exporter.target]})
    alertmanager = servers.alertmanager()
    for table, server in (("_PROMETHEUS", prometheus), ("_ALERTMANAGER", alertmanager)):
        _known_for(monkeypatch, table, server.port)
        only.append(Door(server.port, "127.0.0.1", ""))
    jobs = f"http://127.0.0.1:{prometheus.port}/api/v1/label/job/values"
    wait_until(lambda: request_json(jobs)["data"] == ["shop-api"], "Prometheus has scraped once")
    config = await look_around(_PATIENCE, tmp_path)
    assert set(config.systems["prometheus"].services) == {"shop-api"}
    found, alerts = config.sources["prometheus"], config.sources["alertmanager"]
    assert isinstance(found, PrometheusConfig)
    assert found.url == f"http://127.0.0.1:{prometheus.port}"
    assert isinstance(alerts, AlertmanagerConfig)
    assert alerts.url == f"http://127.0.0.1:{alertmanager.port}"


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}", b"[" * 100_000, b'{"status":"error"}', b'{"status":5}', b"\xff\xfe", b"x" * 3_000_000],
)
async def test_an_impostor_is_not_taken_for_prometheus(
    monkeypatch: pytest.MonkeyPatch, only: list[Door], tmp_path: Path, body: bytes
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving(saying(answer)) as port:
        for table in ("_PROMETHEUS", "_ALERTMANAGER"):
            _known_for(monkeypatch, table, port)
        only.append(Door(port, "127.0.0.1", "liar"))
        config = await look_around(_PATIENCE, tmp_path)
    assert set(config.sources) == {"host"}


@pytest.mark.usefixtures("no_journal")
async def test_the_systems_log_is_followed_where_there_is_no_journal(only: list[Door], tmp_path: Path) -> None:
    (tmp_path / "syslog").write_text("a line\n", encoding="utf-8")
    (tmp_path / "other.log").write_text("a line\n", encoding="utf-8")
    logs = (await look_around(_PATIENCE, tmp_path)).systems["host"].logs
    assert list(logs) == ["syslog"]
    assert isinstance(logs["syslog"], FileLog)
    assert logs["syslog"].paths == (str(tmp_path / "syslog"),)


async def test_a_journal_with_lines_is_followed(
    monkeypatch: pytest.MonkeyPatch, only: list[Door], tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "_LAST_OF_JOURNAL", ("echo", "a line"))
    logs = (await look_around(_PATIENCE, tmp_path)).systems["host"].logs
    assert isinstance(logs["journal"], JournalLog)


@pytest.mark.parametrize("command", [("true",), ("false",), ("/no/such/journalctl",), ("sleep", "60")])
async def test_a_journal_that_shows_nothing_is_not(
    monkeypatch: pytest.MonkeyPatch, only: list[Door], tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(local, "_LAST_OF_JOURNAL", command)
    (tmp_path / "messages").write_text("a line\n", encoding="utf-8")
    assert "journal" not in (await look_around(_PATIENCE, tmp_path)).systems["host"].logs


def test_the_logs_that_were_written_to_last_stand_in_for_the_systems(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / f"{number}.log"
        file.write_text("a line\n", encoding="utf-8")
        os.utime(file, (number, number))
    (tmp_path / "empty.log").touch()
    (tmp_path / "folder.log").mkdir()
    assert {path.stem for path in log_files(tmp_path)} == {str(number) for number in range(12, 20)}
    assert log_files(tmp_path / "missing") == ()


async def test_this_very_machine() -> None:
    config = await look_around()
    assert isinstance(config.sources["host"], HostConfig)
