"""What the Cloud Monitoring API v3 sends, as far as it is read.

https://cloud.google.com/monitoring/api/ref_v3/rest
"""

from __future__ import annotations

from typing import Any

import msgspec

from tuiops.sources.gcp.client import Page
from tuiops.sources.gcp.message import Message, Moment

OPEN = "OPEN"
CLOSED = "CLOSED"


class Metric(Message, frozen=True, kw_only=True):
    """A metric and the labels of one of its series."""

    type: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Resource(Message, frozen=True, kw_only=True):
    """What is measured, such as a `cloud_run_revision`."""

    type: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Metadata(Message, frozen=True, kw_only=True):
    """More labels of what is measured."""

    system_labels: dict[str, Any] = msgspec.field(default_factory=dict)
    user_labels: dict[str, str] = msgspec.field(default_factory=dict)


class Log(Message, frozen=True, kw_only=True):
    """What a log-based policy took from the entry that it matched."""

    extracted_labels: dict[str, str] = msgspec.field(default_factory=dict)


class PolicySnapshot(Message, frozen=True, kw_only=True):
    """The policy as it was when the incident was opened."""

    name: str = ""
    display_name: str = ""
    severity: str = ""
    user_labels: dict[str, str] = msgspec.field(default_factory=dict)


class Incident(Message, frozen=True, kw_only=True):
    """What the API calls an alert."""

    name: str
    state: str = ""
    open_time: Moment | None = None
    close_time: Moment | None = None
    resource: Resource = Resource()
    metadata: Metadata = Metadata()
    metric: Metric = Metric()
    log: Log = Log()
    policy: PolicySnapshot = PolicySnapshot()


class Incidents(Page, frozen=True, kw_only=True):
    """A page of incidents."""

    alerts: tuple[Incident, ...] = ()


class Link(Message, frozen=True, kw_only=True):
    """A page about a policy."""

    display_name: str = ""
    url: str = ""


class Documentation(Message, frozen=True, kw_only=True):
    """What the owner of a policy wrote for whoever responds."""

    content: str = ""
    subject: str = ""
    links: tuple[Link, ...] = ()


class Filtered(Message, frozen=True, kw_only=True):
    """A condition on a metric or on log entries."""

    filter: str = ""


class Queried(Message, frozen=True, kw_only=True):
    """A condition in PromQL."""

    query: str = ""


class Condition(Message, frozen=True, kw_only=True):
    """One condition of a policy; one of the kinds is there."""

    display_name: str = ""
    condition_threshold: Filtered | None = None
    condition_absent: Filtered | None = None
    condition_matched_log: Filtered | None = None
    condition_prometheus_query_language: Queried | None = None
    condition_monitoring_query_language: Queried | None = None

    @property
    def expression(self) -> str:
        """What is watched, in the language of its kind; empty when the kind is not known here."""
        for one in (self.condition_threshold, self.condition_absent, self.condition_matched_log):
            if one is not None:
                return one.filter
        for other in (self.condition_prometheus_query_language, self.condition_monitoring_query_language):
            if other is not None:
                return other.query
        return ""


class Status(Message, frozen=True, kw_only=True):
    """What is wrong with something."""

    code: int = 0
    message: str = ""


class Mutation(Message, frozen=True, kw_only=True):
    """When something was changed."""

    mutate_time: Moment | None = None


class Policy(Message, frozen=True, kw_only=True):
    """An alert policy."""

    name: str
    display_name: str = ""
    enabled: bool = True
    severity: str = ""
    conditions: tuple[Condition, ...] = ()
    documentation: Documentation = Documentation()
    validity: Status = Status()
    mutation_record: Mutation = Mutation()


class Policies(Page, frozen=True, kw_only=True):
    """A page of policies."""

    alert_policies: tuple[Policy, ...] = ()


class Criteria(Message, frozen=True, kw_only=True):
    """Which incidents a snooze keeps from being opened."""

    policies: tuple[str, ...] = ()
    filter: str = ""


class Interval(Message, frozen=True, kw_only=True):
    """From when until when."""

    start_time: Moment | None = None
    end_time: Moment | None = None


class Snooze(Message, frozen=True, kw_only=True):
    """A time in which policies are quiet. Who made it is not told by the API."""

    name: str = ""
    display_name: str = ""
    criteria: Criteria = Criteria()
    interval: Interval = Interval()


class Snoozes(Page, frozen=True, kw_only=True):
    """A page of snoozes."""

    snoozes: tuple[Snooze, ...] = ()


class UptimeCheck(Message, frozen=True, kw_only=True):
    """An uptime check."""

    name: str
    display_name: str = ""
    period: str = "60s"
    disabled: bool = False


class UptimeChecks(Page, frozen=True, kw_only=True):
    """A page of uptime checks."""

    uptime_check_configs: tuple[UptimeCheck, ...] = ()


class Value(Message, frozen=True, kw_only=True):
    """The value of a point, of the kind that its series has."""

    bool_value: bool | None = None


class Point(Message, frozen=True, kw_only=True):
    """One value."""

    interval: Interval = Interval()
    value: Value = Value()


class TimeSeries(Message, frozen=True, kw_only=True):
    """Values with the same labels, the newest first."""

    metric: Metric = Metric()
    points: tuple[Point, ...] = ()


class TimeSeriesPage(Page, frozen=True, kw_only=True):
    """A page of time series."""

    time_series: tuple[TimeSeries, ...] = ()
    execution_errors: tuple[Status, ...] = ()
