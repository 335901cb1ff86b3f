"""The book is bounded, keeps a line's number for good, and finds under a filter just what a plain search would."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.logs import Level
from tuiops.core.text import lit
from tuiops.hub.logbook import LogBook, Stream
from tuiops.hub.logfilter import LogFilter, Pattern
from tuiops.hub.logindex import LogIndex
from tuiops.hub.logseek import seek

AT = datetime(2026, 11, 22, tzinfo=UTC)


class Store:
    """A backing that can lose its bytes."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, offset: int, size: int) -> bytes | None:
        return self.data[offset : offset + size]


def book_of(*lines: bytes) -> tuple[LogBook, Stream]:
    book = LogBook()
    stream = book.register(lit("a"), system=lit("s"), service=lit("v"))
    for line in lines:
        book.append(stream, line + b"\n", AT)
    return book, stream


def raw(book: LogBook, seq: int) -> bytes | None:
    line = book.line(seq)
    return line.raw if line is not None else None


def test_lines_keep_their_numbers_while_older_ones_come_and_go() -> None:
    book, stream = book_of(b"zero", b"one")
    assert book.prepend(stream, b"minus two\nminus one\n", AT)
    assert [raw(book, seq) for seq in range(-2, 2)] == [b"minus two", b"minus one", b"zero", b"one"]
    assert book.line(-3) is None
    assert book.line(2) is None


def test_memory_is_bounded_and_the_loss_is_counted() -> None:
    book = LogBook(limit=1_000_000)
    stream = book.register(lit("a"))
    for number in range(200):
        book.append(stream, (b"%06d " % number + b"x" * 93 + b"\n") * 500, AT)
    held = sum(block.cost for block in book.blocks())
    assert held <= 1_000_000
    assert book.dropped == book.first > 0
    assert book.end == 100_000
    last = raw(book, book.end - 1)
    assert last is not None
    assert last.startswith(b"000199")


def test_no_number_is_given_out_twice() -> None:
    book = LogBook(limit=1_000_000)
    stream = book.register(lit("a"))
    assert book.prepend(stream, b"older\n", AT)
    for _ in range(20):
        book.append(stream, b"x" * 99_999 + b"\n", AT)
    assert book.dropped
    first = book.first
    assert not book.prepend(stream, b"oldest\n", AT)
    assert book.first == first


def test_what_is_in_a_file_gives_up_its_bytes_and_can_still_be_read() -> None:
    book = LogBook(limit=1_000_000)
    stream = book.register(lit("a"))
    store = Store()
    for number in range(40):
        data = (b"%06d " % number + b"x" * 93 + b"\n") * 2000
        offset = len(store.data)
        store.data += data
        book.append(stream, data, AT, backing=store, offset=offset)
    assert book.dropped == 0
    assert (raw(book, 0) or b"").startswith(b"000000")
    store.data = b"y" * len(store.data)
    gone = raw(book, 5000)
    assert gone is None, "a file that changed must not pass off other bytes as the line"


WORDS = st.lists(st.sampled_from([b"ERROR a", b"INFO b", b"WARN a", b"  at x", b"a b", b"", b"DEBUG c"]), max_size=60)


@given(WORDS, st.sampled_from(["a", "b", "^a", "a$", "A", "x|c"]), st.integers(1, 7))
def test_a_pattern_finds_in_blocks_what_it_finds_in_lines(lines: list[bytes], text: str, size: int) -> None:
    book = LogBook()
    stream = book.register(lit("a"))
    for at in range(0, len(lines), size):
        book.append(stream, b"".join(line + b"\n" for line in lines[at : at + size]), AT)
    flags = re.IGNORECASE if text.islower() else 0
    wanted = [number for number, line in enumerate(lines) if re.search(text.encode(), line, flags)]
    if text.islower() or text == "A":
        index = LogIndex(book)
        found = [seq for seq in index.search(Pattern(text), -1, forward=True) if seq is not None]
        assert found == wanted


@given(WORDS, st.integers(1, 9))
def test_shown_and_hidden_make_up_the_whole_and_both_ways_agree(lines: list[bytes], step: int) -> None:
    book, _ = book_of(*lines)
    index = LogIndex(book, LogFilter(level=Level.WARNING, exclude=(Pattern("at y"),)))
    index.advance(lambda: False)
    assert index.complete
    assert index.shown + index.hidden == len(lines)
    down = index.after(0, 1000)
    assert down == index.before(book.end, 1000)
    up: list[int] = []
    at = book.end
    while page := index.before(at, step):
        up = page + up
        at = page[0]
    assert up == down


