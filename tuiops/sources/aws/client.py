"""Requests to Amazon's APIs: signed, bounded, paged, within their quotas."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast, overload
from urllib.parse import urlsplit

import msgspec

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import BadAnswer, RateLimited
from tuiops.sources.aws.auth import AwsSigner
from tuiops.sources.aws.errors import KeysRefused, Refused, explain
from tuiops.sources.aws.wire import Wire, Wires
from tuiops.sources.daemon import DaemonWorker
from tuiops.sources.http import Endpoint, decode
from tuiops.sources.paging import Cursor, Listing
from tuiops.sources.quota import Quotas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from tuiops.config.clouds import AwsConfig
    from tuiops.core.clock import Clock
    from tuiops.errors import SourceError
    from tuiops.sources.aws.auth import AwsAuth
    from tuiops.sources.http import HttpClient, HttpConnector
    from tuiops.sources.http_errors import Refusal
    from tuiops.sources.unchanged import Unchanged

_T = TypeVar("_T")
_Item = TypeVar("_Item")

QUOTAS: Mapping[str, float] = {
    "ecs": 600,  # token buckets for each account, region and kind of action (AmazonECS: request throttling)
    "application-autoscaling": 120,  # unpublished
    "cloudwatch": 300,  # DescribeAlarms: of 540 a minute; GetMetricData: of 3,000
    "logs": 240,  # FilterLogEvents: of 300 to 600 a minute by region
    "rds": 120,  # unpublished
    "elasticache": 120,  # unpublished
    "secretsmanager": 600,  # DescribeSecret: of 3,000 a minute; ListSecretVersionIds: of 3,000
}
"""Requests a minute that are asked for at most: other users of the account need their share."""

_READS = ("Describe", "Filter", "Get", "List")
_MOST_PAGES = 500


class _Service(NamedTuple):
    """One API: how it is spoken and where."""

    wire: Wire
    http: HttpClient
    streams: dict[str, HttpClient]
    """Clients of hosts with a prefix, by prefix."""


class AwsClient:
    """What everything that asks one source shares. All of it raises errors.SourceError and nothing else.

    Services are named as botocore and the AWS command line name them: `ecs`, `logs`, `application-autoscaling`.
    """

    def __init__(self, config: AwsConfig, auth: AwsAuth, connector: HttpConnector, clock: Clock) -> None:
        self.region = config.region
        self.timeout = float(config.timeout)
        """Seconds of one poll, all of its requests together."""
        self.quotas = Quotas(QUOTAS, config.quotas, clock)
        self._config = config
        self._clock = clock
        self._auth = auth
        self._connector = connector
        self._worker = DaemonWorker("aws-models")
        self._wires = Wires(config.region)
        self._services: dict[str, _Service] = {}

    @property
    def requests(self) -> int:
        """Requests sent so far, of all services."""
        clients = (client for found in self._services.values() for client in (found.http, *found.streams.values()))
        return sum(client.requests for client in clients)

    @property
    def options(self) -> tuple[SafeText, ...]:
        """What the AWS command line needs to do the same: where, and as whom."""
        profile = self._auth.profile
        words = (lit("--region"), safe(self.region))
        return (*words, lit("--profile"), safe(profile)) if profile is not None else words

    async def log_in(self) -> None:
        """Find credentials. Raises errors.AccessDenied when there are none."""
        await self._auth.keys()

    @overload
    async def call(self, service: str, operation: str, params: Mapping[str, object] = ...) -> dict[str, Any]: ...

    @overload
    async def call(self, service: str, operation: str, params: Mapping[str, object] = ..., *, kind: type[_T]) -> _T: ...

    async def call(
        self, service: str, operation: str, params: Mapping[str, object] | None = None, *, kind: Any = None
    ) -> Any:
        """The answer to one request: a `kind`, or a dict as botocore parses it.

        Members have the names of AWS' API; times are datetimes. What only reads may be sent twice. Everything else is
        sent again only when AWS refused the keys that signed it, so that it is carried out at most once.
        """
        found = await self._service(service)
        body = await self._send(found, operation, params or {})
        if kind is None:
            return found.wire.read(operation, body, found.http.server)
        return self._typed(found, operation, body, kind)

    async def poll(
        self, service: str, operation: str, params: Mapping[str, object], *, kind: type[_T], last: Unchanged[_T]
    ) -> _T:
        """The same for a question that is asked again and again: an answer as the `last` one is not read again."""
        found = await self._service(service)
        body = await self._send(found, operation, params)
        return last.read(body, lambda changed: cast("_T", self._typed(found, operation, changed, kind)))

    @overload
    async def pages(
        self, service: str, operation: str, params: Mapping[str, object], *, result: str, most: int | None = ...
    ) -> Listing[str]: ...

    @overload
    async def pages(
        self,
        service: str,
        operation: str,
        params: Mapping[str, object],
        *,
        result: str,
        kind: type[_Item],
        most: int | None = ...,
    ) -> Listing[_Item]: ...

    async def pages(
        self,
        service: str,
        operation: str,
        params: Mapping[str, object],
        *,
        result: str,
        kind: Any = str,
        most: int | None = None,
    ) -> Listing[Any]:
        """The members `result` of all pages, up to `most` items, `max_items` when left out.

        Fails as a whole when one page fails.
        """
        most = self._config.max_items if most is None else most
        found = await self._service(service)
        into, out_of = found.wire.tokens(operation)
        items: list[Any] = []
        cursor = Cursor(fmt("{} {}", safe(service), safe(operation)), _MOST_PAGES)
        while cursor.reads_on and len(items) <= most:
            asked = {**params, into: cursor.token} if cursor.token else params
            body = await self._send(found, operation, asked)
            page, token = self._page(found, operation, body, (result, out_of, kind))
            items.extend(page)
            cursor.turn(token)
        return Listing(items=tuple(items[:most]), truncated=cursor.more or len(items) > most)

    @contextlib.asynccontextmanager
    async def events(
        self, service: str, operation: str, params: Mapping[str, object]
    ) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, Any]]]]:
        """The events of an operation that answers with a stream of them: names and contents, as they come."""
        found = await self._service(service)
        written = found.wire.write(operation, params)
        http = self._streaming(found, written.host_prefix)
        await self.quotas.of(service).take(self.timeout)
        headers = {**written.headers, "accept-encoding": "identity"}
        async with http.stream("POST", written.path, body=written.body, headers=headers) as blocks:
            yield self._events(found, operation, http, blocks)

    async def close(self) -> None:
        """Close all connections. The client can be used again."""
        for found in self._services.values():
            for client in (found.http, *found.streams.values()):
                await client.close()
        self._worker.close()
        await self._auth.close()

    async def _events(
        self, found: _Service, operation: str, http: HttpClient, blocks: AsyncIterator[bytes]
    ) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        events = found.wire.events(operation)
        async for block in blocks:
            for event in events.feed(block, http.server):
                if isinstance(event, Refused):
                    raise self._explained(event, http.server)
                yield event

    async def _send(self, found: _Service, operation: str, params: Mapping[str, object]) -> bytes:
        written = found.wire.write(operation, params)
        quota = self.quotas.of(found.wire.service)
        await quota.take(self.timeout)
        keys = await self._auth.keys()
        send = partial(
            found.http.send,
            "POST",
            written.path,
            body=written.body,
            headers=written.headers,
            repeatable=operation.startswith(_READS),
        )
        try:
            try:
                return (await send()).body
            except KeysRefused:
                # Nothing was done: it may be sent again even when it changes something.
                if not await self._auth.renew(keys):
                    raise
            return (await send()).body
        except RateLimited as error:
            quota.refused(error.retry_after)
            raise

    def _typed(self, found: _Service, operation: str, body: bytes, kind: Any) -> Any:
        server = found.http.server
        if found.wire.protocol == "json":
            # Members that are null count as left out, which botocore knows and a decoder does not.
            with contextlib.suppress(BadAnswer):
                return decode(body, kind, server, strict=False)
        return _converted(found.wire.read(operation, body, server), kind, server)

    def _page(
        self, found: _Service, operation: str, body: bytes, wanted: tuple[str, str, Any]
    ) -> tuple[list[Any], str]:
        """The items of one page and the token of the next one."""
        result, out_of, kind = wanted
        server = found.http.server
        kinds: Any = cast("Any", list)[kind]
        if found.wire.protocol == "json":
            # As in `_typed`: members that are null count as left out.
            with contextlib.suppress(BadAnswer):
                raw = decode(body, dict[str, msgspec.Raw], server)
                items = decode(bytes(raw[result]), kinds, server, strict=False) if result in raw else []
                token = decode(bytes(raw[out_of]), str, server) if out_of in raw else ""
                return items, token
        parsed = found.wire.read(operation, body, server)
        return _converted(parsed.get(result, []), kinds, server), str(parsed.get(out_of) or "")

    async def _service(self, name: str) -> _Service:
        if name not in self._services:
            wire = await self._worker.run(partial(self._wires.load, name))
            # Another one may have asked for it meanwhile.
            if name not in self._services:
                self._services[name] = _Service(wire, self._open(wire, self._config.endpoints.get(name, wire.url)), {})
        return self._services[name]

    def _streaming(self, found: _Service, prefix: str) -> HttpClient:
        """An address of the configuration's own is taken as it is."""
        if not prefix or found.wire.service in self._config.endpoints:
            return found.http
        if prefix not in found.streams:
            parts = urlsplit(found.wire.url)
            found.streams[prefix] = self._open(found.wire, parts._replace(netloc=prefix + parts.netloc).geturl())
        return found.streams[prefix]

    def _open(self, wire: Wire, url: str) -> HttpClient:
        config = self._config
        endpoint = Endpoint(url, float(config.timeout), config.max_response, config.via)
        signer = AwsSigner(self._auth, wire.signing_name, wire.signing_region)

        def told(refusal: Refusal, server: SafeText, now: datetime) -> SourceError | None:
            refused = wire.refusal(refusal.status, refusal.headers, refusal.body)
            return explain(refused, server, now, self._auth.remedy)

        return self._connector.open(endpoint, signer, told)

    def _explained(self, refused: Refused, server: SafeText) -> SourceError:
        error = explain(refused, server, self._clock.now(), self._auth.remedy)
        return error or BadAnswer(f"{server} ended its stream of events with an error that has no name")


def _converted(value: Any, kind: Any, server: SafeText) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadAnswer(f"{server} sent data of another shape than its API's: {safe(str(error))}") from None
