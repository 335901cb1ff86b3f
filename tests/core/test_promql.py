"""Selectors of PromQL: what is one, and what may be narrowed or relaxed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiops.core import promql


@given(st.text(max_size=20))
def test_label_values_are_escaped(value: str) -> None:
    narrowed = promql.Selector.parse('m{a="b"}')
    assert narrowed is not None
    again = promql.Selector.parse(str(narrowed.narrowed("service", value)))
    assert again is not None
    assert len(again.matchers) == 2
    assert "\n" not in str(again)


@pytest.mark.parametrize(
    ("text", "relaxed"),
    [
        ('m{job="a",status=~"5.."}', 'm{job="a",status!=""}'),
        ("m{status!~'2..',}", 'm{status!=""}'),
        ("errors_total", "errors_total"),
        ('{__name__="m",x="}"}', '{__name__="m",x!=""}'),
    ],
)
def test_relaxed_selectors(text: str, relaxed: str) -> None:
    selector = promql.Selector.parse(text)
    assert selector is not None
    assert str(selector.relaxed(promql.Selector.parse('m{job="a"}'))) == relaxed


@pytest.mark.parametrize("text", ["sum(x)", "a + b", "m[5m]", "m{a}", "", "{}", "m offset 5m"])
def test_what_is_no_selector(text: str) -> None:
    assert promql.Selector.parse(text) is None
