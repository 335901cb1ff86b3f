"""Threads for calls that may never return, such as reading from a dead network mount.

The threads of executors, and so those of `asyncio.to_thread` and of name lookups, are joined when the program
ends; one that is stuck would keep it from ending. An event loop that has a `DaemonExecutor` waits for none.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_THREADS = 32
"""Threads of one executor; what finds them all stuck waits for one of them."""

_Value = TypeVar("_Value")
_Given = ParamSpec("_Given")
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


class DaemonExecutor(ThreadPoolExecutor):
    """For `loop.set_default_executor`, which takes nothing but a ThreadPoolExecutor: threads never waited for."""

    def __init__(self, name: str) -> None:
        super().__init__(MOST_THREADS, name)
        self._name = name
        self._daemons: list[threading.Thread] = []
        self._todo: _Jobs = SimpleQueue()
        self._free = threading.Semaphore(0)
        """Counts the threads that have nothing to do."""
        self._begin = threading.Lock()

    def submit(self, fn: Callable[_Given, _Value], /, *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Value]:
        """Have it called as soon as a thread is free."""
        future: Future[_Value] = Future()
        self._todo.put((future, partial(fn, *args, **kwargs)))
        with self._begin:
            if not self._free.acquire(blocking=False) and len(self._daemons) < MOST_THREADS:
                thread = threading.Thread(
                    target=_work, args=(self._todo, self._free.release), name=self._name, daemon=True
                )
                self._daemons.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature of the base
        """Let the threads end after what they were given; waits for none of them, whatever `wait` says."""
        with self._begin:
            daemons, self._daemons = self._daemons, []
        for _ in daemons:
            self._todo.put(None)


def _work(jobs: _Jobs, rest: Callable[[], None] = lambda: None) -> None:
    while (job := jobs.get()) is not None:
        _do(*job)
        rest()
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
