from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.servers.ports import free_port
from tests.sources.bastions import bastion_of
from tests.sources.doors import knock, saying, serving, silent
from tuiops.config.systems import RedisProbe
from tuiops.config.values import Duration, Secret
from tuiops.errors import AccessDenied

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fixtures import Servers

_CANARY = "canary-7f3a"


def _probe(port: int, password: Secret | None = None) -> RedisProbe:
    return RedisProbe(service="cache", host="127.0.0.1", port=port, password=password, timeout=Duration(2))


def _secret(folder: Path, text: str) -> Secret:
    file = folder / "password"
    file.touch(0o600)
    file.write_text(text, encoding="utf-8")
    return Secret(file=str(file))


async def test_a_redis_answers_pong(servers: Servers) -> None:
    reading = await knock(_probe(servers.redis().port))
    assert not reading.problem
    assert reading.value is not None


async def test_a_redis_with_a_password(servers: Servers, tmp_path: Path) -> None:
    redis = servers.redis(password=_CANARY)
    reading = await knock(_probe(redis.port, _secret(tmp_path, _CANARY)))
    assert not reading.problem
    assert reading.value is not None


async def test_a_missing_or_wrong_password_is_our_trouble_and_stays_secret(servers: Servers, tmp_path: Path) -> None:
    redis = servers.redis(password="right")
    with pytest.raises(AccessDenied, match="NOAUTH"):
        await knock(_probe(redis.port))
    with pytest.raises(AccessDenied, match="WRONGPASS") as caught:
        await knock(_probe(redis.port, _secret(tmp_path, _CANARY)))
    assert _CANARY not in str(caught.value)


async def test_a_password_where_none_is_wanted_is_our_trouble(servers: Servers, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="AUTH"):
        await knock(_probe(servers.redis().port, _secret(tmp_path, _CANARY)))


async def test_a_replica_without_its_master(servers: Servers) -> None:
    redis = servers.redis()
    redis.send(b"CONFIG SET replica-serve-stale-data no\r\n")
    redis.send(b"REPLICAOF 127.0.0.1 %d\r\n" % free_port())
    reading = await knock(_probe(redis.port))
    assert reading.problem == f"127.0.0.1:{redis.port} is a replica whose master is down"


async def test_a_frozen_redis_times_out(servers: Servers) -> None:
    redis = servers.redis()
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        reading = await knock(RedisProbe(service="cache", host="127.0.0.1", port=redis.port, timeout=Duration(0.2)))
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)
    assert reading.problem == "timed out after 0.2s"


async def test_through_a_bastion(servers: Servers) -> None:
    bastion = bastion_of(servers.sshd())
    try:
        reading = await knock(_probe(servers.redis().port), bastion)
    finally:
        await bastion.close()
    assert not reading.problem
    assert reading.value is not None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "is still loading its data"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", "is a replica whose master is down"),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", "cannot save its data"),
        (b"", "hung up without an answer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers HTTP/1.1 400 Bad Request, expected +PONG"),
        (b"\x1b]0;owned\x07" * 200, "expected +PONG"),
    ],
)
async def test_other_answers_say_what_is_the_matter(answer: bytes, words: str) -> None:
    async with serving(saying(answer)) as port:
        reading = await knock(_probe(port))
    assert words in reading.problem
    assert reading.problem.isprintable()
    assert reading.value is None


async def test_a_server_that_says_nothing_times_out() -> None:
    async with serving(silent) as port:
        reading = await knock(RedisProbe(service="cache", host="127.0.0.1", port=port, timeout=Duration(0.1)))
    assert reading.problem == "timed out after 0.1s"
