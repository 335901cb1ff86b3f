"""Streams opened together read as one story: by time across them, in its own order within each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.text import lit, safe
from tuiops.core.updates import LogChunk
from tuiops.hub.logbook import Stream
from tuiops.hub.opening import MERGED, interleave

AT = datetime(2026, 11, 22, tzinfo=UTC)


def line(seconds: int, text: str) -> bytes:
    return f"{(AT + timedelta(seconds=seconds)).isoformat()} INFO {text}\n".encode()


def told(*chunks: tuple[Stream, bytes]) -> list[bytes]:
    held = [(stream, LogChunk(data=data)) for stream, data in chunks]
    return b"".join(chunk.data for _, chunk in interleave(held, AT)).splitlines(keepends=True)


A, B = Stream(lit("a")), Stream(lit("b"))


def test_two_streams_are_merged_by_time() -> None:
    one, two = [line(n, "a") for n in (0, 2, 4)], [line(n, "b") for n in (1, 3, 5)]
    assert told((A, b"".join(one)), (B, b"".join(two))) == [one[0], two[0], one[1], two[1], one[2], two[2]]


def test_a_traceback_stays_with_its_record() -> None:
    boom = line(1, "boom") + b"  at here\n  at there\n"
    assert told((A, line(0, "a") + boom), (B, line(1, "b") + line(2, "b"))) == [
        line(0, "a"), *boom.splitlines(keepends=True), line(1, "b"), line(2, "b"),
    ]  # fmt: skip


def test_a_part_is_where_its_bytes_are() -> None:
    data = line(0, "a") + line(2, "a")
    held = [(A, LogChunk(data=data, offset=1000)), (B, LogChunk(data=line(1, "b")))]
    for stream, chunk in interleave(held, AT):
        if stream is A:
            assert data[chunk.offset - 1000 :].startswith(chunk.data)


def test_what_is_far_from_the_end_is_not_merged() -> None:
    many = [line(n, "a") for n in range(2 * MERGED)]
    found = told((A, b"".join(many)), (B, line(0, "b")))
    assert found[:MERGED] == many[:MERGED]
    assert found[MERGED] == line(0, "b")


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.one_of(st.integers(0, 50), st.text("x ", max_size=3)), max_size=9)),
        max_size=6,
    )
)
def test_nothing_is_lost_and_every_stream_keeps_its_order(chunks: list[tuple[int, list[int | str]]]) -> None:
    streams = [Stream(safe(str(number))) for number in range(3)]
    held: list[tuple[Stream, LogChunk]] = []
    for number, (owner, lines) in enumerate(chunks):
        data = b"".join(line(text, f"{number}") if isinstance(text, int) else text.encode() + b"\n" for text in lines)
        held.append((streams[owner], LogChunk(data=data)))
    found = interleave(held, AT)
    for stream in streams:
        before = b"".join(chunk.data for owner, chunk in held if owner is stream)
        assert b"".join(chunk.data for owner, chunk in found if owner is stream) == before
