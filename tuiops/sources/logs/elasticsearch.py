"""Elasticsearch and OpenSearch as a log stream: searches in the order of time, continued after the last hit.

One request reads what a quiet stream holds. More than a page is read from a point in time, where the server has one
(Elasticsearch from 7.10, OpenSearch from 2.4; they differ in path, field and tiebreaker), else by time and `_id`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from tuiops.core.text import SafeText, lit, safe
from tuiops.errors import AccessDenied, BadAnswer, NotFound, QueryRefused, RateLimited, SourceError, Unreachable
from tuiops.sources.http import decode
from tuiops.sources.http_errors import retry_after
from tuiops.sources.line_form import line_format
from tuiops.sources.log_records import stored_format
from tuiops.sources.stored_logs import Page, Past, Record, StoredLogSource, Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from tuiops.config.clouds import ElasticsearchConfig
    from tuiops.config.logs import ElasticsearchLog
    from tuiops.core.clock import Clock
    from tuiops.sources.http import HttpClient, HttpConnector
    from tuiops.sources.http_errors import Refusal

PAGE: Final = 1_000
"""Documents of one request."""
_LARGEST: Final = 10_000
"""Documents that servers give at most in one answer (index.max_result_window)."""
_MILLI: Final = 1_000_000
_NANO_DATES: Final = 10**16
"""Sort values from here on are nanoseconds: those of `date_nanos` fields. As milliseconds it is the year 318,857."""
_ABSENT: Final = frozenset({400, 403, 404, 405})
"""What servers answer that know no such kind of point in time, or grant none."""
_JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}


class ElasticsearchLogSource(StoredLogSource):
    """Tails one index or pattern of indices."""

    kind = lit("elasticsearch")

    def __init__(
        self,
        name: SafeText,
        system: SafeText,
        service: SafeText,
        config: ElasticsearchLog,
        client: HttpClient,
        clock: Clock,
    ) -> None:
        form = stored_format(line_format(config), config.time_field)
        super().__init__(name, system, service, config, ElasticsearchStore(config, client), form, clock)


class _Hit(msgspec.Struct):
    id: str = msgspec.field(name="_id", default="")
    index: str = msgspec.field(name="_index", default="")
    source: msgspec.Raw = msgspec.field(name="_source", default_factory=lambda: msgspec.Raw(b""))
    sort: list[Any] = []


class _Hits(msgspec.Struct):
    hits: list[_Hit] = []


class _Shards(msgspec.Struct):
    total: int = 1
    failed: int = 0
    failures: list[dict[str, Any]] = []


class _Found(msgspec.Struct):
    hits: _Hits = msgspec.field(default_factory=_Hits)
    shards: _Shards = msgspec.field(name="_shards", default_factory=_Shards)
    timed_out: bool = False
    pit_id: str = ""


class _Opened(msgspec.Struct):
    id: str = ""
    pit_id: str = ""


class _Fields(msgspec.Struct):
    fields: dict[str, Any] = {}


class _Count(msgspec.Struct):
    count: int


class Snapshots(NamedTuple):
    """How a server keeps a point in time."""

    open: str
    """Path below the index."""
    close: str
    field: str
    """Field that names it when it is closed."""
    tie: tuple[str, ...]
    """What orders documents of the same time."""


BY_ID: Final = ("_id", "_index")
ELASTICSEARCH: Final = Snapshots("_pit", "/_pit", "id", ("_shard_doc",))
OPENSEARCH: Final = Snapshots("_search/point_in_time", "/_search/point_in_time", "pit_id", BY_ID)
"""OpenSearch orders by `_shard_doc` from 3.3 on only."""


class ElasticsearchStore:
    """A `LogStore` over the search API."""

    def __init__(self, config: ElasticsearchLog, client: HttpClient) -> None:
        self._config = config
        self._client = client
        self._index = quote(config.index, safe="*,:+@")
        self._kinds: tuple[Snapshots, ...] = (ELASTICSEARCH, OPENSEARCH)
        """The kinds of points in time that the server may have."""
        self._dated = False
        """Whether the field with the time is known to be there."""

    async def read(self, window: Window) -> AsyncIterator[Page]:
        first = await self._search(self._body(window, "asc"))
        page = self._page(first)
        yield page
        await self._check_all(first)
        if len(first.hits.hits) < PAGE:
            return
        # The last time may have more documents than the page had room for; those that it had are known.
        rest = Window(page.records[-1].at, window.until)
        kind, pit = await self._open()
        try:
            body = self._body(rest, "asc", kind.tie if kind is not None else BY_ID)
            while True:
                if pit:
                    body["pit"] = {"id": pit, "keep_alive": "1m"}
                found = await self._search(body, within=bool(pit))
                pit = found.pit_id or pit
                yield self._page(found)
                self._check(found)
                if len(found.hits.hits) < PAGE:
                    return
                body["search_after"] = found.hits.hits[-1].sort
        finally:
            if pit and kind is not None:
                # It ends by itself within a minute.
                with suppress(SourceError):
                    await self._ask("DELETE", kind.close, {kind.field: [pit] if kind is OPENSEARCH else pit})

    async def newest(self, window: Window, most: int) -> Past:
        # In one request: what continues another in this order has no tiebreaker that every server knows.
        found = await self._search({**self._body(window, "desc"), "size": min(most, _LARGEST)})
        await self._check_all(found)
        return Past(self._page(found).records, whole=len(found.hits.hits) < most)

    async def count(self, window: Window) -> int | None:
        # Most dates have milliseconds: what begins within one begins with the next.
        window = Window(-(-window.since // _MILLI) * _MILLI, window.until)
        body = {"query": self._body(window, "asc")["query"]}
        answer = await self._ask("POST", f"/{self._index}/_count", body)
        return decode(answer, _Count, self._client.server).count

    def _body(self, window: Window, order: str, tie: tuple[str, ...] = ()) -> dict[str, Any]:
        config = self._config
        span = {"gte": window.since // _MILLI, "lte": -(-window.until // _MILLI), "format": "epoch_millis"}
        filters: list[dict[str, Any]] = [{"range": {config.time_field: span}}]
        filters += [{"term": {field: value}} for field, value in config.terms.items()]
        if config.query:
            filters.append({"query_string": {"query": config.query}})
        return {
            "size": PAGE,
            "query": {"bool": {"filter": filters}},
            "sort": [{field: {"order": order}} for field in (config.time_field, *tie)],
            "track_total_hits": False,
        }

    async def _search(self, body: Mapping[str, Any], *, within: bool = False) -> _Found:
        """`within` a point in time, which names the indices itself."""
        path = "/_search" if within else f"/{self._index}/_search"
        return decode(await self._ask("POST", path, body), _Found, self._client.server)

    async def _open(self) -> tuple[Snapshots | None, str]:
        """A point in time; none where the server has none."""
        for kind in self._kinds:
            path = f"/{self._index}/{kind.open}"
            params = (("keep_alive", "1m"),)
            answer = await self._client.send("POST", path, params=params, absent=_ABSENT, repeatable=True)
            if answer.status < 300:
                self._kinds = (kind,)
                opened = decode(answer.body, _Opened, self._client.server)
                if pit := opened.id or opened.pit_id:
                    return kind, pit
        return None, ""

    async def _ask(self, method: Any, path: str, body: Mapping[str, Any]) -> bytes:
        answer = await self._client.send(
            method, path, body=msgspec.json.encode(body), headers=_JSON, repeatable=method == "POST"
        )
        return answer.body

    def _page(self, found: _Found) -> Page:
        records = [self._record(hit) for hit in found.hits.hits]
        return Page(records, through=records[-1].at if records else None)

    def _record(self, hit: _Hit) -> Record:
        at = hit.sort[0] if hit.sort else None
        if not isinstance(at, int):
            raise BadAnswer(f"{self._client.server}: {safe(self._config.time_field)} is no date; set time_field")
        at = at if at >= _NANO_DATES else at * _MILLI
        source = bytes(hit.source)
        line = msgspec.json.format(source, indent=-1) if source[:1] == b"{" else b"{}"
        return Record(max(at, 0), (hit.index, hit.id), line)

    async def _check_all(self, found: _Found) -> None:
        """The same for the first answer of a reading: a field that no index has would look like no documents."""
        self._check(found)
        self._dated = self._dated or bool(found.hits.hits)
        if self._dated:
            return
        field = self._config.time_field
        # Who may only read documents is not told about fields.
        path, params = f"/{self._index}/_field_caps", (("fields", field),)
        answer = await self._client.fetch(path, params=params, absent=_ABSENT)
        if answer.status < 300 and field not in decode(answer.body, _Fields, self._client.server).fields:
            wanted, index = safe(field), safe(self._config.index)
            raise QueryRefused(f"{self._client.server}: no field {wanted} in {index}; set time_field")
        self._dated = True

    def _check(self, found: _Found) -> None:
        """Raise when the answer is not all that there is: what is missing is asked for again."""
        shards = found.shards
        if not shards.total:
            raise NotFound(f"{self._client.server}: no index matches {safe(self._config.index)}")
        if shards.failed:
            why = _reason(shards.failures[0]) if shards.failures else "no reason given"
            raise BadAnswer(f"{self._client.server}: {shards.failed} of {shards.total} shards failed: {safe(why)}")
        if found.timed_out:
            raise BadAnswer(f"{self._client.server} ran out of time and answered with a part only")


def elasticsearch_client(config: ElasticsearchConfig, connector: HttpConnector) -> HttpClient:
    """What everything that asks one server shares. It has not connected yet."""
    return connector.client(config, explain=_explain, scheme="ApiKey" if config.api_key else "Bearer")


def _explain(refusal: Refusal, server: SafeText, now: datetime) -> SourceError | None:
    """Our error for an answer in the form `{"error": {"type", "reason", "root_cause", "caused_by"}, "status"}`."""
    try:
        error = msgspec.json.decode(refusal.body)["error"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, IndexError):
        return None
    if not isinstance(error, dict):
        return None
    why = safe(_reason(error), 300)
    if refusal.status == 429:
        wait = retry_after(refusal.headers.get("retry-after", ""), now)
        return RateLimited(f"{server} asks to be asked less often (429): {why}; raise interval", retry_after=wait)
    kind, text = _BY_STATUS.get(refusal.status, (Unreachable, "{server} failed ({status}): {why}"))
    return kind(text.format(server=server, status=refusal.status, why=why))


_BY_STATUS: Final[Mapping[int, tuple[type[SourceError], str]]] = {
    400: (QueryRefused, "{server} refused the query: {why}"),
    401: (AccessDenied, "{server} refused the credentials (401): {why}; check bearer, api_key or basic"),
    403: (AccessDenied, "{server} forbids it (403): {why}; the privilege `read` on the index is needed"),
    404: (NotFound, "{server}: {why}"),
}


def _reason(error: Mapping[str, Any]) -> str:
    """The innermost cause: the outer ones say no more than that all shards failed."""
    found = ""
    inner: Any = error
    for _ in range(8):
        if not isinstance(inner, dict):
            break
        if isinstance(reason := inner.get("reason"), str):
            found = reason
        inner = inner.get("caused_by") or (inner["reason"] if isinstance(inner.get("reason"), dict) else None)
    return found or str(error.get("type", ""))
