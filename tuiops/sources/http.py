"""The HTTP client of a source: bounded in time, bytes and depth, and typed.

Every request has a deadline for all of it, answers are cut off at a number of decompressed bytes,
redirects are not followed, proxies of the environment are ignored, certificates are always checked.
One client for each source, made at its first request and kept alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar, cast
from urllib.parse import urlencode, urlsplit

import msgspec

from tuiops.config.sources import Tls
from tuiops.core.text import SafeText, safe
from tuiops.core.units import show_size
from tuiops.errors import BadAnswer, ConfigError, Fault, RateLimited, SourceError
from tuiops.sources.http_auth import Credentials, Resolve, tls_context
from tuiops.sources.http_errors import Refusal, deadline, looks_like_html, refused, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from tuiops.config.sources import HttpSourceConfig
    from tuiops.core.clock import Clock
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http_connections import Connections, Received

Params = Sequence[tuple[str, str]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
_T = TypeVar("_T")

CONNECTIONS = 4
"""Most connections that a source opens; further requests wait for one."""

STREAMS = 15
"""Most answers without an end that a source reads beside its requests: CloudWatch Logs allows 15 sessions."""

KEEP_ALIVE = 75.0
"""Seconds that an idle connection is kept; servers close theirs after 90 s or more."""

_REFUSAL_BYTES = 64 * 1024
_REFUSAL_SECONDS = 1.0
"""The status and the headers of a refusal are known by then: its body is waited for no longer."""

_HEADERS = {"user-agent": "tuiops", "accept": "application/json", "accept-encoding": "gzip", "connection": "keep-alive"}


class Answer(NamedTuple):
    """A whole 2xx answer, decompressed."""

    status: int
    body: bytes


class Heard(NamedTuple):
    """An answer of any status, as far as it came."""

    status: int
    body: bytes
    cut: bool
    """Whether the body was longer than is read."""


class Endpoint(NamedTuple):
    """A server and how it is talked to."""

    url: str
    timeout: float
    """Seconds for a whole request."""
    max_response: int
    """Bytes, after decompression."""
    via: str | None = None
    tls: Tls = Tls()
    headers: Mapping[str, str] = {}


class Request(NamedTuple):
    """What is about to be sent, as far as a signature covers it."""

    method: Method
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class Signs(Protocol):
    """Shows a server who asks."""

    @property
    def given(self) -> bool:
        """Whether there is anything to show."""
        ...

    async def sign(self, request: Request) -> Mapping[str, str]:
        """Headers to send with the request. Raises AccessDenied when they cannot be made."""
        ...

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Look again after these headers were refused; whether others came out that are worth a try."""
        ...


Explain = Callable[[Refusal, SafeText, "datetime"], SourceError | None]
"""Our error for an answer in a vendor's own form, from `host:port` and the time; None leaves it to HTTP's."""


class HttpConnector:
    """Makes the clients of sources; knows the bastions and how secrets are found."""

    def __init__(self, resolve: Resolve, clock: Clock, bastions: Mapping[str, Bastion] | None = None) -> None:
        self._resolve = resolve
        self._clock = clock
        self._bastions = bastions or {}
        self._signer: Signs | None = None
        self._explain: Explain | None = None

    def signing(self, signer: Signs, explain: Explain | None = None) -> HttpConnector:
        """The same, whose clients show what `signer` makes rather than the secrets of their sources."""
        found = HttpConnector(self._resolve, self._clock, self._bastions)
        found._signer, found._explain = signer, explain
        return found

    def client(
        self,
        config: HttpSourceConfig,
        signer: Signs | None = None,
        explain: Explain | None = None,
        *,
        scheme: str = "Bearer",
    ) -> HttpClient:
        """A client that has not connected yet, for a source with its own secrets unless a signer is given."""
        endpoint = Endpoint(config.url, config.timeout, config.max_response, config.via, config.tls, config.headers)
        shown = signer or self._signer or Credentials(config, self._resolve, scheme)
        return self.open(endpoint, shown, explain or self._explain)

    def open(self, endpoint: Endpoint, signer: Signs, explain: Explain | None = None) -> HttpClient:
        """A client that has not connected yet. ConfigError when `via` names no bastion."""
        bastion = None
        if endpoint.via is not None:
            bastion = self._bastions.get(endpoint.via)
            if bastion is None:
                raise ConfigError([Fault("configuration", "via", f"no bastion is called {endpoint.via!r}", "add it")])
        return HttpClient(endpoint, signer, self._clock, bastion, explain)


