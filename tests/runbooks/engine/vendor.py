"""A vendor on loopback that outlives every console, and the resource that consoles of other processes act on there."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Self

from tests.runbooks.engine.stage import Service
from tuiops.sources.abilities import Progress, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.sources.abilities import Prepared

POINTS = ["before sending", "after sending", "after the receipt"]
"""Moments at which a console may be lost that only the resource sees."""


class Vendor:
    """Keeps what it was told, each time that it was. Within `async with` it listens on `port`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        """Tokens, in their order."""
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(await reader.readline())
        if asked["do"] == "shift":
            self.told.append(asked["token"])
        writer.write(json.dumps({"done": asked["token"] in self.told}).encode() + b"\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Distant(Service):
    """The resource as a console sees it: told once, and asked afterwards whether it is done."""

    def __init__(self, port: int, fault: Callable[[str], None] = lambda _: None) -> None:
        """`fault` is called with the name of each of `POINTS`."""
        super().__init__()
        self._port = port
        self._fault = fault

    async def perform(self, prepared: Prepared) -> Receipt:
        self._fault("before sending")
        await self._ask("shift", prepared.token)
        self._fault("after sending")
        return Receipt(prepared=prepared, progress=Progress.RUNNING, operation="operations/7", facts=())

    async def look_up(self, receipt: Receipt) -> Receipt:
        self._fault("after the receipt")
        done = await self._ask("look", receipt.prepared.token)
        progress = Progress.DONE if done else Progress.UNKNOWN
        return Receipt(prepared=receipt.prepared, progress=progress, operation=receipt.operation, facts=())

    async def _ask(self, do: str, token: str) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(json.dumps({"do": do, "token": token}).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return bool(answer["done"])
