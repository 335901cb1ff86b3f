"""Text from outside: whatever comes in, one printable line comes out."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core.text import LINE, MAX_COMBINING, fmt, join, lit, safe, safe_lines

ANY_TEXT = st.text(st.characters(), max_size=400)
"""Every code point, surrogates included."""
HOSTILE = st.text(
    st.sampled_from(
        "a[]\\/=@ \x1b\x00\x07\x08\r\n\t\x7f\x80\x9b\x9d\u200b\u200d\u202e\u2066\u2028\ufeff\ud800\u0301日🙂"
    ),
    max_size=400,
)


@given(ANY_TEXT | HOSTILE, st.integers(1, 300))
def test_only_printable_characters_come_out_and_never_too_many(raw: str, limit: int) -> None:
    text = safe(raw, limit)

    assert len(text) <= limit
    assert all(char.isprintable() for char in text)
    assert not {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
    text.encode("utf-8")


@given(st.binary(max_size=2000), st.integers(1, 300))
def test_any_bytes_come_out_printable(raw: bytes, limit: int) -> None:
    text = safe(raw, limit)

    assert len(text) <= limit
    assert text.isprintable()


@given(ANY_TEXT | HOSTILE)
def test_what_is_safe_stays_as_it_is(raw: str) -> None:
    assert safe(safe(raw)) == safe(raw)


@given(HOSTILE)
def test_marks_never_pile_up(raw: str) -> None:
    run = 0
    for char in safe(raw):
        run = run + 1 if unicodedata.combining(char) else 0
        assert run <= MAX_COMBINING


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=256))
def test_plain_text_is_untouched(raw: str) -> None:
    assert safe(raw) == raw
    assert safe(raw.encode()) == raw


@given(ANY_TEXT | HOSTILE, st.integers(1, 300))
def test_lines_are_printable_and_bounded_together(raw: str, limit: int) -> None:
    lines = safe_lines(raw, limit)

    assert all(line.isprintable() for line in lines)
    assert sum(map(len, lines)) <= limit


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\tb\nc\rd", "a b␊c␍d"),
        ("\x9b31m", "\ufffd31m"),
        ("ab\u202ecd", "ab\ufffdcd"),
        ("a\u200bb", "a\ufffdb"),
        ("del\x7f", "del␡"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("価格アラート", "価格アラート"),
        ("e\u0301", "e\u0301"),
        ("x" + "\u0301" * 50, "x" + "\u0301" * MAX_COMBINING),
        ("\ud800", "\ufffd"),
        ("a\u00a0b\u3000c", "a b c"),
    ],
)
def test_controls_are_seen_and_do_nothing(raw: str, shown: str) -> None:
    assert safe(raw) == shown


def test_broken_utf8_is_replaced() -> None:
    assert safe(b"caf\xc3") == "caf\ufffd"
    assert safe("日本".encode("euc-jp")).isprintable()


def test_what_is_cut_says_so() -> None:
    assert safe("abcdef", 4) == "abc…"
    assert safe("日本語日本語".encode(), 4) == "日本語…"
    assert safe("x" * 100_000_000, LINE) == "x" * (LINE - 1) + "…"


def test_our_own_words_compose() -> None:
    assert fmt("{} of {}", lit("one"), 2) == "one of 2"
    assert fmt("{}", safe("{} {0.__class__}")) == "{} {0.__class__}"
    assert join(", ", [lit("a"), safe("b\n")]) == "a, b␊"