class HttpClient:
    """Requests to one server. Raises SourceError only, whatever the server does."""

    def __init__(
        self,
        endpoint: Endpoint,
        signer: Signs,
        clock: Clock,
        bastion: Bastion | None = None,
        explain: Explain | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._explain = explain
        self._clock = clock
        self._bastion = bastion
        self._signer = signer
        self._base = endpoint.url.rstrip("/")
        self._lock = asyncio.Lock()
        self._connections: Connections | None = None
        self._answered = False
        self._streams = 0
        self.server = _server(endpoint.url, bastion)
        """`host:port`, and the bastion before it."""
        self.requests = 0
        """Requests sent so far, repeated ones included."""

    async def read(self, kind: type[_T], path: str, *, params: Params = (), form: Params | None = None) -> _T:
        """The answer to GET, or to POST when there is a `form`, decoded from JSON."""
        answer = await self.fetch(path, params=params, form=form)
        return decode(answer.body, kind, self.server)

    async def read_optional(self, kind: type[_T], path: str, *, params: Params = ()) -> _T | None:
        """The same for an endpoint that not every implementation has: None when this one does not."""
        answer = await self.fetch(path, params=params, absent=frozenset({400, 404, 405, 501}))
        return decode(answer.body, kind, self.server) if answer.status < 300 else None

    async def fetch(
        self, path: str, *, params: Params = (), form: Params | None = None, absent: frozenset[int] = frozenset()
    ) -> Answer:
        """The whole answer to a question. Statuses in `absent` come back with an empty body instead of as an error."""
        if form is None:
            return await self.send("GET", path, params=params, absent=absent, repeatable=True)
        content = urlencode(form).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.send(
            "POST", path, params=params, body=content, headers=headers, absent=absent, repeatable=True
        )

    async def send(
        self,
        method: Method,
        path: str,
        *,
        params: Params = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        absent: frozenset[int] = frozenset(),
        repeatable: bool = False,
    ) -> Answer:
        """The whole answer to any request.

        One that is not `repeatable` is sent again only when the server refused it for its credentials (401), so that
        it is carried out at most once.
        """
        request = Request(method, self._url(path, params), headers or {}, body)
        async with deadline(self._endpoint.timeout, self.server):
            shown = await self._signer.sign(request)
            found = await self._exchange(request, shown, repeatable=repeatable)
            if isinstance(found, Refusal) and found.status == 401 and shown and await self._signer.renew(shown):
                found = await self._exchange(request, await self._signer.sign(request), repeatable=repeatable)
        if isinstance(found, Answer):
            return found
        if found.status in absent:
            return Answer(found.status, b"")
        raise self.refusal(found)

    async def once(
        self, method: Method, url: str, *, body: bytes | None, headers: Mapping[str, str], sent: Callable[[], None]
    ) -> Heard:
        """The answer to a request that is sent at most once, whatever its status.

        `sent` is called just before its first byte goes out: an error that comes before that is one of a request that
        the server never saw.
        """

        async def trace(event: str, _info: Mapping[str, Any]) -> None:
            if event.endswith("send_request_headers.started"):
                sent()

        async with deadline(self._endpoint.timeout, self.server):
            with translated(self.server):
                connections = await self._connected()
                self.requests += 1
                async with connections.request(Request(method, url, headers, body), {}, trace=trace) as received:
                    found, cut = await self._beginning(received)
                    return Heard(received.status, found, cut)

    async def _beginning(self, received: Received) -> tuple[bytes, bool]:
        """A body, or as much of it as is read; whether there is more."""
        limit = self._endpoint.max_response
        unpack = _unpacker(received.headers.get("content-encoding", ""), limit, self.server)
        async for block in received.blocks:
            try:
                unpack.feed(block)
            except TooLong:
                return unpack.taken[:limit], True
        return unpack.finish(), False

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: Method,
        path: str,
        *,
        params: Params = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """An answer as it comes, for ever; only its beginning has a deadline. Blocks are not decompressed.

        RateLimited while STREAMS of them are open already.
        """
        request = Request(method, self._url(path, params), headers or {}, body)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self._one_more_stream())
            with translated(self.server):
                async with deadline(self._endpoint.timeout, self.server):
                    connections = await self._connected()
                    shown = await self._signer.sign(request)
                    self.requests += 1
                    received = await stack.enter_async_context(connections.request(request, shown, endless=True))
                    if not _succeeded(received):
                        raise self.refusal(await self._refusal(received, request.url))
                yield aiter(received.blocks)

    @contextlib.contextmanager
    def _one_more_stream(self) -> Iterator[None]:
        if self._streams == STREAMS:
            raise RateLimited(f"{STREAMS} streams of {self.server} are open already; close one")
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def refusal(self, found: Refusal) -> SourceError:
        """Our error for an answer that is not 2xx."""
        now = self._clock.now()
        explained = self._explain(found, self.server, now) if self._explain is not None else None
        return explained or refused(found, self.server, now, credentials=self._signer.given)

    async def close(self) -> None:
        """Close all connections. The client can be used again."""
        connections, self._connections = self._connections, None
        if connections is not None:
            # Closing must not fail: nothing is lost by it.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await connections.aclose()

    def _url(self, path: str, params: Params) -> str:
        return self._base + path + (f"?{urlencode(params)}" if params else "")

    async def _exchange(self, request: Request, shown: Mapping[str, str], *, repeatable: bool) -> Answer | Refusal:
        with translated(self.server):
            connections = await self._connected()
            try:
                return await self._send(connections, request, shown)
            except _library().BROKEN:
                # Most likely a kept-alive connection that the server closed just before it was used again.
                # What only reads can be sent anew; once, and not to a server that never answers.
                if not (self._answered and repeatable):
                    raise
            self._answered = False
            return await self._send(connections, request, shown)

    async def _send(self, connections: Connections, request: Request, shown: Mapping[str, str]) -> Answer | Refusal:
        self.requests += 1
        async with connections.request(request, shown) as received:
            self._answered = True
            if _succeeded(received):
                return Answer(received.status, await self._body(received, self._endpoint.max_response))
            return await self._refusal(received, request.url)

    async def _refusal(self, received: Received, url: str) -> Refusal:
        body = b"" if 300 <= received.status < 400 else await self._refusal_body(received)
        return Refusal(received.status, received.reason, received.headers, body, url)

    async def _body(self, received: Received, limit: int) -> bytes:
        unpack = _unpacker(received.headers.get("content-encoding", ""), limit, self.server)
        async for block in received.blocks:
            unpack.feed(block)
        return unpack.finish()

    async def _refusal_body(self, received: Received) -> bytes:
        """The beginning of an error's body: what is too long, late or broken does not hide the status."""
        try:
            async with asyncio.timeout(_REFUSAL_SECONDS):
                return await self._body(received, _REFUSAL_BYTES)
        except (BadAnswer, TimeoutError, *_library().BROKEN):
            return b""

    async def _connected(self) -> Connections:
        async with self._lock:
            if self._connections is None:
                self._connections = await self._connect()
            return self._connections

    async def _connect(self) -> Connections:
        library = await asyncio.to_thread(_library)
        context = await asyncio.to_thread(tls_context, self._endpoint.tls)
        backend = None
        if self._bastion is not None:
            tunnel = await asyncio.to_thread(importlib.import_module, "tuiops.sources.http_tunnel")
            backend = tunnel.TunnelBackend(self._bastion)
        return cast(
            "Connections",
            library.Connections(
                self._endpoint, context, _HEADERS, most=CONNECTIONS, keep_alive=KEEP_ALIVE, backend=backend
            ),
        )


