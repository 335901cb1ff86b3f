"""What takes long to find, may hang, and is then kept for a while: the credentials of a cloud."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from tuiops.errors import SourceError, TimedOut
from tuiops.sources.daemon import DaemonWorker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tuiops.core.clock import Clock

AGAIN = 5.0
"""Seconds that a failure stands: what asks together is not told together to try again."""

PATIENCE = 9.0
"""Seconds that somebody waits; a program that proves who this is, or a name server, may hang for ever."""

_Value = TypeVar("_Value")
_Found = TypeVar("_Found")


class Keep(NamedTuple):
    """How long something may be used, in seconds from when it was found."""

    renew: float
    """From then on another one is looked for."""
    ends: float
    """Until then the one that is there serves, should the look-up fail or take its time."""


class LookUp(Generic[_Found]):
    """Finds a value when one is asked for. One look-up at a time, in a thread that nobody waits for in the end."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        find: Callable[[], _Found],
        keep: Callable[[_Found], Keep],
        late: tuple[str, str],
    ) -> None:
        """`find` may block; `keep` tells how long what was found may be used.

        `late` is what the error says when nothing comes: what is missing, and who may hang.
        """
        self._name = name
        self._clock = clock
        self._find = find
        self._keep = keep
        self._late = late
        self._worker = DaemonWorker(name)
        self._found: tuple[_Found, Keep] | None = None
        """With the moments on the monotonic clock."""
        self._failed: tuple[SourceError, float] | None = None
        self._looking: asyncio.Task[_Found] | None = None

    async def get(self) -> _Found:
        """What is kept, else what is found. Raises what `find` raises, and errors.TimedOut after PATIENCE."""
        now = self._clock.monotonic()
        kept = self._found if self._found is not None and now < self._found[1].ends else None
        if kept is not None and now < kept[1].renew:
            return kept[0]
        failed = self._failed[0] if self._failed is not None and now < self._failed[1] else None
        if kept is not None and failed is None and self._looking is None:
            self._look()
        if kept is not None:
            return kept[0]
        if failed is not None:
            # Everybody is told the same error: what each adds to its traceback must not pile up.
            raise failed.with_traceback(None)
        looking = self._looking or self._look()
        async with self._patience():
            # Whoever asked may run out of time; the answer still serves the next one.
            return await asyncio.shield(looking)

    async def run(self, call: Callable[[], _Value]) -> _Value:
        """What `call` returns, in the thread of the look-ups and so after one that hangs; TimedOut after PATIENCE."""
        async with self._patience():
            return await self._worker.run(call)

    def drop(self, unfit: Callable[[_Found], bool]) -> bool:
        """Forget what is kept if it is unfit; whether it was."""
        if self._found is None or not unfit(self._found[0]):
            return False
        self._found = None
        return True

    def close(self) -> None:
        """Forget what was found and let the thread end. It can be used again."""
        # A look-up under way is not cancelled: it would take those with it who wait for its answer.
        self._looking = None
        self._found = None
        self._worker.close()

    def _look(self) -> asyncio.Task[_Found]:
        self._looking = asyncio.create_task(self._worker.run(self._find), name=self._name)
        self._looking.add_done_callback(self._looked)
        return self._looking

    def _looked(self, task: asyncio.Task[_Found]) -> None:
        # Asking for the exception marks it as seen: when nobody waits any more, it is no news for the event loop.
        error = None if task.cancelled() else task.exception()
        if self._looking is not task:
            return
        self._looking = None
        if task.cancelled():
            return
        now = self._clock.monotonic()
        if error is None:
            found = task.result()
            keep = self._keep(found)
            self._found, self._failed = (found, Keep(now + keep.renew, now + keep.ends)), None
        elif isinstance(error, SourceError):
            self._failed = (error, now + AGAIN)

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        missing, suspect = self._late
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        except TimeoutError:
            raise TimedOut(f"{missing} within {PATIENCE:g}s; does {suspect} hang?") from None
