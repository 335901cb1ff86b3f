"""A thread of the ledger's own: one call after the other, and none waited for longer than a while."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from tuiops.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.ledger.store import Store

DEADLINE = 30.0
"""Seconds that a call may take: longer than whatever the databases themselves wait for."""

CLOSING = 2.0
"""Seconds that closing may take."""

_Value = TypeVar("_Value")
_Jobs = SimpleQueue[tuple["Future[Any]", "Callable[[Store], Any]"] | None]


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
        jobs = self._jobs
        future: Future[_Value] = Future()
        jobs.put((future, call))
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if self._jobs is jobs:
                # Whoever comes next gets a thread and a connection that do not hang.
                self._leave()
            raise LedgerError(
                f"the ledger did not answer within {self._deadline:g} s"
                " → check the disk or the server; what was to be recorded may be recorded yet"
            ) from None

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
        future, call = job
        if future.set_running_or_notify_cancel():
            try:
                store = store or opened()
                future.set_result(call(store))
            except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
                future.set_exception(error)
        # What a job refers to must not live until the next one comes.
        del job, future, call
    if store is not None:
        store.close()
