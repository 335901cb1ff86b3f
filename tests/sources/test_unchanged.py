"""Answers that are read once as long as they stay the same."""

from __future__ import annotations

import pytest

from tuiops.sources.unchanged import Unchanged


def test_the_same_bytes_give_the_same_object_and_others_are_read_anew() -> None:
    read: list[bytes] = []

    def reads(body: bytes) -> list[int]:
        read.append(body)
        return [len(body)]

    last = Unchanged[list[int]]()
    first = last.read(b"one", reads)
    assert last.read(b"on" + b"e", reads) is first
    assert last.read(b"three", reads) == [5]
    assert last.read(b"one", reads) == first
    assert read == [b"one", b"three", b"one"]


def test_what_could_not_be_read_is_read_again() -> None:
    def breaks(body: bytes) -> int:
        raise ValueError(body)

    last = Unchanged[int]()
    assert last.read(b"good", len) == 4
    with pytest.raises(ValueError, match="bad"):
        last.read(b"bad", breaks)
    assert last.read(b"bad", len) == 3
