"""The error records that name a revision: found by bytes, judged by level, bounded."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.hub.fakes import START
from tuiops.core.text import EMPTY, lit, safe
from tuiops.hub.logbook import LogBook, Stream
from tuiops.hub.logerrors import HITS, errors_naming


def stream(book: LogBook, service: str = "api", system: str = "shop") -> Stream:
    return book.register(safe(f"{system}/{service}"), system=safe(system), service=safe(service))


def lines(*records: dict[str, str]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def record(message: str, revision: str, level: str = "error") -> dict[str, str]:
    return {"timestamp": "2026-05-04T03:00:00Z", "level": level, "message": message, "revision": revision}


def found(book: LogBook, revision: str = "rev-42", most: int = 6) -> list[str]:
    return [one.message for one in errors_naming(book, "shop", "api", safe(revision), most)]


def test_only_errors_of_the_revision_count_and_the_last_ones_are_kept_in_order() -> None:
    book = LogBook()
    written = lines(
        record("one", "rev-42"), record("fine", "rev-42", "info"), record("two", "rev-42", "fatal"),
        record("old", "rev-41"), record("longer name", "rev-421"), record("three", "rev-42"),
    )  # fmt: skip
    book.append(stream(book), written, START)
    assert found(book) == ["one", "two", "three"]
    assert found(book, most=2) == ["two", "three"]


def test_other_services_and_systems_are_not_searched_but_streams_of_many_services_are() -> None:
    book = LogBook()
    book.append(stream(book, "web"), lines(record("web", "rev-42")), START)
    book.append(stream(book, "api", "other"), lines(record("other", "rev-42")), START)
    shared = lines({**record("mine", "rev-42"), "service": "api"}, {**record("not mine", "rev-42"), "service": "web"})
    book.append(stream(book, ""), shared, START)
    assert found(book) == ["mine"]


def test_a_name_in_a_stack_trace_finds_the_record_that_it_belongs_to_once() -> None:
    book = LogBook()
    trace = b"ERROR boom\n  at rev-42 (a.js:1)\n  at rev-42 (b.js:2)\nINFO fine\n"
    book.append(stream(book), trace, START)
    assert found(book) == ["ERROR boom"]


def test_it_looks_at_so_many_places_and_no_more() -> None:
    book = LogBook()
    chatty = [record("early", "rev-42"), *[record("fine", "rev-42", "info")] * (HITS + 10)]
    book.append(stream(book), lines(*chatty), START)
    assert found(book) == []


def test_without_a_name_nothing_is_found() -> None:
    book = LogBook()
    book.append(stream(book), lines(record("one", "")), START)
    assert errors_naming(book, "shop", "api", EMPTY, 6) == ()
    assert errors_naming(LogBook(), "shop", "api", lit("rev-42"), 6) == ()


@given(
    st.lists(st.tuples(st.sampled_from(["rev-42", "rev-421", "xrev-42", "rev-42.", "a"]), st.booleans()), max_size=30)
)
def test_the_bytes_find_what_reading_every_line_finds(written: list[tuple[str, bool]]) -> None:
    book = LogBook()
    records = [
        record(str(number), name, "error" if bad else "info") for number, (name, bad) in enumerate(written)
    ]  # fmt: skip
    book.append(stream(book), lines(*records), START)
    expected = [
        one["message"] for one in records if one["level"] == "error" and one["revision"] in {"rev-42", "rev-42."}
    ]
    assert found(book, most=100) == expected
