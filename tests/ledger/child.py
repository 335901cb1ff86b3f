"""Other processes that write to a ledger; they say on standard output what was acknowledged.

`python -m tests.ledger.child CONFIG COUNT FORKS`: a configuration as JSON, how many entries each of so many processes
appends, one after the other. With COUNT 0, one process does what standard input says, a word a line: `lock SECONDS`,
`append TEXT`, `claim EXECUTION`, `renew SECONDS`, `limit BYTES`, `remove FILE`, `probe`, `verify`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from tests.ledger import samples
from tuiops.config.model import LedgerConfig
from tuiops.core.text import lit
from tuiops.errors import LedgerError
from tuiops.ledger.opening import open_ledger

if TYPE_CHECKING:
    from tuiops.ledger.base import Fence
    from tuiops.ledger.sql import SqlLedger


def say(*words: object) -> None:
    # One write a line: several processes share the pipe.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def append_many(ledger: SqlLedger, count: int) -> None:
    """Entries that tell them apart from everybody else's; one that failed is not tried again."""
    for number in range(count):
        text = f"{os.getpid()}-{number}"
        try:
            [sealed] = await ledger.append([samples.remark(text)])
        except LedgerError as error:
            say("failed", text, error)
        else:
            say("wrote", text, sealed.number, sealed.digest)


class Obedient:
    """One method for each word that standard input may say."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger
        self._fences: list[Fence] = []

    async def lock(self, seconds: str) -> None:
        fence = await self._ledger.acquire(
            "shop/api", samples.holder(), run="run-1", purpose=lit("run #42"), seconds=float(seconds)
        )
        self._fences = [fence]

    async def append(self, text: str) -> None:
        await self._ledger.append([samples.remark(f"{os.getpid()} {text}")], fences=self._fences)

    async def claim(self, execution: str) -> None:
        await self._ledger.claim(execution, samples.claim(execution), self._fences)

    async def renew(self, seconds: str) -> None:
        [fence] = self._fences
        await self._ledger.renew(fence, float(seconds))

    async def limit(self, size: str) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.RLIM_INFINITY))

    async def remove(self, file: str) -> None:
        os.unlink(file)  # noqa: PTH108 - a process that does nothing else may block

    async def probe(self, _: str) -> None:
        await self._ledger.probe()

    async def verify(self, _: str) -> None:
        verdict = await self._ledger.verify()
        say(verdict.entries, *verdict.faults)


async def obey(ledger: SqlLedger) -> None:
    obedient = Obedient(ledger)
    for line in iter(sys.stdin.readline, ""):
        word, _, argument = line.strip().partition(" ")
        try:
            await getattr(obedient, word)(argument)
        except LedgerError as error:
            say(type(error).__name__, error)
        else:
            say("done", word)


async def work(count: int) -> None:
    ledger = open_ledger(msgspec.json.decode(sys.argv[1], type=LedgerConfig))
    await (append_many(ledger, count) if count else obey(ledger))
    with suppress(LedgerError):
        await ledger.close()


def main() -> None:
    count, forks = int(sys.argv[2]), int(sys.argv[3])
    if not count:
        asyncio.run(work(count))
        return
    # Imported once, for all of them.
    importlib.import_module("tuiops.ledger.store")
    for _ in range(forks):
        if os.fork() == 0:
            asyncio.run(work(count))
            os._exit(0)
    for _ in range(forks):
        os.wait()


if __name__ == "__main__":
    main()