def _succeeded(received: Received) -> bool:
    return 200 <= received.status < 300


class TooLong(BadAnswer):
    """More came than is read."""


class _Plain:
    """Collects a body, up to a limit."""

    def __init__(self, limit: int, server: SafeText) -> None:
        self._limit = limit
        self._server = server
        self._out = bytearray()

    def feed(self, block: bytes) -> None:
        self._add(block)

    def finish(self) -> bytes:
        return bytes(self._out)

    @property
    def taken(self) -> bytes:
        """What was collected so far."""
        return bytes(self._out)

    def _add(self, block: bytes) -> None:
        self._out += block
        if len(self._out) > self._limit:
            size = show_size(self._limit)
            raise TooLong(f"{self._server} sent more than {size}; narrow what is asked or raise max_response")


class _Gzip(_Plain):
    """The same for a compressed body. Never inflates more than the limit, however small the body."""

    def __init__(self, limit: int, server: SafeText) -> None:
        super().__init__(limit, server)
        self._inflate = zlib.decompressobj(wbits=31)
        self._whole = True

    def feed(self, block: bytes) -> None:
        try:
            while block:
                self._whole = False
                self._add(self._inflate.decompress(block, self._limit - len(self._out) + 1))
                block = self._inflate.unconsumed_tail
                if self._inflate.eof:
                    block = self._inflate.unused_data
                    self._inflate = zlib.decompressobj(wbits=31)
                    self._whole = True
        except zlib.error:
            raise BadAnswer(f"{self._server} sent an answer that cannot be decompressed") from None

    def finish(self) -> bytes:
        if not self._whole:
            raise BadAnswer(f"{self._server} broke off in the middle of its answer")
        return super().finish()


