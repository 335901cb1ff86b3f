"""HTTP over the channels of a bastion. Imported with httpx, never before it is needed.

Channels rather than a forwarded port: failures behind the bastion keep their reasons, and no socket listens on this
machine.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import httpx
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterable, Iterator

    import asyncssh

    from tuiops.sources.bastion import Bastion


class TunnelTransport(httpx.AsyncBaseTransport):
    """What httpx sends through when what it asks is behind a bastion."""

    def __init__(self, bastion: Bastion, context: ssl.SSLContext, connections: int, keep_alive: float) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=keep_alive,
            network_backend=TunnelBackend(bastion),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        content = request.stream
        if not isinstance(content, httpx.AsyncByteStream):
            raise TypeError("requests of an asynchronous client have asynchronous bodies")
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=content,
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = await self._pool.handle_async_request(sent)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


@contextlib.contextmanager
def _as_httpx() -> Iterator[None]:
    """What callers of httpx expect; other failures keep their own types."""
    try:
        yield
    except httpcore.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except httpcore.NetworkError as error:
        raise httpx.ReadError(str(error)) from error


class _Body(httpx.AsyncByteStream):
    """A body on its way from httpcore to httpx."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for block in self._stream:
                yield block

    async def aclose(self) -> None:
        await self._stream.aclose()


class TunnelBackend(httpcore.AsyncNetworkBackend):
    """Opens connections on the far side of a bastion. Timeouts are the callers' deadlines."""

    def __init__(self, bastion: Bastion) -> None:
        self._bastion = bastion

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 # the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del timeout, local_address, socket_options
        return _Stream(_Channel(*await self._bastion.open_connection(host, port)))


class _Channel(ByteStream):
    """An SSH channel as anyio sees bytes, so that its TLS can run on top."""

    def __init__(self, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def gone(self) -> bool:
        """Whether the other side has closed; a kept-alive connection must not be used then."""
        return self._writer.is_closing() or self._reader.at_eof()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        block = await self._reader.read(max_bytes)
        if not block:
            raise anyio.EndOfStream
        return block

    async def send(self, item: bytes) -> None:
        self._writer.write(item)
        await self._writer.drain()

    async def send_eof(self) -> None:
        self._writer.write_eof()

    async def aclose(self) -> None:
        self._writer.close()


class _Stream(httpcore.AsyncNetworkStream):
    """A channel, or TLS over it, as httpcore sees it."""

    def __init__(self, channel: _Channel, tls: TLSStream | None = None) -> None:
        self._channel = channel
        self._stream: ByteStream = tls or channel

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 # httpcore's interface
        del timeout
        try:
            return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 # httpcore's interface
        del timeout
        if buffer:
            await self._stream.send(buffer)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's interface
    ) -> httpcore.AsyncNetworkStream:
        del timeout
        try:
            tls = await TLSStream.wrap(
                self._channel, hostname=server_hostname, ssl_context=ssl_context, standard_compatible=False
            )
        except BaseException:  # cancelled or failed, the channel must not stay open; raised again below
            await self._channel.aclose()
            raise
        return _Stream(self._channel, tls)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object" and isinstance(self._stream, TLSStream):
            return self._stream.extra(TLSAttribute.ssl_object)  # noqa: S610 # anyio's, not Django's
        return self._channel.gone if info == "is_readable" else None
