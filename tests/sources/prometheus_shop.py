"""A shop with two services and a ratio of errors, and the Prometheus source that reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tuiops.config.sources import PrometheusConfig
from tuiops.config.systems import RatioIndicator, Service, System
from tuiops.core.clock import SystemClock
from tuiops.sources.http import HttpConnector
from tuiops.sources.prometheus.alerts import prometheus_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.sources.prometheus.source import PrometheusSource

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ERRORS = RatioIndicator(
    source="prom", heading="ERR%", total="requests_total", bad='requests_total{status=~"5.."}', objective="99%"
)
SERVICES = {"api": Service(), "web": Service(match="frontend")}


def source(url: str, systems: Mapping[str, System], **settings: object) -> PrometheusSource:
    config = PrometheusConfig(url=url, **settings)  # type: ignore[arg-type] # by the test
    clock = SystemClock()
    return prometheus_source("prom", config, systems, HttpConnector(lambda _: "", clock), clock)
