"""The HTTP client against servers that misbehave."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import logging
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.hostile import Hostile, Request
from tuiops.config.sources import Basic, HttpSourceConfig, Tls
from tuiops.config.values import Duration, Secret, Size
from tuiops.core.clock import FakeClock
from tuiops.core.text import SafeText
from tuiops.errors import (
    AccessDenied,
    BadAnswer,
    ConfigError,
    Fault,
    QueryRefused,
    RateLimited,
    SourceError,
    TimedOut,
    Unreachable,
)
from tuiops.sources import http
from tuiops.sources.http import HttpClient, HttpConnector
from tuiops.sources.http_errors import MAX_RETRY_AFTER, retry_after, said

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)
CANARY = "canary-7f3a"
SERVER = SafeText("server:1")


def client(url: str, resolve: object = None, **settings: object) -> HttpClient:
    config = HttpSourceConfig(url=url, **({"timeout": Duration(5)} | settings))  # type: ignore[arg-type] # by test
    connector = HttpConnector(resolve or (lambda _: CANARY), FakeClock(NOW))  # type: ignore[arg-type] # by test
    return connector.client(config)


async def failure(server: HttpClient, path: str = "/api") -> SourceError:
    """The error that a read ends with."""
    try:
        with pytest.raises(SourceError) as caught:
            await server.read(dict[str, int], path)
    finally:
        await server.close()
    assert CANARY not in str(caught.value)
    return caught.value


async def test_answers_are_typed_and_one_connection_is_kept() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b'{"a": 1}')

    async with Hostile(handler) as server:
        one = client(server.url + "/base/")
        assert await one.read(dict[str, int], "/x", params=[("q", "a b&c")]) == {"a": 1}
        assert await one.read(dict[str, int], "/y", form=[("query", "up{}")]) == {"a": 1}
        await one.close()
    assert [request.target for request in server.requests] == ["/base/x?q=a+b%26c", "/base/y"]
    assert server.requests[1].body == "query=up%7B%7D"
    assert (server.connections, one.requests) == (1, 2)


async def test_a_dripping_body_ends_at_the_deadline() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            await request.write(b" ")
            await asyncio.sleep(0.01)

    async with Hostile(handler) as server:
        error = await failure(client(server.url, timeout=Duration(0.3)))
    assert isinstance(error, TimedOut)
    assert "no complete answer within 0.3s" in str(error)


async def test_a_dripping_header_ends_at_the_deadline() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            await request.write(b"x: y\r\n")
            await asyncio.sleep(0.01)

    async with Hostile(handler) as server:
        assert isinstance(await failure(client(server.url, timeout=Duration(0.3))), TimedOut)


async def test_a_silent_tls_handshake_ends_at_the_deadline() -> None:
    async def handler(_: Request) -> None:
        await asyncio.Event().wait()

    async with Hostile(handler) as server:
        one = client(server.url.replace("http:", "https:"), timeout=Duration(0.5))
        await one._connected()  # so that the time is not spent on imports
        assert isinstance(await failure(one), TimedOut)


async def test_an_endless_body_is_cut() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await request.write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")

    async with Hostile(handler) as server:
        error = await failure(client(server.url, max_response=Size(100_000)))
    assert isinstance(error, BadAnswer)
    assert "sent more than 97.7KiB" in str(error)


async def test_a_gzip_bomb_is_cut() -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    async def handler(request: Request) -> None:
        await request.answer(bomb, Content_Encoding="gzip")

    async with Hostile(handler) as server:
        error = await failure(client(server.url, max_response=Size(1_000_000)))
    assert isinstance(error, BadAnswer)
    assert "sent more than" in str(error)


def test_a_gzip_bomb_is_never_inflated_whole() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    unpack = http._Gzip(1_000, SERVER)
    with pytest.raises(BadAnswer):
        unpack.feed(bomb)
    assert len(unpack._out) == 1_001


@given(st.binary(max_size=2_000), st.integers(1, 50))
def test_gzip_comes_out_whole_in_any_pieces(data: bytes, size: int) -> None:
    packed = gzip.compress(data[:1_000]) + gzip.compress(data[1_000:])
    unpack = http._Gzip(2_000, SERVER)
    for start in range(0, len(packed), size):
        unpack.feed(packed[start : start + size])
    assert unpack.finish() == data


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (gzip.compress(b'{"a": 1}' * 99, mtime=0)[:-12], {"Content_Encoding": "gzip"}, "broke off in the middle"),
        (b"no gzip at all", {"Content_Encoding": "gzip"}, "cannot be decompressed"),
        (b"{}", {"Content_Encoding": "br"}, "not asked for: br"),
        (b"<!doctype html><html>Please log in</html>", {}, "answered with HTML, not data"),
        (b'{"a": "one"}', {}, "another shape"),
        (b'{"a": NaN}', {}, "not JSON"),
        (b'{"a": 1e999}', {}, "another shape|not JSON"),
        (b'{"a": \xff}', {}, "not JSON"),
        (b"", {}, "an empty answer"),
        (b"[" * 100_000, {}, "another shape|nested too deeply"),
        (b'{"x": ' + b"[" * 100_000, {}, "nested too deeply|another shape"),
    ],
)
async def test_answers_that_are_none(body: bytes, headers: dict[str, str], words: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer(body, close=False, **headers)

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
    assert isinstance(error, BadAnswer)
    assert str(error).startswith(f"127.0.0.1:{server.port} ")
    assert any(word in str(error) for word in words.split("|")), str(error)


async def test_deep_nesting_in_an_unknown_field() -> None:
    class Narrow(msgspec.Struct):
        a: int = 0

    async def handler(request: Request) -> None:
        await request.answer(b'{"z": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")

    async with Hostile(handler) as server:
        one = client(server.url)
        with pytest.raises(BadAnswer, match="nested too deeply"):
            await one.read(Narrow, "/")
        await one.close()


async def test_a_truncated_body() -> None:
    async def handler(request: Request) -> None:
        await request.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}')
        request.writer.close()

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
    assert isinstance(error, BadAnswer)
    assert "broke off in the middle of its answer" in str(error)


async def test_not_http() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"SSH-2.0-OpenSSH_9\r\n\r\n")

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
    assert isinstance(error, BadAnswer)
    assert "does another service listen there" in str(error)


_PROMETHEUS_ERROR = b'{"status":"error","errorType":"timeout","error":"query timed out"}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        ("400 Bad Request", b'{"status":"error","error":"parse error: \x1b[31m"}', QueryRefused, "parse error: ␛[31m"),
        ("422 Unprocessable Entity", b'{"error":{"message":"too many samples"}}', QueryRefused, "too many samples"),
        ("503 Service Unavailable", _PROMETHEUS_ERROR, QueryRefused, "query timed out"),
        ("503 Service Unavailable", b"Service Unavailable", Unreachable, "not ready to answer (503)"),
        ("502 Bad Gateway", b"<html>", Unreachable, "cannot reach what is behind it (502)"),
        ("403 Forbidden", b"", AccessDenied, "forbids /api (403)"),
        ("404 Not Found", b"404 page not found\n", BadAnswer, "has nothing at /api (404)"),
        ("401 Unauthorized", b"", AccessDenied, "wants credentials (401); set bearer or basic"),
        ("500 Internal Server Error", b'"oops"', BadAnswer, "failed with 500 Internal Server Error: oops"),
        ("429 Too Many Requests", b"", RateLimited, "asked less often; raise interval (429)"),
    ],
)
async def test_statuses(status: str, body: bytes, kind: type[SourceError], words: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer(body.replace(b"\x1b", b"\\u001b"), status)

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
        assert len(server.requests) == 1
    assert type(error) is kind
    assert words in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize("value", ["30", "Fri, 01 May 2026 12:00:30 GMT"])
async def test_retry_after(status: str, value: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"", status, Retry_After=value)

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 30
    assert "asks to wait 30s" in str(error)


@given(st.text())
def test_retry_after_is_bounded_whatever_it_says(value: str) -> None:
    found = retry_after(value, NOW)
    assert found is None or 0 <= found <= MAX_RETRY_AFTER


@given(st.binary())
def test_what_a_server_says_is_printable(body: bytes) -> None:
    assert said(body).isprintable()
    assert len(said(body)) <= 300


async def test_redirects_are_not_followed() -> None:
    async def elsewhere(request: Request) -> None:
        await request.answer()

    async with Hostile(elsewhere) as other:

        async def handler(request: Request) -> None:
            await request.answer(b"", "302 Found", Location=f"http://user:pw@127.0.0.1:{other.port}/login?token=1")

        async with Hostile(handler) as server:
            error = await failure(client(server.url, bearer=Secret(env="T")))
    assert isinstance(error, BadAnswer)
    assert f"redirects (302) to http://127.0.0.1:{other.port}/login, not followed" in str(error)
    assert "pw" not in str(error)
    assert not other.requests


@pytest.mark.parametrize("location", ["", "http://[", "//\x7f", "http://a:99999999/"])
async def test_odd_redirects(location: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"", "301 Moved", Location=location)

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
    assert isinstance(error, BadAnswer)
    assert str(error).isprintable()


async def test_an_expired_token_is_read_again() -> None:
    tokens = iter(["first", "second"])

    async def handler(request: Request) -> None:
        good = request.header("authorization") == ("Bearer first" if len(server.requests) < 3 else "Bearer second")
        await request.answer(b"{}", "200 OK" if good else "401 Unauthorized")

    async with Hostile(handler) as server:
        one = client(server.url, lambda _: next(tokens), bearer=Secret(env="T"))
        for _ in range(4):
            await one.read(dict[str, int], "/")
        await one.close()
    assert [request.header("authorization")[7:] for request in server.requests] == [
        "first", "first", "first", "second", "second",
    ]  # fmt: skip


async def test_a_refused_token_is_tried_once() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"", "401 Unauthorized")

    async with Hostile(handler) as server:
        error = await failure(client(server.url, bearer=Secret(env="T")))
    assert isinstance(error, AccessDenied)
    assert "refused the credentials (401); check bearer or basic" in str(error)
    assert len(server.requests) == 1


async def test_basic_authentication() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"{}", "200 OK" if request.header("authorization") == "Basic dTpww6Q=" else "401 No")

    async with Hostile(handler) as server:
        one = client(server.url, lambda _: "pä", basic=Basic("u", Secret(env="P")))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_a_secret_that_cannot_be_read() -> None:
    def resolve(_: Secret) -> str:
        raise ConfigError([Fault("environment variable T", "", "is not set", "export T")])

    error = await failure(client("http://127.0.0.1:1", resolve, bearer=Secret(env="T")))
    assert isinstance(error, AccessDenied)
    assert "environment variable T: is not set" in str(error)


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "two words", "schlüssel"])
async def test_a_token_that_would_break_the_header(token: str) -> None:
    error = await failure(client("http://127.0.0.1:1", lambda _: token, bearer=Secret(env="T")))
    assert isinstance(error, AccessDenied)
    assert token not in str(error)


async def test_secrets_stay_out_of_logs_and_representations(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> None:
        await request.answer()

    with caplog.at_level(logging.DEBUG):
        async with Hostile(handler) as server:
            one = client(server.url, bearer=Secret(env="T"))
            await one.read(dict[str, int], "/")
            shown = f"{one!r} {one._signer!r} {one._client!r}"
            await one.close()
    assert CANARY not in shown
    assert CANARY not in caplog.text
    assert server.requests[0].header("authorization") == f"Bearer {CANARY}"


async def test_a_connection_closed_while_idle_is_opened_again() -> None:
    async def handler(request: Request) -> None:
        if request.connection == 1 and len(server.requests) == 2:
            request.writer.transport.abort()
        else:
            await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url)
        assert await one.read(dict[str, int], "/") == {}
        assert await one.read(dict[str, int], "/") == {}
        await one.close()
    assert server.connections == 2


async def test_what_may_not_be_repeated_leaves_at_most_once() -> None:
    async def handler(request: Request) -> None:
        if len(server.requests) == 2:
            request.writer.transport.abort()
        else:
            await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url)
        assert (await one.send("POST", "/", body=b"{}")).status == 200
        with pytest.raises(Unreachable):
            await one.send("POST", "/", body=b"{}")
        await one.close()
    assert len(server.requests) == 2


async def test_an_endless_answer_comes_block_by_block() -> None:
    async def handler(request: Request) -> None:
        writer = request.writer
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for block in (b"one", b"two"):
            writer.write(b"%x\r\n%s\r\n" % (len(block), block))
            await writer.drain()
            await going_on.wait()

    going_on = asyncio.Event()
    async with Hostile(handler) as server:
        one = client(server.url)
        async with one.stream("GET", "/") as blocks:
            assert await anext(blocks) == b"one"
            going_on.set()
            assert await anext(blocks) == b"two"
        await one.close()


async def test_a_stream_that_is_refused_says_why() -> None:
    async def handler(request: Request) -> None:
        await request.answer(status="403 Forbidden")

    async with Hostile(handler) as server:
        one = client(server.url)
        with pytest.raises(AccessDenied, match="403"):
            async with one.stream("GET", "/"):
                pytest.fail("a refusal was taken for an answer")
        await one.close()


async def test_a_server_that_hangs_up_is_not_asked_twice() -> None:
    async def handler(request: Request) -> None:
        request.writer.close()

    async with Hostile(handler) as server:
        error = await failure(client(server.url))
    assert isinstance(error, Unreachable)
    assert "closed the connection without an answer" in str(error)
    assert len(server.requests) == 1


async def test_nothing_listens_and_no_such_host(unused_tcp_port: int) -> None:
    error = await failure(client(f"http://127.0.0.1:{unused_tcp_port}"))
    assert isinstance(error, Unreachable)
    assert str(error) == f"127.0.0.1:{unused_tcp_port} refused the connection; is it running, is the port right?"
    error = await failure(client("http://no-such-host.invalid"))
    assert isinstance(error, Unreachable)
    assert str(error).startswith("no such host: no-such-host.invalid:80")


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def handler(request: Request) -> None:
        await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url)
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_optional_endpoints() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"no", "404 Not Found" if request.target == "/absent" else "500 Broken")

    async with Hostile(handler) as server:
        one = client(server.url)
        assert await one.read_optional(dict[str, int], "/absent") is None
        with pytest.raises(BadAnswer):
            await one.read_optional(dict[str, int], "/broken")
        await one.close()


def certificate(folder: Path, *names: x509.GeneralName, days: int = 1) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=10))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


def server_context(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    return context


async def fine(request: Request) -> None:
    await request.answer()


LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


async def test_certificates_are_verified(tmp_path: Path) -> None:
    files = certificate(tmp_path, LOOPBACK)
    async with Hostile(fine, server_context(files)) as server:
        error = await failure(client(server.url, bearer=Secret(env="T")))
        assert isinstance(error, Unreachable)
        assert "is not trusted" in str(error)
        assert "set tls.ca" in str(error)
        assert not server.requests
        one = client(server.url, tls=Tls(ca=str(files[0])))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_certificates_for_another_name(tmp_path: Path) -> None:
    files = certificate(tmp_path, x509.DNSName("prom.internal"))
    async with Hostile(fine, server_context(files)) as server:
        error = await failure(client(server.url, tls=Tls(ca=str(files[0]))))
        assert "is for another name" in str(error)
        assert "tls.server_name" in str(error)
        one = client(server.url, tls=Tls(ca=str(files[0]), server_name="prom.internal"))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_expired_certificates(tmp_path: Path) -> None:
    files = certificate(tmp_path, LOOPBACK, days=-1)
    async with Hostile(fine, server_context(files)) as server:
        error = await failure(client(server.url, tls=Tls(ca=str(files[0]))))
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
    files = certificate(tmp_path, LOOPBACK)
    context = server_context(files)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files[0])
    async with Hostile(fine, context) as server:
        error = await failure(client(server.url, tls=Tls(ca=str(files[0]))))
        assert isinstance(error, SourceError)
        one = client(server.url, tls=Tls(ca=str(files[0]), cert=str(files[0]), key=str(files[1])))
        assert await one.read(dict[str, int], "/") == {}
        await one.close()


async def test_an_encrypted_client_key_asks_nobody(tmp_path: Path) -> None:
    cert, key_file = certificate(tmp_path, LOOPBACK)
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    error = await failure(client("https://127.0.0.1:1", tls=Tls(cert=str(cert), key=str(key_file))))
    assert isinstance(error, AccessDenied)
    assert "client certificate cannot be used" in str(error)


@pytest.mark.parametrize("tls", [Tls(ca="/no/such/file"), Tls(cert="/no/such/file")])
async def test_certificate_files_that_are_missing(tls: Tls) -> None:
    error = await failure(client("https://127.0.0.1:1", tls=tls))
    assert "/no/such/file" in str(error)
    assert "no such file" in str(error)


def test_an_unknown_bastion_is_a_fault() -> None:
    connector = HttpConnector(lambda _: "", FakeClock(NOW))
    with pytest.raises(ConfigError, match="no bastion is called 'edge'"):
        connector.client(HttpSourceConfig(url="http://x", via="edge"))


def test_importing_and_making_sources_imports_no_client_library() -> None:
    script = (
        "import sys; import tuiops.sources.http, tuiops.sources.bastion, tuiops.sources.prometheus.alerts; "
        "import tuiops.sources.alertmanager; "
        "print(sorted({'httpx', 'httpcore', 'asyncssh', 'anyio', 'prometheus_api_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
