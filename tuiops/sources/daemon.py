"""A thread for calls that may never return, such as reading from a dead network mount.

The threads of `asyncio.to_thread` and of executors are joined when the program ends; one that is stuck would
keep it from ending.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")
_Jobs = SimpleQueue[tuple[Future[Any], "Callable[[], Any]"] | None]


class DaemonWorker:
    """One thread, begun at the first call, that does one call after the other and is never waited for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: _Jobs | None = None

    async def run(self, call: Callable[[], _Value]) -> _Value:
        """What `call` returns or raises. One that is cancelled before its turn is not made."""
        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True).start()
        future: Future[_Value] = Future()
        self._jobs.put((future, call))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the thread end after what it was given. Idempotent; another call begins another thread."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        _do(*job)
        # What a job refers to must not live until the next one comes.
        del job


def _do(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        value = call()
    except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
        future.set_exception(error)
    else:
        future.set_result(value)
