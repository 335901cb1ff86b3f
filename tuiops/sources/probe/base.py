"""What a probe is made of: a knock at a door, its answer, and the ways in which a door stays shut.

A knock tells three things apart. An answer that is as expected is a number. A door that positively did not
open, or opened on something else than expected, is `ProbeFailed`: the service is down, with a reason for a
person. Trouble on our side of the door (no route, a dead bastion, a missing password) is `errors.SourceError`:
nothing is known about the service, and nobody blames it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tuiops.core.text import EMPTY, SafeText
from tuiops.errors import AccessDenied, ConfigError, TuiopsError

if TYPE_CHECKING:
    from tuiops.config.values import Secret


class ProbeFailed(TuiopsError):
    """The door did not open, and that is news about the service. `value` is what was measured all the same."""

    def __init__(self, reason: SafeText, value: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer. `seconds` is what the probe measures: a duration, or the life left in a certificate."""

    seconds: float
    note: SafeText = EMPTY


class Knock(Protocol):
    """One attempt at one door. The caller holds the stopwatch for the deadline, the knock for its answer."""

    async def prepare(self) -> None:
        """Get at hand what knocking takes: secrets, authorities, the bastion. Its time is not the target's fault.

        Raises errors.SourceError.
        """
        ...

    async def __call__(self) -> Answer:
        """Raises ProbeFailed or errors.SourceError."""
        ...

    async def close(self) -> None:
        """Give back what is kept between knocks. Idempotent; never raises."""
        ...


class Reader(Protocol):
    """The reading half of a connection: what asyncio's and asyncssh's streams have in common."""

    async def read(self, n: int = -1, /) -> bytes: ...


class Writer(Protocol):
    """The writing half of a connection."""

    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None: ...

    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...


async def read_secret(secret: Secret) -> str:
    """The secret, looked up anew. Raises AccessDenied when it is not to be had."""
    from tuiops.config.secrets import resolve_secret

    try:
        return await asyncio.to_thread(resolve_secret, secret)
    except ConfigError as error:
        raise AccessDenied(str(error)) from error
