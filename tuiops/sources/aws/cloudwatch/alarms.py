"""Alarms as alerts. What calls nobody is shown as silenced; an alarm without data is a warning, never good news."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from tuiops.core.alerts import AlertState
from tuiops.core.text import EMPTY, SafeText, fmt, join, lit, safe
from tuiops.sources.alert_mapping import SEVERITY_LABEL, AlertMapper, Native, identity, keep_worst
from tuiops.sources.aws.cloudwatch import wire
from tuiops.sources.aws.cloudwatch.alarm_history import AlarmHistory
from tuiops.sources.aws.cloudwatch.alarm_list import PAGE, AlarmList
from tuiops.sources.aws.cloudwatch.mute_actions import PART, MuteActions
from tuiops.sources.aws.cloudwatch.muting import MuteRules, muted_by
from tuiops.sources.aws.cloudwatch.owners import Owners
from tuiops.sources.aws.cloudwatch.severity import Words
from tuiops.sources.aws.spare import Spare
from tuiops.sources.paging import cut_off
from tuiops.sources.parts import PartAlerts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from tuiops.config.clouds import AwsConfig
    from tuiops.config.systems import System
    from tuiops.core.alerts import Alert
    from tuiops.core.clock import Clock
    from tuiops.sources.abilities import Prepared, Receipt, Target
    from tuiops.sources.aws.client import AwsClient

TAGS_KEPT = 600.0
"""Seconds that the tags of an alarm are remembered."""

TAGGED = 20
"""Alarms whose tags are read in one poll: CloudWatch tells them one by one."""

NAMED = 3
"""Alarms without data that a warning names."""

_SCALING = (":autoscaling:", ":application-autoscaling:")
_FIRING, _NO_DATA = "ALARM", "INSUFFICIENT_DATA"
_DISABLED = lit("its actions are disabled")
_SCALES = lit("it only scales: none of its actions tells anybody")
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


class AlarmsPart:
    """All alarms of an account in one region."""

    name = PART

    def __init__(
        self, source: str, config: AwsConfig, systems: Mapping[str, System], client: AwsClient, clock: Clock
    ) -> None:
        self._name = source
        self._systems = systems
        self._client = client
        self._clock = clock
        self._region = config.region
        self._most = config.max_items
        self._list = AlarmList(client)
        self._mapper = AlertMapper(systems, source)
        self._owners = Owners(source, systems)
        self._words = Words(systems)
        self._spare = Spare(clock, client.timeout)
        self._history = AlarmHistory(client, self._spare, clock)
        self._tags: dict[str, tuple[Mapping[str, str], float]] = {}
        self._mute_rules = MuteRules(client)
        self.actions = MuteActions(client, self._list, self._mute_rules, clock)

    async def read_alerts(self, at: datetime) -> PartAlerts:
        """Every alarm that fires, with its tags and its last changes as far as those can be read."""
        found, more = await self._list.all(max(1, self._most // PAGE))
        alarms = [alarm for page in found for alarm in page.all]
        firing = [alarm for alarm in alarms if alarm.state_value not in {"OK", _NO_DATA}]
        said = dict.fromkeys(_warnings(alarms))
        if more:
            said[cut_off(lit("alarms"), len(alarms))] = None
        await self._read_tags(firing, said)
        history = await self._history.read(firing, at, said)
        muted = await self._muted(firing, said)
        around = [(history.get(alarm.alarm_name, EMPTY), (muted or {}).get(alarm.alarm_name, ())) for alarm in firing]
        alerts = [self._alert(alarm, *what, at) for alarm, what in zip(firing, around, strict=True)]
        kept, dropped = keep_worst(alerts, self._most)
        return PartAlerts(alerts=tuple(kept), knows_silences=muted is not None, warnings=tuple(said), dropped=dropped)

    def able(self, target: Target) -> object | None:
        """Alarms are the region's: whoever can act on a resource of it can mute them, too."""
        system = self._systems.get(target.system)
        resource = system.resources.get(target.resource) if system is not None else None
        return self.actions if resource is not None and resource.source == self._name else None

    async def perform(self, prepared: Prepared) -> Receipt:
        return await self.actions.perform(prepared)

    async def look_up(self, receipt: Receipt) -> Receipt:
        return await self.actions.look_up(receipt)

    async def _muted(
        self, firing: Sequence[wire.Alarm], said: dict[SafeText, None]
    ) -> Mapping[str, tuple[SafeText, ...]] | None:
        """What mutes alarms, by their names; None when that is not known. Where nothing fires it is not asked."""
        if not firing:
            return {}
        found = await self._spare.read(lit("mute rules"), self._mute_rules.active, said)
        if found is None:
            said[lit("muted alarms are shown as firing")] = None
            return None
        rules, whole = found
        if not whole:
            said[lit("mute rules: not all were read; some muted alarms are shown as firing")] = None
        return muted_by(rules)

    def _alert(self, alarm: wire.Alarm, history: SafeText, muted: tuple[SafeText, ...], at: datetime) -> Alert:
        dimensions = dimensions_of(alarm)
        tags = self._tags.get(alarm.alarm_arn, ({}, 0.0))[0]
        state, silenced, inhibited = _state(alarm, muted)
        native = Native(
            labels=self._labels(alarm, dimensions, tags),
            annotations=_annotations(alarm, history),
            started=alarm.state_transitioned_timestamp or alarm.state_updated_timestamp or at,
            state=state,
            silenced_by=silenced,
            inhibited_by=inhibited,
            owner=self._owners.of(dimensions),
        )
        # Tags come later or not at all: they must not make another alert of it.
        one = identity({"alarm": alarm.alarm_arn or f"{self._region}:{alarm.alarm_name}"})
        alert = self._mapper.alert(native, at)
        links = (*alert.links, (lit("console"), self._address(alarm)))
        return msgspec.structs.replace(alert, identity=one, links=links)

    def _labels(self, alarm: wire.Alarm, dimensions: Mapping[str, str], tags: Mapping[str, str]) -> Mapping[str, str]:
        """Its dimensions and tags, where it is, and how bad it is; our own names before those of others."""
        said = self._words.severity(alarm.alarm_name, alarm.alarm_description, tags)
        parts = alarm.alarm_arn.split(":")
        own = {
            "alertname": alarm.alarm_name,
            "namespace": alarm.namespace,
            "region": self._region,
            "account": parts[4] if len(parts) > 4 else "",
            SEVERITY_LABEL: said,
        }
        return {**dimensions, **tags} | {name: value for name, value in own.items() if value}

    def _address(self, alarm: wire.Alarm) -> SafeText:
        console = next(
            (host for start, host in _CONSOLES.items() if self._region.startswith(start)), "console.aws.amazon.com"
        )
        name = quote(alarm.alarm_name, safe="")
        return safe(
            f"https://{self._region}.{console}/cloudwatch/home?region={self._region}#alarmsV2:alarm/{name}", 2048
        )

    async def _read_tags(self, firing: Sequence[wire.Alarm], said: dict[SafeText, None]) -> None:
        """Of alarms that fire, a few in each poll; what is not known yet is told by name and description."""
        now = self._clock.monotonic()
        present = {alarm.alarm_arn for alarm in firing if alarm.alarm_arn}
        self._tags = {arn: kept for arn, kept in self._tags.items() if arn in present}
        missing = sorted(
            (arn for arn in present if arn not in self._tags or now - self._tags[arn][1] > TAGS_KEPT),
            key=lambda arn: self._tags.get(arn, ({}, 0.0))[1],
        )
        await asyncio.gather(*(self._read_tags_of(arn, now, said) for arn in missing[:TAGGED]))

    async def _read_tags_of(self, arn: str, now: float, said: dict[SafeText, None]) -> None:

        async def ask() -> wire.Tags:
            params = {"ResourceARN": arn}
            return await self._client.call("cloudwatch", "ListTagsForResource", params, kind=wire.Tags)

        found = await self._spare.read(lit("tags of alarms"), ask, said)
        if found is not None:
            self._tags[arn] = ({tag.key: tag.value for tag in found.tags if not tag.key.startswith("aws:")}, now)


