"""Every format gives time, level, service and message; nothing makes the parser raise; levels agree both ways."""

from __future__ import annotations

import re
from array import array
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.logformat import LineFormat, classify_block, continuations, level_of, parse
from tuiops.core.logs import Level

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
PLAIN = LineFormat()

LINES: list[tuple[bytes, Level, str, str]] = [
    (b'{"timestamp":"2026-11-22T03:04:05","level":"CRITICAL","logger":"a","message":"m"}', Level.FATAL, "", "m"),
    (
        b'{"level":"warn","message":"m","service":"tokyo-ai-chat","timestamp":"2026-11-22T03:04:05Z"}',
        Level.WARNING, "tokyo-ai-chat", "m",
    ),
    (b'{"severity":"ERROR","textPayload":"m","timestamp":"2026-11-22T03:04:05Z"}', Level.ERROR, "", "m"),
    (
        b'{"severity":"DEFAULT","jsonPayload":{"level":"error","message":"m"},"timestamp":"2026-11-22T03:04:05Z"}',
        Level.ERROR, "", "m",
    ),
    (b'{"name":"x","level":50,"time":1795316645000,"msg":"m"}', Level.ERROR, "", "m"),
    (
        b'{"__REALTIME_TIMESTAMP":"1795316645000000","MESSAGE":[109],"PRIORITY":"4","_SYSTEMD_UNIT":"nginx.service"}',
        Level.WARNING, "nginx", "m",
    ),
    (b'ts=2026-11-22T03:04:05Z level=error msg="m" service=api', Level.ERROR, "api", "m"),
    (b"<11>1 2026-11-22T03:04:05Z host su - ID47 - m", Level.ERROR, "su", "m"),
    (b"<12>Nov 22 03:04:05 host sshd[12]: m", Level.WARNING, "sshd", "m"),
    (b"E1122 03:04:05.000000    7 file.go:12] m", Level.ERROR, "", "m"),
    (
        b'1.2.3.4 - - [22/Nov/2026:12:04:05 +0900] "GET / HTTP/1.1" 503 12 "-" "curl"',
        Level.ERROR, "", "GET / HTTP/1.1 → 503",
    ),
    (b"2026-11-22 03:04:05,000 - app.db - WARNING - m", Level.WARNING, "", "m"),
    (b"2026/11/22 03:04:05 [error] m", Level.ERROR, "", "m"),
    (b"2026-11-22T12:04:05+09:00 INFO m", Level.INFO, "", "m"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "level", "service", "message"), LINES)
def test_a_line_says_when_how_grave_who_and_what(line: bytes, level: Level, service: str, message: str) -> None:
    record = parse(line, PLAIN, NOW)
    assert (record.at, record.level, record.service, record.message) == (AT, level, service, message)


@pytest.mark.parametrize("line", [line for line, *_ in LINES])
def test_bytes_alone_tell_the_level_that_parsing_does(line: bytes) -> None:
    assert level_of(line, PLAIN) == parse(line, PLAIN, NOW).level


def test_a_time_without_offset_is_in_the_configured_zone() -> None:
    form = LineFormat(zone=ZoneInfo("Asia/Tokyo"))
    assert parse(b"2026-11-22 12:04:05 INFO m", form, NOW).at == AT


def test_a_year_left_out_is_the_last_that_fits() -> None:
    now = datetime(2027, 1, 1, 0, 5, tzinfo=UTC)
    assert parse(b"Dec 31 23:59:59 h app: m", PLAIN, now).at == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_personal_data_is_masked_in_fields_and_in_messages() -> None:
    form = LineFormat(mask=frozenset({"user_id"}))
    record = parse(b'{"message":"login user_id=77 ok","user_id":"u1","context":{"user_id":"u2"}}', form, NOW)
    assert record.message == "login user_id=*** ok"
    assert dict(record.fields) == {"user_id": "***", "context.user_id": "***"}


def test_fields_can_be_named() -> None:
    form = LineFormat(fields={"level": "a.lvl", "message": "a.txt"})
    record = parse(b'{"a":{"lvl":"error","txt":"m"},"level":"info"}', form, NOW)
    assert (record.level, record.message) == (Level.ERROR, "m")


def test_a_brace_in_an_earlier_field_does_not_hide_the_level() -> None:
    line = b'{"ctx":{"level":"debug"},"level":"error"}'
    assert level_of(line, PLAIN) == parse(line, PLAIN, NOW).level == Level.ERROR


def test_a_quoted_level_inside_a_message_is_not_the_level() -> None:
    line = rb'{"message":"got \"level\":\"error\" from x","level":"info"}'
    assert level_of(line, PLAIN) == Level.INFO


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise_and_nothing_unprintable_comes_out(line: bytes) -> None:
    for kind in ("auto", "json", "logfmt", "syslog", "plain"):
        record = parse(line, LineFormat(kind=kind), NOW)
        for text in (record.message, record.service, *(part for pair in record.fields for part in pair)):
            assert all(char.isprintable() or char >= "\u0300" for char in text)
        level_of(line, LineFormat(kind=kind))


@given(st.lists(st.sampled_from([line for line, *_ in LINES] + [b'{"a":{"b":1}}', b"{", b"", b" at x"]), max_size=30))
def test_a_block_is_classified_as_its_lines_are(lines: list[bytes]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    starts = array("I", [0])
    starts.extend(found.end() for found in re.finditer(b"\n", data))
    starts.pop()
    assert list(classify_block(data, starts, PLAIN)) == [level_of(line, PLAIN) for line in lines]


def test_a_traceback_continues_its_record() -> None:
    lines = [b"ERROR x", b"Traceback (most recent call last):", b'  File "a"', b"ValueError: y", b"INFO z"]
    data = b"".join(line + b"\n" for line in lines)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    assert list(continuations(data, starts, PLAIN)) == [1, 2, 3]


def test_a_hundred_megabytes_are_cut_before_they_are_looked_at() -> None:
    record = parse(b'{"level":"error","message":"' + b"x" * 10_000_000 + b'"}', PLAIN, NOW)
    assert record.level == Level.ERROR
    assert len(record.message) <= 8192
