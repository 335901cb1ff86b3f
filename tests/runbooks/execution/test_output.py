"""Output on its way to people: lines, batches, head and tail, and the pieces on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.runbooks.execution.output import BATCH_LINES, HEAD_LINES, LINE_CHARACTERS, LONGEST, TAIL_LINES, Lines, clean
from tuiops.runbooks.execution.segments import HEAD, SEGMENT, TAIL, Reader, Writer, segments

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (b"\x1b[31mred\x1b[0m \x1b[1;4mbold\x1b[m", "red bold"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b" 10%\r 50%\r100%", "100%"),
        (b"dos\r", "dos"),
        (b"bell\x07 \x1b", "bell␇ ␛"),
        (b"\xff\xfe\x00", "\ufffd\ufffd␀"),
        ("漢字".encode(), "漢字"),
        ("\u202ertl".encode(), "\ufffdrtl"),
    ],
)
def test_a_line_is_clean(raw: bytes, shown: str) -> None:
    assert clean(raw) == shown


@given(st.binary(max_size=300))
def test_whatever_comes_is_printable(raw: bytes) -> None:
    assert clean(raw).isprintable()


def test_a_line_is_cut() -> None:
    assert len(clean(b"x" * 100_000)) == LINE_CHARACTERS


@given(st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\r", b"")), max_size=30))
def test_how_it_is_torn_makes_no_difference(pieces: list[bytes]) -> None:
    torn, whole = Lines(), Lines()
    for piece in pieces:
        torn.feed(piece)
    whole.feed(b"".join(pieces))
    torn.finish()
    whole.finish()

    assert torn.output(0) == whole.output(0)


def test_batches_are_bounded_and_count_what_they_leave_out() -> None:
    lines = Lines()
    lines.feed(b"".join(b"%d\n" % number for number in range(5000)) + b"unfini")
    batch = lines.batch()

    assert batch is not None
    assert len(batch.lines) == BATCH_LINES
    assert batch.lines[-1] == "4999"
    assert batch.skipped == 5000 - BATCH_LINES
    assert batch.partial == "unfini"
    assert lines.batch() is None
    lines.feed(b"shed\n")
    batch = lines.batch()
    assert batch is not None
    assert (batch.lines, batch.skipped, batch.partial) == (("unfinished",), 0, "")


def test_head_and_tail_are_kept_and_the_rest_is_counted() -> None:
    lines = Lines()
    for number in range(1000):
        lines.feed(b"%d\n" % number)
    lines.missing(234)
    lines.feed(b"last")
    lines.finish()
    output = lines.output(9)

    assert output.head == tuple(str(number) for number in range(HEAD_LINES))
    assert output.tail[-1] == "last"
    assert len(output.tail) == TAIL_LINES
    assert output.left_out == 1000 + 234 + 1 - HEAD_LINES - TAIL_LINES


def test_what_never_ends_a_line_does_not_grow() -> None:
    lines = Lines()
    for _ in range(100):
        lines.feed(b"x" * 50_000)
    lines.finish()
    spinner = Lines()
    for _ in range(100):
        spinner.feed(b"\rworking " * 5_000)
    spinner.finish()

    assert lines.output(0).left_out == 100 * 50_000 // LONGEST + 1 - HEAD_LINES - TAIL_LINES
    assert len(spinner.output(0).head) <= 1


def test_a_stream_is_bounded_on_disk_and_followed_without_a_tear(tmp_path: Path) -> None:
    writer, reader = Writer(str(tmp_path), "out"), Reader(str(tmp_path), "out")
    line = b"x" * 99 + b"\n"
    read, missing, missing_lines = 0, 0, 0
    for turn in range(60):
        writer.write(line * 1000)
        writer.flush()
        if turn % 7 == 0:
            for piece in reader.read():
                assert piece.data.count(b"\n") * 100 <= len(piece.data) + 99
                read += len(piece.data)
                missing += piece.missing
                missing_lines += piece.missing_lines
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= (HEAD + TAIL) * SEGMENT
    writer.close()
    for piece in reader.read():
        read, missing, missing_lines = (
            read + len(piece.data), missing + piece.missing, missing_lines + piece.missing_lines
        )  # fmt: skip

    assert read + missing == writer.size == 60 * 1000 * 100
    assert missing_lines <= missing // 100 + 1
    assert missing > 0
    assert segments(str(tmp_path), "out")[0].before == 0


def test_what_comes_too_fast_for_the_disk_is_left_out_and_counted(tmp_path: Path) -> None:
    writer = Writer(str(tmp_path), "out")
    for _ in range(200):
        writer.write(b"y\n" * 32_768)
    writer.close()
    pieces = Reader(str(tmp_path), "out").read()

    assert writer.size == 200 * 65_536
    assert sum(len(piece.data) + piece.missing for piece in pieces) == writer.size
    assert sum(piece.data.count(b"\n") + piece.missing_lines for piece in pieces) == writer.lines
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= (HEAD + TAIL) * SEGMENT


def test_a_disk_that_takes_nothing_costs_output_and_nothing_else(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    writer = Writer(str(gone), "out")
    writer.write(b"a\n" * 100)
    writer.close()

    assert writer.failed == "No such file or directory"
    assert (writer.size, writer.lines) == (200, 100)
