"""Servers in this process for probes to knock at, and a short way to knock."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tuiops.core.clock import SystemClock
from tuiops.sources.probe.make import make_probe

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tuiops.config.systems import AnyProbe
    from tuiops.core.health import Reading
    from tuiops.sources.bastion import Bastion

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server on loopback that hands each connection to `handler` and ends with the block."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port: int = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)


def saying(answer: bytes) -> Handler:
    """Reads something, says `answer`, hangs up."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answer)
        await writer.drain()

    return handler


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and never says a word."""
    await asyncio.Event().wait()


async def knock(config: AnyProbe, bastion: Bastion | None = None) -> Reading:
    """The one reading of one knock."""
    probe = make_probe("shop", "door", config, clock=SystemClock(), bastion=bastion)
    try:
        update = await probe.read_health()
    finally:
        await probe.close()
    (reading,) = update.readings
    return reading
