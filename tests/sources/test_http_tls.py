"""The HTTP client over TLS: whom it trusts, and the certificate that it shows."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.sources.certificates import Authority
from tests.sources.hostile import Hostile, Request
from tests.sources.http_reading import client, failure
from tuiops.config.sources import Tls
from tuiops.config.values import Duration, Secret
from tuiops.errors import AccessDenied, TimedOut, Unreachable

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_silent_tls_handshake_ends_at_the_deadline() -> None:
    async def handler(_: Request) -> None:
        await asyncio.Event().wait()

    async with Hostile(handler) as server:
        one = client(server.url.replace("http:", "https:"), timeout=Duration(0.5))
        await one._connected()  # so that the time is not spent on imports
        assert isinstance(await failure(one), TimedOut)


async def fine(request: Request) -> None:
    await request.answer()


async def test_certificates_are_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with Hostile(fine, authority.server()) as server:
        error = await failure(client(server.url, bearer=Secret(env="T")))
        assert isinstance(error, Unreachable)
        assert "is not trusted" in str(error)
        assert "set tls.ca" in str(error)
        assert not server.requests
        one = client(server.url, tls=Tls(ca=str(authority.file)))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_certificates_for_another_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with Hostile(fine, authority.server(name="prom.internal")) as server:
        error = await failure(client(server.url, tls=Tls(ca=str(authority.file))))
        assert "is for another name" in str(error)
        assert "tls.server_name" in str(error)
        one = client(server.url, tls=Tls(ca=str(authority.file), server_name="prom.internal"))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_expired_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with Hostile(fine, authority.server(starts=timedelta(days=-10), ends=timedelta(days=-1))) as server:
        error = await failure(client(server.url, tls=Tls(ca=str(authority.file))))
    assert str(error) == f"the certificate of 127.0.0.1:{server.port} has expired"


async def test_plain_http_behind_https() -> None:
    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(client(f"https://127.0.0.1:{port}"))
    assert "does not speak TLS; should url begin with http://?" in str(error)


async def test_client_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.client()
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    async with Hostile(fine, context) as server:
        await failure(client(server.url, tls=Tls(ca=str(authority.file))))
        assert not server.requests
        one = client(server.url, tls=Tls(ca=str(authority.file), cert=str(cert), key=str(key)))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_an_encrypted_client_key_asks_nobody(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).client(password=b"secret")
    error = await failure(client("https://127.0.0.1:1", tls=Tls(cert=str(cert), key=str(key))))
    assert isinstance(error, AccessDenied)
    assert "client certificate cannot be used" in str(error)


@pytest.mark.parametrize("tls", [Tls(ca="/no/such/file"), Tls(cert="/no/such/file")])
async def test_certificate_files_that_are_missing(tls: Tls) -> None:
    error = await failure(client("https://127.0.0.1:1", tls=tls))
    assert "/no/such/file" in str(error)
    assert "no such file" in str(error)
