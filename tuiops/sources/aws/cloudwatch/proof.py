"""Whether a metric without data points is one that there is.

CloudWatch answers alike for what has not happened and for what is misspelt. Before nothing counts as good, the
metric must have been reported at some time: CloudWatch lists those of the last two weeks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import SourceError
from tuiops.sources.aws.cloudwatch import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tuiops.core.clock import Clock
    from tuiops.sources.aws.client import AwsClient
    from tuiops.sources.aws.cloudwatch.plan import Query

AGAIN = 600.0
"""Seconds between looks for a metric."""

_ELB = "AWS/ApplicationELB"
NONZERO: frozenset[tuple[str, str]] = frozenset(
    (_ELB, name)
    for name in (
        "ELBAuthError", "ELBAuthFailure", "ClientTLSNegotiationErrorCount", "HTTPCode_ELB_3XX_Count",
        "HTTPCode_ELB_4XX_Count", "HTTPCode_ELB_500_Count", "HTTPCode_ELB_502_Count", "HTTPCode_ELB_503_Count",
        "HTTPCode_ELB_504_Count", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_2XX_Count",
        "HTTPCode_Target_3XX_Count", "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count",
        "RejectedConnectionCount", "TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount",
    )
)  # fmt: skip
"""Metrics that load balancers report only while they are not zero
(docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html)."""

Name = tuple[str, str]
"""Namespace and name of a metric."""


class Known(NamedTuple):
    """What there has been of one metric."""

    dimensions: frozenset[frozenset[tuple[str, str]]]
    complete: bool = True
    """Whether there are no others."""

    def exactly(self, query: Query) -> bool:
        """Whether this very metric has been reported."""
        return frozenset(query.dimensions) in self.dimensions

    def alike(self, query: Query) -> bool:
        """Whether it has been reported for anything with the same kinds of dimensions."""
        names = frozenset(name for name, _ in query.dimensions)
        return any(frozenset(name for name, _ in one) == names for one in self.dimensions)


class Proofs:
    """Remembers which metrics there are."""

    def __init__(self, client: AwsClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[Name, tuple[Known | SafeText, float]] = {}

    async def look(self, names: Iterable[Name]) -> Mapping[Name, Known | SafeText]:
        """What is known of each metric, or why that cannot be told."""
        wanted = list(dict.fromkeys(names))
        found = await asyncio.gather(*(self._one(name) for name in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _one(self, name: Name) -> Known | SafeText:
        now = self._clock.monotonic()
        kept = self._known.get(name)
        if kept is not None and now - kept[1] < AGAIN:
            return kept[0]
        found = await self._ask(name)
        self._known[name] = (found, now)
        return found

    async def _ask(self, name: Name) -> Known | SafeText:
        params = {"Namespace": name[0], "MetricName": name[1]}
        try:
            listing = await self._client.pages("cloudwatch", "ListMetrics", params, result="Metrics", kind=wire.Metric)
        except SourceError as error:
            return safe(str(error), 300)
        sets = frozenset(frozenset((one.name, one.value) for one in metric.dimensions) for metric in listing.items)
        return Known(sets, not listing.truncated)


def happened(query: Query, known: Known | SafeText | None) -> SafeText:
    """Why no data point of a part of a ratio must not be taken for zero; empty when it may be."""
    if (query.namespace, query.metric) in NONZERO:
        return EMPTY
    return _lacking(query, known, Known.alike, lit(": misspelt, or never counted yet"))


def idle(query: Query, known: Known | SafeText | None) -> SafeText:
    """Why no data point must not be taken for no traffic; empty when it may be."""
    return _lacking(query, known, Known.exactly, EMPTY)


def _lacking(
    query: Query, known: Known | SafeText | None, has: Callable[[Known, Query], bool], guess: SafeText
) -> SafeText:
    """Why a metric cannot be proven to be there; empty when it is. `guess`: what may be the matter with it."""
    if not isinstance(known, Known):
        return fmt("whether there is a metric {} is not known: {}", query.text, known or lit("not asked"))
    if has(known, query):
        return EMPTY
    if not known.complete:
        # A list that was cut proves nothing by what it lacks.
        cut = len(known.dimensions)
        return fmt("metric {} with these dimensions is not among the first {}; raise max_items", query.text, cut)
    return fmt("no metric {} with these dimensions in two weeks{}", query.text, guess)
