"""What steps take out of outputs is used only when it is what it must be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiops.errors import Refused
from tuiops.runbooks.format.captures import captured
from tuiops.runbooks.format.model import Capture

OUTPUT = json.dumps({"status": {"latest": "api-2", "traffic": [{"percent": 100}]}, "a/b": {"~": "x"}, "n": None})
NAME = "[a-z0-9-]+"


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/status/latest", "api-2"), ("/status/traffic/0/percent", "100"), ("/a~1b/~0", "x")],
)
def test_a_pointer_leads_into_json(pointer: str, value: str) -> None:
    assert captured({"x": Capture(json=pointer, pattern=NAME)}, OUTPUT) == {"x": value}


def test_a_group_is_looked_for_line_by_line() -> None:
    assert captured({"x": Capture(line="^version: (.*)$", pattern=NAME)}, "a\nversion: 3\nversion: 4\n") == {"x": "3"}


@pytest.mark.parametrize(
    ("capture", "output", "problem"),
    [
        (Capture(json="/status/none", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status/traffic/1", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status/traffic/-1", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status/traffic/٠", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status/traffic/00", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status/traffic/0000000005", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status/traffic/1000000000", pattern=NAME), OUTPUT, "nothing is at"),
        (Capture(json="/status", pattern=NAME), OUTPUT, "neither a text nor a whole number"),
        (Capture(json="/n", pattern=NAME), OUTPUT, "neither a text nor a whole number"),
        (Capture(json="/a", pattern=NAME), '{"a": true}', "neither a text nor a whole number"),
        (Capture(json="/a", pattern=NAME), '{"a": 1.5}', "neither a text nor a whole number"),
        (Capture(json="/a", pattern=NAME), "[" * 100_000, "not JSON"),
        (Capture(json="/a", pattern=NAME), "", "not JSON"),
        (Capture(json="/a", pattern=NAME), '{"a": NaN}', "not JSON"),
        (Capture(line="x=(.*)", pattern=NAME), "y=1", "no line has it"),
        (Capture(line="x(=.*)?", pattern=NAME), "x", "no line has it"),
        (Capture(line="x=(.*)", pattern=NAME), "x=A B", "does not match"),
        (Capture(line="x=(.*)", pattern=".*"), "x=-rf", "begins with -"),
        (Capture(line="x=(.*)", pattern=".*"), "x=", "is empty"),
        (Capture(line="x=(.*)", pattern=".*"), "x=\x1b[31m", "cannot be seen"),
        (Capture(json="/status/latest", pattern=NAME, equals="api-1"), OUTPUT, "is not api-1"),
        (Capture(line="x=(.*)", pattern="(a|aa)+"), f"x={'a' * 36}_", "takes too long to be compared"),
    ],
)
def test_what_cannot_be_used_is_refused_without_the_value(capture: Capture, output: str, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        captured({"x": capture}, output)
    assert problem in str(refused.value)
    assert "api-2" not in str(refused.value)
    assert "A B" not in str(refused.value)


def test_what_must_be_the_same_may_be() -> None:
    capture = Capture(json="/status/latest", pattern=NAME, equals="api-2")
    assert captured({"x": capture}, OUTPUT) == {"x": "api-2"}


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_output_does_more_than_be_refused(output: str) -> None:
    captures = {"a": Capture(json="/a", pattern=NAME), "b": Capture(line="(.*)", pattern=NAME)}
    for name, capture in captures.items():
        try:
            found = captured({name: capture}, output)
        except Refused as error:
            found = {}
            assert_printable(error)
        assert all(set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for value in found.values())


def assert_printable(error: Refused) -> None:
    assert str(error).isprintable()
