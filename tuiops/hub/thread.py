"""The hub in a thread of its own, so that decoding ten thousand alerts never delays a key."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from tuiops.core.text import ANNOTATION, lit, safe
from tuiops.errors import ConfigError, TuiopsError, Unreachable
from tuiops.hub.bus import Bus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from datetime import datetime

    from tuiops.core.clock import Clock
    from tuiops.core.comparison import Comparison
    from tuiops.core.runs import RunView
    from tuiops.core.snapshot import Snapshot
    from tuiops.core.updates import Series
    from tuiops.hub.hub import Hub, Plan
    from tuiops.hub.logbook import LogBook

log = logging.getLogger(__name__)

STOP_TIMEOUT = 0.5
"""Seconds that quitting waits for the thread."""


class HubThread:
    """A `hub.backend.Backend` for front ends with an event loop of their own.

    The hub is built inside the thread, after `start`: constructing sources imports what they need, and
    the first frame must not wait for that.
    """

    def __init__(
        self,
        first: Snapshot,
        logs: LogBook,
        clock: Clock,
        build: Callable[[], Awaitable[Hub]],
        reloads: Callable[[], AsyncIterator[Plan | ConfigError]] | None = None,
        beside: Callable[[Hub], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """`first` is shown until the hub has something better; `reloads` yields each changed configuration.

        `beside` is carried out in the hub's thread while the hub is at work, and cancelled before it ends.
        """
        self._beside = beside
        self._snapshot = first
        self._logs = logs
        self._clock = clock
        self._build = build
        self._reloads = reloads
        self._bus = Bus()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hub: Hub | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    @property
    def logs(self) -> LogBook:
        return self._logs

    @property
    def clock(self) -> Clock:
        return self._clock

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        return self._bus.subscribe(listener)

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the hub; returns within `STOP_TIMEOUT` seconds, the daemon thread may outlast it."""
        loop, stopping, thread = self._loop, self._stopping, self._thread
        if loop is not None and stopping is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)
        if thread is not None:
            thread.join(STOP_TIMEOUT)

    def poke(self, feed: str | None = None) -> None:
        loop, hub = self._loop, self._hub
        if loop is not None and hub is not None:
            loop.call_soon_threadsafe(hub.poke, feed)

    def set_runs(self, runs: tuple[RunView, ...]) -> None:
        """Have the hub take over what is known of runs, from any thread; before there is a hub, nothing happens."""
        loop, hub = self._loop, self._hub
        if loop is not None and hub is not None and not loop.is_closed():
            loop.call_soon_threadsafe(hub.set_runs, runs)

    async def history(
        self, system: str, service: str, indicator: str, start: datetime, end: datetime, step: float
    ) -> tuple[Series, ...]:
        loop, hub = self._loop, self._hub
        if loop is None or hub is None:
            raise Unreachable("the sources are still starting")
        work = hub.history(system, service, indicator, start, end, step)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    async def comparison(self, system: str, service: str, new: str, old: str) -> Comparison:
        loop, hub = self._loop, self._hub
        if loop is None or hub is None:
            raise Unreachable("the sources are still starting")
        work = hub.comparison(system, service, new, old)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:  # the thread's last line of defence: the front end goes on, its data grows old visibly
            log.exception("the hub ended")

    async def _serve(self) -> None:
        from tuiops.sources.daemon import DaemonExecutor

        self._loop = asyncio.get_running_loop()
        # A file system or a name server that hangs must not hold up the end of the program.
        self._loop.set_default_executor(DaemonExecutor("hub-call"))
        self._stopping = asyncio.Event()
        try:
            hub = await self._build()
        except Exception as error:  # without sources the screen would wait for data for ever, and not say why
            if not isinstance(error, TuiopsError):
                log.exception("the hub could not be built")
            said = safe(str(error), ANNOTATION) or safe(type(error).__name__)
            self._publish(msgspec.structs.replace(self._snapshot, notices=(said,)))
            return
        hub.bus.subscribe(self._publish)
        await hub.start()
        self._hub = hub
        further = [asyncio.create_task(self._reload(hub))] if self._reloads is not None else []
        if self._beside is not None:
            further.append(asyncio.create_task(self._work_beside(hub, self._beside)))
        await self._stopping.wait()
        for task in further:
            task.cancel()
        await asyncio.gather(*further, return_exceptions=True)
        await hub.stop()

    async def _work_beside(self, hub: Hub, beside: Callable[[Hub], Coroutine[Any, Any, None]]) -> None:
        try:
            await beside(hub)
        except Exception as error:  # what is beside the read side must not end it
            log.exception("what is done beside the hub ended")
            hub.set_trouble(safe(f"nothing can be done here: {type(error).__name__}: {error}", ANNOTATION))

    async def _reload(self, hub: Hub) -> None:
        if self._reloads is None:
            return
        async for change in self._reloads():
            if isinstance(change, ConfigError):
                hub.tell(lit("configuration not reloaded"), *(safe(str(f), ANNOTATION) for f in change.faults))
                continue
            try:
                await hub.replace(change)
            except Exception as error:  # the next change may mend it
                log.exception("the configuration could not be put to use")
                hub.tell(lit("configuration not reloaded"), safe(f"{type(error).__name__}: {error}", ANNOTATION))
            else:
                hub.tell()

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._bus.publish(snapshot)
