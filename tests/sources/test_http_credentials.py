"""The HTTP client's bearer tokens and passwords: sent, read again, refused, and told to nobody."""

from __future__ import annotations

import logging

import pytest

from tests.sources.hostile import Hostile, Request
from tests.sources.http_reading import CANARY, client, failure
from tuiops.config.sources import Basic
from tuiops.config.values import Secret
from tuiops.errors import AccessDenied, ConfigError, Fault


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
            shown = f"{one!r} {one._signer!r} {one._connections!r}"
            await one.close()
    assert CANARY not in shown
    assert CANARY not in caplog.text
    assert server.requests[0].header("authorization") == f"Bearer {CANARY}"
