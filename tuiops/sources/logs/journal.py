"""The systemd journal, through `journalctl --follow`: one process for each stream, ended with its children."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tuiops.core.text import CELL, SafeText, fmt, lit, safe
from tuiops.core.updates import LogChunk
from tuiops.errors import AccessDenied, SourceError, TimedOut, Unreachable
from tuiops.sources.line_form import line_format
from tuiops.sources.logs.lines import LineBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.config.logs import JournalLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat

_READ: Final = 256 * 1024
"""Bytes read at a time."""
_BATCH: Final = 0.05
"""Seconds that lines are gathered before they are handed on."""
_SAID: Final = 4096
"""Bytes of its complaints that are kept, the last ones."""
_CURSOR: Final = re.compile(rb'"__CURSOR" ?: ?"([\w=;-]+)"')
_GRACE: Final = 2.0
"""Seconds that the process gets to end by itself."""


class JournalLogSource:
    """Tails the journal of this machine."""

    kind = lit("journal")
    interval = 1.0
    timeout = 10.0

    def __init__(
        self,
        name: SafeText,
        system: SafeText,
        service: SafeText,
        config: JournalLog,
        clock: Clock,
        command: tuple[str, ...] = ("journalctl",),
    ) -> None:
        self.name = name
        self.system = system
        self.service = service
        self.format: LineFormat = line_format(config)
        self._config = config
        self._clock = clock
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._started = False
        self._cursor = ""
        """Where the journal was read to."""

    @property
    def argv(self) -> list[str]:
        """The command: past lines only the first time; a restart goes on after the last line that was read."""
        argv = [*self._command, "--output=json", "--all", "--follow", "--no-pager"]
        if self._cursor:
            argv += [f"--after-cursor={self._cursor}", "--no-tail"]
        else:
            argv.append(f"--lines={0 if self._started else self._config.lines}")
        argv += [f"--unit={unit}" for unit in self._config.units]
        if self._config.priority is not None:
            argv.append(f"--priority={self._config.priority}")
        return argv

    async def tail(self) -> AsyncIterator[LogChunk]:
        """Ends by SourceError when journalctl does; another call starts it again."""
        process = await self._start()
        self._process = process
        assert process.stdout is not None
        assert process.stderr is not None
        said = bytearray()
        listening = asyncio.create_task(_keep_last(process.stderr, said))
        lines = LineBuffer()
        try:
            while data := await process.stdout.read(_READ):
                out, _ = lines.feed(data)
                if out:
                    self._started = True
                    self._remember(out)
                    yield LogChunk(data=out)
                if len(data) < _READ:
                    await asyncio.sleep(_BATCH)
            code = await process.wait()
            # A child that it left behind may hold the pipe open.
            await asyncio.wait({listening}, timeout=_GRACE)
            raise self._ended(code, bytes(said))
        finally:
            listening.cancel()
            await self._end(process)

    def _remember(self, lines: bytes) -> None:
        found = _CURSOR.search(lines, max(0, lines.rfind(b'"__CURSOR"')))
        if found:
            self._cursor = found[1].decode("ascii")

    async def close(self) -> None:
        if self._process is not None:
            await self._end(self._process)

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.wait_for(
                asyncio.create_subprocess_exec(
                    *self.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    start_new_session=True,
                ),
                self.timeout,
            )
        except FileNotFoundError:
            raise Unreachable(f"{self._command[0]} is not installed: this machine has no systemd journal") from None
        except PermissionError:
            raise AccessDenied(f"{self._command[0]} may not be run") from None
        except TimeoutError:
            raise TimedOut(f"{self._command[0]} did not start within {self.timeout:.0f} s") from None
        except OSError as error:
            raise Unreachable(safe(f"{self._command[0]}: {error}")) from error

    def _ended(self, code: int, said: bytes) -> SourceError:
        reason = safe(said.strip()[-CELL:], CELL) or lit("it gave no reason")
        text = fmt("journalctl ended with {}: {}", code, reason)
        words = said.lower()
        if b"cursor" in words:
            self._cursor = ""
        denied = b"permission" in words or b"not seeing messages" in words or b"insufficient" in words
        return AccessDenied(text) if denied else Unreachable(text)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """End the whole group, by force if it does not listen."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None:
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)


async def _keep_last(stream: asyncio.StreamReader, said: bytearray) -> None:
    """Read all of it, so that the writer never waits, and keep its end."""
    while data := await stream.read(_SAID):
        said += data
        del said[:-_SAID]
