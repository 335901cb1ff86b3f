"""One poll of a Prometheus: its requests, what they cost and what the server had to say about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tuiops.core.text import SafeText, fmt, safe
from tuiops.errors import QueryRefused
from tuiops.sources.prometheus import wire

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tuiops.sources.http import HttpClient, Params

QUERY = "/api/v1/query"
QUERY_RANGE = "/api/v1/query_range"
MAX_WARNINGS = 20
"""Warnings that one update carries."""

_T = TypeVar("_T")


class Poll:
    """Collects warnings and counts while a source reads."""

    def __init__(self, client: HttpClient, max_items: int) -> None:
        self._client = client
        self._max_items = max_items
        self._warnings: dict[SafeText, None] = {}
        self.requests = 0
        self.dropped = 0

    def warn(self, *warnings: SafeText) -> None:
        """Keep each remark once."""
        self._warnings.update(dict.fromkeys(warnings))

    @property
    def warnings(self) -> tuple[SafeText, ...]:
        """What has been said, bounded."""
        said = tuple(self._warnings)
        if len(said) <= MAX_WARNINGS:
            return said
        return (*said[:MAX_WARNINGS], fmt("and {} more warnings", len(said) - MAX_WARNINGS))

    async def instant(self, query: str, what: SafeText, at: datetime | None = None) -> list[wire.InstantSeries]:
        """The series of a query at a time; at the server's present time when left out."""
        self.requests += 1
        form = [("query", query)]
        if at is not None:
            form.append(("time", f"{at.timestamp():.3f}"))
        answer = await self._client.read(wire.InstantAnswer, QUERY, form=form)
        self._remark(answer.remarks(), what)
        return self._bounded(wire.vector(answer), what)

    async def range(self, query: str, start: float, end: float, step: float, what: SafeText) -> list[wire.RangeSeries]:
        """The series of a query over a range; seconds since the epoch."""
        self.requests += 1
        form = [("query", query), ("start", f"{start:.3f}"), ("end", f"{end:.3f}"), ("step", f"{step:.3f}")]
        answer = await self._client.read(wire.RangeAnswer, QUERY_RANGE, form=form)
        self._remark(answer.remarks(), what)
        return answer.data.result

    async def optional(self, kind: type[wire.Envelope[_T]], path: str, params: Params = ()) -> _T | None:
        """The data of an endpoint that not every implementation has."""
        self.requests += 1
        answer = await self._client.read_optional(kind, path, params=params)
        return None if answer is None else answer.data

    def _remark(self, remarks: Iterable[SafeText], what: SafeText) -> None:
        self.warn(*(fmt("{}: {}", what, remark) for remark in remarks))

    def _bounded(self, series: list[wire.InstantSeries], what: SafeText) -> list[wire.InstantSeries]:
        over = len(series) - self._max_items
        if over <= 0:
            return series
        self.dropped += over
        self.warn(fmt("{}: {} of {} series dropped; aggregate more or raise max_items", what, over, len(series)))
        return series[: self._max_items]


def refusal_text(heading: SafeText, error: Exception) -> SafeText:
    """Why one indicator has no values while the others do."""
    word = error.word if isinstance(error, QueryRefused) else "bad answer"
    return fmt("{}: {}: {}", heading, safe(word), safe(str(error), 512))
