"""Snapshots come from another thread; the console sees the latest, and no more often than people can read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from tests.ui.fakes import FakeBackend, fleet
from tuiops.core.changes import Change
from tuiops.core.snapshot import Feed, Topic
from tuiops.core.source import SourceStatus
from tuiops.core.text import lit
from tuiops.ui.bridge import QUIET, Bridge
from tuiops.ui.messages import SnapshotChanged

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

    from textual.message import Message
    from textual.message_pump import MessagePump

    from tuiops.core.snapshot import Snapshot


class Pump:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.posted: list[SnapshotChanged] = []

    def post_message(self, message: Message) -> bool:
        assert isinstance(message, SnapshotChanged)
        self.posted.append(message)
        return True


class Loop:
    """A loop whose time a test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: list[Callable[[], None]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.closed = False
        self._lock = threading.Lock()

    def time(self) -> float:
        return self.now

    def call_soon_threadsafe(self, call: Callable[[], None], context: Context | None = None) -> None:
        if self.closed:
            raise RuntimeError("Event loop is closed")
        with self._lock:
            self.soon.append(call)

    def call_later(self, delay: float, call: Callable[[], None]) -> None:
        self.later.append((self.now + delay, call))

    def run(self, until: float) -> None:
        """Do what is due."""
        self.now = until
        calls, self.soon = self.soon, []
        for call in calls:
            call()
        due = [call for at, call in self.later if at <= self.now]
        self.later = [(at, call) for at, call in self.later if at > self.now]
        for call in due:
            call()


def numbered(version: int) -> Snapshot:
    return msgspec.structs.replace(fleet(), version=version)


def bridged() -> tuple[FakeBackend, Pump, Loop, Bridge]:
    backend, pump, loop = FakeBackend(fleet()), Pump(), Loop()
    target: MessagePump = pump  # type: ignore[assignment]  # the bridge only posts
    events: asyncio.AbstractEventLoop = loop  # type: ignore[assignment]  # and only needs these three
    return backend, pump, loop, Bridge(backend, target, events)


def test_the_latest_wins_and_the_others_are_counted() -> None:
    backend, pump, loop, _ = bridged()
    for version in (1, 2, 3):
        backend.publish(numbered(version))
    assert len(loop.soon) == 1
    loop.run(0.0)
    assert [(m.snapshot.version, m.merged) for m in pump.posted] == [(3, 3)]


def test_snapshots_in_a_row_keep_to_the_beat() -> None:
    backend, pump, loop, bridge = bridged()
    backend.publish(numbered(1))
    loop.run(0.0)
    for version in (2, 3, 4):
        backend.publish(numbered(version))
        loop.run(loop.now + QUIET / 10)
    assert [m.snapshot.version for m in pump.posted] == [1]
    assert bridge.beat()
    assert [m.snapshot.version for m in pump.posted] == [1, 4]
    assert not bridge.beat()


def test_between_the_seconds_only_what_happened_is_handed_on() -> None:
    backend, pump, loop, bridge = bridged()
    backend.publish(numbered(1))
    loop.run(0.0)
    shown = pump.posted[0].snapshot
    backend.publish(msgspec.structs.replace(shown, version=2))
    assert not bridge.beat(full=False)
    change = Change(at=shown.at, text=lit("api: ok → DOWN"))
    backend.publish(msgspec.structs.replace(shown, version=3, changes=(change, *shown.changes)))
    assert bridge.beat(full=False)
    backend.publish(msgspec.structs.replace(pump.posted[-1].snapshot, version=4))
    assert bridge.beat()
    assert [m.snapshot.version for m in pump.posted] == [1, 3, 4]


def test_the_first_answer_of_a_feed_waits_for_no_second() -> None:
    backend, pump, loop, bridge = bridged()
    backend.publish(numbered(1))
    loop.run(0.0)
    shown = pump.posted[0].snapshot
    status = SourceStatus(name=lit("other"), kind=lit("x"), interval=1.0, answered=shown.at, tried=shown.at)
    feeds = {**shown.feeds, "other": Feed(Topic.HEALTH, status)}
    backend.publish(msgspec.structs.replace(shown, version=2, feeds=feeds))
    assert bridge.beat(full=False)


def test_a_snapshot_after_a_quiet_time_is_handed_on_at_once() -> None:
    backend, pump, loop, _ = bridged()
    backend.publish(numbered(1))
    loop.run(0.0)
    loop.now = QUIET
    backend.publish(numbered(2))
    loop.run(QUIET)
    assert [m.snapshot.version for m in pump.posted] == [1, 2]


def test_many_threads_lose_nothing() -> None:
    backend, pump, loop, _ = bridged()

    def publish(first: int) -> None:
        for version in range(first, first + 50):
            backend.publish(numbered(version))

    threads = [threading.Thread(target=publish, args=(first,)) for first in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loop.run(0.0)
    assert sum(message.merged for message in pump.posted) == 400


def test_nothing_is_posted_once_it_is_closed_and_a_loop_that_ended_hurts_nobody() -> None:
    backend, pump, loop, bridge = bridged()
    backend.publish(numbered(1))
    bridge.close()
    loop.run(0.0)
    assert pump.posted == []

    backend, pump, loop, _ = bridged()
    loop.closed = True
    backend.publish(numbered(1))
    assert pump.posted == []
