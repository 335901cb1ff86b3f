"""`tuiops logs`: how long the past is waited for, and whose lines there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tuiops.cli.commands.logs import require, settle
from tuiops.core.clock import FakeClock
from tuiops.core.snapshot import Environment, Snapshot
from tuiops.core.text import EMPTY, SafeText, safe
from tuiops.errors import UsageError
from tuiops.hub.logbook import LogBook
from tuiops.hub.logfilter import LogFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tuiops.hub.logbook import Stream

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Looks:
    """A sleep in which the clock goes on and something happens to the book."""

    def __init__(self, clock: FakeClock, happens: Callable[[int], object]) -> None:
        self.count = 0
        self._clock = clock
        self._happens = happens

    async def __call__(self, seconds: float) -> None:
        self.count += 1
        self._clock.advance(seconds)
        self._happens(self.count)


async def looks(happens: Callable[[LogBook, Stream, int], object]) -> int:
    """How many looks it takes, with a patience of 50."""
    book, clock = LogBook(), FakeClock(NOW)
    stream = book.register(safe("api"), system=safe("shop"))
    counted = Looks(clock, lambda count: happens(book, stream, count))
    await settle(book, clock, 10.0, sleep=counted)
    return counted.count


def opened(book: LogBook, stream: Stream, error: SafeText = EMPTY) -> None:
    book.mark(stream, opened=not error, error=error)


async def test_a_busy_log_is_not_waited_for() -> None:
    def busy(book: LogBook, stream: Stream, _: int) -> None:
        book.append(stream, b"one more\n", NOW)
        opened(book, stream)

    assert await looks(busy) == 2


async def test_the_past_is_waited_for_until_it_rests() -> None:
    def past(book: LogBook, stream: Stream, count: int) -> None:
        opened(book, stream)
        if count <= 3:
            book.prepend(stream, b"older\n", NOW)

    assert await looks(past) == 4


async def test_a_past_without_end_is_waited_for_a_second() -> None:
    def endless(book: LogBook, stream: Stream, _: int) -> None:
        opened(book, stream)
        book.prepend(stream, b"older\n", NOW)

    assert 5 <= await looks(endless) <= 7


async def test_a_stream_that_fails_is_not_waited_for() -> None:
    assert await looks(lambda book, stream, _: opened(book, stream, safe("denied"))) == 2


async def test_a_stream_that_says_nothing_is_waited_for_as_long_as_was_asked() -> None:
    assert 50 <= await looks(lambda *_: None) <= 51


def test_a_service_that_only_lines_name_is_there() -> None:
    book, nothing = LogBook(), Snapshot(version=1, at=NOW, environment=Environment(EMPTY))
    stream = book.register(safe("all"), system=safe("shop"))
    book.append(stream, b'{"service": "checkout", "message": "paid"}\n', NOW)
    require(book, nothing, LogFilter(service="checkout"), NOW)
    with pytest.raises(UsageError, match=r"there is no service 'chekout': did you mean checkout\?"):
        require(book, nothing, LogFilter(service="chekout"), NOW)
