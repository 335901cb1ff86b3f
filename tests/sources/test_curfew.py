"""Blocking reads that end when their time is up, whatever is sent meanwhile."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tuiops.sources.curfew import Curfew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Clock:
    """Stands for `threading.Timer`: it strikes when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.strike: Callable[[], None] = lambda: None
        self.cancelled = False
        self.daemon = False
        monkeypatch.setattr(threading, "Timer", self)

    def __call__(self, seconds: float, call: Callable[[], None]) -> Clock:
        assert seconds == 5.0
        self.strike = call
        return self

    def start(self) -> None:
        assert self.daemon

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


def test_what_is_done_in_time_leaves_the_connection_alone(clock: Clock, pair: Pair) -> None:
    ours, theirs = pair
    with Curfew(5.0) as curfew:
        curfew.watch(ours)
        theirs.send(b"in time")
        assert ours.recv(10) == b"in time"
    assert clock.cancelled
    clock.strike()
    theirs.send(b"and later")
    assert ours.recv(10) == b"and later"


def under_curfew(act: Callable[[Curfew], None]) -> None:
    with Curfew(5.0) as curfew:
        act(curfew)


def test_a_read_that_is_late_ends_and_says_so(clock: Clock, pair: Pair) -> None:
    def read(curfew: Curfew) -> None:
        curfew.watch(pair[0])
        clock.strike()
        assert pair[0].recv(10) == b""

    with pytest.raises(TimeoutError, match="no complete answer within 5s"):
        under_curfew(read)


def test_what_comes_of_a_connection_that_was_shut_is_not_told(clock: Clock, pair: Pair) -> None:
    def break_off(curfew: Curfew) -> None:
        curfew.watch(pair[0])
        clock.strike()
        raise ValueError("half a header, and maybe a secret")

    with pytest.raises(TimeoutError) as caught:
        under_curfew(break_off)
    assert caught.value.__suppress_context__


def test_a_connection_that_comes_late_is_shut_at_once(clock: Clock, pair: Pair) -> None:
    def connect(curfew: Curfew) -> None:
        clock.strike()
        curfew.watch(pair[0])
        assert pair[0].recv(10) == b""

    with pytest.raises(TimeoutError):
        under_curfew(connect)


def test_a_socket_that_its_owner_closed_is_no_trouble(clock: Clock, pair: Pair) -> None:
    def close(curfew: Curfew) -> None:
        curfew.watch(pair[0])
        pair[0].close()
        clock.strike()
        assert pair[1].recv(10) == b""

    with pytest.raises(TimeoutError):
        under_curfew(close)


def test_other_failures_stay_what_they_are(clock: Clock, pair: Pair) -> None:
    def fail(curfew: Curfew) -> None:
        curfew.watch(pair[0])
        raise ValueError("no number")

    with pytest.raises(ValueError, match="no number"):
        under_curfew(fail)
