"""What becomes of a socket whose connection is given up on the way."""

from __future__ import annotations

import asyncio

import pytest

from tests.sources.http_reading import client
from tests.waiting import eventually


@pytest.mark.usefixtures("uncollected")
async def test_a_handshake_that_is_cancelled_leaves_no_socket_open() -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        begun.set()
        while await reader.read(1024):
            pass
        over.set()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    one = client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    asking = asyncio.create_task(one.fetch("/"))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await eventually(over.is_set, "the end of the socket")
    await one.close()
    server.close()
