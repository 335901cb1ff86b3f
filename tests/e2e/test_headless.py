"""The command line against real servers: exit codes, documents, and what it says while things change."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.e2e import stage
from tests.terminal.terminal import Terminal, environment
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from tests.servers.alertmanager import Alertmanager
    from tests.servers.fixtures import Servers
    from tests.servers.prometheus import Prometheus
    from tests.servers.redis import Redis

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}
GRAVE = {"alertname": "Fire", "severity": "critical", "system": "shop", "service": "web"}


class Follower:
    """A headless command that goes on; its rows are collected until Ctrl-c."""

    def __init__(self, *words: str | Path, home: Path, variables: Mapping[str, str | None] | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            stage.program(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(home, **(variables or {})),
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="follower", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._reader.join()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Return when a row that is wanted has come."""
        wait_until(lambda: any(wanted(row) for row in tuple(self.rows)), what)

    def interrupt(self) -> int:
        """Press Ctrl-c; the exit code."""
        return self.end(signal.SIGINT)

    def end(self, number: signal.Signals) -> int:
        """Send the signal; the exit code."""
        self._process.send_signal(number)
        self._reader.join(20)
        return self._process.wait(20)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.rows.append(json.loads(line))


class Shop:
    def __init__(self, servers: Servers, folder: Path) -> None:
        self.exporter = servers.exporter()
        self.alertmanager: Alertmanager = servers.alertmanager()
        self.prometheus: Prometheus = servers.prometheus(scrape_targets={"shop": [self.exporter.target]})
        self.redis: Redis = servers.redis()
        self.log = folder / "api.log"
        self.log.write_text('{"level": "info", "message": "opened"}\n{"level": "error", "message": "spilled"}\n')
        self.config = folder / "config.toml"
        self.config.write_text(
            stage.HEAD
            + stage.source("prom", "prometheus", self.prometheus.url)
            + stage.source("am", "alertmanager", self.alertmanager.url, 'watchdog = "Watchdog"')
            + "[systems.shop]\n[systems.shop.services.api]\n[systems.shop.services.web]\n"
            + '[systems.shop.indicators.queue]\nkind = "gauge"\nsource = "prom"\nheading = "QUEUE"\n'
            + 'query = "max by (service) (queue_length)"\ndegraded = "> 10"\ndown = "> 1000"\n'
            + '[systems.shop.probes.redis]\nkind = "redis"\nservice = "web"\nhost = "127.0.0.1"\n'
            + f'port = {self.redis.port}\ninterval = "1s"\n'
            + stage.log(self.log),
            encoding="utf-8",
        )

    def queue(self, length: float) -> None:
        """Give both services a queue, and wait until Prometheus knows."""
        for service in ("api", "web"):
            self.exporter.set("queue_length", length, {"service": service})
        self.prometheus.wait_for(f"min(queue_length) == {length}")


