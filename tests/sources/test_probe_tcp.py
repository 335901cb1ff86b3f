from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest

from tests.servers.ports import free_port
from tests.sources.bastions import bastion_of
from tests.sources.doors import knock, serving, silent
from tuiops.config.systems import TcpProbe
from tuiops.core.text import lit
from tuiops.errors import SourceError, Unreachable
from tuiops.sources.probe.base import ProbeFailed
from tuiops.sources.probe.connect import blame, place

if TYPE_CHECKING:
    from tests.servers.fixtures import Servers


def _probe(port: int, host: str = "127.0.0.1") -> TcpProbe:
    return TcpProbe(service="web", host=host, port=port)


async def test_an_open_port_answers_in_seconds() -> None:
    async with serving(silent) as port:
        reading = await knock(_probe(port))
    assert not reading.problem
    assert reading.value is not None
    assert 0 <= reading.value < 5
    assert (reading.system, reading.service, reading.indicator) == ("shop", "web", "probe:door")


async def test_a_closed_port_is_down_and_says_where() -> None:
    port = free_port()
    reading = await knock(_probe(port))
    assert reading.problem == f"refused 127.0.0.1:{port}"
    assert reading.value is None


async def test_every_address_of_a_name_may_refuse() -> None:
    reading = await knock(_probe(free_port(), "localhost"))
    assert reading.problem.startswith("refused localhost:")


async def test_a_name_that_does_not_exist_is_down_or_unknown_but_never_good() -> None:
    # Without a network the resolver cannot know: then it is our trouble, not the target's.
    try:
        reading = await knock(_probe(80, "does-not-exist.invalid"))
    except Unreachable as error:
        assert "cannot look up" in str(error)  # noqa: PT017 - either outcome is right, by the machine's network
    else:
        assert reading.problem == "no such name: does-not-exist.invalid:80"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "no route to h:1"),
        (OSError(errno.ETIMEDOUT, "x"), "no answer from h:1"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "connection reset by h:1"),
        (OSError("Multiple exceptions: [Errno 101] a, [Errno 111] b"), "refused h:1"),
        (ExceptionGroup("all", [ConnectionRefusedError(errno.ECONNREFUSED, "x")]), "refused h:1"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "no such name: h:1"),
    ],
)
def test_the_target_is_blamed_for_what_it_did(error: Exception, words: str) -> None:
    found = blame(error, lit("h:1"))
    assert isinstance(found, ProbeFailed)
    assert found.reason == words


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENETUNREACH, "x"),
        OSError(errno.EMFILE, "x"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    ],
)
def test_the_target_is_not_blamed_for_what_we_lack(error: OSError) -> None:
    assert isinstance(blame(error, lit("h:1")), Unreachable)


def test_a_hostile_host_name_comes_out_safe() -> None:
    assert place("\x1b[2Jh", 1).isprintable()
    assert place("::1", 80) == "[::1]:80"


async def test_through_a_bastion(servers: Servers) -> None:
    bastion = bastion_of(servers.sshd())
    try:
        async with serving(silent) as port:
            good = await knock(_probe(port), bastion)
        bad = await knock(_probe(free_port()), bastion)
    finally:
        await bastion.close()
    assert good.value is not None
    assert not good.problem
    assert "cannot reach 127.0.0.1:" in bad.problem


async def test_a_dead_bastion_is_not_the_targets_fault(servers: Servers) -> None:
    sshd = servers.sshd()
    bastion = bastion_of(sshd, port=free_port())
    try:
        async with serving(silent) as port:
            with pytest.raises(SourceError, match="bastion edge"):
                await knock(_probe(port), bastion)
    finally:
        await bastion.close()
