"""Commands on this machine, each under a supervisor of its own that outlives the console."""

from __future__ import annotations

import asyncio
import contextlib
import json
import marshal
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import tuiops
from tuiops.config import paths
from tuiops.config.identity import passed_on, secrets_of
from tuiops.core.record import NO_DIGEST
from tuiops.core.text import fmt, lit, safe
from tuiops.errors import ConfigError, SourceError, Unreachable
from tuiops.runbooks.execution import folder as folders
from tuiops.runbooks.execution import processes
from tuiops.runbooks.execution.base import (
    GRACE,
    Finding,
    Outcome,
    Sight,
    always,
    begun_before,
    ended_outcome,
    known_execution,
    left_process,
    left_text,
    lost,
    not_begun,
    not_done,
    stood_still,
    unknown,
)
from tuiops.runbooks.execution.output import INTERVAL, Lines
from tuiops.runbooks.execution.prepared import Prepared, objection, prepare
from tuiops.runbooks.execution.secret_forms import all_forms
from tuiops.runbooks.execution.segments import Reader

if TYPE_CHECKING:
    from tuiops.runbooks.execution.base import Command, StillOurs, Tail, Tell
    from tuiops.sources.http_auth import Resolve

KEPT_SECONDS: Final = 30 * 86400.0
"""How long the files of settled executions are kept."""
KEPT_MOST: Final = 500
"""How many settled executions are kept."""

_PRUNED_EVERY: Final = 3600.0
_ANSWER_SECONDS: Final = 30.0
"""How long a supervisor may take to say whether the command has begun; a busy machine needs a second."""
_PATIENCE: Final = 10.0
"""Seconds beyond its grace in which a supervisor must have ended its command."""
_NOT_OURS: Final = "not ours"
_FIRST_LOOK: Final = 0.01
_ENDING: Final = 3.0
"""Seconds in which killed processes must be gone."""
_PASSED_ON: Final = frozenset({"HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"})
_PASSED_ON_PREFIXES: Final = ("LC_", "XDG_")
_LIBRARY_PATHS: Final = frozenset({"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"})
"""What the interpreter itself may need to start."""
_START: Final = "import sys; sys.path += sys.argv[2:]; from tuiops.runbooks.execution.supervisor import main; main()"


