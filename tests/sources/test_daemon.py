"""A call that is stuck holds up neither its caller nor the end of the program."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from tuiops.sources.daemon import DaemonWorker


async def test_it_gives_back_what_the_call_returns_or_raises() -> None:
    worker = DaemonWorker("test")

    def fail() -> None:
        raise OSError("gone")

    assert await worker.run(lambda: 7) == 7
    with pytest.raises(OSError, match="gone"):
        await worker.run(fail)
    name, daemon = await worker.run(lambda: (threading.current_thread().name, threading.current_thread().daemon))
    assert (name, daemon) == ("test", True)
    worker.close()


async def test_a_call_that_was_cancelled_before_its_turn_is_not_made() -> None:
    worker, free, made = DaemonWorker("test"), threading.Event(), list[str]()
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck() -> None:
        loop.call_soon_threadsafe(begun.set)
        free.wait()

    first = asyncio.create_task(worker.run(stuck))
    await begun.wait()
    second = asyncio.create_task(worker.run(lambda: made.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    free.set()
    await first
    await worker.run(lambda: made.append("third"))
    assert made == ["third"]
    worker.close()


async def test_it_ends_its_thread_and_begins_another_when_it_is_called_again() -> None:
    worker = DaemonWorker("test")
    thread = await worker.run(threading.current_thread)
    worker.close()
    worker.close()
    await asyncio.to_thread(thread.join)
    assert await worker.run(threading.current_thread) is not thread
    worker.close()


_STUCK = """
import asyncio, threading
from tuiops.config.sources import HostConfig
from tuiops.core.clock import SystemClock
from tuiops.core.text import lit
from tuiops.sources.host.source import HostSource

async def main():
    host = HostSource("here", HostConfig(), environment=lit("test"), clock=SystemClock())
    begun = threading.Event()
    def stuck():
        begun.set()
        threading.Event().wait()
    host._machine.look = stuck
    reading = asyncio.create_task(host.read_health())
    while not begun.is_set():
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await host.close()
    print("over")

asyncio.run(main())
"""


def test_a_look_at_the_machine_that_never_returns_does_not_keep_the_program() -> None:
    ended = subprocess.run([sys.executable, "-c", _STUCK], capture_output=True, timeout=60, check=True)
    assert ended.stdout.split() == [b"over"]
    assert not ended.stderr
