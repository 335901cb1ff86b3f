from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Literal

import psutil
import pytest

from tests.servers.ports import free_port
from tests.sources.bastions import bastion_of
from tests.sources.certificates import Authority
from tests.sources.doors import knock, saying, serving
from tests.waiting import eventually, let_pass
from tuiops.config.systems import HttpProbe
from tuiops.config.values import Duration, Secret
from tuiops.core.clock import SystemClock
from tuiops.errors import AccessDenied, QueryRefused, SourceError
from tuiops.sources.probe.http import BODY
from tuiops.sources.probe.make import make_probe

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers


def _answer(status: str = "200 OK", body: bytes = b"", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def _probe(
    port: int,
    *,
    expect_status: tuple[str, ...] = ("2xx",),
    expect_body: str | None = None,
    timeout: float = 2,
    scheme: str = "http",
    method: Literal["GET", "HEAD"] = "GET",
    bearer: Secret | None = None,
) -> HttpProbe:
    return HttpProbe(
        service="web",
        url=f"{scheme}://127.0.0.1:{port}/health",
        expect_status=expect_status,
        expect_body=expect_body,
        timeout=Duration(timeout),
        method=method,
        bearer=bearer,
    )


async def test_a_good_answer_is_its_time() -> None:
    async with serving(saying(_answer(body=b'{"status":"ok"}'))) as port:
        reading = await knock(_probe(port, expect_body='"status": ?"ok"'))
    assert not reading.problem
    assert reading.value is not None
    assert reading.note == "HTTP 200"


async def test_head_has_no_body() -> None:
    async with serving(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")) as port:
        reading = await knock(_probe(port, method="HEAD"))
    assert not reading.problem


@pytest.mark.parametrize(
    ("status", "expected", "words"),
    [
        ("503 Busy", ("2xx",), "HTTP 503, expected 2xx"),
        ("404 Nope", ("200", "3xx"), "HTTP 404, expected 200/3xx"),
        ("204 Empty", ("200",), "HTTP 204, expected 200"),
    ],
)
async def test_a_status_that_is_not_expected(status: str, expected: tuple[str, ...], words: str) -> None:
    async with serving(saying(_answer(status))) as port:
        reading = await knock(_probe(port, expect_status=expected))
    assert reading.problem == words


@pytest.mark.parametrize("expected", ["401", "4xx", "4XX"])
async def test_a_status_that_is_expected_however_bad(expected: str) -> None:
    async with serving(saying(_answer("401 Unauthorized"))) as port:
        reading = await knock(_probe(port, expect_status=(expected,)))
    assert not reading.problem


async def test_a_redirect_is_an_answer_and_no_token_follows_it(tmp_path: Path) -> None:
    visits: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.read(4096))

    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("canary-55", encoding="utf-8")
    async with serving(elsewhere) as other:
        redirect = _answer("302 Found", headers=f"Location: http://127.0.0.1:{other}/\r\n")
        async with serving(saying(redirect)) as port:
            reading = await knock(_probe(port, bearer=Secret(file=str(token))))
    assert reading.problem == f"HTTP 302 to http://127.0.0.1:{other}/, expected 2xx"
    assert visits == []


async def test_a_token_is_sent_and_read_again_once_it_was_refused(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        seen.append(next(line for line in request.split(b"\r\n") if line.startswith(b"Authorization")))
        writer.write(_answer("401 Unauthorized" if b"old" in seen[-1] else "200 OK"))
        await writer.drain()

    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("old", encoding="utf-8")
    async with serving(handler) as port:
        probe = make_probe("shop", "door", _probe(port, bearer=Secret(file=str(token))), clock=SystemClock())
        first = await probe.read_health()
        token.write_text("fresh", encoding="utf-8")
        second = await probe.read_health()
        await probe.close()
    assert first.readings[0].problem == "HTTP 401, expected 2xx"
    assert not second.readings[0].problem
    assert seen == [b"Authorization: Bearer old", b"Authorization: Bearer fresh"]


async def test_a_missing_token_is_our_trouble(tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="missing"):
        await knock(_probe(1, bearer=Secret(file=str(tmp_path / "missing"))))


async def test_a_body_without_what_is_expected() -> None:
    async with serving(saying(_answer(body=b"maintenance"))) as port:
        reading = await knock(_probe(port, expect_body="^ok$"))
    assert reading.problem == "body lacks '^ok$'"


async def test_a_pattern_that_is_none_is_our_trouble() -> None:
    async with serving(saying(_answer(body=b"ok"))) as port:
        with pytest.raises(QueryRefused, match="expect_body"):
            await knock(_probe(port, expect_body="(("))


async def test_a_pattern_that_takes_forever_is_our_trouble_at_every_knock() -> None:
    async with serving(saying(_answer(body=b"a" * 5000 + b"!"))) as port:
        probe = make_probe("shop", "door", _probe(port, expect_body="(a+)+$"), clock=SystemClock())
        for _ in range(3):
            with pytest.raises(QueryRefused, match="expect_body takes too long"):
                await probe.read_health()
        await probe.close()


async def test_only_the_first_64_kib_are_searched_and_read() -> None:
    body = b"x" * BODY + b"needle"
    async with serving(saying(_answer(body=body))) as port:
        reading = await knock(_probe(port, expect_body="needle"))
    assert reading.problem == "body lacks 'needle'"


async def test_a_body_without_end_is_read_no_further() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with serving(endless) as port:
        reading = await knock(_probe(port, expect_body="^ok"))
    assert not reading.problem


async def test_a_compressed_body_is_searched_and_a_bomb_does_not_go_off() -> None:
    bomb = gzip.compress(b"ok" + b"\0" * 64_000_000)
    async with serving(saying(_answer(body=bomb, headers="Content-Encoding: gzip\r\n"))) as port:
        reading = await knock(_probe(port, expect_body="^ok"))
    assert not reading.problem


@pytest.mark.parametrize(
    ("encoding", "words"), [("gzip", "body is not compressed as its header says"), ("br", "body is compressed with br")]
)
async def test_a_body_that_cannot_be_read(encoding: str, words: str) -> None:
    async with serving(saying(_answer(body=b"plain", headers=f"Content-Encoding: {encoding}\r\n"))) as port:
        reading = await knock(_probe(port))
    assert reading.problem.startswith(words)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"])
async def test_an_answer_that_drips_times_out(start: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(start)
        await writer.drain()
        await asyncio.Event().wait()

    async with serving(drip) as port:
        reading = await knock(_probe(port, timeout=0.3))
    assert reading.problem == "timed out after 0.3s"


async def test_headers_without_end_are_given_up() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Filler: " + b"x" * 4000 + b"\r\n")
            await writer.drain()

    async with serving(endless) as port:
        reading = await knock(_probe(port))
    assert reading.problem.startswith(f"127.0.0.1:{port}: ")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x1b[2J\x1b]0;owned\x07\r\n\r\n",
        b"-ERR unknown command\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    ],
)
async def test_what_is_no_http_is_down_and_safe(answer: bytes) -> None:
    async with serving(saying(answer)) as port:
        reading = await knock(_probe(port))
    assert reading.problem
    assert reading.problem.isprintable()
    assert reading.value is None


async def test_a_hostile_location_comes_out_safe() -> None:
    redirect = _answer("302 Found", headers="Location: http://x/\x9b2J[@click=app.quit]\r\n")
    async with serving(saying(redirect)) as port:
        reading = await knock(_probe(port))
    assert reading.problem.isprintable()


async def test_nobody_there() -> None:
    port = free_port()
    reading = await knock(_probe(port))
    assert reading.problem == f"refused 127.0.0.1:{port}"


async def test_a_certificate_that_is_not_trusted_is_never_waved_through(tmp_path: Path) -> None:
    async with serving(saying(_answer()), Authority(tmp_path).server(signed=False)) as port:
        reading = await knock(_probe(port, scheme="https"))
    assert reading.problem == f"certificate of 127.0.0.1:{port} is self-signed"


async def test_a_server_without_tls() -> None:
    async with serving(saying(_answer())) as port:
        reading = await knock(_probe(port, scheme="https"))
    assert reading.problem == f"127.0.0.1:{port} does not speak TLS"


@pytest.mark.usefixtures("uncollected")
async def test_a_handshake_without_an_answer_leaves_no_socket_behind() -> None:
    begun, hung_up = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()
        hung_up.set()

    async with serving(mute) as port:
        probe = make_probe("shop", "door", _probe(port, scheme="https", timeout=500), clock=SystemClock())
        reading = asyncio.create_task(probe.read_health())
        await begun.wait()
        await let_pass(450)
        (read,) = (await reading).readings
        await eventually(hung_up.is_set, "the end of the connection")
        await probe.close()
    assert read.problem == f"no connection to 127.0.0.1:{port} within 400s"


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999/", "http://"])
async def test_an_address_that_is_none_is_our_trouble(url: str) -> None:
    with pytest.raises(QueryRefused):
        await knock(HttpProbe(service="web", url=url))


async def test_through_a_bastion(servers: Servers, tmp_path: Path) -> None:
    bastion = bastion_of(servers.sshd())
    closed = free_port()
    hung_up = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        hung_up.set()

    try:
        async with serving(saying(_answer(body=b"ok"))) as port:
            good = await knock(_probe(port, expect_body="ok"), bastion)
        async with serving(saying(b"")) as port:
            mute = await knock(_probe(port), bastion)
        async with serving(saying(_answer()), Authority(tmp_path).server(signed=False)) as port:
            forged = await knock(_probe(port, scheme="https"), bastion)
        async with serving(silent) as port:
            late = await knock(_probe(port, scheme="https", timeout=0.5), bastion)
            await eventually(hung_up.is_set, "the end of the connection")
        shut = await knock(_probe(closed), bastion)
    finally:
        await bastion.close()
    assert not good.problem
    assert mute.problem
    assert forged.problem.endswith("is self-signed")
    assert late.problem == "timed out after 0.5s"
    assert f"cannot reach 127.0.0.1:{closed}" in shut.problem


async def test_a_bastion_that_dies_on_the_way_is_not_the_targets_fault(servers: Servers) -> None:
    sshd = servers.sshd()
    bastion = bastion_of(sshd)

    async def kill_the_bastion(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for process in psutil.Process(sshd.process.pid).children(recursive=True):
            process.kill()
        await asyncio.Event().wait()

    try:
        async with serving(kill_the_bastion) as port:
            with pytest.raises(SourceError, match="bastion edge"):
                await knock(_probe(port), bastion)
    finally:
        await bastion.close()
