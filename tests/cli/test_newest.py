"""Which lines are the newest when several streams deliver."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tuiops.cli.newest import newest
from tuiops.core.text import safe
from tuiops.hub.logbook import LogBook
from tuiops.hub.logfilter import LogFilter, Pattern

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def line(second: int, text: str) -> bytes:
    return f"2026-01-31T11:00:{second:02} INFO {text}\n".encode()


@pytest.fixture
def book() -> LogBook:
    return LogBook()


def shown(book: LogBook, count: int, wanted: LogFilter | None = None) -> list[str]:
    """The last word of each line."""
    raws = [book.line(each.seq) for each in newest(book, wanted or LogFilter(), count, NOW)]
    return [raw.raw.decode().split()[-1] for raw in raws if raw is not None and raw.raw is not None]


def test_the_past_of_streams_is_cut_by_time_and_not_by_arrival(book: LogBook) -> None:
    api, web = book.register(safe("api")), book.register(safe("web"))
    book.append(api, line(1, "a1") + line(5, "a5") + line(7, "a7"), NOW)
    book.append(web, line(2, "w2") + line(4, "w4") + line(6, "w6"), NOW)
    assert shown(book, 100) == ["a1", "w2", "w4", "a5", "w6", "a7"]
    assert shown(book, 3) == ["a5", "w6", "a7"]
    assert shown(book, 0) == []


def test_lines_without_a_time_stay_with_the_line_before_them_in_their_stream(book: LogBook) -> None:
    api, web = book.register(safe("api")), book.register(safe("web"))
    book.append(api, line(1, "a1") + b"plain\n" + b"  File x\n" + line(5, "a5"), NOW)
    book.append(web, line(1, "w1") + line(3, "w3"), NOW)
    assert shown(book, 100) == ["a1", "plain", "x", "w1", "w3", "a5"]


def test_a_line_that_is_not_shown_lends_its_time(book: LogBook) -> None:
    api, web = book.register(safe("api")), book.register(safe("web"))
    book.append(api, line(1, "wanted-a1") + line(5, "a5") + b"wanted-plain\n", NOW)
    book.append(web, line(3, "wanted-w3"), NOW)
    wanted = LogFilter(include=(Pattern("wanted"),))
    assert shown(book, 100, wanted) == ["wanted-a1", "wanted-w3", "wanted-plain"]


def test_what_stands_before_the_first_time_goes_with_it(book: LogBook) -> None:
    api, web = book.register(safe("api")), book.register(safe("web"))
    book.append(api, b"banner\n" + line(1, "a1"), NOW)
    book.append(web, line(3, "w3"), NOW)
    assert shown(book, 100) == ["banner", "a1", "w3"]


def test_a_stream_without_times_counts_by_its_arrival(book: LogBook) -> None:
    plain, web = book.register(safe("plain")), book.register(safe("web"))
    book.append(plain, b"one\n" + b"two\n", NOW)
    book.append(web, line(3, "w3"), NOW)
    assert shown(book, 2) == ["one", "two"]
    assert shown(book, 3) == ["w3", "one", "two"]


def test_late_lines_take_no_place_of_newer_ones(book: LogBook) -> None:
    api = book.register(safe("api"))
    book.append(api, line(8, "a8") + line(9, "a9"), NOW)
    book.append(api, line(1, "a1") + line(2, "a2"), NOW, late=True)
    assert shown(book, 2) == ["a8", "a9"]
    assert shown(book, 100) == ["a1", "a2", "a8", "a9"]


def test_the_past_that_was_read_last_is_still_the_past(book: LogBook) -> None:
    api = book.register(safe("api"))
    book.append(api, line(8, "a8"), NOW)
    book.prepend(api, line(1, "a1") + line(2, "a2"), NOW)
    assert shown(book, 2) == ["a2", "a8"]
