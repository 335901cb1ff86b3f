"""Log streams of a system: files, journals, and the log stores of the clouds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tuiops.config.values import Duration, FilePath, Interval, Regex, Size, Zone

GROUP_PATTERN = r"^[.\-_/#A-Za-z0-9]{1,512}$"
Group = Annotated[str, Meta(pattern=GROUP_PATTERN)]


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every log stream has."""

    service: Annotated[
        str | None, Meta(description="Service that writes it; when left out, records name their own.")
    ] = None
    format: Annotated[
        Literal["auto", "json", "logfmt", "syslog", "plain"],
        Meta(description="Format of the lines; `auto` looks at each one."),
    ] = "auto"
    fields: Annotated[
        dict[str, str],
        Meta(
            description="Where JSON records keep `time`, `level`, `message` and `service`, when not in the usual keys."
        ),
    ] = {}
    mask: Annotated[
        tuple[str, ...], Meta(description="Fields with personal data, shown as `***`, such as `user_id`.")
    ] = ()
    naive_time: Annotated[
        Zone, Meta(description="Zone of times that name none, as an IANA name; `UTC` when left out.")
    ] = "UTC"
    multiline: Annotated[
        Regex | None,
        Meta(description="Regular expression that a record's first line matches; other lines continue it."),
    ] = None


class FileLog(LogConfig, frozen=True, kw_only=True, tag="file"):
    """Files, followed through rotation and truncation."""

    paths: Annotated[tuple[FilePath, ...], Meta(description="Paths or globs; new matches are picked up.", min_length=1)]
    history: Annotated[
        Size,
        Meta(description="How much of the past is read at the start, rotated and gzipped files included."),
    ] = Size(1_000_000)


class JournalLog(LogConfig, frozen=True, kw_only=True, tag="journal"):
    """The systemd journal, through `journalctl`."""

    units: Annotated[tuple[str, ...], Meta(description="Units to read; all when left out.")] = ()
    priority: Annotated[
        Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] | None,
        Meta(description="Lowest priority to read."),
    ] = None
    lines: Annotated[int, Meta(description="Past lines read at the start.", ge=0)] = 1000


class StoredLog(LogConfig, frozen=True, kw_only=True):
    """What every log stream has that is read from a log store."""

    source: Annotated[str, Meta(description="Source that holds it.")]
    history: Annotated[Duration, Meta(description="How much of the past is read at the start.")] = Duration(900)
    interval: Annotated[Interval, Meta(description="Time between polls.")] = Duration(5)
    lateness: Annotated[
        Duration,
        Meta(
            description="How late records may arrive and still be found; polls look so far back, and show none twice."
        ),
    ] = Duration(60)


class CloudLog(StoredLog, frozen=True, kw_only=True, tag="cloud_logging"):
    """Google Cloud Logging. Everything given must hold; the filter is built from these parts."""

    resource: Annotated[
        Annotated[str, Meta(pattern="^[a-z0-9_]+$")] | None,
        Meta(description="Type of the monitored resource, such as `cloud_run_revision`."),
    ] = None
    labels: Annotated[dict[str, str], Meta(description='Labels of the resource, such as `service_name = "chat"`.')] = {}
    names: Annotated[
        tuple[str, ...], Meta(description="Names of logs, such as `run.googleapis.com/stderr`; any of them.")
    ] = ()
    severity: Annotated[
        Literal["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"] | None,
        Meta(description="Lowest severity to read."),
    ] = None
    text: Annotated[str | None, Meta(description="Words that must be somewhere in the entry.")] = None
    stream: Annotated[
        bool, Meta(description="Whether to stream over gRPC instead of polling; needs the extra `gcp-tail`.")
    ] = False


class CloudWatchLog(StoredLog, frozen=True, kw_only=True, tag="cloudwatch_logs"):
    """Amazon CloudWatch Logs."""

    groups: Annotated[tuple[Group, ...], Meta(description="Log groups.", min_length=1, max_length=10)]
    prefix: Annotated[str | None, Meta(description="Beginning of the names of the log streams.")] = None
    pattern: Annotated[str | None, Meta(description="Filter pattern in CloudWatch's own syntax.")] = None
    stream: Annotated[
        bool, Meta(description="Whether to use a live tail, which samples above 500 lines a second and costs money.")
    ] = False


class ElasticsearchLog(StoredLog, frozen=True, kw_only=True, tag="elasticsearch"):
    """An index or a pattern of indices of Elasticsearch or OpenSearch."""

    index: Annotated[
        str, Meta(description="Index, alias or pattern, such as `app-*`.", pattern=r"^[^\s/\\?\"<>|#%&]+$")
    ]
    query: Annotated[str | None, Meta(description="Query string in Lucene's syntax.")] = None
    terms: Annotated[dict[str, str], Meta(description="Fields that must have exactly these values.")] = {}
    time_field: Annotated[str, Meta(description="Field with the time of a document.")] = "@timestamp"


class LokiLog(StoredLog, frozen=True, kw_only=True, tag="loki"):
    """A stream of Grafana Loki."""

    query: Annotated[str, Meta(description='LogQL log query, such as `{app="api"} |= "error"`.', min_length=2)]


AnyLog = FileLog | JournalLog | CloudLog | CloudWatchLog | ElasticsearchLog | LokiLog
