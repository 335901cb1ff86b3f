"""Other processes on the ledger of a test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tuiops.core.record import Commented

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.ledger.homes import Home
    from tuiops.ledger.sql import SqlLedger

ROOT = Path(__file__).parents[2]


class Wrote(NamedTuple):
    """An entry that was acknowledged."""

    text: str
    number: int
    digest: str

    @property
    def pid(self) -> int:
        return int(self.text.partition("-")[0])


class Child:
    """A process on the same ledger, or several."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.wrote: list[Wrote] = []
        self.failed: list[str] = []

    @classmethod
    async def of(cls, home: Home, count: int = 0, forks: int = 1, *, prefix: Sequence[str] = ()) -> Child:
        config = msgspec.json.encode(home.config).decode()
        return cls(
            await asyncio.create_subprocess_exec(
                *prefix, sys.executable, "-m", "tests.ledger.child", config, str(count), str(forks),
                cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            )
        )  # fmt: skip

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().strip()

    async def next(self) -> Wrote | None:
        """What was acknowledged next; None at the end."""
        while line := await self.line():
            word, text, *rest = line.split(" ", 3)
            if word == "wrote":
                self.wrote.append(Wrote(text, int(rest[0]), rest[1]))
                return self.wrote[-1]
            self.failed.append(text)
        return None

    async def follow(self, more: int | None = None) -> None:
        """Note what is acknowledged: so many more, or to the end."""
        enough = None if more is None else len(self.wrote) + more
        while (enough is None or len(self.wrote) < enough) and await self.next():
            pass

    async def told(self, words: str) -> str:
        """What it answers."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n".encode())
        return await self.line()

    async def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.communicate()


async def texts(ledger: SqlLedger) -> dict[int, str]:
    return {
        sealed.number: sealed.entry.event.text
        async for sealed in ledger.read()
        if isinstance(sealed.entry.event, Commented)
    }
