"""Whatever a store keeps becomes one line of JSON that says when it was written and loses none of its text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.logformat import LineFormat, parse
from tuiops.core.logs import Level
from tuiops.core.text import LINE, safe
from tuiops.sources.log_records import envelope, stored_format
from tuiops.sources.stored_logs import nanoseconds

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
labels = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)


@given(st.text(max_size=200), labels, st.integers(0, 10**6), st.sampled_from(["auto", "json", "logfmt", "plain"]))
def test_any_text_is_one_line_with_the_store_s_time(text: str, beside: dict[str, str], second: int, kind: str) -> None:
    form = LineFormat(kind=kind)
    at = NOW + timedelta(seconds=second)
    line = envelope(nanoseconds(at), text, beside, form, NOW)
    assert b"\n" not in line
    assert parse(line, stored_format(form), NOW).at == at


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=80))
def test_plain_text_is_the_message(text: str) -> None:
    form = LineFormat(kind="plain")
    record = parse(envelope(0, text, {}, form, NOW), stored_format(form), NOW)
    assert record.message == safe(text, LINE)


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        ('{"level": "error", "msg": "m"}', Level.ERROR, "m"),
        ('{"broken', Level.NONE, '{"broken'),
        ("[1, 2]", Level.NONE, "[1, 2]"),
        ("W1122 03:00:00.000000 1 main.go:1] m", Level.WARNING, "m"),
        ('level=info msg="m" user_id=7', Level.INFO, "m"),
    ],
)
def test_levels_and_messages_are_found_as_in_a_file(text: str, level: Level, message: str) -> None:
    form = LineFormat(mask=frozenset({"user_id"}))
    record = parse(envelope(0, text, {"pod": "p"}, form, NOW), stored_format(form), NOW)
    assert (record.level, record.message) == (level, message)
    assert ("pod", "p") in record.fields
    assert not [value for name, value in record.fields if name == "user_id" and value != "***"]


def test_what_the_writer_names_counts_before_the_store_s_labels() -> None:
    form = LineFormat(fields={"service": "svc"})
    record = parse(envelope(0, '{"svc": "pay", "pod": "own"}', {"pod": "label"}, form, NOW), stored_format(form), NOW)
    assert record.service == "pay"
    assert ("pod", "own") in record.fields
