"""Systems: what is watched. Each is a table `[systems.NAME]` with services, indicators, probes, resources and logs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tuiops.config.logs import AnyLog
from tuiops.config.resources import AnyResource
from tuiops.config.values import Duration, FilePath, Id, Interval, Port, Promql, Regex, Secret, Url

SeverityWord = Literal["P1", "P2", "P3", "P4"]
Quantity = Literal["ratio", "percent", "seconds", "bytes", "count", "per second"]
"""The units of `core.units` that a number may have; the state of a resource is none."""
Revision = Annotated[
    str | None,
    Meta(
        description="Label that names the revision, so that a canary can be compared with what it replaces; "
        "its values must be the revisions' own names."
    ),
]
StatusClass = Annotated[str, Meta(pattern="^[1-5](xx|[0-9][0-9])$")]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose unknown keys are mistakes."""


class Service(_Table, frozen=True, kw_only=True):
    """One service of a system."""

    label: Annotated[str | None, Meta(description="Name on screen; the identifier when left out.")] = None
    match: Annotated[
        str | None,
        Meta(description="Value that the indicators' `by` label has for this service; the identifier when left out."),
    ] = None
    links: Annotated[dict[str, str], Meta(description="Names and addresses of pages about the service.")] = {}


class IndicatorConfig(_Table, frozen=True, kw_only=True, tag_field="kind"):
    """What every indicator has. One indicator is one query, for all the services of the system."""

    source: Annotated[str, Meta(description="Source that answers it.")]
    heading: Annotated[str, Meta(description="Column heading, a few characters.", max_length=12)]
    services: Annotated[
        tuple[str, ...],
        Meta(description="Services that it is expected for; all of the system's when left out."),
    ] = ()
    by: Annotated[
        str | None,
        Meta(
            description='Label that tells services apart; with `by = ""` the one value belongs to every service named.'
        ),
    ] = "service"
    degraded: Annotated[str | None, Meta(description="When the service is degraded, such as `> 1%`.")] = None
    down: Annotated[str | None, Meta(description="When the service is down, such as `> 20%`.")] = None
    hold: Annotated[
        Duration | None,
        Meta(
            description="How long a limit must be crossed before the state turns, and kept before it turns back; "
            "with the first such value when left out."
        ),
    ] = None
    offset: Annotated[
        Duration | None,
        Meta(
            description="How far back it is asked, for metrics that arrive late; `max_age` counts from there. "
            "Now when left out."
        ),
    ] = None
    max_age: Annotated[
        Duration | None,
        Meta(
            description="Age of a sample beyond which it is stale, for metrics that arrive late; "
            "a gauge needs a plain selector for it."
        ),
    ] = None


class RatioIndicator(IndicatorConfig, frozen=True, kw_only=True, tag="ratio"):
    """The share of bad (or good) events among all, from counters. Give `bad` or `good`, as series selectors."""

    total: Annotated[Promql, Meta(description="Selector of the counter of all events.")]
    bad: Annotated[
        Promql | None, Meta(description="Selector of the counter of bad events; the value shown is bad/total.")
    ] = None
    good: Annotated[
        Promql | None, Meta(description="Selector of the counter of good events; the value shown is good/total.")
    ] = None
    window: Annotated[Duration, Meta(description="Range of the rate.")] = Duration(300)
    idle_is_ok: Annotated[bool, Meta(description="Whether no traffic at all counts as healthy.")] = False
    revision: Revision = None
    objective: Annotated[str | None, Meta(description="Share of good events promised, such as `99.9%`.")] = None
    objective_window: Annotated[Duration, Meta(description="Window of the objective.")] = Duration(30 * 86400)


