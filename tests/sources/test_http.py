"""The HTTP client's connections: kept, cut off, endless, and what may be asked twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from tests.servers.ports import free_port
from tests.sources.hostile import Hostile, Request
from tests.sources.http_reading import NOW, client, failure
from tuiops.config.sources import HttpSourceConfig
from tuiops.config.values import Duration
from tuiops.core.clock import FakeClock
from tuiops.errors import AccessDenied, ConfigError, TimedOut, Unreachable
from tuiops.sources.http import HttpConnector


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
        await request.drip(b" ")

    async with Hostile(handler) as server:
        error = await failure(client(server.url, timeout=Duration(0.3)))
    assert isinstance(error, TimedOut)
    assert "no complete answer within 0.3s" in str(error)


async def test_a_dripping_header_ends_at_the_deadline() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\n")
        await request.drip(b"x: y\r\n")

    async with Hostile(handler) as server:
        assert isinstance(await failure(client(server.url, timeout=Duration(0.3))), TimedOut)


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


async def test_nothing_listens_and_no_such_host() -> None:
    port = free_port()
    error = await failure(client(f"http://127.0.0.1:{port}"))
    assert isinstance(error, Unreachable)
    assert str(error) == f"127.0.0.1:{port} refused the connection; is it running, is the port right?"
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
