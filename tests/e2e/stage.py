"""A small shop on real servers, and the configuration that watches it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from tests.terminal.terminal import environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from tests.servers.exporter import Exporter
    from tests.servers.sshd import Sshd

RULES = """
groups:
- name: shop
  interval: 1s
  rules:
  - alert: Watchdog
    expr: vector(1)
    labels: {severity: none, system: shop, service: api}
  - alert: Slow
    expr: queue_length > 100
    labels: {severity: high, system: shop}
    annotations: {summary: "{{ $value }} in the queue"}
"""
HEAD = """
environment = "shopfloor"
[environments.shopfloor]
production = true
"""
SOURCE = """
[sources.{name}]
type = "{kind}"
url = "{url}"
interval = "{interval}"
timeout = "{timeout}"
{more}
"""
SHOP = """
[systems.shop]
respond = { P1 = "15m", P2 = "1h" }
[systems.shop.services.api]
[systems.shop.services.web]
[systems.shop.indicators.queue]
kind = "gauge"
source = "prom"
heading = "QUEUE"
query = "max by (service) (queue_length)"
degraded = "> 10"
down = "> 1000"
[systems.shop.indicators.errors]
kind = "ratio"
source = "prom"
heading = "ERR%"
total = "http_requests_total"
bad = 'http_requests_total{status="500"}'
window = "10s"
degraded = "> 1%"
down = "> 50%"
"""


def source(name: str, kind: str, url: str, *more: str, interval: str = "1s", timeout: str = "3s") -> str:
    """One source of a configuration."""
    return SOURCE.format(name=name, kind=kind, url=url, more="\n".join(more), interval=interval, timeout=timeout)


def log(path: Path, service: str = "api") -> str:
    """A log stream of one of the shop's services."""
    return f'[systems.shop.logs.api]\nkind = "file"\nservice = "{service}"\npaths = ["{path}"]\n'


def bastion(sshd: Sshd) -> str:
    """The bastion `edge`."""
    return (
        f'[bastions.edge]\nhost = "{sshd.host}"\nport = {sshd.port}\nuser = "{sshd.user}"\n'
        f'known_hosts = "{sshd.known_hosts}"\nidentity = "{sshd.identity}"\n'
        'ssh_config = "/dev/null"\nconnect_timeout = "3s"\nkeepalive = "1s"\n'
    )


class Traffic:
    """Customers of the shop: the api fails sometimes, the web never."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for service, bad, queue in (("api", 6.0, 3), ("web", 0.0, 1)):
                labels = {"service": service}
                self._exporter.add("http_requests_total", 94.0, {"status": "200", **labels})
                self._exporter.add("http_requests_total", bad, {"status": "500", **labels})
                self._exporter.set("queue_length", queue, labels)
            if self._stop.wait(0.2):
                return


class Writer:
    """A log that grows by ten JSON lines a second."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            while not self._stop.wait(0.1):
                self.lines += 1
                at = datetime.now(UTC).isoformat()
                file.write(json.dumps({"time": at, "level": "info", "message": f"order {self.lines} done"}) + "\n")
                file.flush()


def program(*words: str | Path) -> list[str]:
    """The command line of the program with these words."""
    return [sys.executable, "-m", "tuiops", *(str(word) for word in words)]


def run(*words: str | Path, home: Path, variables: Mapping[str, str | None] | None = None) -> Run:
    """Run a headless command to its end."""
    done = subprocess.run(
        program(*words),
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(home, **(variables or {})),
        timeout=60,
    )
    return Run(done.returncode, done.stdout, done.stderr)


class Run:
    """What a command left behind."""

    def __init__(self, code: int, output: bytes, errors: bytes) -> None:
        self.code = code
        self.output = output
        self.errors = errors

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found: dict[str, Any] = json.loads(self.output)
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines of NDJSON."""
        return [json.loads(line) for line in self.output.splitlines()]
