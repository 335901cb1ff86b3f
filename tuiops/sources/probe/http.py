"""HTTP: a request and what its answer must look like."""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tuiops import __version__
from tuiops.core.guarded import occurs
from tuiops.core.text import SafeText, fmt, join, lit, safe
from tuiops.errors import QueryRefused
from tuiops.sources.probe.base import Answer, ProbeFailed, read_secret
from tuiops.sources.probe.connect import blame, place, through, verifying_context

if TYPE_CHECKING:
    import httpx

    from tuiops.config.systems import HttpProbe
    from tuiops.core.clock import Clock
    from tuiops.sources.bastion import Bastion

BODY = 64 * 1024
"""Bytes of the body, decompressed, that are read and searched."""
_CREDENTIALS_REFUSED = frozenset({401, 403})
_PATTERN_SHOWN = 60
_SEARCH = 0.2
"""Seconds that the expected pattern may take: the hub waits meanwhile."""


class HttpKnock:
    """Asks on a connection of its own each time: a kept one would not notice that the listener is gone.

    Redirects are answers like any other: nothing follows them, so no token travels to another origin.
    """

    def __init__(self, config: HttpProbe, *, clock: Clock, bastion: Bastion | None = None) -> None:
        self._config = config
        self._clock = clock
        self._bastion = bastion
        self._client: httpx.AsyncClient | None = None
        self._token: str | None = None
        self._patience = 0.8 * float(config.timeout)

    async def prepare(self) -> None:
        if self._bastion is not None:
            await self._bastion.connect()
        if self._client is None:
            self._client = await asyncio.to_thread(self._make_client)
        if self._config.bearer is not None and self._token is None:
            self._token = await read_secret(self._config.bearer)

    async def __call__(self) -> Answer:
        import anyio
        import httpx

        where = self._where()
        started = self._clock.monotonic()
        try:
            with through(self._bastion, where):
                status = await self._ask()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise QueryRefused(f"{safe(self._config.url)} is not a usable address: {safe(str(error))}") from error
        except httpx.RemoteProtocolError as error:
            raise ProbeFailed(fmt("{}: {}", where, safe(str(error)))) from error
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ProbeFailed(fmt("{} hung up", where)) from error
        except httpx.ConnectTimeout as error:
            raise ProbeFailed(fmt("no connection to {} within {}s", where, safe(f"{self._patience:g}"))) from error
        except (httpx.TransportError, OSError) as error:
            raise blame(error, where) from error
        return Answer(self._clock.monotonic() - started, fmt("HTTP {}", status))

    async def _ask(self) -> int:
        """The status of an answer that is as expected."""
        assert self._client is not None
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        async with self._client.stream(self._config.method, self._config.url, headers=headers) as response:
            self._check_status(response)
            self._check_body(response, await _read_body(response))
            return response.status_code

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _make_client(self) -> httpx.AsyncClient:
        import httpx

        context = verifying_context(None)
        transport: httpx.AsyncBaseTransport | None = None
        if self._bastion is not None:
            from tuiops.sources.http_tunnel import TunnelTransport

            transport = TunnelTransport(self._bastion, context, 1, 0.0)
        return httpx.AsyncClient(
            transport=transport,
            verify=context,
            # The caller holds one deadline over all of it. Connecting has one that ends first, because httpcore
            # closes the socket of a handshake that fails, not of one cancelled.
            timeout=httpx.Timeout(None, connect=self._patience),
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            headers={"User-Agent": f"tuiops/{__version__}", "Accept-Encoding": "identity"},
        )

    def _where(self) -> SafeText:
        try:
            url = urlsplit(self._config.url)
            return place(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        except ValueError as error:
            raise QueryRefused(f"{safe(self._config.url)} is not a usable address: {error}") from error

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if any(_matches(status, expected) for expected in self._config.expect_status):
            return
        if status in _CREDENTIALS_REFUSED:
            self._token = None
        expected = join("/", (safe(word) for word in self._config.expect_status))
        if response.has_redirect_location:
            target = safe(response.headers["Location"])
            raise ProbeFailed(fmt("HTTP {} to {}, expected {}", status, target, expected))
        raise ProbeFailed(fmt("HTTP {}, expected {}", status, expected))

    def _check_body(self, response: httpx.Response, body: bytes) -> None:
        pattern = self._config.expect_body
        if pattern is None:
            return
        try:
            text = body.decode(response.charset_encoding or "utf-8", "replace")
        except LookupError:
            text = body.decode("utf-8", "replace")
        try:
            found = occurs(pattern, text, _SEARCH)
        except re.error as error:
            raise QueryRefused(f"expect_body is not a regular expression: {error}") from error
        except TimeoutError as error:
            shown = safe(pattern, _PATTERN_SHOWN)
            raise QueryRefused(f"expect_body takes too long on this body: make '{shown}' simpler") from error
        if not found:
            raise ProbeFailed(fmt("body lacks '{}'", safe(pattern, _PATTERN_SHOWN)))


def _matches(status: int, expected: str) -> bool:
    """Whether the status is the number, or of the class such as `2xx`."""
    return str(status) == expected or (expected.lower().endswith("xx") and f"{status // 100}xx" == expected.lower())


async def _read_body(response: httpx.Response) -> bytes:
    """The first BODY bytes. Inflated piece by piece here: httpx would inflate a whole chunk, bomb or not."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise ProbeFailed(fmt("body is compressed with {}, which nobody asked for", safe(encoding, 20)))
    # 32 added to the window's bits: zlib or gzip, whichever the header says (zlib.h, inflateInit2).
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32) if encoding not in {"identity", ""} else None
    body = bytearray()
    async for piece in response.aiter_raw():
        try:
            body += piece if inflate is None else inflate.decompress(piece, BODY + 1 - len(body))
        except zlib.error as error:
            raise ProbeFailed(lit("body is not compressed as its header says")) from error
        if len(body) > BODY:
            break
    return bytes(body[:BODY])
