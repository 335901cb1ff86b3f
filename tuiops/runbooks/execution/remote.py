"""Commands on a bastion, each under a shell of its own that outlives the link.

What is done there is in `remote.sh`. The script, the words of the command and its secrets go through the standard
input of `/bin/sh`: no login shell interprets them, no list of processes shows them, and half of it does nothing.
"""

from __future__ import annotations

import asyncio
import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import BadAnswer, ConfigError, SourceError, TimedOut, Unreachable
from tuiops.runbooks.execution.base import (
    Command,
    Finding,
    Outcome,
    always,
    known_execution,
    lost,
    not_done,
    origin_of,
    stood_still,
    unknown,
)
from tuiops.runbooks.execution.output import INTERVAL
from tuiops.runbooks.execution.prepared import Prepared, objection, prepare
from tuiops.runbooks.execution.processes import VARIABLE
from tuiops.runbooks.execution.report import Report

if TYPE_CHECKING:
    import asyncssh

    from tuiops.runbooks.execution.base import StillOurs, Tell
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http_auth import Resolve

SHELL: Final = "/bin/sh"
_SLACK: Final = 60.0
"""Seconds beyond its time and its grace in which a command must have been ended over there."""
_ASKING: Final = 30.0
"""Seconds for a look-up."""
_BLOCK: Final = 64 * 1024
_TURN: Final = 512 * 1024
"""Bytes taken in before others have their turn. More than can arrive in a turn (256 KiB): asyncssh lets a sender whose
reader is slower go on (its window grows with what is delivered, not with what is read), and would fill the memory."""
_NONCE: Final = b"tuiops, from here on"
"""Line before which standard output is what a login shell said."""
_NOTHING: Final = Prepared({}, None, frozenset())


class RemoteCommands:
    """One bastion. Files are in its user's `~/.local/state/tuiops/executions`."""

    def __init__(self, bastion: Bastion, resolve: Resolve, shell: str = SHELL) -> None:
        """`shell`: a POSIX shell of the bastion."""
        self._bastion = bastion
        self._resolve = resolve
        self._shell = shell

    async def origin(self) -> str:
        """What names the folder of executions that the bastion has at this moment. Raises SourceError.

        An id that ends in `@` and this begins nothing, and says nothing of what was begun, in any other folder: the
        same name may lead to another host, user or disk the next time.
        """
        report = await self._talked("origin", "origin", _ASKING)
        if not report.origin:
            raise BadAnswer(f"bastion {self._bastion.name} keeps no folder of executions{report.failure}")
        return report.origin

    async def run(self, command: Command, tell: Tell, ours: StillOurs = always) -> Outcome:
        """See `base.Commands`."""
        problem = _objection(command)
        if problem:
            return not_done(problem)
        try:
            prepared = await asyncio.to_thread(prepare, command, self._resolve)
            process = await self._bastion.execute(f"exec {self._shell}")
        except ConfigError as error:
            return not_done(fmt("a secret cannot be read: {}", safe(str(error), 500)))
        except SourceError as error:
            return not_done(safe(str(error), 500))
        script = _script("begin", command, prepared)
        try:
            # Not the last line, without which the shell does nothing.
            await _sent(process, script[: -len(_LAST)])
        except (SourceError, asyncio.CancelledError) as error:
            process.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            return not_done(fmt("{} before anything was begun", safe(str(error), 500)))
        if ours():
            return await self._waited(process, _LAST, command, prepared, tell)
        process.close()
        return stood_still()

    async def follow(self, command: Command, tell: Tell) -> Outcome:
        """See `base.Commands`."""
        try:
            known_execution(command.execution)
            process = await self._bastion.execute(f"exec {self._shell}")
        except SourceError as error:
            return unknown(safe(str(error), 500))
        # Without its secrets: what may hold them is not kept over there.
        return await self._waited(process, _script("follow", command, _NOTHING), command, _NOTHING, tell)

    async def find(self, execution: str) -> Finding:
        """See `base.Commands`."""
        return await self._asked("find", execution, _ASKING)

    async def abort(self, execution: str) -> Finding:
        """See `base.Commands`."""
        return await self._asked("abort", execution, _ASKING + _SLACK)

    async def settle(self, execution: str) -> None:
        """See `base.Commands`."""
        await self._asked("settle", execution, _ASKING)

    async def _waited(
        self, process: asyncssh.SSHClientProcess[bytes], script: bytes, command: Command, prepared: Prepared, tell: Tell
    ) -> Outcome:
        report = Report(command, prepared.forms)
        ticking = asyncio.create_task(_tick(report, tell))
        try:
            async with asyncio.timeout(command.timeout + command.grace + _SLACK):
                await _sent(process, script)
                await _read(process, report)
        except _NothingBegunError as error:
            return not_done(fmt("bastion {} begins nothing: {}", self._bastion.name, safe(str(error))))
        except TimeoutError:
            return unknown(fmt("bastion {} does not say how it ended; look it up", self._bastion.name))
        except SourceError as error:
            return unknown(fmt("{}; look it up", safe(str(error), 500)))
        finally:
            ticking.cancel()
            process.close()
            _tell(report, tell, last=True)
        finding = report.finding()
        return finding.outcome or lost(finding, report.output())

    async def _asked(self, action: str, execution: str, seconds: float) -> Finding:
        report = await self._talked(action, known_execution(execution), seconds)
        if report.failed:
            # What has no folder, and cannot be given one, may yet begin.
            raise Unreachable(f"bastion {self._bastion.name} cannot tell{report.failure}")
        return report.finding()

    async def _talked(self, action: str, execution: str, seconds: float) -> Report:
        command = Command(execution=execution, argv=("true",))
        report = Report(command, frozenset())
        process = await self._bastion.execute(f"exec {self._shell}")
        try:
            async with asyncio.timeout(seconds):
                await _sent(process, _script(action, command, _NOTHING))
                await _read(process, report)
        except TimeoutError:
            raise TimedOut(f"bastion {self._bastion.name} did not say what became of {execution}") from None
        finally:
            process.close()
        return report


