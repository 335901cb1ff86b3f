"""The event loop of commands without a screen, and how a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from tuiops.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

_INTERRUPTED: ContextVar[list[Callable[[], None]]] = ContextVar("interrupted")
"""What Ctrl-c does in the command at work, the last one first; without any it ends the command."""

_ENDS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED, signal.SIGHUP: Exit.HANGUP}


def run(work: Coroutine[Any, Any, Exit]) -> Exit:
    """Run a command to its end. The first signal cancels it, so that it ends its children; others are ignored."""
    return asyncio.run(_until_told(work))


@contextmanager
def interrupts(do: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-c call this, and not end the command, until the end of the block. Inside `run` only."""
    standing = _INTERRUPTED.get()
    standing.append(do)
    try:
        yield
    finally:
        standing.remove(do)


async def _until_told(work: Coroutine[Any, Any, Exit]) -> Exit:
    from tuiops.sources.daemon import DaemonExecutor

    standing: list[Callable[[], None]] = []
    # The command has a copy of this context.
    _INTERRUPTED.set(standing)
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    # What hangs in a thread, such as a look at a dead network mount, must not outlast the command.
    loop.set_default_executor(DaemonExecutor("call"))
    told: list[Exit] = []

    def end(code: Exit) -> None:
        if code is Exit.INTERRUPTED and standing and not told:
            standing[-1]()
        elif not told:
            told.append(code)
            _ignore_further(loop)
            task.cancel()

    for number, code in _ENDS.items():
        # What the parent had us ignore, as nohup does, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, code)
    try:
        return await task
    except asyncio.CancelledError:
        if not told:
            raise
        return told[0]


def _ignore_further(loop: asyncio.AbstractEventLoop) -> None:
    """Let nothing interrupt the end, which goes on when the loop has given its handlers back."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    for number in _ENDS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    # What came meanwhile is ignored with this.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
