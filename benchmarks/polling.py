"""A refresh of 1,000 services: one query for each indicator, beside one query for each service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.load import load
from benchmarks.table import Row, median, show
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
ROUNDS = 5
ERRORS = (
    'sum(rate(http_requests_total{{service="{0}",status=~"5.."}}[30s]))'
    ' / sum(rate(http_requests_total{{service="{0}"}}[30s]))'
)
LATENCY = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{{service="{0}"}}[30s])))'


async def fleet_refresh(path: Path) -> tuple[float, int, int]:
    """Seconds (median) and requests of a refresh, and the readings that it gave."""
    config = load_config(path).config
    connector = HttpConnector(resolve_secret, SystemClock())
    settings = config.sources["prom"]
    assert isinstance(settings, PrometheusConfig)
    source = PrometheusSource("prom", settings, config.systems, connector, SystemClock())
    await source.read_health()
    took, requests, readings = [], [], 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        update = await source.read_health()
        took.append(time.perf_counter() - begun)
        requests.append(update.requests)
        readings = len(update.readings)
    await source.close()
    return median(took), max(requests), readings


async def each_service(path: Path) -> tuple[float, int]:
    """Seconds and requests when every service is asked about by itself, four at a time."""
    config = load_config(path).config
    settings = config.sources["prom"]
    assert isinstance(settings, PrometheusConfig)
    client = HttpConnector(resolve_secret, SystemClock()).client(settings)
    queries = [form.format(f"service-{number:04d}") for form in (ERRORS, LATENCY) for number in range(SERVICES)]
    begun = time.perf_counter()
    gate = asyncio.Semaphore(4)
    await asyncio.gather(*(_ask(client, query, gate) for query in queries))
    took = time.perf_counter() - begun
    await client.close()
    return took, len(queries)


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
            "time of a refresh",
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
