"""A thread of the ledger's own: one call after the other, and none waited for longer than a while."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.ledger.store import Store

DEADLINE = 30.0
"""Seconds that a call may take: longer than whatever the databases themselves wait for."""

CLOSING = 2.0
"""Seconds that closing may take."""

_Value = TypeVar("_Value")


class _Job(NamedTuple):
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    call: Callable[[Store], Any]

    def do(self, store: Store) -> None:
        """Call, and answer in the loop.

        An intent waits for both turns, and a future of the loop's own takes half as long as one of threads.
        """
        try:
            value = self.call(store)
        except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
            self.fail(error)
        else:
            self._tell(_answer, self.answer, value)

    def fail(self, error: BaseException) -> None:
        self._tell(_fail, self.answer, error)

    def _tell(self, way: Callable[..., None], *what: object) -> None:
        # Whoever has closed the loop waits for nothing any more.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(way, *what)


_Jobs = SimpleQueue[_Job | None]


class Worker:
    """Does calls on a store of its own, which is opened in its thread.

    The thread is a daemon: a disk or a server that never answers keeps neither the program nor other calls.
    """

    def __init__(self, name: str, opened: Callable[[], Store], *, deadline: float = DEADLINE) -> None:
        self._name = name
        self._opened = opened
        self._deadline = deadline
        self._jobs: _Jobs | None = None

    async def run(self, call: Callable[[Store], _Value]) -> _Value:
        """What `call` returns or raises. LedgerError when it takes too long; it may still be done then."""
        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=_work, args=(self._jobs, self._opened), name=self._name, daemon=True).start()
        jobs, loop = self._jobs, asyncio.get_running_loop()
        answer: asyncio.Future[_Value] = loop.create_future()
        late = loop.call_later(self._deadline, self._too_late, jobs, answer)
        jobs.put(_Job(loop, answer, call))
        try:
            return await answer
        finally:
            late.cancel()

    def _too_late(self, jobs: _Jobs, answer: asyncio.Future[Any]) -> None:
        if answer.done():
            return
        if self._jobs is jobs:
            # Whoever comes next gets a thread and a connection that do not hang.
            self._leave()
        answer.set_exception(
            LedgerError(
                f"the ledger did not answer within {self._deadline:g} s"
                " → check the disk or the server; what was to be recorded may be recorded yet"
            )
        )

    async def close(self) -> None:
        """Close the store and end the thread, after what it was given; whoever leaves does not wait for one that hangs.

        Idempotent; another call begins anew.
        """
        if self._jobs is not None:
            try:
                with suppress(LedgerError, TimeoutError):
                    async with asyncio.timeout(CLOSING):
                        await self.run(lambda store: store.close())
            finally:
                self._leave()

    def _leave(self) -> None:
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)


def _work(jobs: _Jobs, opened: Callable[[], Store]) -> None:
    store: Store | None = None
    while (job := jobs.get()) is not None:
        if not job.answer.cancelled():
            try:
                store = store or opened()
            except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
                job.fail(error)
            else:
                job.do(store)
        # What a job refers to must not live until the next one comes.
        del job
    if store is not None:
        store.close()


def _answer(answer: asyncio.Future[Any], value: object) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: asyncio.Future[Any], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
