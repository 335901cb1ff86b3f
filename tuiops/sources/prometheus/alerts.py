"""A Prometheus whose own alerts are read, for where no Alertmanager gets them all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.text import SafeText, fmt, safe
from tuiops.core.updates import AlertsUpdate
from tuiops.errors import BadAnswer
from tuiops.sources.alert_mapping import AlertMapper, Native, keep_worst
from tuiops.sources.http_errors import deadline
from tuiops.sources.prometheus import wire
from tuiops.sources.prometheus.external_labels import external_labels
from tuiops.sources.prometheus.source import PrometheusSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.sources import PrometheusConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.http import HttpConnector
    from tuiops.sources.prometheus.poll import Poll

LABELS_SECONDS = 600.0
"""Time between looks at the server's external labels."""

_BREATH = 250
"""Alerts after which other work gets a turn."""

_STATES = {"pending": AlertState.PENDING, "firing": AlertState.FIRING}


class PrometheusAlertsSource(PrometheusSource):
    """Everything that a PrometheusSource reads, and alerts."""

    def __init__(
        self,
        name: str,
        config: PrometheusConfig,
        systems: Mapping[str, System],
        connect: HttpConnector,
        clock: Clock,
    ) -> None:
        super().__init__(name, config, systems, connect, clock)
        self._mapper = AlertMapper(systems, name)
        self._labels: dict[str, str] = {}
        self._labels_read: float | None = None
        self._label_warning: SafeText | None = None

    async def read_alerts(self) -> AlertsUpdate:
        """Pending and firing alerts, with the labels that the server adds when it sends them to an Alertmanager."""
        at = self._clock.now()
        poll = self._poll()
        async with deadline(self.timeout, self._client.server):
            poll.requests += 1
            answer = await self._client.read(wire.AlertsAnswer, "/api/v1/alerts")
            added = await self._external_labels(poll)
            await self._check_rules(poll)
        watchdog = None if self._config.watchdog is None else False
        found: list[Alert] = []
        for position, native in enumerate(answer.data.alerts):
            if position % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            # An unknown state is as bad as the worst: nothing is hidden by a word that is not understood.
            state = AlertState.RESOLVED if native.state == "inactive" else _STATES.get(native.state, AlertState.FIRING)
            if state is AlertState.RESOLVED:
                continue
            if self._config.watchdog is not None and native.labels.get("alertname") == self._config.watchdog:
                watchdog = watchdog or state is AlertState.FIRING
                continue
            labels = {**added, **native.labels}
            found.append(self._mapper.alert(Native(labels, native.annotations, native.active_at, state), at))
        kept, dropped = keep_worst(found, self._config.max_items)
        return AlertsUpdate(
            at=at,
            alerts=tuple(kept),
            knows_silences=False,
            warnings=poll.warnings,
            watchdog=watchdog,
            requests=poll.requests,
            dropped=dropped,
        )

    async def _external_labels(self, poll: Poll) -> Mapping[str, str]:
        if self._config.external_labels:
            return self._config.external_labels
        now = self._clock.monotonic()
        if self._labels_read is None or now - self._labels_read >= LABELS_SECONDS:
            self._label_warning = None
            found = await poll.optional(wire.ConfigAnswer, "/api/v1/status/config")
            try:
                self._labels = external_labels(found.yaml) if found is not None else {}
            except BadAnswer as error:
                self._label_warning = fmt("{}: {}", self.name, safe(str(error)))
            self._labels_read = now
        if self._label_warning is not None:
            poll.warn(self._label_warning)
        return self._labels


def prometheus_source(
    name: str, config: PrometheusConfig, systems: Mapping[str, System], connect: HttpConnector, clock: Clock
) -> PrometheusSource:
    """The source that a configuration asks for. What it does not read, it has no method for."""
    kind = PrometheusAlertsSource if config.alerts else PrometheusSource
    return kind(name, config, systems, connect, clock)