def dimensions_of(alarm: wire.Alarm) -> Mapping[str, str]:
    """What the alarm watches: of a computed metric, what all of its parts have in common."""
    if alarm.dimensions or not alarm.metrics:
        return {one.name: one.value for one in alarm.dimensions}
    sets = [
        {(one.name, one.value) for one in query.metric_stat.metric.dimensions}
        for query in alarm.metrics
        if query.metric_stat is not None
    ]
    return dict(sorted(set.intersection(*sets))) if sets else {}


def _state(
    alarm: wire.Alarm, muted: tuple[SafeText, ...]
) -> tuple[AlertState, tuple[SafeText, ...], tuple[SafeText, ...]]:
    """Whether it calls anybody; why it does not: what silences it, and what inhibits it."""
    if alarm.actions_suppressed_by:
        suppressor = safe(alarm.actions_suppressor.rpartition(":alarm:")[2])
        why = suppressor if alarm.actions_suppressed_by == "Alarm" and suppressor else safe(alarm.actions_suppressed_by)
        return AlertState.INHIBITED, (), (why,)
    if not alarm.actions_enabled:
        return AlertState.SILENCED, (_DISABLED,), ()
    if alarm.alarm_actions and all(any(part in action for part in _SCALING) for action in alarm.alarm_actions):
        return AlertState.SILENCED, (_SCALES,), ()
    if muted:
        return AlertState.SILENCED, muted, ()
    return AlertState.FIRING, (), ()


def _annotations(alarm: wire.Alarm, history: SafeText) -> Mapping[str, str]:
    description, reason = alarm.alarm_description.strip(), alarm.state_reason.strip()
    found = {
        "summary": (description.splitlines() or [reason])[0],
        "description": "\n".join(text for text in (description, reason) if text),
        "reason": reason,
        "metric": alarm.metric_name,
        "rule": alarm.alarm_rule,
        "suppressed": alarm.actions_suppressed_reason,
        "history": history,
    }
    return {name: text for name, text in found.items() if text}


def _warnings(alarms: Iterable[wire.Alarm]) -> list[SafeText]:
    """Alarms that nothing can be concluded from, and states that are not known."""
    alarms = tuple(alarms)
    silent = [alarm for alarm in alarms if alarm.state_value == _NO_DATA]
    broken = [alarm for alarm in alarms if alarm.evaluation_state not in {"", "PARTIAL_DATA"}]
    partial_ = [alarm for alarm in alarms if alarm.evaluation_state == "PARTIAL_DATA"]
    odd = [alarm for alarm in alarms if alarm.state_value not in {"OK", _FIRING, _NO_DATA}]
    texts = (
        (silent, lit("of the alarms have not enough data")),
        (broken, lit("of the alarms cannot be evaluated")),
        (partial_, lit("of the alarms are evaluated on a part of their data")),
        (odd, lit("of the alarms are in a state that is not known, and shown as firing")),
    )
    return [fmt("{} {}: {}", len(found), text, _names(found)) for found, text in texts if found]


def _names(alarms: Sequence[wire.Alarm]) -> SafeText:
    names = join(", ", (safe(alarm.alarm_name, 60) for alarm in alarms[:NAMED]))
    return names if len(alarms) <= NAMED else fmt("{} and {} more", names, len(alarms) - NAMED)
