"""The connections of one client to its server. Imported with httpx, never before it is needed.

They are httpcore's, what httpx itself sends through; what keeps them is not. httpcore's pool serves any number of
servers and looks over all of its connections several times for each request, which costs more than the rest of the
request. Here there is one server, and its few connections wait in a queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import httpcore
import httpx

from tuiops.sources.http_sockets import ClosingBackend

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping

    from tuiops.sources.http import Endpoint, Request

    Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]

BROKEN = (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError)
"""What a connection fails with that the server closed while it waited."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ALWAYS_SIZED = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests tell their length even when they have no body (RFC 9110, section 8.6)."""


class Received(NamedTuple):
    """An answer whose body is still to come."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """By names in small letters; what was sent several times is joined by commas."""
    blocks: AsyncIterable[bytes]
    """The body as it is sent, compressed or not."""


class Connections:
    """A few connections to one server: each carries one request at a time, and is kept alive for the next one."""

    def __init__(
        self,
        endpoint: Endpoint,
        context: ssl.SSLContext,
        headers: Mapping[str, str],
        *,
        most: int,
        keep_alive: float,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """`headers` go with every request; further requests than `most` wait; `keep_alive` in seconds.

        Raises httpx.InvalidURL and httpcore.UnsupportedProtocol for an address that cannot be asked.
        """
        url = httpx.URL(endpoint.url)
        if url.scheme not in _DEFAULT_PORTS or not url.host:
            raise httpcore.UnsupportedProtocol(f"no address of a server: {endpoint.url}")
        self._origin = httpcore.Origin(url.raw_scheme, url.raw_host, url.port or _DEFAULT_PORTS[url.scheme])
        self._standing = _by_name({"host": url.netloc.decode("ascii"), **headers, **endpoint.headers})
        self._extensions = {
            # The deadline bounds everything; httpcore's own would start again with every byte. Connecting alone has
            # one that most often ends first, so that the error says what did not come to an end.
            "timeout": {"connect": 0.8 * endpoint.timeout},
            "sni_hostname": endpoint.tls.server_name,
        }
        self._open = functools.partial(
            httpcore.AsyncHTTPConnection,
            self._origin,
            ssl_context=context,
            keepalive_expiry=keep_alive,
            network_backend=backend or ClosingBackend(),
        )
        self._free = asyncio.Semaphore(most)
        self._idle: deque[httpcore.AsyncHTTPConnection] = deque()
        """The one that has waited longest is first, and the next one to be used: none outlasts its time."""
        self._in_use: set[httpcore.AsyncHTTPConnection] = set()
        self._closed = False

    @contextlib.asynccontextmanager
    async def request(
        self, request: Request, shown: Mapping[str, str], *, endless: bool = False, trace: Trace | None = None
    ) -> AsyncIterator[Received]:
        """The answer to a request. A connection whose answer is not read to its end is closed.

        An `endless` answer has a connection of its own, which takes nothing from the others. `trace` is told of every
        step that httpcore takes.
        """
        sent = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=self._origin.scheme,
                host=self._origin.host,
                port=self._origin.port,
                target=_target(request.url),
            ),
            headers=self._headers(request, shown),
            content=request.body,
            extensions=self._extensions if trace is None else {**self._extensions, "trace": trace},
        )
        async with contextlib.nullcontext() if endless else self._free:
            connection = await self._take(endless=endless)
            self._in_use.add(connection)
            try:
                answer = await connection.handle_async_request(sent)
                try:
                    yield _received(answer)
                finally:
                    await answer.aclose()
            finally:
                self._in_use.discard(connection)
                if connection.is_available() and not self._closed and not endless:
                    self._idle.append(connection)
                elif not connection.is_closed():
                    await connection.aclose()

    async def aclose(self) -> None:
        """Close all of them, those included on which an answer is under way."""
        self._closed = True
        waiting = [*self._idle, *self._in_use]
        self._idle.clear()
        # One that fails or hangs keeps no other one open.
        await asyncio.gather(*(connection.aclose() for connection in waiting), return_exceptions=True)

    async def _take(self, *, endless: bool) -> httpcore.AsyncHTTPConnection:
        if self._closed:
            raise httpcore.NetworkError("closed while it waited for a connection")
        while self._idle and not endless:
            connection = self._idle.popleft()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return self._open()

    def _headers(self, request: Request, shown: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        found = {**self._standing, **_by_name(request.headers), **_by_name(shown)}
        if request.body or request.method in _ALWAYS_SIZED:
            found["content-length"] = (b"Content-Length", b"%d" % len(request.body or b""))
        return list(found.values())


def _by_name(headers: Mapping[str, str]) -> dict[str, tuple[bytes, bytes]]:
    """Headers as they are sent, by their names in small letters."""
    return {name.lower(): (name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()}


@functools.lru_cache(maxsize=512)
def _target(url: str) -> bytes:
    """Path and query of an address, encoded. Polls ask for the same addresses again and again."""
    return httpx.URL(url).raw_path


def _received(answer: httpcore.Response) -> Received:
    headers: dict[str, str] = {}
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    reason = answer.extensions.get("reason_phrase", b"").decode("ascii", "ignore")
    return Received(answer.status, reason, headers, cast("AsyncIterable[bytes]", answer.stream))
