"""A desk for front ends whose event loop is another one: every call is carried out in the loop of the engine."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from tuiops.core.text import EMPTY, lit
from tuiops.errors import Refused, TuiopsError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from tuiops.core.access import Principal
    from tuiops.core.clock import Clock
    from tuiops.core.subject import Subject
    from tuiops.core.text import SafeText
    from tuiops.runbooks.desk import Desk, Offered
    from tuiops.runbooks.model import AnyParameter, Runbook
    from tuiops.runbooks.plan import Card

    Values = Mapping[str, tuple[str, ...]]

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


class DistantDesk:
    """A `desk.Desk` that stands elsewhere, from the moment that it is told where."""

    def __init__(self, principal: Principal, clock: Clock) -> None:
        self.principal = principal
        self._clock = clock
        self._there: tuple[Desk, asyncio.AbstractEventLoop] | None = None
        self._trouble = lit("the console is still starting")

    def attach(self, desk: Desk) -> None:
        """Stand here: called in the event loop in which the desk is to be used."""
        self._there = (desk, asyncio.get_running_loop())

    def detach(self, why: SafeText) -> None:
        """Stand nowhere: whatever is asked for is refused for this reason."""
        self._there, self._trouble = None, why

    async def _read(self, work: Callable[[Desk], Coroutine[None, None, _Answer]]) -> _Answer:
        """What a desk answers. Nobody waits for it any more when this is cancelled."""
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
        """The same for what writes: once begun it is done to its end, whoever still waits for it."""
        return await asyncio.shield(asyncio.ensure_future(self._read(work)))

    def objection(self, parameter: AnyParameter, value: str) -> SafeText:
        from tuiops.runbooks import parameters

        return parameters.own_objection(parameter, value, now=self._clock.now())

    async def forbid(self) -> None:
        await self._act(lambda desk: desk.forbid())

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

    async def approve(self, run: str, digest: str) -> None:
        await self._act(lambda desk: desk.approve(run, digest))

    async def reject(self, run: str, reason: str) -> None:
        await self._act(lambda desk: desk.reject(run, reason))

    async def abort(self, run: str, reason: str = "") -> None:
        await self._act(lambda desk: desk.abort(run, reason))

    async def resume(self, run: str) -> None:
        await self._act(lambda desk: desk.resume(run))

    async def settle(self, run: str, step: str, *, succeeded: bool, note: str) -> None:
        await self._act(lambda desk: desk.settle(run, step, succeeded=succeeded, note=note))

    async def skip(self, run: str, step: str, reason: str) -> None:
        await self._act(lambda desk: desk.skip(run, step, reason))

    async def undo(self, run: str) -> None:
        await self._act(lambda desk: desk.undo(run))

    async def why(self, subject: Subject, runbook: str) -> tuple[SafeText, ...]:
        return await self._read(lambda desk: desk.why(subject, runbook))