class LatencyIndicator(IndicatorConfig, frozen=True, kw_only=True, tag="latency"):
    """A quantile of a histogram of times."""

    histogram: Annotated[Promql, Meta(description="Selector of the histogram's `_bucket` series.")]
    histogram_unit: Annotated[
        Literal["seconds", "milliseconds", "nanoseconds"],
        Meta(description="Unit of the histogram's bounds; Cloud Monitoring has milliseconds, and nanoseconds."),
    ] = "seconds"
    quantile: Annotated[float, Meta(description="Quantile, such as 0.95.", gt=0, lt=1)] = 0.95
    window: Annotated[Duration, Meta(description="Range of the rate.")] = Duration(300)
    idle_is_ok: Annotated[bool, Meta(description="Whether no traffic at all counts as healthy.")] = False
    revision: Revision = None


class GaugeIndicator(IndicatorConfig, frozen=True, kw_only=True, tag="gauge"):
    """Any value that a query yields."""

    query: Annotated[Promql, Meta(description="PromQL whose result has the label named by `by`.")]
    unit: Annotated[Quantity, Meta(description="What the query's numbers mean; `percent` is 0–100, `ratio` 0–1.")] = (
        "count"
    )
    idle_is_ok: Annotated[bool, Meta(description="Whether NaN counts as healthy.")] = False
    revision: Revision = None


class CloudWatchIndicator(IndicatorConfig, frozen=True, kw_only=True, tag="cloudwatch"):
    """A CloudWatch metric, for every service that `by`, a dimension, tells apart."""

    namespace: Annotated[str, Meta(description="Namespace, such as `AWS/ECS`.", max_length=255)]
    metric: Annotated[str, Meta(description="Name of the metric.", max_length=255)]
    dimensions: Annotated[dict[str, str], Meta(description="Dimensions that are the same for every service.")] = {}
    by: Annotated[
        str | None,
        Meta(description='Dimension that tells services apart; with `by = ""` the value belongs to every service.'),
    ] = "ServiceName"
    statistic: Annotated[
        str,
        Meta(
            description="Average, Sum, Minimum, Maximum, SampleCount or a percentile such as `p95`.",
            pattern=r"^(Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d{1,2})?)$",
        ),
    ] = "Average"
    total: Annotated[
        str | None, Meta(description="Metric that the first one is divided by, so that the value is a ratio.")
    ] = None
    period: Annotated[Duration, Meta(description="Length of a data point: whole minutes.")] = Duration(60)
    unit: Annotated[Quantity, Meta(description="What the metric's numbers mean; `percent` is 0–100, `ratio` 0–1.")] = (
        "count"
    )
    idle_is_ok: Annotated[bool, Meta(description="Whether no data point counts as healthy.")] = False


PromqlIndicator = RatioIndicator | LatencyIndicator | GaugeIndicator
AnyIndicator = PromqlIndicator | CloudWatchIndicator


class ProbeConfig(_Table, frozen=True, kw_only=True, tag_field="kind"):
    """What every probe has. A probe knocks at a door and reports how long the answer took."""

    service: Annotated[str, Meta(description="Service that it speaks for.")]
    heading: Annotated[str, Meta(description="Column heading, a few characters.", max_length=12)] = "PROBE"
    interval: Annotated[Interval, Meta(description="Time between probes.")] = Duration(15)
    timeout: Annotated[Duration, Meta(description="Deadline of one probe.")] = Duration(5)
    degraded: Annotated[str | None, Meta(description="When a good answer is too slow, such as `> 1s`.")] = None


class HttpProbe(ProbeConfig, frozen=True, kw_only=True, tag="http"):
    """An HTTP request with expectations."""

    url: Annotated[Url, Meta(description="Address.")]
    via: Annotated[str | None, Meta(description="Name of the bastion through which to connect.")] = None
    method: Annotated[Literal["GET", "HEAD"], Meta(description="Request method.")] = "GET"
    expect_status: Annotated[
        tuple[StatusClass, ...], Meta(description="Statuses that are good: numbers or classes such as `2xx`.")
    ] = ("2xx",)
    expect_body: Annotated[
        Regex | None, Meta(description="Regular expression that must be found in the first 64 KB of the body.")
    ] = None
    bearer: Annotated[Secret | None, Meta(description="Bearer token.")] = None


