"""Commands and calls as the engine asks for them: on this machine, on bastions, over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections import deque
from typing import TYPE_CHECKING, Final

from tuiops.config import paths
from tuiops.core.guarded import occurs
from tuiops.core.text import SafeText, fmt, lit, safe
from tuiops.errors import Refused, SourceError, Unreachable
from tuiops.runbooks.effects import End, Outcome
from tuiops.runbooks.execution import folder as folders
from tuiops.runbooks.execution.base import (
    Call,
    Command,
    Kind,
    Sight,
    always,
    elsewhere,
    known_execution,
    not_done,
    origin_of,
)
from tuiops.runbooks.execution.calls import HttpCalls
from tuiops.runbooks.execution.local import LocalCommands
from tuiops.runbooks.execution.remote import RemoteCommands
from tuiops.runbooks.format.captures import captured
from tuiops.runbooks.format.model import CommandAction, CommandCheck, HttpAction, HttpCheck
from tuiops.runbooks.gates import Look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tuiops.runbooks.effects import Printed
    from tuiops.runbooks.execution.base import Finding, StillOurs, Tail
    from tuiops.runbooks.execution.base import Outcome as Carried
    from tuiops.runbooks.format.model import Capture
    from tuiops.sources.bastion import Bastion
    from tuiops.sources.http import HttpConnector
    from tuiops.sources.http_auth import Resolve

SHOWN_LINES: Final = 50
"""Last lines of an output that are handed on."""
LOOK_SECONDS: Final = 30.0
"""Seconds that a look at a condition may take."""
_SEARCH_SECONDS: Final = 1.0
_ENDS: Final = {Kind.NOT_DONE: End.NOT_BEGUN, Kind.ABORTED: End.ABORTED, Kind.UNKNOWN: End.UNKNOWN}


class Executions:
    """See `runbooks.effects.Effects`."""

    def __init__(
        self,
        resolve: Resolve,
        connector: Callable[[], HttpConnector],
        bastion: Callable[[str], Bastion],
        base: Path | None = None,
    ) -> None:
        """`bastion` finds one by its name, or raises KeyError; `base` as for `LocalCommands`."""
        self._resolve = resolve
        self._connector = connector
        self._bastion = bastion
        self._base = base or paths.state_dir() / "executions"
        self._local = LocalCommands(resolve, self._base)

    async def name(self, run: str, attempt: int, do: object) -> str:
        """See `Effects`."""
        place = self._place(do.via) if isinstance(do, CommandAction) else self._local
        if isinstance(place, RemoteCommands):
            return f"{run}.{attempt}@{await place.origin()}"
        return f"{run}.{attempt}@{await self._here()}"

    async def command(
        self,
        execution: str,
        do: CommandAction,
        *,
        sec: bool,
        seconds: float,
        printed: Printed,
        ours: StillOurs = always,
    ) -> Outcome:
        """See `Effects`."""
        place = self._place(do.via)
        if place is None:
            return await _judged(not_done(fmt("no bastion is called {}", safe(do.via))), do.statuses, do.capture)
        recent: deque[SafeText] = deque(maxlen=SHOWN_LINES)

        def tell(batch: Tail) -> None:
            recent.extend(batch.lines)
            printed((*recent, batch.partial) if batch.partial else tuple(recent))

        command = Command(
            execution=execution,
            argv=do.argv,
            environment=do.environment,
            stdin=do.stdin,
            timeout=seconds,
            sec=sec,
            wants_stdout=bool(do.capture) and not sec,
        )
        return await _judged(await place.run(command, tell, ours), do.statuses, do.capture)

    async def http(
        self, execution: str, do: HttpAction, *, sec: bool, seconds: float, ours: StillOurs = always
    ) -> Outcome:
        """See `Effects`."""
        calls = HttpCalls(self._connector(), self._resolve)
        outcome = await calls.run(Call(execution=execution, action=do, timeout=seconds, sec=sec), ours)
        return await _judged(outcome, do.statuses, do.capture)

    async def look(self, check: HttpCheck | CommandCheck) -> Look:
        """See `Effects`."""
        execution = f"look-{uuid.uuid4().hex}"
        if isinstance(check, HttpCheck):
            return await self._look_there(execution, check)
        place = self._place(check.via)
        if place is None:
            return Look(holds=False, reason=fmt("no bastion is called {}", safe(check.via)))
        command = Command(execution=execution, argv=check.argv, timeout=LOOK_SECONDS)
        try:
            outcome = await place.run(command, lambda _: None)
        except asyncio.CancelledError:
            await asyncio.shield(_ended(place, execution))
            raise
        # A bastion that is not reached would be waited for twice, and what it refuses to begin leaves nothing there.
        if outcome.kind is not Kind.NOT_DONE or place is self._local:
            await _settled(place, execution)
        if outcome.kind is not Kind.ENDED:
            return Look(holds=False, reason=outcome.text)
        return Look(holds=outcome.status == 0, value=outcome.text, number=outcome.status)

    async def find(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        """See `Effects`."""
        if isinstance(do, HttpAction):
            found = await HttpCalls(self._connector(), self._resolve).find(execution)
            return Outcome(end=End.UNKNOWN, text=found.text)
        place = self._place(do.via)
        if place is None:
            return Outcome(end=End.UNKNOWN, text=fmt("no bastion is called {}", safe(do.via)))
        if await self._is_elsewhere(execution, do):
            return Outcome(end=End.UNKNOWN, text=elsewhere().text)
        return await self._found(execution, do, await place.find(execution))

    async def abort(self, execution: str, do: CommandAction | HttpAction) -> Outcome:
        """See `Effects`."""
        place = self._place(do.via) if isinstance(do, CommandAction) else None
        if place is None or isinstance(do, HttpAction):
            return Outcome(end=End.UNKNOWN, text=lit("what was sent cannot be called back; say how it came out"))
        if await self._is_elsewhere(execution, do):
            return Outcome(end=End.UNKNOWN, text=elsewhere().text)
        return await self._found(execution, do, await place.abort(execution))

    async def settle(self, execution: str, do: CommandAction | HttpAction) -> None:
        """See `Effects`."""
        place = self._place(do.via) if isinstance(do, CommandAction) else None
        if place is not None:
            await place.settle(execution)

    def _place(self, via: str) -> LocalCommands | RemoteCommands | None:
        if not via:
            return self._local
        try:
            return RemoteCommands(self._bastion(via), self._resolve)
        except KeyError:
            return None

    async def _here(self) -> str:
        try:
            return await asyncio.to_thread(folders.origin, str(self._base))
        except OSError as error:
            why = safe(error.strerror or "unreadable").lower()
            raise Unreachable(f"{safe(str(self._base))} cannot be written: {why}") from None

    async def _belongs(self, execution: str, do: CommandAction) -> bool:
        """Whether the folder that was looked into is the one that the execution's id names."""
        # A bastion looks for itself, and answers for no other folder.
        return bool(origin_of(execution)) if do.via else origin_of(execution) == await self._here()

    async def _is_elsewhere(self, execution: str, do: CommandAction) -> bool:
        """Whether another machine has it, and this one nothing of it: to look for it would bar it here, for nothing."""
        folder = self._base / known_execution(execution)
        return not do.via and not await self._belongs(execution, do) and not await asyncio.to_thread(folder.is_dir)

    async def _found(self, execution: str, do: CommandAction, finding: Finding) -> Outcome:
        match finding.sight:
            case Sight.NOT_BEGUN if not await self._belongs(execution, do):
                # Another machine, or another user's folder, may well have it.
                return Outcome(end=End.UNKNOWN, text=elsewhere().text)
            case Sight.NOT_BEGUN:
                return Outcome(end=End.NOT_BEGUN, text=finding.text)
            case Sight.RUNNING:
                return Outcome(end=End.UNKNOWN, text=finding.text, running=True)
            case Sight.ENDED if finding.outcome is not None:
                return await _judged(finding.outcome, do.statuses, do.capture)
            case _:
                return Outcome(end=End.UNKNOWN, text=finding.text)

    async def _look_there(self, execution: str, check: HttpCheck) -> Look:
        action = HttpAction(method="GET", url=check.url, via=check.via)
        calls = HttpCalls(self._connector(), self._resolve)
        outcome = await calls.run(Call(execution=execution, action=action, timeout=LOOK_SECONDS))
        if outcome.kind is not Kind.ENDED:
            return Look(holds=False, reason=outcome.text)
        if outcome.status not in check.status:
            return Look(holds=False, value=outcome.text, number=outcome.status)
        if check.matches:
            body = outcome.stdout.decode("utf-8", "replace")
            try:
                holds = await asyncio.to_thread(occurs, check.matches, body, _SEARCH_SECONDS)
            except (TimeoutError, re.error):
                return Look(holds=False, value=outcome.text, reason=lit("its pattern takes too long to be looked for"))
            if not holds:
                return Look(holds=False, value=outcome.text, reason=lit("the answer does not hold what it must"))
        return Look(holds=True, value=outcome.text, number=outcome.status)


