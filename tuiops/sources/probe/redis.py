"""Redis: PING, answered by PONG, in the Redis serialization protocol (RESP2, which every version speaks)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.text import fmt, lit, safe
from tuiops.errors import AccessDenied
from tuiops.sources.probe.base import Answer, ProbeFailed, read_secret
from tuiops.sources.probe.connect import connection, place

if TYPE_CHECKING:
    from tuiops.config.systems import RedisProbe
    from tuiops.core.clock import Clock
    from tuiops.core.text import SafeText
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.probe.base import Reader, Writer

_LONGEST = 512
"""Bytes of an answer: PONG has seven, an error is a sentence."""
_WORDS: dict[bytes, SafeText] = {
    b"-LOADING": lit("is still loading its data"),
    b"-MASTERDOWN": lit("is a replica whose master is down"),
    b"-BUSY": lit("is busy running a script"),
    b"-MISCONF": lit("cannot save its data"),
}
"""Errors that say that the server is there and not in order."""
_DENIED = frozenset({b"-NOAUTH", b"-WRONGPASS", b"-NOPERM", b"-DENIED"})


class RedisKnock:
    """Authenticates when there is a password, then asks for PONG."""

    def __init__(self, config: RedisProbe, *, clock: Clock, bastion: Bastion | None = None) -> None:
        self._config = config
        self._clock = clock
        self._bastion = bastion
        self._where = place(config.host, config.port)
        self._password: str | None = None

    async def prepare(self) -> None:
        if self._bastion is not None:
            await self._bastion.connect()
        if self._config.password is not None and self._password is None:
            self._password = await read_secret(self._config.password)

    async def __call__(self) -> Answer:
        started = self._clock.monotonic()
        async with connection(self._config.host, self._config.port, self._bastion) as (reader, writer):
            if self._password is not None:
                self._check(await _ask(reader, writer, b"AUTH", self._password.encode()), b"+OK")
            self._check(await _ask(reader, writer, b"PING"), b"+PONG")
            return Answer(self._clock.monotonic() - started)

    async def close(self) -> None:
        """Nothing is kept."""

    def _check(self, answer: bytes, expected: bytes) -> None:
        if answer == expected:
            return
        word = answer.split(b" ", 1)[0]
        if word in _DENIED or (word == b"-ERR" and expected == b"+OK"):
            # The server is up; it is we who cannot ask. The next time with a password that was read anew.
            self._password = None
            raise AccessDenied(f"{self._where}: {safe(answer[1:])}")
        if word in _WORDS:
            raise ProbeFailed(fmt("{} {}", self._where, _WORDS[word]))
        if not answer:
            raise ProbeFailed(fmt("{} hung up without an answer", self._where))
        raise ProbeFailed(fmt("{} answers {}, expected {}", self._where, safe(answer, 60), safe(expected)))


async def _ask(reader: Reader, writer: Writer, *words: bytes) -> bytes:
    """The first line of the answer, without its end; what came before the peer hung up otherwise."""
    writer.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
    await writer.drain()
    answer = b""
    while b"\n" not in answer and len(answer) < _LONGEST:
        more = await reader.read(_LONGEST - len(answer))
        if not more:
            break
        answer += more
    return answer.split(b"\n", 1)[0].rstrip(b"\r")
