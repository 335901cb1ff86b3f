"""Sources behind a real OpenSSH server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.servers.ports import free_port
from tests.servers.sshd import generate_key
from tests.sources.bastions import bastion_of
from tests.sources.certificates import Authority
from tests.sources.hostile import Hostile, Relay, Request
from tuiops.config.sources import Bastion as BastionConfig
from tuiops.config.sources import HttpSourceConfig, Tls
from tuiops.config.values import Duration
from tuiops.core.clock import SystemClock
from tuiops.errors import AccessDenied, SourceError, Unreachable
from tuiops.sources.bastion import Bastion
from tuiops.sources.http import HttpClient, HttpConnector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.fixtures import Servers
    from tests.servers.sshd import Sshd


@pytest.fixture(scope="module")
def sshd(module_servers: Servers) -> Sshd:
    return module_servers.sshd()


@pytest.fixture
async def target() -> AsyncIterator[Hostile]:
    async def handler(request: Request) -> None:
        await request.answer(b'{"a": 1}')

    async with Hostile(handler) as server:
        yield server


def client(through: Bastion, url: str, seconds: float = 8) -> HttpClient:
    connector = HttpConnector(lambda _: "", SystemClock(), {"edge": through})
    return connector.client(HttpSourceConfig(url=url, via="edge", timeout=Duration(seconds)))


async def failure(through: Bastion, url: str = "http://127.0.0.1:1") -> SourceError:
    with pytest.raises(SourceError) as caught:
        await client(through, url).fetch("/")
    await through.close()
    return caught.value


async def test_several_sources_share_one_connection(sshd: Sshd, target: Hostile) -> None:
    async with Relay(sshd.port) as relay:
        (port_known := sshd.known_hosts.with_name("relay")).write_text(
            sshd.known_hosts.read_text().replace(str(sshd.port), str(relay.port))
        )
        edge = bastion_of(sshd, port=relay.port, known_hosts=str(port_known))
        clients = [client(edge, target.url) for _ in range(3)]
        answers = await asyncio.gather(*(one.read(dict[str, int], "/") for one in clients))
        assert answers == [{"a": 1}] * 3
        assert (relay.connections, target.connections) == (1, 3)
        for one in clients:
            await one.close()
        await edge.close()


async def test_a_cut_connection_comes_back_at_the_next_use(sshd: Sshd, target: Hostile) -> None:
    async with Relay(sshd.port) as relay:
        (known := sshd.known_hosts.with_name("cut")).write_text(
            sshd.known_hosts.read_text().replace(str(sshd.port), str(relay.port))
        )
        edge = bastion_of(sshd, port=relay.port, known_hosts=str(known))
        one = client(edge, target.url)
        assert await one.read(dict[str, int], "/") == {"a": 1}
        relay.cut()
        try:
            found = await one.read(dict[str, int], "/")
        except Unreachable:
            found = await one.read(dict[str, int], "/")
        assert found == {"a": 1}
        assert relay.connections == 2
        await one.close()
        await edge.close()


async def test_a_silent_bastion_is_noticed_by_its_keepalive(sshd: Sshd, target: Hostile) -> None:
    async with Relay(sshd.port) as relay:
        (known := sshd.known_hosts.with_name("silent")).write_text(
            sshd.known_hosts.read_text().replace(str(sshd.port), str(relay.port))
        )
        edge = bastion_of(sshd, port=relay.port, known_hosts=str(known), keepalive=Duration(0.2))
        one = client(edge, target.url, seconds=30)
        await one.read(dict[str, int], "/")
        relay.freeze()
        with pytest.raises(Unreachable):
            await one.read(dict[str, int], "/")
        await one.close()
        await edge.close()


async def test_an_unknown_host_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    (empty := tmp_path / "known_hosts").touch()
    error = await failure(bastion_of(sshd, known_hosts=str(empty)))
    assert isinstance(error, AccessDenied)
    assert f"is not in {empty}: it shows ssh-ed25519 SHA256:" in str(error)


async def test_another_host_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    kind, key, *_ = generate_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    (known := tmp_path / "known_hosts").write_text(f"[{sshd.host}]:{sshd.port} {kind} {key}\n")
    error = await failure(bastion_of(sshd, known_hosts=str(known)))
    assert isinstance(error, AccessDenied)
    assert "shows another host key than" in str(error)
    assert "somebody is in between" in str(error)


async def test_an_ssh_configuration_cannot_switch_the_check_off(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (config := tmp_path / "config").write_text("UserKnownHostsFile none\nStrictHostKeyChecking no\n")
    error = await failure(bastion_of(sshd, known_hosts=None, ssh_config=str(config)))
    assert isinstance(error, AccessDenied)
    assert "is not in known_hosts" in str(error)


async def test_a_key_that_is_not_let_in(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    error = await failure(bastion_of(sshd, identity=str(generate_key(tmp_path / "stranger"))))
    assert isinstance(error, AccessDenied)
    assert f"refused our keys as {sshd.user}" in str(error)


async def test_a_key_that_is_not_there(sshd: Sshd) -> None:
    error = await failure(bastion_of(sshd, identity="/no/such/key"))
    assert isinstance(error, AccessDenied)
    assert "/no/such/key: no such file" in str(error)


async def test_what_lies_behind_refuses(sshd: Sshd) -> None:
    error = await failure(bastion_of(sshd), "http://127.0.0.1:1")
    assert isinstance(error, Unreachable)
    assert str(error) == "bastion edge cannot reach 127.0.0.1:1: connection refused"


async def test_no_bastion_there(sshd: Sshd) -> None:
    error = await failure(bastion_of(sshd, port=free_port()))
    assert isinstance(error, Unreachable)
    assert "bastion edge (127.0.0.1) refused the connection" in str(error)


async def test_tls_is_verified_through_a_bastion(sshd: Sshd, tmp_path: Path) -> None:
    async def handler(request: Request) -> None:
        await request.answer(b'{"a": 1}')

    authority = Authority(tmp_path)
    edge = bastion_of(sshd)
    connector = HttpConnector(lambda _: "", SystemClock(), {"edge": edge})
    async with Hostile(handler, authority.server()) as server:
        stranger = connector.client(HttpSourceConfig(url=server.url, via="edge"))
        with pytest.raises(Unreachable, match="is not trusted"):
            await stranger.fetch("/")
        assert not server.requests
        trusted = connector.client(HttpSourceConfig(url=server.url, via="edge", tls=Tls(ca=str(authority.file))))
        for _ in range(2):
            assert await trusted.read(dict[str, int], "/") == {"a": 1}
        assert server.connections == 1  # counted once the handshake is done, and kept alive
        await stranger.close()
        await trusted.close()
        await edge.close()


async def test_a_command_of_the_bastion(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_TUIOPS", "ours")
    edge = bastion_of(sshd)
    process = await edge.execute("read x; echo $x; env; echo oops >&2; exit 3")
    process.stdin.write(b"hello\n")
    done = await process.wait()

    assert isinstance(done.stdout, bytes)
    assert done.stdout.startswith(b"hello\n")
    assert b"LC_TUIOPS" not in done.stdout
    assert b"SSH_AUTH_SOCK" not in done.stdout
    assert (done.stderr, done.exit_status) == (b"oops\n", 3)
    await edge.close()


async def test_a_command_behind_a_jump(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known"
    kind, key = sshd.known_hosts.read_text().split()[1:]
    known.write_text(f"[{sshd.host}]:{sshd.port} {kind} {key}\n")
    (config := tmp_path / "config").write_text(
        f"Host jump\n  HostName {sshd.host}\n  Port {sshd.port}\n  User {sshd.user}\n"
        f"  IdentityFile {sshd.identity}\n  UserKnownHostsFile {known}\n"
        f"Host inner\n  HostName {sshd.host}\n  Port {sshd.port}\n  User {sshd.user}\n"
        f"  IdentityFile {sshd.identity}\n  UserKnownHostsFile {known}\n  ProxyJump jump\n"
    )
    edge = Bastion("edge", BastionConfig(host="inner", ssh_config=str(config)))
    process = await edge.execute("echo through")
    done = await process.wait()

    assert (done.stdout, done.exit_status) == (b"through\n", 0)
    await edge.close()


async def test_no_command_on_a_host_whose_key_changed(sshd: Sshd, tmp_path: Path) -> None:
    kind, key, *_ = generate_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    (known := tmp_path / "known_hosts").write_text(f"[{sshd.host}]:{sshd.port} {kind} {key}\n")
    edge = bastion_of(sshd, known_hosts=str(known))
    with pytest.raises(AccessDenied, match="shows another host key than"):
        await edge.execute("true")
    await edge.close()


async def test_a_command_after_a_loss_connects_again(sshd: Sshd) -> None:
    async with Relay(sshd.port) as relay:
        (known := sshd.known_hosts.with_name("lost")).write_text(
            sshd.known_hosts.read_text().replace(str(sshd.port), str(relay.port))
        )
        edge = bastion_of(sshd, port=relay.port, known_hosts=str(known))
        await (await edge.execute("true")).wait()
        relay.cut()
        try:
            process = await edge.execute("echo again")
        except SourceError:
            process = await edge.execute("echo again")
        assert (await process.wait()).stdout == b"again\n"
        await edge.close()