def test_a_record_is_shown_whole_or_not_at_all() -> None:
    book, _ = book_of(b"INFO fine", b"ERROR boom", b"  at here", b"  at there", b"INFO fine")
    by_level = LogIndex(book, LogFilter(level=Level.ERROR))
    by_word = LogIndex(book, LogFilter(include=(Pattern("there"),)))
    without = LogIndex(book, LogFilter(exclude=(Pattern("there"),)))
    assert by_level.after(0, 9) == by_word.after(0, 9) == [1, 2, 3]
    assert without.after(0, 9) == [0, 4]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2))
def test_a_record_whose_lines_arrive_in_parts_is_shown_whole_or_not_at_all(one: int, two: int, what: int) -> None:
    lines = [b"INFO fine", b"ERROR boom", b"  at here", b"  at there", b"INFO fine", b"ERROR else"]
    wanted = (
        LogFilter(include=(Pattern(("boom", "here$", "there")[what]),)),
        LogFilter(exclude=(Pattern(("boom", "here$", "there")[what]),)),
        LogFilter(level=Level.ERROR, exclude=(Pattern("else"),)),
        LogFilter(level=Level.ERROR, fold=True),
    )
    book, stream = book_of()
    indexes = [LogIndex(book, each) for each in wanted]
    parts = [lines[:one], lines[one : one + two], lines[one + two :]]
    for part in parts:
        book.append(stream, b"".join(line + b"\n" for line in part), AT)
        for index in indexes:
            index.advance(lambda: False)
    shown = [[1, 2, 3], [0, 4, 5], [1, 2, 3], [1, 5]]
    assert [index.after(0, 9) for index in indexes] == shown
    assert [index.shown for index in indexes] == [len(each) for each in shown]
    assert [index.shown + index.hidden for index in indexes] == [len(lines)] * len(indexes)


def test_what_arrives_later_is_counted_once() -> None:
    book, stream = book_of(b"ERROR a")
    index = LogIndex(book, LogFilter(level=Level.ERROR))
    index.advance(lambda: False)
    book.append(stream, b"INFO b\nERROR c\n", AT)
    index.advance(lambda: False)
    assert (index.shown, index.hidden) == (2, 1)


def test_one_service_of_a_shared_stream() -> None:
    book = LogBook()
    stream = book.register(lit("a"), system=lit("s"))
    book.append(stream, b'{"service":"api","message":"x"}\n{"service":"web","message":"api"}\n', AT)
    index = LogIndex(book, LogFilter(system="s", service="api"))
    assert index.after(0, 9) == [0]


def test_a_moment_is_found_by_halving() -> None:
    book, _ = book_of(*(b"2026-11-22T00:%02d:00Z INFO x" % minute for minute in range(60)))
    assert seek(book, datetime(2026, 11, 22, 0, 31, 30, tzinfo=UTC)) == 32


TRACE = (b"ERROR failed", b"Traceback (most recent call last):", b'  File "a.py", line 1', b"ValueError: what")


@pytest.mark.parametrize("filled", [120_000, 131_000])
@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_record_across_the_end_of_a_block_is_one_record(filled: int, part: int) -> None:
    book, stream = book_of(*(b"INFO " + b"x" * 994 for _ in range(filled // 1000)))
    book.append(stream, b"\n".join(TRACE[:part]) + b"\n", AT)
    book.append(stream, b"\n".join((*TRACE[part:], b"INFO " + b"y" * 20_000)) + b"\n", AT)
    first = filled // 1000
    assert len(book.blocks()) > 1
    assert book.record(first + 3) == range(first, first + 4)
    for wanted in (LogFilter(level=Level.ERROR), LogFilter(include=(Pattern("ValueError"),))):
        index = LogIndex(book, wanted)
        index.advance(lambda: False)
        assert index.after(0, 10) == list(range(first, first + 4))
    index = LogIndex(book, LogFilter(exclude=(Pattern("failed"),)))
    index.advance(lambda: False)
    assert index.hidden == 4
