"""A desk for front ends whose event loop is another one: every call is carried out in the loop of the engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from tuiops.core.access import Decision
from tuiops.core.text import EMPTY, lit
from tuiops.errors import Refused, TuiopsError
from tuiops.runbooks.engine.permits import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from tuiops.core.access import Danger, Deed, Place, Principal
    from tuiops.core.clock import Clock
    from tuiops.core.runs import RunView
    from tuiops.core.subject import Subject
    from tuiops.core.text import SafeText
    from tuiops.runbooks.desk.desk import Desk, Offered
    from tuiops.runbooks.format.model import AnyParameter, Runbook
    from tuiops.runbooks.planning.plan import Card

    Values = Mapping[str, tuple[str, ...]]

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

STARTING = 10.0
"""Seconds that somebody who asks at the very start waits for the desk to stand."""


class DistantDesk:
    """A `desk.Desk` that stands elsewhere, from the moment that it is told where."""

    def __init__(self, principal: Principal, clock: Clock) -> None:
        self.principal = principal
        self._clock = clock
        self._there: tuple[Desk, asyncio.AbstractEventLoop] | None = None
        self._trouble = lit("the console is still starting")
        self._known: Future[None] = Future()
        """Done as soon as it is known for the first time whether the desk stands."""
        self._forbidden = False
        self._deeds: set[asyncio.Task[object]] = set()
        """What is being done, in the loop of the engine."""

    def attach(self, desk: Desk) -> None:
        """Stand here: called in the event loop in which the desk is to be used."""
        self._there = (desk, asyncio.get_running_loop())
        self._tell()
        if self._forbidden:
            self._keep(asyncio.ensure_future(desk.forbid()))

    def detach(self, why: SafeText) -> None:
        """Stand nowhere: whatever is asked for is refused for this reason."""
        self._there, self._trouble = None, why
        self._tell()

    def _tell(self) -> None:
        if not self._known.done():
            self._known.set_result(None)

    async def _read(self, work: Callable[[Desk], Coroutine[None, None, _Answer]]) -> _Answer:
        """What a desk answers. Nobody waits for it any more when this is cancelled."""
        if not self._known.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._known)), STARTING)
        if self._there is None:
            raise Refused(self._trouble)
        desk, loop = self._there
        asked = work(desk)
        try:
            future = asyncio.run_coroutine_threadsafe(asked, loop)
        except RuntimeError:
            asked.close()
            raise Refused("the console is being closed") from None
        try:
            return await asyncio.wrap_future(future)
        except TuiopsError:
            raise
        except Exception:  # people wait for an answer: they are told, and the log has the rest
            log.exception("a call of the desk failed")
            raise Refused("the console failed at this, see its log; X shows what has begun") from None

    async def _act(self, work: Callable[[Desk], Coroutine[None, None, _Answer]]) -> _Answer:
        """The same for what writes: once begun it is done to its end, whoever still waits for it.

        It belongs to the loop of the engine: neither a worker that is cancelled nor the end of the front end's own
        loop ends it.
        """
        if self._forbidden:
            raise Refused(READ_ONLY)

        async def to_its_end(desk: Desk) -> _Answer:
            doing = asyncio.ensure_future(work(desk))
            self._keep(doing)
            return await asyncio.shield(doing)

        return await self._read(to_its_end)

    def _keep(self, doing: asyncio.Task[_Answer]) -> None:
        """Hold on to a deed that nobody may be waiting for any more, and log how it failed in that case."""
        self._deeds.add(doing)
        doing.add_done_callback(self._done)

    def _done(self, doing: asyncio.Task[_Answer]) -> None:
        self._deeds.discard(doing)
        if not doing.cancelled() and (error := doing.exception()) is not None:
            log.info("a call of the desk ended with %s", type(error).__name__)

    def objection(self, parameter: AnyParameter, value: str) -> SafeText:
        from tuiops.runbooks.format import parameters

        return parameters.own_objection(parameter, value, now=self._clock.now())

    def may(self, deed: Deed, place: Place, danger: Danger) -> Decision:
        if self._forbidden:
            return Decision(allowed=False, reason=READ_ONLY)
        there = self._there
        return there[0].may(deed, place, danger) if there is not None else Decision(allowed=False, reason=self._trouble)

    async def forbid(self) -> None:
        # It holds from here on, wherever this stands then.
        self._forbidden = True
        if self._there is not None:
            await self._read(lambda desk: desk.forbid())

    async def offered(self, subjects: tuple[Subject, ...]) -> tuple[Offered, ...]:
        return await self._read(lambda desk: desk.offered(subjects))

    async def runbook(self, name: str) -> Runbook:
        return await self._read(lambda desk: desk.runbook(name))

    async def choices(self, runbook: str, system: str, parameter: str, values: Values) -> tuple[SafeText, ...]:
        return await self._read(lambda desk: desk.choices(runbook, system, parameter, values))

    async def plan(self, runbook: str, system: str, values: Values, alert: SafeText = EMPTY) -> Card:
        return await self._read(lambda desk: desk.plan(runbook, system, values, alert))

    async def confirm(self, card: Card, typed: str = "") -> str:
        return await self._act(lambda desk: desk.confirm(card, typed))

    async def asked_for(self, run: str) -> Card:
        return await self._read(lambda desk: desk.asked_for(run))

    async def approve(self, run: str, digest: str, typed: str = "") -> None:
        await self._act(lambda desk: desk.approve(run, digest, typed))

    async def reject(self, run: str, reason: str) -> None:
        await self._act(lambda desk: desk.reject(run, reason))

    async def abort(self, run: str, reason: str = "") -> None:
        await self._act(lambda desk: desk.abort(run, reason))

    async def resume(self, seen: RunView, typed: str = "") -> None:
        await self._act(lambda desk: desk.resume(seen, typed))

    async def settle(self, seen: RunView, step: str, *, succeeded: bool, note: str) -> None:
        await self._act(lambda desk: desk.settle(seen, step, succeeded=succeeded, note=note))

    async def skip(self, seen: RunView, step: str, reason: str) -> None:
        await self._act(lambda desk: desk.skip(seen, step, reason))

    async def undo(self, seen: RunView, typed: str = "") -> None:
        await self._act(lambda desk: desk.undo(seen, typed))

    async def why(self, subject: Subject, runbook: str) -> tuple[SafeText, ...]:
        return await self._read(lambda desk: desk.why(subject, runbook))
