from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.servers.ports import free_port
from tests.sources.doors import knock
from tuiops.config.systems import DnsProbe
from tuiops.config.values import Duration
from tuiops.errors import QueryRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Literal

    Record = Literal["A", "AAAA", "MX", "TXT"]

_ZONE = {
    ("www.shop.example.", "A"): ("10.0.0.1", "10.0.0.2"),
    ("shop.example.", "MX"): ("10 Mail.shop.example.",),
    ("text.shop.example.", "TXT"): ('"v=spf1 -all"',),
    ("evil.shop.example.", "TXT"): (r'"\027]0;owned\007"',),
}


class _NameServer(asyncio.DatagramProtocol):
    """A name server for the zone above; `broken.` fails, `quiet.` gets no answer."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        if name.startswith("quiet."):
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name.startswith("broken."):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif values := _ZONE.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *values))
        elif name not in {known for known, _ in _ZONE}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), address)


@contextlib.asynccontextmanager
async def _name_server() -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_NameServer, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        await asyncio.sleep(0)


def _probe(port: int, name: str, record: Record = "A", *, expect: tuple[str, ...] = (), timeout: float = 2) -> DnsProbe:
    return DnsProbe(
        service="dns",
        name=name,
        record=record,
        server="127.0.0.1",
        server_port=port,
        expect=expect,
        timeout=Duration(timeout),
    )


@pytest.mark.parametrize(
    ("name", "record", "expect"),
    [
        ("www.shop.example", "A", ()),
        ("WWW.shop.example.", "A", ("10.0.0.2",)),
        ("shop.example", "MX", ("10 mail.shop.example",)),
        ("text.shop.example", "TXT", ("v=spf1 -all",)),
    ],
)
async def test_a_name_that_resolves_to_what_is_expected(name: str, record: Record, expect: tuple[str, ...]) -> None:
    async with _name_server() as port:
        reading = await knock(_probe(port, name, record, expect=expect))
    assert not reading.problem
    assert reading.value is not None
    assert 0 <= reading.value < 2


@pytest.mark.parametrize(
    ("name", "record", "expect", "words"),
    [
        ("gone.shop.example", "A", (), "NXDOMAIN gone.shop.example"),
        ("www.shop.example", "AAAA", (), "no AAAA record of www.shop.example"),
        ("www.shop.example", "A", ("10.0.0.9",), "www.shop.example is 10.0.0.1, 10.0.0.2, expected 10.0.0.9"),
        ("broken.shop.example", "A", (), "SERVFAIL from 127.0.0.1 for broken.shop.example"),
    ],
)
async def test_a_name_that_does_not(name: str, record: Record, expect: tuple[str, ...], words: str) -> None:
    async with _name_server() as port:
        reading = await knock(_probe(port, name, record, expect=expect))
    assert reading.problem == words


async def test_a_name_server_that_does_not_answer_times_out() -> None:
    async with _name_server() as port:
        reading = await knock(_probe(port, "quiet.shop.example", timeout=0.2))
    assert reading.problem == "timed out after 0.2s"


async def test_a_name_server_that_is_not_there() -> None:
    reading = await knock(_probe(free_port(), "www.shop.example", timeout=0.5))
    assert reading.problem
    assert reading.value is None


async def test_a_hostile_answer_comes_out_safe() -> None:
    async with _name_server() as port:
        reading = await knock(_probe(port, "evil.shop.example", "TXT"))
    assert reading.note
    assert reading.note.isprintable()


@pytest.mark.parametrize(("name", "server"), [("www.shop.example", "not-an-address"), ("a..b", "127.0.0.1")])
async def test_a_probe_that_cannot_ask_is_our_trouble(name: str, server: str) -> None:
    with pytest.raises(QueryRefused):
        await knock(DnsProbe(service="dns", name=name, server=server, timeout=Duration(0.5)))
