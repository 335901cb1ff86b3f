"""A day too big for comfort: a real Prometheus with many services, a real Alertmanager with many alerts, a fast log."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.stage import log as log_stream
from tests.e2e.stage import source
from tests.servers.alertmanager import Alertmanager
from tests.servers.packages import locate
from tests.servers.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

PUSH_EVERY = 5.0
"""Seconds between two samples of a service."""
BUCKETS = ("0.1", "0.5", "1", "+Inf")
_BATCH = 1000


class Fleet:
    """Pushes counters and histograms of many services into a Prometheus, so that rates exist at once."""

    def __init__(self, prometheus: Prometheus, services: int) -> None:
        self._prometheus = prometheus
        self._names = [f"service-{number:04d}" for number in range(services)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Write a minute of the past, then go on."""
        now = time.time()
        for back in range(60, 0, -int(PUSH_EVERY)):
            self.push(now - back)
        self._thread.start()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()
        self._thread.join()

    def push(self, at: float) -> None:
        """One sample of everything."""
        series = []
        for number, name in enumerate(self._names):
            total = at * (5 + number % 50)
            bad = total * (0.002 + 0.02 * (number % 97 == 0) * (1 + math.sin(at / 60)))
            label = {"service": name}
            series.append(({"__name__": "http_requests_total", "status": "200", **label}, [(at, total - bad)]))
            series.append(({"__name__": "http_requests_total", "status": "500", **label}, [(at, bad)]))
            for share, bucket in zip((0.7, 0.97, 0.99, 1.0), BUCKETS, strict=True):
                name_of = "http_request_duration_seconds_bucket"
                series.append(({"__name__": name_of, "le": bucket, **label}, [(at, total * share)]))
        for first in range(0, len(series), _BATCH):
            self._prometheus.push(series[first : first + _BATCH])

    def _run(self) -> None:
        while not self._stop.wait(PUSH_EVERY):
            self.push(time.time())


class Writer:
    """Appends JSON lines to a file at a steady rate."""

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.lines = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begun = time.perf_counter()
        with self._path.open("ab", buffering=0) as file:
            while not self._stop.wait(0.02):
                due = int((time.perf_counter() - begun) * self._rate) - self.lines
                stamp = datetime.now(UTC).isoformat()
                block = "".join(log_line(stamp, self.lines + number) for number in range(due))
                file.write(block.encode())
                self.lines += due


def log_line(stamp: str, number: int) -> str:
    """About 170 bytes, an error now and then."""
    level = "ERROR" if number % 97 == 0 else "INFO"
    return (
        json.dumps(
            {
                "timestamp": stamp,
                "level": level,
                "logger": "api.prices",
                "message": f"GET /v1/prices/{number % 1000} in {number % 250} ms",
                "request_id": f"{number:016x}",
                "line": 41,
            }
        )
        + "\n"
    )


def fire_alerts(alertmanager: Alertmanager, count: int) -> None:
    """Post so many alerts that all differ."""
    now = datetime.now(UTC)
    words = ("critical", "high", "medium", "low")
    for first in range(0, count, _BATCH):
        alertmanager.post(
            *(
                {
                    "labels": {
                        "alertname": f"Rule{number % 40}",
                        "service": f"service-{number % 1000:04d}",
                        "system": "shop",
                        "severity": words[number % 4],
                        "instance": f"10.0.{number // 250}.{number % 250}:9100",
                    },
                    "annotations": {"summary": f"value {number} is over its limit"},
                    "startsAt": (now - timedelta(seconds=60 + number)).isoformat(),
                    "endsAt": (now + timedelta(hours=2)).isoformat(),
                }
                for number in range(first, min(first + _BATCH, count))
            )
        )


@contextlib.contextmanager
def load(*, services: int, alerts: int, rate: int, interval: str = "1s") -> Iterator[Path]:
    """The path of a configuration that watches all of it; everything is ended in the end."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        root = Path(folder)
        (root / "prometheus").mkdir()
        (root / "alertmanager").mkdir()
        prometheus = Prometheus(locate("prometheus"), root / "prometheus")
        alertmanager = Alertmanager(locate("alertmanager"), root / "alertmanager")
        for server in (prometheus, alertmanager):
            stack.callback(server.stop)
            server.start()
        fleet = Fleet(prometheus, services)
        fleet.start()
        stack.callback(fleet.stop)
        fire_alerts(alertmanager, alerts)
        log = root / "api.log"
        log.touch()
        if rate:
            writer = Writer(log, rate)
            writer.start()
            stack.callback(writer.stop)
        path = root / "config.toml"
        path.write_text(_config(prometheus.url, alertmanager.url, log, services, interval), encoding="utf-8")
        yield path


def _config(prometheus: str, alertmanager: str, log: Path, services: int, interval: str) -> str:
    named = "\n".join(f"[systems.shop.services.service-{number:04d}]" for number in range(services))
    return f"""
environment = "bench"
[environments.bench]
{source("prom", "prometheus", prometheus, interval=interval, timeout="10s")}
{source("am", "alertmanager", alertmanager, interval=interval, timeout="10s")}
[sources.host]
type = "host"
interval = "{interval}"
[systems.shop]
service_labels = ["service"]
respond = {{ P1 = "15m", P2 = "1h", P3 = "4h", P4 = "1d" }}
[systems.shop.indicators.errors]
kind = "ratio"
source = "prom"
heading = "ERR%"
total = "http_requests_total"
bad = 'http_requests_total{{status=~"5.."}}'
window = "30s"
degraded = "> 1%"
down = "> 20%"
[systems.shop.indicators.latency]
kind = "latency"
source = "prom"
heading = "P95"
histogram = "http_request_duration_seconds_bucket"
window = "30s"
degraded = "> 2s"
{log_stream(log, "service-0000")}
{named}
"""
