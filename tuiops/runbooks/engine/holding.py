"""A condition that must hold for a time without a break, looked at again and again until it has or time is up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tuiops.core.record import Evidence, Said
from tuiops.core.runs import Held
from tuiops.core.text import EMPTY, SafeText, fmt, lit
from tuiops.core.units import span
from tuiops.runbooks.gates import Look, label, look
from tuiops.runbooks.planning.wording import condition_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.runbooks.format.model import AnyCheck
    from tuiops.runbooks.gates import Viewpoint

    Pause = Callable[[float], Awaitable[None]]

_MISSED = 3.0
"""Times `every` without a look after which nobody can say that the condition held meanwhile."""
_LEAST_GAP = 15.0


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """How a gate came out."""

    held: bool
    text: SafeText
    evidence: Evidence


class Gating:
    """One gate at work."""

    def __init__(self, check: AnyCheck, viewpoint: Viewpoint, pause: Pause, shown: Callable[[Held], None]) -> None:
        self._check = check
        self._viewpoint = viewpoint
        self._pause = pause
        self._shown = shown
        self._clock = viewpoint.world.clock
        self._since: float | None = None
        self._looked = 0.0

    async def wait(self) -> Passed:
        """Until the condition has held long enough, or has not begun to hold in time."""
        began = self._clock.monotonic()
        while True:
            seen = await look(self._check, self._viewpoint)
            now = self._clock.monotonic()
            self._count(seen, now)
            held = now - self._since if self._since is not None else 0.0
            self._show(seen, held)
            if self._since is not None and held >= self._check.hold:
                return self._passed(seen, held)
            if self._since is None and now - began >= self._check.within:
                return self._failed(seen)
            await self._pause(self._check.every)

    def _count(self, seen: Look, now: float) -> None:
        blind = now - self._looked > max(_LEAST_GAP, _MISSED * self._check.every)
        if not seen.holds:
            self._since = None
        elif self._since is None or blind:
            self._since = now
        self._looked = now

    def _show(self, seen: Look, held: float) -> None:
        since = self._clock.now() - timedelta(seconds=held) if self._since is not None else None
        value = fmt("{} · {}", seen.value, seen.reason) if seen.reason else seen.value
        self._shown(
            Held(
                label=label(self._check),
                value=value,
                holds=seen.holds,
                since=since,
                needed=self._check.hold,
                values=(seen.number,),
            )
        )

    def _passed(self, seen: Look, held: float) -> Passed:
        lasted = fmt(" for {}", span(held)) if self._check.hold else EMPTY
        return Passed(held=True, text=fmt("{}{}", seen.value, lasted), evidence=self._evidence(seen))

    def _failed(self, seen: Look) -> Passed:
        why = seen.reason or fmt("{} is not within the limit", seen.value)
        text = fmt("not within {}: {}", span(self._check.within), why)
        return Passed(held=False, text=text, evidence=self._evidence(seen))

    def _evidence(self, seen: Look) -> Evidence:
        facts = [Said(lit("condition"), condition_text(self._check)), Said(lit("value"), seen.value)]
        if seen.reason:
            facts.append(Said(lit("why"), seen.reason))
        return Evidence(facts=tuple(facts))
