"""How the connections to one server are shared, kept and given up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpcore
import pytest

from tests.sources.hostile import Hostile, Request
from tests.sources.http_reading import client
from tuiops.config.values import Duration, Size
from tuiops.errors import AccessDenied, BadAnswer, QueryRefused, RateLimited, SourceError, TimedOut, Unreachable
from tuiops.sources import http

if TYPE_CHECKING:
    from tuiops.sources.http import HttpClient


async def fine(request: Request) -> None:
    await request.answer()


async def ask(one: HttpClient, path: str = "/") -> dict[str, int]:
    return await one.read(dict[str, int], path)


async def test_no_more_connections_than_allowed_however_much_is_asked() -> None:
    together = asyncio.Barrier(http.CONNECTIONS)

    async def handler(request: Request) -> None:
        await together.wait()
        await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url)
        found = await asyncio.gather(*(ask(one) for _ in range(3 * http.CONNECTIONS)))
        await one.close()
    assert found == [{}] * 3 * http.CONNECTIONS
    assert server.connections == http.CONNECTIONS


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async def handler(request: Request) -> None:
        await request.answer(close=True)
        closed.set()

    closed = asyncio.Event()
    async with Hostile(handler) as server:
        one = client(server.url)
        await ask(one)
        await closed.wait()
        # What cannot be repeated shows whether the dead connection was tried first.
        assert (await one.send("POST", "/", body=b"{}")).status == 200
        await one.close()
    assert [request.connection for request in server.requests] == [1, 2]


async def test_a_connection_that_waited_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "KEEP_ALIVE", -1.0)
    async with Hostile(fine) as server:
        one = client(server.url)
        await ask(one)
        await ask(one)
        await one.close()
    assert server.connections == 2


async def test_a_refusal_keeps_its_connection() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"no", "400 Bad Request" if len(server.requests) == 1 else "200 OK")

    async with Hostile(handler) as server:
        one = client(server.url)
        with pytest.raises(QueryRefused):
            await ask(one)
        with pytest.raises(BadAnswer):
            await ask(one)
        await one.close()
    assert server.connections == 1


async def test_an_answer_that_was_cut_takes_its_connection_along() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b" " * (100_000 if len(server.requests) == 1 else 0) + b"{}")

    async with Hostile(handler) as server:
        one = client(server.url, max_response=Size(1_000))
        with pytest.raises(BadAnswer, match="sent more than"):
            await ask(one)
        assert await ask(one) == {}
        await one.close()
    assert server.connections == 2


async def test_requests_that_ran_out_of_time_leave_room_for_others() -> None:
    async def handler(request: Request) -> None:
        if request.target == "/never":
            await asyncio.Event().wait()
        await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url, timeout=Duration(0.7))
        late = await asyncio.gather(*(ask(one, "/never") for _ in range(2 * http.CONNECTIONS)), return_exceptions=True)
        assert {type(error) for error in late} == {TimedOut}
        assert await ask(one) == {}
        await one.close()


async def test_streams_take_no_connection_from_requests_and_have_a_limit_of_their_own() -> None:
    async def handler(request: Request) -> None:
        if request.target == "/tail":
            await request.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            await asyncio.Event().wait()
        await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url)
        async with contextlib.AsyncExitStack() as tails:
            for _ in range(http.STREAMS - 1):
                await tails.enter_async_context(one.stream("GET", "/tail"))
            async with one.stream("GET", "/tail"):
                assert await ask(one) == {}
                with pytest.raises(RateLimited, match=f"{http.STREAMS} streams of .* are open already; close one"):
                    await tails.enter_async_context(one.stream("GET", "/tail"))
            await tails.enter_async_context(one.stream("GET", "/tail"))
        assert await ask(one) == {}
        await one.close()


async def test_closing_ends_what_is_under_way_and_it_can_be_used_again() -> None:
    async def handler(request: Request) -> None:
        if request.target == "/never":
            asked.set()
            await asyncio.Event().wait()
        await request.answer()

    asked = asyncio.Event()
    async with Hostile(handler) as server:
        one = client(server.url)
        waiting = asyncio.create_task(ask(one, "/never"))
        await asked.wait()
        await one.close()
        with pytest.raises(SourceError):
            await waiting
        assert await ask(one) == {}
        await one.close()


async def test_who_waits_for_a_connection_while_it_is_closed_sends_nothing() -> None:
    all_asked = asyncio.Event()

    async def handler(request: Request) -> None:
        if request.target == "/never":
            if len(server.requests) == 1 + http.CONNECTIONS:
                all_asked.set()
            await asyncio.Event().wait()
        await request.answer()

    async with Hostile(handler) as server:
        one = client(server.url)
        await ask(one)
        waiting = [asyncio.create_task(ask(one, "/never")) for _ in range(2 * http.CONNECTIONS)]
        await all_asked.wait()
        await one.close()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        await one.close()

    assert {type(error) for error in found} == {Unreachable}
    assert len(server.requests) == 1 + http.CONNECTIONS


async def test_a_connection_that_cannot_be_closed_keeps_no_other_open(monkeypatch: pytest.MonkeyPatch) -> None:
    together, closed = asyncio.Barrier(http.CONNECTIONS), []

    async def handler(request: Request) -> None:
        await together.wait()
        await request.answer()

    async def close(connection: httpcore.AsyncHTTPConnection) -> None:
        closed.append(connection)
        if len(closed) == 1:
            raise OSError("it does not")
        await really(connection)

    really = httpcore.AsyncHTTPConnection.aclose
    async with Hostile(handler) as server:
        one = client(server.url)
        await asyncio.gather(*(ask(one) for _ in range(http.CONNECTIONS)))
        with monkeypatch.context() as patch:
            patch.setattr(httpcore.AsyncHTTPConnection, "aclose", close)
            await one.close()
        await really(closed[0])

    assert len(closed) == http.CONNECTIONS


async def test_a_header_of_the_configuration_counts_before_the_usual_one_and_is_sent_once() -> None:
    async with Hostile(fine) as server:
        one = client(server.url, headers={"Accept": "application/x", "X-Scope-OrgID": "shop"})
        await one.send("POST", "/a b?q=ü", headers={"x-scope-orgid": "other"})
        await one.close()
    lines = server.requests[0].head.lower().splitlines()
    assert lines[0] == "post /a%20b?q=%c3%bc http/1.1"
    assert [line for line in lines if line.startswith(("accept:", "x-scope", "content-length", "host:"))] == [
        f"host: 127.0.0.1:{server.port}",
        "accept: application/x",
        "x-scope-orgid: other",
        "content-length: 0",
    ]


async def test_a_cookie_is_not_sent_back() -> None:
    async def handler(request: Request) -> None:
        await request.answer(Set_Cookie="session=1; Path=/")

    async with Hostile(handler) as server:
        one = client(server.url)
        await ask(one)
        await ask(one)
        await one.close()
    assert server.requests[1].header("cookie") == ""


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "127.0.0.1"])
async def test_an_address_that_cannot_be_asked(url: str) -> None:
    one = client(url)
    with pytest.raises(Unreachable, match="not an address that can be asked"):
        await ask(one)


async def test_a_header_that_cannot_be_sent() -> None:
    one = client("http://127.0.0.1:1", headers={"X-Team": "Lädchen"})
    with pytest.raises(AccessDenied, match="holds characters that cannot be sent"):
        await ask(one)