class TcpProbe(ProbeConfig, frozen=True, kw_only=True, tag="tcp"):
    """A TCP connection."""

    host: Annotated[str, Meta(description="Host name or address.")]
    port: Annotated[Port, Meta(description="Port.")]
    via: Annotated[str | None, Meta(description="Name of the bastion through which to connect.")] = None


class TlsProbe(ProbeConfig, frozen=True, kw_only=True, tag="tls"):
    """The days until a server's certificate expires."""

    host: Annotated[str, Meta(description="Host name.")]
    port: Annotated[Port, Meta(description="Port.")] = 443
    heading: Annotated[str, Meta(description="Column heading, a few characters.", max_length=12)] = "CERT"
    interval: Annotated[Interval, Meta(description="Time between probes.")] = Duration(300)
    ca: Annotated[
        FilePath | None, Meta(description="File of certificate authorities to trust instead of the system's.")
    ] = None
    degraded: Annotated[str | None, Meta(description="When too little time is left.")] = "< 21d"
    down: Annotated[str | None, Meta(description="When it is nearly too late.")] = "< 2d"


class RedisProbe(ProbeConfig, frozen=True, kw_only=True, tag="redis"):
    """PING, answered by PONG."""

    host: Annotated[str, Meta(description="Host name or address.")]
    port: Annotated[Port, Meta(description="Port.")] = 6379
    password: Annotated[Secret | None, Meta(description="Where the password is found.")] = None
    via: Annotated[str | None, Meta(description="Name of the bastion through which to connect.")] = None


class DnsProbe(ProbeConfig, frozen=True, kw_only=True, tag="dns"):
    """A name that must resolve."""

    name: Annotated[str, Meta(description="Name to look up.")]
    record: Annotated[Literal["A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"], Meta(description="Record type.")] = "A"
    server: Annotated[str | None, Meta(description="Address of the name server; the system's when left out.")] = None
    server_port: Annotated[Port, Meta(description="Port of the name server.")] = 53
    expect: Annotated[tuple[str, ...], Meta(description="Values that must be among the answers.")] = ()


AnyProbe = HttpProbe | TcpProbe | TlsProbe | RedisProbe | DnsProbe


class AlertRule(_Table, frozen=True, kw_only=True):
    """What counts for the alerts of one name in place of what their severity word means."""

    severity: Annotated[SeverityWord | None, Meta(description="How bad it is; what its word means when left out.")] = (
        None
    )
    respond: Annotated[Duration | None, Meta(description="Time to respond; that of its severity when left out.")] = None


class System(_Table, frozen=True, kw_only=True):
    """One system: services that people run, pay for and are called about together."""

    label: Annotated[str | None, Meta(description="Name on screen; the identifier when left out.")] = None
    environment: Annotated[Id | None, Meta(description="Its environment; the console's when left out.")] = None
    match: Annotated[
        dict[str, str],
        Meta(description="Labels that mark an alert as this system's; without them, a `system` label names it."),
    ] = {}
    service_labels: Annotated[
        tuple[str, ...],
        Meta(description="Labels of an alert that name its service, the first one that is there."),
    ] = ("service", "job", "instance")
    respond: Annotated[dict[str, Duration], Meta(description='Time to respond by severity, such as `P1 = "15m"`.')] = {}
    severities: Annotated[
        dict[str, SeverityWord],
        Meta(description='What this system\'s own severity words mean, such as `fatal = "P1"`.'),
    ] = {}
    alerts: Annotated[
        dict[str, AlertRule], Meta(description="Severities and times to respond by the names of alerts.")
    ] = {}
    services: Annotated[dict[Id, Service], Meta(description="Its services, in the order of display.")] = {}
    indicators: Annotated[dict[Id, AnyIndicator], Meta(description="What is measured of its services.")] = {}
    probes: Annotated[dict[Id, AnyProbe], Meta(description="Doors that are knocked at.")] = {}
    resources: Annotated[
        dict[Id, AnyResource], Meta(description="What its services run on and keep their data in, in the clouds.")
    ] = {}
    logs: Annotated[dict[Id, AnyLog], Meta(description="Its log streams.")] = {}
