"""The systemd journal, through `journalctl --follow`: one process for each stream, ended with its children."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tuiops.core.text import CELL, SafeText, fmt, lit, safe
from tuiops.core.updates import LogChunk
from tuiops.errors import AccessDenied, SourceError, TimedOut, Unreachable
from tuiops.sources.logs.form import line_format
from tuiops.sources.logs.lines import LineBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tuiops.config.systems import JournalLog
    from tuiops.core.clock import Clock
    from tuiops.core.logformat import LineFormat

_READ: Final = 256 * 1024
"""Bytes read at a time."""
_BATCH: Final = 0.05
"""Seconds that lines are gathered before they are handed on."""
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

    @property
    def argv(self) -> list[str]:
        """The command: past lines only the first time, so that a restart repeats none."""
        lines = 0 if self._started else self._config.lines
        argv = [*self._command, "--output=json", "--all", "--follow", "--no-pager", f"--lines={lines}"]
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
        complaints = asyncio.create_task(process.stderr.read(4096))
        lines = LineBuffer()
        try:
            while data := await process.stdout.read(_READ):
                out, _ = lines.feed(data)
                if out:
                    self._started = True
                    yield LogChunk(data=out)
                if len(data) < _READ:
                    await asyncio.sleep(_BATCH)
            raise self._ended(await process.wait(), safe(await complaints, CELL))
        finally:
            complaints.cancel()
            await self._end(process)

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

    def _ended(self, code: int, said: SafeText) -> SourceError:
        text = fmt("journalctl ended with {}: {}", code, said or lit("it gave no reason"))
        words = said.lower()
        denied = "permission" in words or "not seeing messages" in words or "insufficient" in words
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