def _unpacker(encoding: str, limit: int, server: SafeText) -> _Plain:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain(limit, server)
        case "gzip" | "x-gzip":
            return _Gzip(limit, server)
        case other:
            raise BadAnswer(f"{server} compressed its answer in a way that was not asked for: {safe(other)}")


def decode(body: bytes, kind: type[_T], server: SafeText, *, strict: bool = True) -> _T:
    """JSON as a value of `kind`; BadAnswer when it is something else.

    Not `strict`: times may be numbers, in seconds since the epoch.
    """
    try:
        return cast("_T", _decoder(cast("Any", kind), strict).decode(body))
    except msgspec.ValidationError as error:
        raise BadAnswer(f"{server} sent data of another shape than its API's: {safe(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if looks_like_html(body):
            text = "answered with HTML, not data; does url lead to a login page or a proxy?"
            raise BadAnswer(f"{server} {text}") from None
        why = "an empty answer" if not body.strip() else f"what is not JSON ({safe(str(error))})"
        raise BadAnswer(f"{server} sent {why}; does url lead to the right service?") from None
    except RecursionError:
        raise BadAnswer(f"{server} sent data nested too deeply") from None


@functools.lru_cache(maxsize=128)
def _decoder(kind: Any, strict: bool) -> msgspec.json.Decoder[Any]:  # noqa: FBT001 - keys of a cache have no names
    return msgspec.json.Decoder(kind, strict=strict)


@functools.cache
def _library() -> Any:
    """What sends requests. It costs a tenth of a second to import and is not needed before the first one."""
    return importlib.import_module("tuiops.sources.http_connections")


def _server(url: str, bastion: Bastion | None) -> SafeText:
    try:
        parts = urlsplit(url)
        host = parts.hostname or url
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return safe("the server in url")
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return safe(name if bastion is None else f"{name} (via {bastion.name})")
