"""A refresh of 1,000 services: one query for each indicator, beside one query for each service.

What each costs is the CPU of both sides. Time would flatter many small queries, which keep all cores busy at once.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import psutil

from benchmarks.load import load
from benchmarks.table import Row, show
from tuiops.config.load import load as load_config
from tuiops.config.secrets import resolve_secret
from tuiops.config.sources import PrometheusConfig
from tuiops.core.clock import SystemClock
from tuiops.sources.http import HttpClient, HttpConnector
from tuiops.sources.prometheus.source import PrometheusSource
from tuiops.sources.prometheus.wire import Envelope, Vector

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = 1000
ROUNDS = 20
ERRORS = (
    'sum(rate(http_requests_total{{service="{0}",status=~"5.."}}[30s]))'
    ' / sum(rate(http_requests_total{{service="{0}"}}[30s]))'
)
LATENCY = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{service="{0}"}}[30s])))'


class Cost:
    """Seconds of CPU that this thread and the Prometheus server take."""

    def __init__(self) -> None:
        self._server = next(one for one in psutil.Process().children(recursive=True) if one.name() == "prometheus")
        self._begun = self._now()

    def taken(self) -> float:
        """Since this was made."""
        return self._now() - self._begun

    def _now(self) -> float:
        server = self._server.cpu_times()
        return time.thread_time() + server.user + server.system


async def fleet_refresh(path: Path) -> tuple[float, int, int]:
    """Cost and requests of a refresh, and the readings that it gave."""
    config = load_config(path).config
    connector = HttpConnector(resolve_secret, SystemClock())
    settings = config.sources["prom"]
    assert isinstance(settings, PrometheusConfig)
    source = PrometheusSource("prom", settings, config.systems, connector, SystemClock())
    await source.read_health()
    requests, readings = [], 0
    cost = Cost()
    for _ in range(ROUNDS):
        update = await source.read_health()
        requests.append(update.requests)
        readings = len(update.readings)
    taken = cost.taken()
    await source.close()
    return taken / ROUNDS, max(requests), readings


async def each_service(path: Path) -> tuple[float, int]:
    """Cost and requests when every service is asked about by itself, four at a time, by the same client."""
    config = load_config(path).config
    settings = config.sources["prom"]
    assert isinstance(settings, PrometheusConfig)
    client = HttpConnector(resolve_secret, SystemClock()).client(settings)
    queries = [form.format(f"service-{number:04d}") for form in (ERRORS, LATENCY) for number in range(SERVICES)]
    gate = asyncio.Semaphore(4)
    cost = Cost()
    await asyncio.gather(*(_ask(client, query, gate) for query in queries))
    taken = cost.taken()
    await client.close()
    return taken, len(queries)


async def _ask(client: HttpClient, query: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        await client.read(Envelope[Vector], "/api/v1/query", form=(("query", query),))


def main() -> None:
    """Print the table."""
    with load(services=SERVICES, alerts=0, rate=0) as path:
        ours, requests, readings = asyncio.run(fleet_refresh(path))
        theirs, asked = asyncio.run(each_service(path))
    rows = [
        Row(
            "CPU of a refresh, both sides",
            f"{ours * 1000:.0f} ms",
            f"{theirs * 1000:,.0f} ms, a query each",
            f"{theirs / ours:.0f} × cheaper",
            "≥ 50 ×",
            theirs / ours >= 50,
        ),
        Row(f"requests for {readings:,} readings", str(requests), f"{asked:,}", "", "≤ 10", requests <= 10),
    ]
    show("Polling 1,000 services on a real Prometheus", rows)


if __name__ == "__main__":
    main()
