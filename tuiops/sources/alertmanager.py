"""Alertmanager (API v2) as a source: alerts with their silences and inhibitions.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
from msgspec import Meta

from tuiops.core.alerts import Alert, AlertState
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.core.updates import AlertsUpdate
from tuiops.sources.alert_mapping import AlertMapper, Native, keep_worst
from tuiops.sources.http import decode
from tuiops.sources.http_errors import deadline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tuiops.config.sources import AlertmanagerConfig
    from tuiops.config.systems import System
    from tuiops.core.clock import Clock
    from tuiops.sources.http import HttpConnector

STATUS_SECONDS = 60.0
"""Time between looks at the state of the cluster."""

_BREATH = 250
"""Alerts after which other work gets a turn."""
_COMMENT = 512


class NativeStatus(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """Why an alert is or is not sent on."""

    state: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    """Names of time intervals; Alertmanager 0.28 and later."""


class NativeAlert(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """An alert as Alertmanager has it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    fingerprint: str
    starts_at: Annotated[datetime, Meta(tz=True)]
    ends_at: Annotated[datetime, Meta(tz=True)]
    status: NativeStatus
    generator_url: str = msgspec.field(default="", name="generatorURL")


class NativeSilence(msgspec.Struct, frozen=True, rename="camel"):
    """Who silenced what, and why."""

    id: str
    created_by: str = ""
    comment: str = ""


class Cluster(msgspec.Struct, frozen=True):
    """`ready`, `settling` or `disabled`."""

    status: str = ""


class ServerStatus(msgspec.Struct, frozen=True):
    cluster: Cluster = Cluster()


class _Seen(NamedTuple):
    """The last answer: most of them are the same, byte for byte, and ten thousand alerts are dear to read."""

    mark: int | None = None
    natives: Sequence[NativeAlert] = ()
    silences: Mapping[str, SafeText] = MappingProxyType({})
    alerts: list[Alert] | None = None


class AlertmanagerSource:
    """Alerts of one Alertmanager. Several of them are merged above, by the labels of their alerts."""

    def __init__(
        self,
        name: str,
        config: AlertmanagerConfig,
        systems: Mapping[str, System],
        connect: HttpConnector,
        clock: Clock,
    ) -> None:
        self.name = safe(name)
        self.kind = lit("alertmanager")
        self.interval = float(config.interval)
        self.timeout = float(config.timeout)
        self._config = config
        self._clock = clock
        self._client = connect.client(config)
        self._mapper = AlertMapper(systems, name)
        self._cluster: tuple[SafeText, ...] = ()
        self._cluster_checked: float | None = None
        self._seen = _Seen()
        self._known: dict[str, tuple[Native, Alert]] = {}
        """The last answer's alerts by their fingerprints: most of ten thousand are the same a second later."""

    async def close(self) -> None:
        await self._client.close()

    async def read_alerts(self) -> AlertsUpdate:
        """Every alert that has not resolved, those that call nobody included."""
        at = self._clock.now()
        before = self._client.requests
        async with deadline(self.timeout, self._client.server):
            natives = self._read(await self._fetch(self._config.filter))
            barks = await self._watchdog(natives, at)
            silences = await self._silences(natives)
            await self._check_cluster()
            if self._seen.alerts is not None and silences == self._seen.silences:
                found = self._seen.alerts
            else:
                found = await self._mapped(natives, silences, at)
            self._seen = self._seen._replace(silences=silences, alerts=found)
        kept, dropped = keep_worst(found, self._config.max_items)
        return AlertsUpdate(
            at=at,
            alerts=tuple(kept),
            warnings=self._cluster,
            watchdog=barks,
            requests=self._client.requests - before,
            dropped=dropped,
        )

    async def _fetch(self, matchers: Sequence[str]) -> bytes:
        params = [(name, "true") for name in ("active", "silenced", "inhibited", "unprocessed")]
        params += [("filter", matcher) for matcher in matchers]
        return (await self._client.fetch("/api/v2/alerts", params=params)).body

    def _read(self, body: bytes) -> Sequence[NativeAlert]:
        """The alerts of an answer; those of the last one when it is the same."""
        mark = hash(body)
        if mark != self._seen.mark:
            self._seen = _Seen(mark, decode(body, list[NativeAlert], self._client.server))
        return self._seen.natives

    async def _watchdog(self, natives: Sequence[NativeAlert], at: datetime) -> bool | None:
        """Whether the alert that always fires is there and has been renewed; None when none is configured.

        It is asked for apart when a filter could hide it.
        """
        name = self._config.watchdog
        if name is None:
            return None
        if self._config.filter:
            escaped = name.replace("\\", r"\\").replace('"', r"\"")
            body = await self._fetch([f'alertname="{escaped}"'])
            natives = decode(body, list[NativeAlert], self._client.server)
        return any(one.labels.get("alertname") == name and one.ends_at > at for one in natives)

    async def _silences(self, natives: Sequence[NativeAlert]) -> dict[str, SafeText]:
        """Author and comment of each silence, read only when an alert is silenced."""
        if not any(one.status.silenced_by for one in natives):
            return {}
        found = await self._client.read(list[NativeSilence], "/api/v2/silences")
        return {
            one.id: fmt("{}: {}", safe(one.created_by), safe(one.comment, _COMMENT))
            if one.comment
            else safe(one.created_by)
            for one in found
        }

    async def _check_cluster(self) -> None:
        """Warn while the cluster settles: alerts that its other members know may be missing."""
        now = self._clock.monotonic()
        if self._cluster_checked is not None and now - self._cluster_checked < STATUS_SECONDS:
            return
        status = await self._client.read(ServerStatus, "/api/v2/status")
        word = status.cluster.status
        odd = word not in {"ready", "disabled", ""}
        self._cluster = (fmt("its cluster is {}: alerts may be missing", safe(word)),) if odd else ()
        self._cluster_checked = None if odd else now

    async def _mapped(
        self, natives: Sequence[NativeAlert], silences: Mapping[str, SafeText], at: datetime
    ) -> list[Alert]:
        names = {one.fingerprint: one.labels.get("alertname", one.fingerprint) for one in natives}
        known: dict[str, tuple[Native, Alert]] = {}
        found: list[Alert] = []
        for position, one in enumerate(natives):
            if position % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            if self._config.watchdog is not None and one.labels.get("alertname") == self._config.watchdog:
                continue
            status = one.status
            silenced = [silences.get(key, safe(key)) for key in status.silenced_by]
            silenced += [fmt("muted by {}", safe(name)) for name in status.muted_by]
            native = Native(
                labels=one.labels,
                annotations=one.annotations,
                started=one.starts_at,
                state=_state(status),
                silenced_by=tuple(silenced),
                inhibited_by=tuple(safe(names.get(key, key)) for key in status.inhibited_by),
                generator=one.generator_url,
            )
            before = self._known.get(one.fingerprint)
            alert = before[1] if before is not None and before[0] == native else self._mapper.alert(native, at)
            known[one.fingerprint] = (native, alert)
            found.append(alert)
        self._known = known
        return found


def _state(status: NativeStatus) -> AlertState:
    """Anything that is not plainly suppressed fires: an unknown word must hide nothing."""
    if status.silenced_by or status.muted_by:
        return AlertState.SILENCED
    return AlertState.INHIBITED if status.inhibited_by else AlertState.FIRING
