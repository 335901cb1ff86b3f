"""Proposals as TOML: whatever names come from outside, a reader gets back what was meant."""

from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from tuiops.config.proposal import Entry, Names, Proposal, lines
from tuiops.config.texts import pattern_objection
from tuiops.config.values import ID_PATTERN
from tuiops.core.text import lit, safe

HOSTILE = st.text() | st.sampled_from(
    [
        '"',
        "\\",
        '"""',
        "]\n[x]",
        "a.b",
        "\x1b]0;t\x07",
        "\u202e",
        "\ufeff",
        "e\u0301",
        "日本語",
        "\U0001f600",
        "\x7f\x85",
        "#",
    ]
)
VALUES = st.recursive(
    HOSTILE | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)


def written(*entries: Entry) -> str:
    return "\n".join(lines(Proposal(entries=entries)))


@given(key=HOSTILE, values=st.dictionaries(HOSTILE, VALUES, max_size=4), why=HOSTILE)
def test_what_is_written_is_read_back_and_means_nothing_to_a_terminal(
    key: str, values: dict[str, Any], why: str
) -> None:
    text = written(Entry(table=("systems", key), values=values, why=safe(why)))
    assert tomli.loads(text) == {"systems": {key: values}}
    assert all(line == safe(line, 100_000) for line in text.split("\n"))


@given(st.lists(HOSTILE, unique=True))
def test_identifiers_are_identifiers_and_differ(names: list[str]) -> None:
    known = Names()
    found = [known.of(name) for name in names]
    assert len(set(found)) == len(names)
    assert [known.of(name) for name in names] == found
    assert all(pattern_objection(name, ID_PATTERN) is None and len(name) <= 64 for name in found)


def test_identifiers_keep_what_they_can() -> None:
    known = Names()
    assert [known.of(name) for name in ("api", "API", "Web Front", "x" * 100, "", "日本")][:3:2] == ["api", "web-front"]
    assert known.of("API").startswith("api-")
    assert known.of("") == "unnamed"
    assert known.of("日本").startswith("unnamed-")


def test_queries_are_written_as_people_would() -> None:
    text = written(Entry(table=("a",), values={"q": 'up{job="x"}', "both": """'"'""", "plain": "x"}, why=lit("x")))
    assert text.splitlines()[-3:] == ["""q = 'up{job="x"}'""", '''both = "'\\"'"''', 'plain = "x"']


def test_half_a_character_is_replaced() -> None:
    assert tomli.loads(written(Entry(table=("a",), values={"b": "\ud83d"}, why=lit("x")))) == {"a": {"b": "\ufffd"}}


def test_comments_are_wrapped_and_warnings_come_first() -> None:
    entry = Entry(table=("a",), values={}, why=safe("word " * 60, 400))
    found = list(lines(Proposal(entries=(entry,), warnings=(lit("secrets: no"),)), (lit("Proposed."),)))
    assert found[:3] == ["# Proposed.", "# Not here: secrets: no", ""]
    assert found[-1] == "[a]"
    assert all(line.startswith("# word") and len(line) <= 120 for line in found[3:-1])


@pytest.mark.parametrize("value", [None, float, b"x"])
def test_what_toml_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        written(Entry(table=("a",), values={"b": value}, why=lit("x")))
