"""What an engine must not stop doing while it acts: hear of runs, know who holds them, and show them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tuiops.core.text import EMPTY, SafeText, fmt, join, safe
from tuiops.errors import TuiopsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

log = logging.getLogger(__name__)

TRY_AGAIN = 2.0
"""Seconds until something that has failed is begun again."""


class Attentive:
    """Whether a console hears and shows all it must. While it does not, nobody could stop it: it begins no step."""

    def __init__(
        self,
        trouble: Callable[[str, SafeText], None],
        needed: Iterable[str],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`trouble` is given what is wrong with each thing, and an empty text when nothing is any more.

        `needed`: what has to have been well once before all is well.
        """
        self._trouble = trouble
        self._pause = pause
        self._failing: dict[str, SafeText] = {}
        self._awaited = set(needed)
        self._all_well = asyncio.Event()

    @property
    def failing(self) -> SafeText:
        """What is wrong at the moment; empty when nothing is."""
        return join("; ", self._failing.values())

    async def wait(self) -> None:
        """Return as soon as all that is needed is at work, and nothing is wrong."""
        await self._all_well.wait()

    async def keep_up(self, what: str, work: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        """Have work go on for ever, whatever it fails by. It calls what it is given whenever it has done its part."""

        def well() -> None:
            self._failing.pop(what, None)
            self._awaited.discard(what)
            self._trouble(what, EMPTY)
            if not self._failing and not self._awaited:
                self._all_well.set()

        while True:
            try:
                await work(well)
            except TuiopsError as error:
                self._fails(what, fmt("{}: {}", safe(what), safe(str(error), 500)))
            except Exception as error:  # a console that does not hear must say so, whatever the reason
                log.exception("%s: failed", what)
                fault = safe(type(error).__name__)
                self._fails(what, fmt("{}: a fault of the console ({}), see its log", safe(what), fault))
            await self._pause(TRY_AGAIN)

    def _fails(self, what: str, why: SafeText) -> None:
        self._failing[what] = said = fmt("{}; no step is begun until that is well again", why)
        self._all_well.clear()
        self._trouble(what, said)
