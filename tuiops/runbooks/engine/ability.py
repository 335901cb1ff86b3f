"""An ability at work: sent once, then followed by the vendor's own account until it is over or time is up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.core.record import Evidence, Said
from tuiops.core.text import EMPTY, fmt, join, lit, safe
from tuiops.errors import SourceError
from tuiops.runbooks.effects import End, Outcome
from tuiops.sources.abilities import AddsSecretVersion, Progress, StateChanged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tuiops.core.clock import Clock
    from tuiops.core.text import SafeText
    from tuiops.sources.abilities import Acts, Fact, Prepared, Receipt

    Pause = Callable[[float], Awaitable[None]]

LOOK_EVERY = 2.0
"""Seconds between two looks at what a vendor was told."""

LOST_FOR = 60.0
"""Seconds that a lost answer is looked for; after that nobody can tell."""


_UNDER_WAY = frozenset({Progress.RUNNING, Progress.UNKNOWN})
NO_ANSWER = lit("no answer tells how it came out")
_SILENT = {End.UNKNOWN: NO_ANSWER, End.SUCCEEDED: EMPTY}
"""What is said of an end by itself when the vendor says nothing."""


class Following:
    """Follows one thing that a vendor was told."""

    def __init__(
        self, acts: Acts, clock: Clock, pause: Pause, told: Callable[[Receipt], Awaitable[None]], seconds: float
    ) -> None:
        """`told` is given every receipt that says something new; `seconds`: how long it may take."""
        self._acts = acts
        self._clock = clock
        self._pause = pause
        self._told = told
        self._seconds = seconds

    async def perform(self, prepared: Prepared, value: bytes | None = None) -> Outcome:
        """Send what was prepared, once, and follow it. `value`: of a secret."""
        try:
            if value is not None and isinstance(self._acts, AddsSecretVersion):
                receipt = await self._acts.perform_secret(prepared, value)
            else:
                receipt = await self._acts.perform(prepared)
        except StateChanged as changed:
            text = fmt("not done: it changed meanwhile ({})", facts_text(changed.facts))
            return Outcome(end=End.NOT_BEGUN, text=text, evidence=evidence(changed.facts))
        except SourceError as error:
            return Outcome(end=End.NOT_BEGUN, text=fmt("refused: {}", safe(str(error), 500)))
        await self._told(receipt)
        return await self.follow(receipt)

    async def follow(self, receipt: Receipt) -> Outcome:
        """Look at it until it is over."""
        began = self._clock.monotonic()
        while receipt.progress in _UNDER_WAY:
            allowed = self._seconds if receipt.progress is Progress.RUNNING else min(self._seconds, LOST_FOR)
            if self._clock.monotonic() - began >= allowed:
                return _ended(End.UNKNOWN, receipt)
            await self._pause(LOOK_EVERY)
            try:
                seen = await self._acts.look_up(receipt)
            except SourceError:
                continue
            # The last word comes with the outcome.
            news = seen.operation != receipt.operation or (
                seen.progress in _UNDER_WAY and (seen.text, seen.progress) != (receipt.text, receipt.progress)
            )
            if news:
                await self._told(seen)
            receipt = seen
        return _ended(End.SUCCEEDED if receipt.progress is Progress.DONE else End.FAILED, receipt)


def evidence(facts: tuple[Fact, ...]) -> Evidence:
    """Facts as they are recorded."""
    return Evidence(facts=tuple(Said(fact.what, fact.value) for fact in facts))


def facts_text(facts: tuple[Fact, ...]) -> SafeText:
    """Facts in a line."""
    return join(", ", (fmt("{} {}", fact.what, fact.value) for fact in facts)) or lit("it could not be read")


def _ended(end: End, receipt: Receipt) -> Outcome:
    text = receipt.text or _SILENT.get(end, end.word)
    return Outcome(end=end, text=text, evidence=evidence(receipt.facts))