class _NothingBegunError(SourceError):
    """A shell ended without having read the script."""


async def _sent(process: asyncssh.SSHClientProcess[bytes], data: bytes) -> None:
    import asyncssh

    try:
        process.stdin.write(data)
        await process.stdin.drain()
    except (asyncssh.Error, OSError) as error:
        raise Unreachable(f"the link was lost ({safe(str(error))})") from None


async def _read(process: asyncssh.SSHClientProcess[bytes], report: Report) -> None:
    """Take in what is said until all is said. Raises SourceError when the link is lost before that."""
    import asyncssh

    streaming = None
    try:
        await _after_nonce(process)
        if report.streams:
            streaming = asyncio.create_task(_stream(process, report))
        while not report.complete:
            line = await process.stderr.readline()
            if not line:
                raise Unreachable(f"the link was lost{report.complaint}")
            count = report.hear(line)
            if count:
                report.take(await process.stdout.readexactly(count))
                await asyncio.sleep(0)
        if streaming is not None:
            # What the command left running may hold the stream open for ever.
            await asyncio.wait([streaming], timeout=1)
    except (asyncssh.Error, OSError, asyncio.IncompleteReadError) as error:
        raise Unreachable(f"the link was lost ({safe(str(error))})") from None
    finally:
        if streaming is not None:
            streaming.cancel()
            await asyncio.gather(streaming, return_exceptions=True)


async def _after_nonce(process: asyncssh.SSHClientProcess[bytes]) -> None:
    """Pass over what a login shell says. Raises when the link is lost, or nothing else ever came."""
    while (line := await process.stdout.readline()).rstrip(b"\n") != _NONCE:
        if not line:
            complaint = await process.stderr.readline()
            await process.wait_closed()
            if process.exit_status is not None:
                # The shell has ended by itself before the script said its first word.
                raise _NothingBegunError(complaint.decode("utf-8", "replace").strip() or "no shell answered")
            raise Unreachable("the link was lost")


async def _stream(process: asyncssh.SSHClientProcess[bytes], report: Report) -> None:
    """Standard output as it comes, when it is kept nowhere over there."""
    taken = 0
    while data := await process.stdout.read(_BLOCK):
        report.take(data)
        taken += len(data)
        if taken >= _TURN:
            taken = 0
            await asyncio.sleep(0)


async def _tick(report: Report, tell: Tell) -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        _tell(report, tell)


def _tell(report: Report, tell: Tell, *, last: bool = False) -> None:
    batch = report.batch(last=last)
    if batch is not None:
        tell(batch)


def _objection(command: Command) -> SafeText:
    if command.argv and command.argv[0].startswith("-"):
        return lit("the name of a program cannot begin with a dash")
    if command.wants_stdout and not command.sec and command.secrets:
        return lit("values cannot be taken from what a command with secrets prints on a bastion")
    return objection(command)


_LAST: Final = b"\n}\n"
"""The end of a script."""


@functools.cache
def _library() -> str:
    return Path(__file__).with_name("remote.sh").read_text(encoding="utf-8")


def quoted(word: str) -> str:
    """A word that any POSIX shell reads as exactly this word. There is no NUL in it."""
    return "'" + word.replace("'", "'\\''") + "'"


def mode(command: Command, prepared: Prepared) -> str:
    """What becomes of output over there. What may hold a secret is not written to a disk that is not ours.

    So it comes as one stream: standard output and standard error can be told apart only in pieces on a disk.
    """
    if command.sec:
        return "none"
    if prepared.forms:
        return "stream"
    return "split" if command.wants_stdout else "keep"


def _script(action: str, command: Command, prepared: Prepared) -> bytes:
    """One compound command: a shell that has not read its end does nothing."""
    variable = "TUIOPS_ENV_{}".format
    inner = ['printf "%s\\n" "$$" >"$0/command"']
    inner += [f'export {name}="${variable(name)}"; unset {variable(name)}' for name in prepared.environment]
    inner += [f"export {VARIABLE}={quoted(command.execution)}", 'exec "$@"']
    settings = {
        "tuiops_id": command.execution,
        "tuiops_place": origin_of(command.execution),
        "tuiops_timeout": str(max(1, math.ceil(command.timeout))),
        "tuiops_grace": str(max(0, math.ceil(command.grace))),
        "tuiops_mode": mode(command, prepared),
        "tuiops_inner": "\n".join(inner),
    }
    exports = [f"export {variable(name)}={quoted(value)}" for name, value in prepared.environment.items()]
    lines = [
        "{",
        "tuiops_settings=" + quoted("\n".join(f"{name}={quoted(value)}" for name, value in settings.items())),
        "tuiops_library=" + quoted(_library()),
        'eval "$tuiops_settings"',
        'eval "$tuiops_library"',
        "tuiops_export() { :", *exports, "}",
        "tuiops_path=" + quoted(prepared.environment.get("PATH", "")),
        "tuiops_input=" + quoted(prepared.stdin or ""),
        "set -- " + " ".join(map(quoted, command.argv)),
        f"printf '\\n%s\\n' {quoted(_NONCE.decode())}",
        f'tuiops_{action} "$@"',
    ]  # fmt: skip
    return "\n".join(lines).encode() + _LAST
