"""What the HTTP client makes of answers: their size and form, their status, and where they would lead."""

from __future__ import annotations

import asyncio
import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.hostile import Hostile, Request
from tests.sources.http_reading import NOW, client, failure
from tuiops.config.values import Secret, Size
from tuiops.core.text import SafeText
from tuiops.errors import AccessDenied, BadAnswer, QueryRefused, RateLimited, SourceError, Unreachable
from tuiops.sources import http
from tuiops.sources.http_errors import MAX_RETRY_AFTER, retry_after, said

SERVER = SafeText("server:1")


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


@pytest.mark.parametrize("breaks_off", [True, False])
async def test_a_refusal_counts_however_its_body_ends(monkeypatch: pytest.MonkeyPatch, breaks_off: bool) -> None:
    """It is heeded, too: what only reads is not sent again at once."""

    async def handler(request: Request) -> None:
        if request.target == "/fine":
            await request.answer()
            return
        await request.write(b'HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\n{"err')
        if breaks_off:
            request.writer.close()
        else:
            await asyncio.Event().wait()

    monkeypatch.setattr(http, "_REFUSAL_SECONDS", 5.0 if breaks_off else 0.01)
    async with Hostile(handler) as server:
        one = client(server.url)
        await one.fetch("/fine")
        error = await failure(one)
        assert len(server.requests) == 2
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


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


async def test_optional_endpoints() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"no", "404 Not Found" if request.target == "/absent" else "500 Broken")

    async with Hostile(handler) as server:
        one = client(server.url)
        assert await one.read_optional(dict[str, int], "/absent") is None
        with pytest.raises(BadAnswer):
            await one.read_optional(dict[str, int], "/broken")
        await one.close()
