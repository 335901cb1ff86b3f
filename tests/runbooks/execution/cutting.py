"""A link that is cut wherever a test wants it, and what runs behind it."""

from __future__ import annotations

import asyncio
import contextlib

from tests.sources.hostile import Relay

SCRIPT = 'echo begun; echo effect >> "$1"; read x < "$2"; echo done'
"""The effect is a line in a file; what comes after it waits to be let go."""


class Cutter(Relay):
    """A connection in the middle that is cut when so many bytes went up, or whose answers are kept back."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.up: int | None = None
        """Bytes that may still go up before the cut; None: any number."""
        self.answers = asyncio.Event()
        self.answers.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upward = writer.get_extra_info("peername")[1] == self._target
        try:
            with contextlib.suppress(ConnectionError):
                while block := await reader.read(65536):
                    if upward and self.up is not None:
                        block, self.up = block[: self.up], self.up - len(block)
                    if not upward:
                        await self.answers.wait()
                    writer.write(block)
                    await writer.drain()
                    if upward and self.up is not None and self.up <= 0:
                        self.cut()
        finally:
            writer.transport.abort()
