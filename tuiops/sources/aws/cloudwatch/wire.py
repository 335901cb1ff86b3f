"""The members of CloudWatch's answers that are used, by the names of its API.

States and codes are texts: a word that is not known must break nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Pascal(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """CloudWatch begins its names with a capital letter."""


class Message(_Pascal, frozen=True, kw_only=True):
    """What CloudWatch has to say about an answer."""

    code: str = ""
    value: str = ""


class Result(_Pascal, frozen=True, kw_only=True):
    """What one query found, or a part of it: the rest is on the next pages."""

    id: str
    status_code: str = "Complete"
    """Complete, PartialData, InternalError or Forbidden."""
    timestamps: tuple[datetime, ...] = ()
    """When the period of each value begins."""
    values: tuple[float, ...] = ()
    messages: tuple[Message, ...] = ()


class Page(_Pascal, frozen=True, kw_only=True):
    """What every listing's answer has."""

    next_token: str = ""


class MetricData(Page, frozen=True, kw_only=True):
    """One page of GetMetricData."""

    metric_data_results: tuple[Result, ...] = ()
    messages: tuple[Message, ...] = ()


class Dimension(_Pascal, frozen=True, kw_only=True):
    name: str
    value: str = ""


class Metric(_Pascal, frozen=True, kw_only=True):
    """A metric that there is."""

    namespace: str = ""
    metric_name: str = ""
    dimensions: tuple[Dimension, ...] = ()


class MetricStat(_Pascal, frozen=True, kw_only=True):
    metric: Metric = Metric()


class MetricQuery(_Pascal, frozen=True, kw_only=True):
    """A part of what an alarm watches when that is computed."""

    metric_stat: MetricStat | None = None


class Alarm(_Pascal, frozen=True, kw_only=True):
    """An alarm on a metric, on other alarms or on a query of logs."""

    alarm_name: str
    alarm_arn: str = ""
    alarm_description: str = ""
    state_value: str = ""
    """OK, ALARM or INSUFFICIENT_DATA."""
    state_reason: str = ""
    alarm_configuration_updated_timestamp: datetime | None = None
    state_updated_timestamp: datetime | None = None
    state_transitioned_timestamp: datetime | None = None
    """When the state became this one; the other time moves with every reason for it too."""
    actions_enabled: bool = True
    alarm_actions: tuple[str, ...] = ()
    """ARNs of what is told or done."""
    namespace: str = ""
    metric_name: str = ""
    dimensions: tuple[Dimension, ...] = ()
    metrics: tuple[MetricQuery, ...] = ()
    alarm_rule: str = ""
    """Of a composite alarm: which alarms it is made of."""
    actions_suppressed_by: str = ""
    """Alarm, WaitPeriod or ExtensionPeriod; empty when nothing holds its actions back."""
    actions_suppressed_reason: str = ""
    actions_suppressor: str = ""
    evaluation_state: str = ""
    """PARTIAL_DATA, EVALUATION_ERROR or EVALUATION_FAILURE; empty when all is well."""


class Alarms(Page, frozen=True, kw_only=True):
    """One page of DescribeAlarms."""

    metric_alarms: tuple[Alarm, ...] = ()
    composite_alarms: tuple[Alarm, ...] = ()
    log_alarms: tuple[Alarm, ...] = ()

    @property
    def all(self) -> Sequence[Alarm]:
        return (*self.metric_alarms, *self.composite_alarms, *self.log_alarms)


class MuteRuleSummary(_Pascal, frozen=True, kw_only=True):
    """A rule by which alarms tell nobody for a while."""

    alarm_mute_rule_arn: str
    last_updated_timestamp: datetime | None = None


class MuteRuleSummaries(Page, frozen=True, kw_only=True):
    """One page of ListAlarmMuteRules."""

    alarm_mute_rule_summaries: tuple[MuteRuleSummary, ...] = ()


class MuteSchedule(_Pascal, frozen=True, kw_only=True):
    expression: str = ""
    """`at(2026-05-01T12:00)` or `cron(…)`."""
    duration: str = ""
    """In the form of ISO 8601, such as `PT4H`."""
    timezone: str = ""


class Muting(_Pascal, frozen=True, kw_only=True):
    schedule: MuteSchedule = MuteSchedule()


class MuteTargets(_Pascal, frozen=True, kw_only=True):
    alarm_names: tuple[str, ...] = ()


class MuteRule(_Pascal, frozen=True, kw_only=True):
    """The answer to GetAlarmMuteRule."""

    name: str
    description: str = ""
    rule: Muting = Muting()
    mute_targets: MuteTargets = MuteTargets()
    expire_date: datetime | None = None
    status: str = ""
    """SCHEDULED, ACTIVE or EXPIRED."""
    last_updated_timestamp: datetime | None = None


class HistoryItem(_Pascal, frozen=True, kw_only=True):
    """A change of an alarm's state."""

    alarm_name: str = ""
    timestamp: datetime
    history_data: str = ""
    """JSON with the old and the new state."""


class Tag(_Pascal, frozen=True, kw_only=True):
    key: str
    value: str = ""


class Tags(_Pascal, frozen=True, kw_only=True):
    """The answer to ListTagsForResource."""

    tags: tuple[Tag, ...] = ()


class Paged(Protocol):
    """An answer that may not be the last one."""

    @property
    def next_token(self) -> str: ...