class LeftProcess(msgspec.Struct, frozen=True):
    """A process that a supervisor could not end or was not told to."""

    pid: int
    name: str
    why: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor says at the end."""

    kind: str
    status: int | None = None
    text: str = ""
    left: tuple[LeftProcess, ...] = ()
    size: int = 0
    lines: int = 0
    digest: str = NO_DIGEST
    stdout_cut: bool = False
    lost: str = ""


class LocalCommands:
    """The machine that this program runs on. Files are in a folder that only its user can read."""

    def __init__(self, resolve: Resolve, base: Path | None = None) -> None:
        """`base`: where the folders of executions are; in the user's state folder when left out."""
        self._resolve = resolve
        self._base = base or paths.state_dir() / "executions"
        self._pruned: float | None = None

    async def run(self, command: Command, tell: Tell, ours: StillOurs = always) -> Outcome:
        """See `base.Commands`."""
        problem = objection(command)
        if problem:
            return not_done(problem)
        try:
            prepared = await asyncio.to_thread(prepare, command, self._resolve)
        except ConfigError as error:
            return not_done(fmt("a secret cannot be read: {}", safe(str(error), 500)))
        answer = await asyncio.to_thread(self._begin, command, prepared, ours)
        refusal = await asyncio.to_thread(self._refusal, command, answer)
        if refusal is not None:
            return refusal
        # Without an answer the folder says whether it has begun, or else is barred from ever beginning.
        return await self.follow(command, tell)

    async def follow(self, command: Command, tell: Tell) -> Outcome:
        """See `base.Commands`."""
        try:
            folder = self._folder(command.execution)
        except SourceError as error:
            return unknown(safe(str(error), 500))
        lines, reader = Lines(), Reader(str(folder), folders.OUTPUT)
        pause = _FIRST_LOOK
        while True:
            try:
                batch, outcome = await asyncio.to_thread(self._look, command.execution, lines, reader)
            except SourceError as error:
                return unknown(safe(str(error), 500))
            if batch is not None:
                tell(batch)
            if outcome is not None:
                return outcome
            await asyncio.sleep(pause)
            pause = min(2 * pause, INTERVAL)

    async def find(self, execution: str) -> Finding:
        """See `base.Commands`."""
        return await asyncio.to_thread(self._find, execution)

    async def abort(self, execution: str) -> Finding:
        """See `base.Commands`."""
        folder = self._folder(execution)
        order = await asyncio.to_thread(folders.read_json, str(folder / folders.ORDER)) or {}
        deadline = time.monotonic() + float(order.get("grace", GRACE)) + _PATIENCE
        while (finding := await self.find(execution)).sight is Sight.RUNNING:
            if time.monotonic() > deadline:
                return Finding(sight=Sight.RUNNING, text=lit("it does not end, and its supervisor does not answer"))
            await asyncio.to_thread(folders.ask, str(folder), folders.ABORT)
            await asyncio.sleep(INTERVAL)
        if finding.sight is Sight.NOBODY_KNOWS and finding.left:
            await self._end_orphans(execution)
            return await self.find(execution)
        return finding

    async def settle(self, execution: str) -> None:
        """See `base.Commands`."""
        await asyncio.to_thread(folders.settle, str(self._folder(execution)))

    def _folder(self, execution: str) -> Path:
        """The folder of an execution. NotFound for what can be none, such as a way out of here."""
        return self._base / known_execution(execution)

    def _begin(self, command: Command, prepared: Prepared, ours: StillOurs) -> str:
        """Start a supervisor and return its answer; `_NOT_OURS` when nothing was begun because of that."""
        self._prune()
        identity = passed_on(os.environ, prepared.environment)
        environment = _passed_on() | identity | prepared.environment | {processes.VARIABLE: command.execution}
        shown = {
            "execution": command.execution,
            "argv": command.argv,
            "variables": sorted(identity | prepared.environment),
            "grace": command.grace,
            "begun": time.time(),
        }
        order = {
            "base": str(self._base),
            "execution": command.execution,
            "shown": json.dumps(shown),
            "argv": list(command.argv),
            "folder": environment.get("HOME", "/"),
            "environment": environment,
            "stdin": prepared.stdin,
            "hidden": sorted(prepared.forms | all_forms(secrets_of(identity))),
            "timeout": float(command.timeout),
            "grace": float(command.grace),
            "sec": command.sec,
            "wants_stdout": command.wants_stdout,
        }
        try:
            return _supervised(command.execution, marshal.dumps(order), ours)
        except OSError as error:
            return f"failed {error.strerror or error}"

    def _refusal(self, command: Command, answer: str) -> Outcome | None:
        """Why it has not begun, or not by us, from the answer of a supervisor; None when it says neither."""
        word, _, why = answer.partition(" ")
        match word:
            case "taken":
                barred = (self._folder(command.execution) / folders.BARRED).exists()
                return not_done(not_begun().text) if barred else begun_before()
            case "unclaimed":
                return not_done(fmt("{} cannot be written: {}", safe(str(self._base)), safe(why.lower())))
            case "failed":
                return not_done(fmt("{}: {}", safe(command.argv[0]), safe(why.lower())))
            case _:
                return stood_still() if answer == _NOT_OURS else None

    def _prune(self) -> None:
        now = time.monotonic()
        if self._pruned is None or now - self._pruned > _PRUNED_EVERY:
            self._pruned = now
            folders.prune(str(self._base), older=KEPT_SECONDS, most=KEPT_MOST)

    def _look(self, execution: str, lines: Lines, reader: Reader) -> tuple[Tail | None, Outcome | None]:
        """What was printed since the last look, and the outcome when there is one."""
        sight, status = self._sight(execution)
        if sight is not Sight.NOT_BEGUN:
            for piece in reader.read():
                lines.missing(piece.missing_lines)
                lines.feed(piece.data)
        if sight is Sight.RUNNING:
            return lines.batch(), None
        lines.finish()
        finding = self._told(execution, sight, status, lines)
        return lines.batch(), finding.outcome or lost(finding, lines.output(0))

    def _find(self, execution: str) -> Finding:
        sight, status = self._sight(execution)
        lines = Lines()
        if sight is Sight.ENDED:
            for piece in Reader(str(self._folder(execution)), folders.OUTPUT).read():
                lines.missing(piece.missing_lines)
                lines.feed(piece.data)
            lines.finish()
        return self._told(execution, sight, status, lines)

    def _sight(self, execution: str) -> tuple[Sight, Status | None]:
        folder, watched = self._folder(execution), False
        try:
            if not folder.is_dir():
                with contextlib.suppress(folders.Taken):
                    folders.bar(str(self._base), execution)
            if (folder / folders.BARRED).exists():
                return Sight.NOT_BEGUN, None
            # In this order: the supervisor says how it ended before it lets go of its lock.
            watched = folders.watched(str(folder))
            return Sight.ENDED, msgspec.json.decode((folder / folders.STATUS).read_bytes(), type=Status)
        except (FileNotFoundError, msgspec.DecodeError):
            return Sight.RUNNING if watched else Sight.NOBODY_KNOWS, None
        except OSError as error:
            why = safe(error.strerror or "unreadable").lower()
            raise Unreachable(f"{safe(str(self._base))} cannot be looked into: {why}") from None

    def _told(self, execution: str, sight: Sight, status: Status | None, lines: Lines) -> Finding:
        if sight is Sight.NOT_BEGUN:
            return not_begun()
        if sight is Sight.RUNNING:
            return Finding(sight=sight, text=lit("it is running"))
        if status is not None:
            outcome = self._outcome(execution, status, lines)
            return Finding(sight=sight, text=outcome.text, outcome=outcome, left=outcome.left)
        left = tuple(left_process(found.pid, found.name, "") for found in processes.marked(execution))
        text = lit("whoever watched it is gone; nobody knows how it ended")
        if left:
            text = fmt("{}; of its processes live: {}", text, left_text(left))
        return Finding(sight=sight, text=text, left=left)

    def _outcome(self, execution: str, status: Status, lines: Lines) -> Outcome:
        folder = self._folder(execution)
        left = tuple(left_process(each.pid, each.name, each.why) for each in status.left)
        if status.kind == "not done":
            return not_done(fmt("it could not be started: {}", safe(status.text.lower())))
        try:
            stdout = (folder / folders.STDOUT).read_bytes()
        except OSError:
            stdout = b""
        outcome = ended_outcome(status.kind, status.status, left)
        text = outcome.text
        if status.lost:
            lines.missing(max(0, status.lines - lines.count))
            text = fmt("{}; the end of its output is lost: {}", text, safe(status.lost.lower()))
        digest = status.digest or NO_DIGEST
        return msgspec.structs.replace(
            outcome, text=text, output=lines.output(status.size, digest), stdout=stdout, stdout_cut=status.stdout_cut
        )

    async def _end_orphans(self, execution: str) -> None:
        """End what an execution left whose supervisor is gone: by the id in its environment."""
        stages = ((GRACE, (signal.SIGTERM, signal.SIGCONT)), (_ENDING, (signal.SIGKILL,)))
        for seconds, signals in stages:
            deadline = time.monotonic() + seconds
            while left := await asyncio.to_thread(processes.marked, execution):
                if time.monotonic() > deadline:
                    break
                processes.tell(left, *signals)
                await asyncio.sleep(INTERVAL)


def _passed_on() -> dict[str, str]:
    """The few variables of this program that every command gets."""
    passed = {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return {"PATH": os.defpath, "TERM": "dumb"} | passed


def _supervised(execution: str, order: bytes, ours: StillOurs) -> str:
    """The answer of a supervisor; empty when there was none. OSError when it cannot be started.

    It is told what to do only if that is `ours` to begin at that moment; half of an order does nothing.
    """
    roots = [str(Path(tuiops.__file__).parent.parent)]
    if not processes.has_proc():
        import psutil

        roots.append(str(Path(psutil.__file__).parent.parent))
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, execution, *roots],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name in _LIBRARY_PATHS},
        start_new_session=True,
    )
    # What was started ends as soon as it has read the order and put the supervisor into the background.
    with started, selectors.DefaultSelector() as selector:
        if started.stdin is None or started.stdout is None:
            return ""
        selector.register(started.stdout, selectors.EVENT_READ)
        try:
            if not ours():
                return _NOT_OURS
            started.stdin.write(order)
            started.stdin.close()
        except BrokenPipeError:
            return ""
        return started.stdout.readline().decode("utf-8", "replace").strip() if selector.select(_ANSWER_SECONDS) else ""
