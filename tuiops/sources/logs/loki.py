"""Grafana Loki as a log stream: range queries, forward in time.

Loki has no cursor: a page is continued from the time of its last line on, itself included, and what was read
already is left out. It stores a line once for each stream and nanosecond, so those three identify it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tuiops.core.text import EMPTY, SafeText, fmt, lit, safe
from tuiops.errors import BadAnswer, QueryRefused
from tuiops.sources.http import decode
from tuiops.sources.line_form import line_format
from tuiops.sources.log_records import envelope, stored_format
from tuiops.sources.stored_logs import SECOND, Page, Past, Record, StoredLogSource, Window, rfc3339

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tuiops.config.clouds import LokiConfig
    from tuiops.config.logs import LokiLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat
    from tuiops.sources.http import HttpClient, HttpConnector

PAGE: Final = 1_000
"""Lines of one request."""
MOST: Final = 5_000
"""Lines that Loki gives at most in one answer unless it is configured otherwise (max_entries_limit_per_query)."""
_TOO_MANY: Final = "max entries limit"
"""What Loki says when more lines are asked for than it gives."""
_PATH: Final = "/loki/api/v1"
_INTERNAL: Final = "__"
"""What names of labels begin with that Loki adds for itself, such as `__error__`."""

_DETECTED: Final = "detected_level"
"""Structured metadata in which Loki keeps the level that it found in a line."""


class LokiLogSource(StoredLogSource):
    """Tails one query."""

    kind = lit("loki")

    def __init__(
        self,
        name: SafeText,
        system: SafeText,
        service: SafeText,
        config: LokiLog,
        client: HttpClient,
        clock: Clock,
    ) -> None:
        form = line_format(config)
        store = LokiStore(config, client, form, clock)
        super().__init__(name, system, service, config, store, stored_format(form), clock)


class _Entry(msgspec.Struct, array_like=True):
    """`["<nanoseconds>", "<line>"]`, and from Loki 3 on metadata when the request asks for it."""

    at: str
    line: str
    metadata: dict[str, Any] = {}


class _Stream(msgspec.Struct):
    stream: dict[str, str] = {}
    values: list[_Entry] = []


class _Data(msgspec.Struct):
    kind: str = msgspec.field(name="resultType", default="")
    result: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"[]"))


class _Answer(msgspec.Struct):
    status: str = ""
    data: _Data = msgspec.field(default_factory=_Data)


class _Sample(msgspec.Struct):
    value: tuple[float, str]


class LokiStore:
    """A `LogStore` over `query_range`."""

    def __init__(self, config: LokiLog, client: HttpClient, form: LineFormat, clock: Clock) -> None:
        self._query = config.query
        self._client = client
        self._form = form
        self._clock = clock
        self._most = MOST
        """Lines that the server gives at most in one answer, as far as is known."""

    async def read(self, window: Window) -> AsyncIterator[Page]:
        since, limit = window.since, PAGE
        known: set[object] = set()
        while True:
            records, limit = await self._page(Window(since, window.until), limit, "forward")
            fresh = [record for record in records if record.id not in known]
            last = max((record.at for record in records), default=since)
            full, one_time = len(records) >= limit, last == since
            too_many = full and one_time and limit >= self._most
            yield Page(fresh, through=last, withheld=_beyond(last, limit) if too_many else EMPTY)
            if not full:
                return
            if one_time and not too_many:
                # All of one nanosecond: only a larger page leads past it.
                limit = self._most
                continue
            if one_time:
                last += 1
            known = {record.id for record in records if record.at == last}
            since, limit = last, PAGE

    async def newest(self, window: Window, most: int) -> Past:
        records, most = await self._page(window, min(most, self._most), "backward")
        return Past(records, whole=len(records) < most)

    async def count(self, window: Window) -> int | None:
        seconds = max(1, -(-(window.until - window.since) // SECOND))
        query = f"sum(count_over_time({self._query} [{seconds}s]))"
        params = (("query", query), ("time", str(window.until)))
        try:
            answer = await self._client.read(_Answer, f"{_PATH}/query", params=params)
        except QueryRefused:
            return None
        samples = decode(bytes(answer.data.result), list[_Sample], self._client.server)
        return int(float(samples[0].value[1])) if samples else 0

    async def _page(self, window: Window, limit: int, direction: str) -> tuple[list[Record], int]:
        """A page and how many lines it may have: fewer than asked for when the server is configured so."""
        try:
            return await self._range(window, limit, direction), limit
        except QueryRefused as error:
            if _TOO_MANY not in str(error) or limit <= PAGE:
                raise
        self._most = PAGE
        return await self._range(window, PAGE, direction), PAGE

    async def _range(self, window: Window, limit: int, direction: str) -> list[Record]:
        params = (
            ("query", self._query),
            ("start", str(window.since)),
            # The end of a range is excluded.
            ("end", str(window.until + 1)),
            ("limit", str(limit)),
            ("direction", direction),
        )
        answer = await self._client.read(_Answer, f"{_PATH}/query_range", params=params)
        if answer.data.kind != "streams":
            kind = safe(answer.data.kind) or "nothing"
            raise QueryRefused(f"{self._client.server}: the query yields {kind}, not log lines; leave out what counts")
        streams = decode(bytes(answer.data.result), list[_Stream], self._client.server)
        records = [record for stream in streams for record in self._records(stream)]
        records.sort()
        return records

    def _records(self, stream: _Stream) -> Iterator[Record]:
        labels = {name: value for name, value in stream.stream.items() if not name.startswith(_INTERNAL)}
        mine = hash(tuple(sorted(labels.items())))
        now = self._clock.now()
        for entry in stream.values:
            if not (entry.at.isascii() and entry.at.isdigit()):
                raise BadAnswer(f"{self._client.server} sent a time that is none: {safe(entry.at)}")
            at = int(entry.at)
            beside = {**labels, **_metadata(entry.metadata)}
            if (found := beside.get(_DETECTED)) not in {None, "unknown"}:
                beside.setdefault("level", found)
            line = envelope(at, entry.line, beside, self._form, now)
            # Labels that a query makes out of the line belong to it like those of its stream.
            yield Record(at, (at, mine, hash(entry.line)), line)


def _beyond(at: int, most: int) -> SafeText:
    """Loki has no way past the lines of one nanosecond but a page that holds them all."""
    return fmt(
        "records of {} beyond the first {:,} were left out: Loki gives no more of one time", safe(rfc3339(at)), most
    )


def _metadata(found: dict[str, Any]) -> dict[str, Any]:
    """Structured metadata and parsed labels, flat."""
    flat: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat.update(value)
        else:
            flat[name] = value
    return flat


def loki_client(config: LokiConfig, connector: HttpConnector) -> HttpClient:
    """What everything that asks one server shares. It has not connected yet."""
    if config.tenant is not None:
        config = msgspec.structs.replace(config, headers={**config.headers, "X-Scope-OrgID": config.tenant})
    return connector.client(config)
