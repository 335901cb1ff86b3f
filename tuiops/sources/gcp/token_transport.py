"""How google-auth reaches token servers: plain HTTP with a deadline, without redirects or the environment's proxies."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from tuiops.sources.curfew import Curfew
from tuiops.sources.http_errors import server_time

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 10.0
"""For one request, from its connection to the last byte; each address of a server has as long to be connected to."""

_MOST_BYTES = 1_000_000


class TokenAnswer(NamedTuple):
    """An answer in the form that google-auth expects."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class TokenTransport:
    """Called by google-auth as `google.auth.transport.Request` describes. It blocks."""

    def __init__(self) -> None:
        self._tls: ssl.SSLContext | None = None
        self.skew = 0.0
        """Seconds that this machine's clock is ahead of the last server's; 0 until one has told its time."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> TokenAnswer:
        """The whole answer. Raises google.auth.exceptions.TransportError when there is none."""
        from google.auth.exceptions import TransportError

        try:
            return self._ask(url, method, body, headers or {}, min(timeout or SECONDS, SECONDS))
        except (OSError, ValueError, http.client.HTTPException) as error:
            # Its text may quote what was sent: the kind of failure and the host are enough.
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            text = f"{urlsplit(url).hostname or 'token server'}: {why}"
            raise TransportError(text) from None  # type: ignore[no-untyped-call] # google-auth is typed in part

    def _ask(
        self, url: str, method: str, body: bytes | str | None, headers: Mapping[str, str], seconds: float
    ) -> TokenAnswer:
        connection = self._connection(url, seconds)
        try:
            parts = urlsplit(url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            raw = socket.create_connection((connection.host, connection.port), seconds)
            connection.sock = raw
            with Curfew(seconds) as curfew:
                curfew.watch(raw)
                if isinstance(connection, http.client.HTTPSConnection):
                    connection.sock = self._secure().wrap_socket(raw, server_hostname=connection.host)
                connection.request(method, target, body, dict(headers))
                answer = connection.getresponse()
                data = bytearray()
                while block := answer.read1(65536):
                    data += block
                    if len(data) > _MOST_BYTES:
                        raise http.client.IncompleteRead(b"")
                if answer.length:
                    # `read` looks at what is missing of the length that was told, `read1` does not.
                    raise http.client.IncompleteRead(b"", answer.length)
            found = {name.lower(): value for name, value in answer.getheaders()}
            told = server_time(found)
            self.skew = time.time() - told if told is not None else self.skew
            return TokenAnswer(answer.status, found, bytes(data))
        finally:
            connection.close()

    @staticmethod
    def _connection(url: str, seconds: float) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        if parts.hostname is None or parts.scheme not in {"http", "https"}:
            raise ValueError("not an address")
        kind = http.client.HTTPConnection if parts.scheme == "http" else http.client.HTTPSConnection
        return kind(parts.hostname, parts.port, timeout=seconds)

    def _secure(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
