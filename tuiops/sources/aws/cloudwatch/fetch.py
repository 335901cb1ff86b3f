"""Data points of many metrics in as few requests as CloudWatch allows."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import SourceError
from tuiops.sources.aws.cloudwatch import wire
from tuiops.sources.aws.cloudwatch.paging import pages
from tuiops.sources.aws.cloudwatch.plan import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.cloudwatch.plan import Query

QUERIES = 500
"""Metrics that GetMetricData takes at once."""

GRAIN = 300
"""Seconds: metrics whose periods divide it may be asked for together, because its multiples begin them all."""

PAGES = 20
"""Pages that are read of one answer: a few dozen points each of 500 metrics fit into one."""

_MESSAGES = 20
_STATUSES: Mapping[str, SafeText] = {
    "PartialData": lit("CloudWatch sent a part of the data only"),
    "InternalError": lit("CloudWatch failed on this metric"),
    "Forbidden": lit("CloudWatch forbids this metric"),
}
_COMPLETE = "Complete"


class Points(NamedTuple):
    """What is known of one metric."""

    values: Mapping[float, float]
    """By the beginning of the period that each stands for, in seconds since 1970."""
    problem: SafeText = EMPTY
    """Why it may be incomplete, or is not known at all."""


class Fetched(NamedTuple):
    """The answers to many queries."""

    points: Mapping[Query, Points]
    failed: Mapping[Query, SourceError]
    messages: tuple[SafeText, ...]


class Span(NamedTuple):
    """From when to when, in seconds since 1970."""

    start: float
    end: float


def grain(period: int) -> int:
    """The length whose multiples requests for such a period begin at."""
    return GRAIN if GRAIN % period == 0 else period


async def fetch(client: AwsClient, wanted: Iterable[tuple[Query, Span]]) -> Fetched:
    """All of them. Never raises: what a request could not get is `failed`."""
    groups: dict[int, dict[Query, Span]] = {}
    for query, span in wanted:
        groups.setdefault(grain(query.period), {})[query] = span
    requests = [
        (batch, _around([spans[query] for query in batch], length))
        for length, spans in groups.items()
        for batch in _batches(list(spans))
    ]
    answers = await asyncio.gather(*(_ask(client, batch, span) for batch, span in requests))
    points: dict[Query, Points] = {}
    failed: dict[Query, SourceError] = {}
    said: list[SafeText] = []
    for (batch, _), answer in zip(requests, answers, strict=True):
        if isinstance(answer, SourceError):
            failed |= dict.fromkeys(batch, answer)
        else:
            points |= answer.points
            said += answer.messages
    return Fetched(points, failed, tuple(dict.fromkeys(said))[:_MESSAGES])


def _around(spans: Sequence[Span], length: int) -> Span:
    """Begins with a period, so that every poll cuts time alike; ends with a minute, as CloudWatch rounds."""
    start = min(span.start for span in spans)
    end = max(span.end for span in spans)
    return Span(math.floor(start / length) * length, math.ceil(end / 60) * 60)


def _batches(queries: Sequence[Query]) -> Iterable[Sequence[Query]]:
    for start in range(0, len(queries), QUERIES):
        yield queries[start : start + QUERIES]


async def _ask(client: AwsClient, batch: Sequence[Query], span: Span) -> Fetched | SourceError:
    params = {
        "MetricDataQueries": [_query(f"q{number}", query) for number, query in enumerate(batch)],
        "StartTime": moment(span.start),
        "EndTime": moment(span.end),
        "ScanBy": "TimestampDescending",
    }
    try:
        found, more = await pages(client, "GetMetricData", params, wire.MetricData, PAGES)
    except SourceError as error:
        return error
    return _read(batch, found, more=more)


def _query(name: str, query: Query) -> Mapping[str, object]:
    dimensions = [{"Name": key, "Value": value} for key, value in query.dimensions]
    metric = {"Namespace": query.namespace, "MetricName": query.metric, "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": query.period, "Stat": query.statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": True}


def _read(batch: Sequence[Query], found: Sequence[wire.MetricData], *, more: bool) -> Fetched:
    names = {f"q{number}": query for number, query in enumerate(batch)}
    values: dict[Query, dict[float, float]] = {query: {} for query in batch}
    status: dict[Query, str] = {}
    said: list[SafeText] = []
    for page in found:
        said += [_message(lit("CloudWatch"), message) for message in page.messages]
        for result in page.metric_data_results:
            query = names.get(result.id)
            if query is None:
                continue
            pairs = zip(result.timestamps, result.values, strict=False)
            values[query] |= {at.timestamp(): value for at, value in pairs}
            # A metric whose points take several pages is complete when its last one is.
            status[query] = result.status_code
            said += [_message(query.text, message) for message in result.messages]
    points: dict[Query, Points] = {}
    for query in batch:
        code = "PartialData" if more else status.get(query, "PartialData")
        problem = _problem(code)
        points[query] = Points(values[query], problem)
        if problem:
            said.append(fmt("{}: {}", query.text, problem))
    return Fetched(points, {}, tuple(said))


def _problem(code: str) -> SafeText:
    if code == _COMPLETE:
        return EMPTY
    return _STATUSES.get(code) or fmt("CloudWatch calls this metric {}", safe(code, 40))


def _message(what: SafeText, message: wire.Message) -> SafeText:
    return fmt("{}: {} ({})", what, safe(message.value, 300), safe(message.code, 60))
