"""What a client shows to a server to be let in, and how it makes sure that it is the right server."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tuiops.core.text import safe
from tuiops.errors import AccessDenied, ConfigError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiops.config.sources import HttpSourceConfig, Tls
    from tuiops.config.values import Secret
    from tuiops.sources.http import Request

Resolve = Callable[["Secret"], str]
"""Finds a secret; may block; raises ConfigError."""


class Credentials:
    """The `Authorization` header of one source. Secrets are read when first needed and once more when refused."""

    def __init__(self, config: HttpSourceConfig, resolve: Resolve, scheme: str = "Bearer") -> None:
        """`scheme`: what a server calls the kind of secret that `bearer` is."""
        self._scheme = scheme
        self._bearer = config.bearer
        self._basic = config.basic
        self._resolve = resolve
        self._header: str | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Credentials {'bearer' if self._bearer else 'basic' if self._basic else 'none'}>"

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return self._bearer is not None or self._basic is not None

    async def sign(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the same for every request
        """The header to send, none when there is nothing to show. AccessDenied when the secret cannot be had."""
        if not self.given:
            return {}
        async with self._lock:
            if self._header is None:
                self._header = await self._read()
            return {"authorization": self._header}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Read the secret again after it was refused; whether another one came out that is worth a try."""
        async with self._lock:
            if self._header == refused.get("authorization"):
                self._header = None
                self._header = await self._read()
            return self._header != refused.get("authorization")

    async def _read(self) -> str:
        try:
            if self._bearer is not None:
                token = await asyncio.to_thread(self._resolve, self._bearer)
                return f"{self._scheme} {_sendable(token)}"
            if self._basic is not None:
                password = await asyncio.to_thread(self._resolve, self._basic.password)
                pair = f"{self._basic.user}:{password}".encode()
                return f"Basic {base64.b64encode(pair).decode('ascii')}"
        except ConfigError as error:
            raise AccessDenied(f"the secret cannot be read: {safe(str(error), 500)}") from None
        return ""


def _sendable(token: str) -> str:
    """A token that fits into a header: a line break in it would begin another one."""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise AccessDenied("the bearer token holds characters that no token has; is its file or command the right one?")
    return token


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Always verifies. Blocks a little: it reads the certificates of the system."""
    try:
        context = ssl.create_default_context(cafile=str(Path(tls.ca).expanduser()) if tls.ca else None)
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(f"tls.ca cannot be used: {safe(tls.ca or 'system store')}: {_why(error)}") from None
    if tls.cert:
        key = Path(tls.key).expanduser() if tls.key else None
        try:
            # An encrypted key would make OpenSSL ask for a password on the terminal that the console draws on.
            context.load_cert_chain(Path(tls.cert).expanduser(), key, password=lambda: "")
        except (OSError, ssl.SSLError, ValueError) as error:
            raise AccessDenied(
                f"the client certificate cannot be used: tls.cert {safe(tls.cert)}, tls.key {safe(tls.key or 'same')}: "
                f"{_why(error)}"
            ) from None
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return safe((error.reason or "not PEM").replace("_", " ").lower())
    if isinstance(error, OSError):
        return safe(error.strerror or "cannot be read").lower()
    return "the key is encrypted"
