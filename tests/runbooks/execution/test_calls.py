"""HTTP calls against servers that misbehave: sent at most once, and never called done when nobody knows."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runbooks.execution.places import SECRETS, resolve, secret
from tests.sources.certificates import Authority
from tests.sources.hostile import Hostile
from tuiops.core.clock import SystemClock
from tuiops.runbooks.execution.base import Call, Kind, Sight
from tuiops.runbooks.execution.calls import MOST_BYTES, HttpCalls
from tuiops.runbooks.format.model import HttpAction
from tuiops.sources.http import HttpConnector

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.hostile import Handler, Request
    from tuiops.runbooks.execution.base import Outcome


def calls() -> HttpCalls:
    return HttpCalls(HttpConnector(resolve, SystemClock()), resolve)


def call(url: str, **settings: object) -> Call:
    given: dict[str, object] = {"method": "POST", "url": url} | settings
    return Call(execution="r1.a.1", action=HttpAction(**given), timeout=5)  # type: ignore[arg-type] # by the test


async def made(handler: Handler, path: str = "/do", **settings: Any) -> tuple[Outcome, list[Request]]:
    async with Hostile(handler) as server:
        outcome = await calls().run(call(server.url + path, **settings))
        return outcome, server.requests


async def test_it_carries_its_id_and_what_was_declared() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b'{"operation": "op-1"}', "202 Accepted")

    outcome, requests = await made(
        handler,
        "/v1/do?a=b%20c",
        body='{"token": "{secret.inner}"}',
        secrets={"inner": secret("TOKEN")},
        headers={"X-Token": secret("TOKEN"), "idempotency-key": "mine", "X-Plain": "a b"},
    )

    [request] = requests
    assert (outcome.kind, outcome.status, outcome.text) == (Kind.ENDED, 202, "answered 202")
    assert outcome.stdout == b'{"operation": "op-1"}'
    assert request.head.startswith("POST /v1/do?a=b%20c HTTP/1.1")
    assert request.header("idempotency-key") == "r1.a.1"
    assert request.head.lower().count("idempotency-key") == 1
    assert request.header("x-token") == SECRETS["TOKEN"]
    assert request.header("content-type") == "application/json"
    assert json.loads(request.body) == {"token": SECRETS["TOKEN"]}


@pytest.mark.parametrize(
    "status", ["400 Bad", "401 No", "404 None", "409 Conflict", "429 Slow", "500 Broken", "503 Busy"]
)
async def test_whatever_a_server_answers_ends_it(status: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"{}", status)

    outcome, requests = await made(handler)

    assert (outcome.kind, outcome.status) == (Kind.ENDED, int(status[:3]))
    assert len(requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"", "307 Elsewhere", Location="/other")

    outcome, requests = await made(handler, headers={"Authorization": secret("TOKEN")})

    assert outcome.status == 307
    assert outcome.text == "answered 307, a redirect, which is not followed"
    assert len(requests) == 1


@pytest.mark.parametrize("status", ["502 Bad Gateway", "504 Gateway Timeout"])
async def test_a_proxy_without_an_answer_leaves_it_unknown(status: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"", status)

    outcome, _ = await made(handler)

    assert outcome.kind is Kind.UNKNOWN
    assert "which may have done it" in outcome.text


async def test_an_answer_that_is_lost_leaves_it_unknown() -> None:
    async def handler(request: Request) -> None:
        request.writer.transport.abort()

    outcome, requests = await made(handler)

    assert outcome.kind is Kind.UNKNOWN
    assert len(requests) == 1


async def test_half_an_answer_leaves_it_unknown() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        request.writer.transport.abort()

    outcome, requests = await made(handler)

    assert outcome.kind is Kind.UNKNOWN
    assert len(requests) == 1


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
async def test_an_answer_that_does_not_come_leaves_it_unknown(start: bytes) -> None:
    begun = asyncio.Event()

    async def handler(request: Request) -> None:
        await request.write(start)
        begun.set()
        await asyncio.Event().wait()

    async with Hostile(handler) as server:
        outcome = await calls().run(
            Call(execution="r1.a.1", action=HttpAction(method="POST", url=server.url), timeout=0.3)
        )

    assert begun.is_set()
    assert (outcome.kind, outcome.timed_out) == (Kind.UNKNOWN, True)


async def test_an_endless_answer_is_cut() -> None:
    async def handler(request: Request) -> None:
        await request.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            await request.write(b"x" * 65536)

    outcome, _ = await made(handler)

    assert (outcome.kind, outcome.status, outcome.stdout_cut) == (Kind.ENDED, 200, True)
    assert len(outcome.stdout) <= MOST_BYTES
    assert outcome.text == "answered 200; only the beginning of the answer was read"


async def test_nothing_listens_so_nothing_was_done(unused_tcp_port: int) -> None:
    outcome = await calls().run(call(f"http://127.0.0.1:{unused_tcp_port}/do"))

    assert outcome.kind is Kind.NOT_DONE
    assert outcome.text.endswith("is the port right?; nothing was sent")


async def test_no_such_host_so_nothing_was_done() -> None:
    outcome = await calls().run(call("http://no-such-host.invalid/do"))

    assert outcome.kind is Kind.NOT_DONE


async def test_a_certificate_that_is_not_trusted_so_nothing_was_done(tmp_path: Path) -> None:
    async def handler(request: Request) -> None:
        await request.answer()

    async with Hostile(handler, Authority(tmp_path).server()) as server:
        outcome = await calls().run(call(server.url))
        assert outcome.kind is Kind.NOT_DONE
        assert "is not trusted" in outcome.text
        assert server.requests == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"headers": {"X": secret("NONE")}}, "environment variable NONE: is not set"),
        ({"headers": {"X": "a\r\nY: b"}}, "header X holds characters that cannot be sent"),
        ({"headers": {"X Y": "a"}}, "header X Y holds characters that cannot be sent"),
        ({"headers": {"X": "漢"}}, "header X holds characters that cannot be sent"),
        ({"via": "nowhere"}, "configuration: via: no bastion is called 'nowhere'"),
    ],
)
async def test_what_cannot_be_sent_is_not_done(settings: dict[str, Any], why: str) -> None:
    async def handler(request: Request) -> None:
        await request.answer()

    outcome, requests = await made(handler, **settings)

    assert outcome.kind is Kind.NOT_DONE
    assert outcome.text.startswith(why)
    assert requests == []


async def test_no_secret_comes_back() -> None:
    async def handler(request: Request) -> None:
        await request.answer(request.header("x-token").encode() + b"\x1b[2J", "400 " + request.header("x-token"))

    outcome, _ = await made(handler, headers={"X-Token": secret("TOKEN")})

    assert outcome.status == 400
    assert outcome.output.head == ("[hidden]",)
    assert SECRETS["TOKEN"] not in repr(outcome)


async def test_what_is_sec_keeps_no_answer() -> None:
    async def handler(request: Request) -> None:
        await request.answer(b"canary")

    async with Hostile(handler) as server:
        action = HttpAction(method="GET", url=server.url)
        outcome = await calls().run(Call(execution="r1.a.1", action=action, sec=True))

    assert outcome.status == 200
    assert "canary" not in repr(outcome)


async def test_later_nobody_knows() -> None:
    finding = await calls().find("r1.a.1")

    assert finding.sight is Sight.NOBODY_KNOWS
    assert finding.text.endswith("idempotency key r1.a.1")