@pytest.fixture(scope="module")
def servers_of_the_shop(module_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(module_servers, tmp_path_factory.mktemp("shop"))


@pytest.fixture
def shop(servers_of_the_shop: Shop) -> Iterator[Shop]:
    """A shop in which all is well, and known to be."""
    servers_of_the_shop.queue(3)
    servers_of_the_shop.alertmanager.fire(WATCHDOG)
    servers_of_the_shop.alertmanager.wait_for("Watchdog")
    yield servers_of_the_shop
    servers_of_the_shop.alertmanager.resolve(GRAVE)
    wait_until(
        lambda: all(alert["labels"] != GRAVE for alert in servers_of_the_shop.alertmanager.alerts()), "the fire is out"
    )


def code(shop: Shop, home: Path, command: str = "status") -> int:
    return stage.run(command, "--config", shop.config, "-o", "json", home=home).code


def test_exit_codes_say_how_bad_it_is(shop: Shop, tmp_path: Path) -> None:
    well = stage.run("status", "--config", shop.config, "-o", "json", home=tmp_path)
    assert (well.code, well.document["quiet_is_proven"]) == (0, True)
    assert {code(shop, tmp_path, command) for command in ("services", "alerts")} == {0}
    shop.queue(50)
    assert (code(shop, tmp_path), code(shop, tmp_path, "alerts")) == (1, 0)
    shop.queue(5000)
    assert code(shop, tmp_path, "services") == 2
    shop.queue(3)
    shop.alertmanager.fire(GRAVE)
    shop.alertmanager.wait_for("Fire")
    assert (code(shop, tmp_path, "services"), code(shop, tmp_path, "alerts")) == (0, 2)


def test_an_unreachable_source_is_unknown_not_well(shop: Shop, tmp_path: Path) -> None:
    shop.alertmanager.stop()
    try:
        alerts = stage.run("alerts", "--config", shop.config, "-o", "json", home=tmp_path)
        assert (alerts.code, alerts.document["quiet_is_proven"], alerts.document["alerts"]) == (3, False, [])
        assert code(shop, tmp_path) == 3
        assert code(shop, tmp_path, "services") == 0
    finally:
        shop.alertmanager.start()


def test_watching_prints_each_change_until_ctrl_c(shop: Shop, tmp_path: Path) -> None:
    with Follower("services", "--config", shop.config, "-o", "ndjson", "--watch", home=tmp_path) as follower:
        follower.wait_for(lambda row: row["service"] == "api" and row["state"] == "ok", "api is ok")
        shop.queue(50)
        follower.wait_for(lambda row: row["service"] == "api" and row["state"] == "degraded", "api is degraded")
        assert follower.interrupt() == 130
    with Follower("alerts", "--config", shop.config, "-o", "json", "--watch", home=tmp_path) as follower:
        follower.wait_for(lambda row: row["quiet_is_proven"], "quiet is proven")
        shop.alertmanager.fire(GRAVE)
        follower.wait_for(lambda row: any(alert["name"] == "Fire" for alert in row["alerts"]), "the fire")
        assert follower.interrupt() == 130
    with Follower("alerts", "--config", shop.config, "-o", "ndjson", "--watch", home=tmp_path) as follower:
        follower.wait_for(lambda row: row["name"] == "Fire" and row["state"] == "firing", "the fire")
        shop.alertmanager.resolve(GRAVE)
        follower.wait_for(lambda row: row["name"] == "Fire" and row["state"] == "resolved", "the end of the fire")
        assert follower.interrupt() == 130
        assert [row["state"] for row in follower.rows if row["name"] == "Fire"] == ["firing", "resolved"]


def test_sigterm_ends_a_follower_and_its_children(tmp_path: Path) -> None:
    journal, pid, config = tmp_path / "bin" / "journalctl", tmp_path / "pid", tmp_path / "config.toml"
    journal.parent.mkdir()
    journal.write_text(
        f"#!/bin/sh\necho $$ > {pid}\n"
        """echo '{"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1769860800000000", "MESSAGE": "hello"}'\n"""
        "exec sleep 1000\n"
    )
    journal.chmod(0o755)
    config.write_text('[systems.shop.services.api]\n[systems.shop.logs.all]\nkind = "journal"\n')
    words = ("logs", "--config", config, "-o", "ndjson", "--follow")
    path = f"{journal.parent}:{os.environ['PATH']}"
    with Follower(*words, home=tmp_path, variables={"PATH": path}) as follower:
        follower.wait_for(lambda row: row["message"] == "hello", "the journal")
        assert follower.end(signal.SIGTERM) == 143
    wait_until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists(), "the journal's process is gone")


def test_following_logs_prints_each_line_once(shop: Shop, tmp_path: Path) -> None:
    words = ("logs", "--config", shop.config, "-o", "ndjson", "--follow", "--level", "error")
    with Follower(*words, home=tmp_path) as follower:
        follower.wait_for(lambda row: row["message"] == "spilled", "the line of the past")
        with shop.log.open("a", encoding="utf-8") as file:
            for number in range(200):
                level = "error" if number % 2 else "info"
                file.write(json.dumps({"level": level, "message": f"line {number}"}) + "\n")
        follower.wait_for(lambda row: row["message"] == "line 199", "the last line")
        assert follower.interrupt() == 130
        said = [row["message"] for row in follower.rows if row["message"].startswith("line ")]
        assert said == [f"line {number}" for number in range(1, 200, 2)]


def test_a_reader_that_goes_away_ends_the_watch(shop: Shop, tmp_path: Path) -> None:
    words = stage.program("services", "--config", shop.config, "-o", "ndjson", "--watch")
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        shop.queue(60)
        assert process.wait(20) == 141
        assert process.stderr.read() == b""


def test_without_a_terminal_it_prints_the_status_and_says_how_to_get_more(shop: Shop, tmp_path: Path) -> None:
    done = stage.run("--config", shop.config, home=tmp_path)
    assert done.code == 0
    assert b"shop" in done.output
    assert b"\x1b" not in done.output
    assert b"Run tuiops in one for the console" in done.errors


def test_plain_in_a_terminal_goes_on(shop: Shop, tmp_path: Path) -> None:
    with Terminal("--config", shop.config, "--plain", home=tmp_path) as terminal:
        terminal.wait_for("shopfloor", "shop", "ok")
        shop.queue(70)
        terminal.wait_for("degraded")
        terminal.press("\x03")
        assert terminal.wait() == 130
        assert b"\x1b[?1049h" not in terminal.output


def test_an_empty_home_watches_this_machine(tmp_path: Path) -> None:
    done = stage.run("status", "-o", "json", home=tmp_path)
    assert done.code in {0, 1, 2, 3}
    assert [system["system"] for system in done.document["systems"]][:1] == ["host"]
    with Terminal(home=tmp_path) as terminal:
        terminal.wait_for("this machine", "1 Health", "live")
        terminal.prompt(":", "q")
        assert terminal.wait() == 0