async def _ended(place: LocalCommands | RemoteCommands, execution: str) -> None:
    """End a look that nobody waits for any more, if it can be ended; one that goes on keeps its files till its end."""
    with contextlib.suppress(SourceError):
        await place.abort(execution)
    await _settled(place, execution)


async def _settled(place: LocalCommands | RemoteCommands, execution: str) -> None:
    """Let the files of a look go some day, if that can be noted there: what it saw is with whoever looked."""
    with contextlib.suppress(OSError, SourceError):
        await place.settle(execution)


async def _judged(outcome: Carried, statuses: tuple[int, ...], captures: Mapping[str, Capture]) -> Outcome:
    """What it means that it ended so."""
    evidence = outcome.evidence()
    if outcome.kind is not Kind.ENDED:
        return Outcome(end=_ENDS[outcome.kind], text=outcome.text, evidence=evidence)
    if outcome.status not in statuses:
        return Outcome(end=End.FAILED, text=outcome.text, evidence=evidence)
    if captures and outcome.stdout_cut:
        text = fmt("{}, but what it printed is too long to take values from", outcome.text)
        return Outcome(end=End.FAILED, text=text, evidence=evidence)
    try:
        values = await asyncio.to_thread(captured, captures, outcome.stdout.decode("utf-8", "replace"))
    except Refused as error:
        text = fmt("{}, but {}", outcome.text, safe(str(error), 500))
        return Outcome(end=End.FAILED, text=text, evidence=evidence)
    return Outcome(end=End.SUCCEEDED, text=outcome.text, evidence=evidence, captured=values)
