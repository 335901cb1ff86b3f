"""The harness itself: each server starts, answers and ends."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.servers import packages
from tests.servers.fixtures import program
from tests.servers.http import answers, request_json
from tests.servers.packages import MissingServer, Package
from tests.servers.processes import ServerProcess, listens
from tests.servers.remote_write import snappy, write_request
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.servers.fixtures import Servers

RULES = """
groups:
  - name: test
    interval: 1s
    rules:
      - alert: TooManyErrors
        expr: errors > 5
        labels: {severity: critical}
        annotations: {summary: "{{ $value }} errors"}
"""


def test_prometheus_scrapes_evaluates_and_notifies(servers: Servers) -> None:
    exporter = servers.exporter()
    exporter.set("errors", 9, {"service": 'a "quoted" name'})
    alertmanager = servers.alertmanager()
    prometheus = servers.prometheus(
        scrape_targets={"api": [exporter.target]},
        rules=RULES,
        alertmanagers=[alertmanager.target],
        external_labels={"region": "test"},
    )

    assert prometheus.wait_for("errors")[0]["metric"]["service"] == 'a "quoted" name'
    prometheus.wait_for_alert("TooManyErrors")
    alert = alertmanager.wait_for("TooManyErrors")
    assert alert["labels"]["region"] == "test"
    assert alert["annotations"]["summary"] == "9 errors"


def test_prometheus_takes_samples_of_the_past(servers: Servers) -> None:
    prometheus = servers.prometheus()
    now = time.time()

    prometheus.push([({"__name__": "pushed", "service": "a"}, [(now - 60, 1.0), (now - 1, 2.5)])])

    assert prometheus.query("pushed")[0]["value"][1] == "2.5"
    assert prometheus.query("pushed offset 50s")[0]["value"][1] == "1"


def test_prometheus_comes_back_on_its_port_with_its_data(servers: Servers) -> None:
    prometheus = servers.prometheus()
    prometheus.push([({"__name__": "pushed"}, [(time.time(), 1.0)])])

    prometheus.stop()
    assert not listens(prometheus.port)
    prometheus.start()

    assert prometheus.query("pushed")


def test_prometheus_reads_other_rules(servers: Servers) -> None:
    prometheus = servers.prometheus()
    prometheus.push([({"__name__": "errors"}, [(time.time(), 6.0)])])

    prometheus.reload(RULES)

    prometheus.wait_for_alert("TooManyErrors")


def test_alertmanager_silences_and_inhibits(servers: Servers) -> None:
    alertmanager = servers.alertmanager(
        inhibit_rules=[{"source_matchers": ['alertname="Root"'], "target_matchers": ['alertname="Leaf"'], "equal": []}]
    )
    silence = alertmanager.silence({"alertname": "Quiet"})
    for name in ("Root", "Leaf", "Quiet"):
        alertmanager.fire({"alertname": name, "severity": "critical"}, {"summary": name})

    assert alertmanager.wait_for("Quiet", "suppressed")["status"]["silencedBy"] == [silence]
    root = alertmanager.wait_for("Root")
    assert alertmanager.wait_for("Leaf", "suppressed")["status"]["inhibitedBy"] == [root["fingerprint"]]
    alertmanager.resolve({"alertname": "Root", "severity": "critical"})
    alertmanager.wait_for("Leaf")


def test_victoriametrics_answers_like_prometheus(servers: Servers) -> None:
    exporter = servers.exporter()
    exporter.set("temperature", 21)
    victoria = servers.victoriametrics(scrape_targets={"api": [exporter.target]})
    victoria.push([({"__name__": "pushed"}, [(time.time() - 1, 4.0)])])

    def result(metric: str) -> list[object]:
        found: list[object] = request_json(f"{victoria.url}/api/v1/query?query={metric}")["data"]["result"]
        return found

    wait_until(lambda: bool(result("pushed")), "the pushed sample")
    wait_until(lambda: bool(result("temperature")), "the scraped sample")


def test_exporters_export(servers: Servers) -> None:
    node = servers.node_exporter()
    redis = servers.redis()
    exporter = servers.redis_exporter(redis)
    prometheus = servers.prometheus(scrape_targets={"node": [node.target], "redis": [exporter.target]})

    assert prometheus.wait_for("node_load1")
    assert prometheus.wait_for("redis_up")[0]["value"][1] == "1"


def test_redis_asks_for_its_password(servers: Servers) -> None:
    redis = servers.redis(password="sesame")

    assert redis.send(b"PING\r\n").startswith(b"-NOAUTH")
    assert redis.send(b"AUTH sesame\r\n").startswith(b"+OK")


def test_sshd_runs_commands_and_forwards(servers: Servers) -> None:
    sshd = servers.sshd()
    redis = servers.redis()
    command = [
        str(program("ssh").path), "-F", "none", "-p", str(sshd.port), "-i", str(sshd.identity), "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={sshd.known_hosts}", "-o", "StrictHostKeyChecking=yes", "-o", "IdentityAgent=none",
    ]  # fmt: skip
    address = f"{sshd.user}@{sshd.host}"

    said = subprocess.run([*command, address, "echo", "hello"], capture_output=True, check=True, timeout=30)
    forwarded = subprocess.run(
        [*command, "-W", f"{redis.host}:{redis.port}", address],
        input=b"PING\r\nQUIT\r\n",
        capture_output=True,
        check=True,
        timeout=30,
    )

    assert said.stdout == b"hello\n"
    assert forwarded.stdout.startswith(b"+PONG")


def test_an_exporter_can_fail_and_come_back(servers: Servers) -> None:
    exporter = servers.exporter()
    exporter.status = 503
    assert answers(exporter.url, 503)
    exporter.stop()
    assert not answers(exporter.url)
    exporter.status = 200
    exporter.start()
    assert answers(exporter.url)


def test_a_server_that_does_not_start_shows_its_output(tmp_path: Path) -> None:
    process = ServerProcess(["sh", "-c", "echo no such option; exit 3"], tmp_path / "log")

    with pytest.raises(AssertionError, match="status 3") as caught:
        process.start(lambda: False)

    assert "no such option" in "".join(caught.value.__notes__)


def test_stopping_ends_the_children_too(tmp_path: Path) -> None:
    marker = tmp_path / "child"
    process = ServerProcess(
        ["sh", "-c", f"trap '' TERM; sleep 1000 & echo $! > {marker}.new; mv {marker}.new {marker}; wait"],
        tmp_path / "log",
    )
    process.start(marker.exists)
    child = int(marker.read_text())

    process.kill()

    wait_until(lambda: not _alive(child), "the end of the child")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_missing_program_says_what_would_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TUIOPS_TEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(packages.PACKAGES, "prometheus", Package(("no-such-program",), ("no-such-package",), "x"))

    with pytest.raises(MissingServer, match="no-such-program is not on PATH, and without apt-get"):
        packages.locate("prometheus")


def test_remote_write_is_the_documented_bytes() -> None:
    message = write_request([({"__name__": "a"}, [(1.0, 1.0)])])

    assert message.hex() == "0a1d0a0d0a085f5f6e616d655f5f120161120c09000000000000f03f10e807"
    assert snappy(b"abc") == b"\x03\xf4\x02\x00abc"


def test_postgresql_asks_for_its_password_and_keeps_what_it_has(servers: Servers) -> None:
    server = servers.postgresql()
    address = server.schema()
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address, password="wrong")
    server.stop()
    assert not listens(server.port)
    server.start()
    server.process.kill()
    server.start()

    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(7,)]
