"""A value stays one value, whatever it is and wherever it stands (PROMISES 6)."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tuiops.config.values import Secret
from tuiops.errors import Refused
from tuiops.runbooks.format.model import (
    ApiAction,
    CommandAction,
    GateAction,
    HttpAction,
    HttpCheck,
    NotifyAction,
    QueryCheck,
)
from tuiops.runbooks.format.template import (
    Place,
    TemplateError,
    filled,
    filled_in,
    filled_text,
    mapped,
    names,
    part_filled,
    shown,
    spots,
    with_secrets,
)

HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from([
        "$(id)", "`id`", "; rm -rf /", "a b", "../..", "..", ".", "{{x}}", "{x}", "{secret.t}", "}}{{", "[bold]x[/]",
        "-rf", "\x1b[31m", "a\0b", "a\nb", '"', "'", "\\", '"} or up{a="', '\\"', "a&b=c#d?e/f", "%2e%2e", "漢字",
        "\u202e", "a:b@c",
    ]),
)  # fmt: skip


@settings(deadline=None)
@given(HOSTILE)
def test_a_word_stays_one_word(value: str) -> None:
    do = CommandAction(argv=("tool", "--name={x}", "{x}", "{{x}}"))
    assert filled(do, {"x": value}).argv == ("tool", f"--name={value}", value, "{x}")


@settings(deadline=None)
@given(HOSTILE)
def test_part_of_an_address_stays_that_part(value: str) -> None:
    url = "https://shop.example/a/{x}/b?q={x}&r=1"
    if value in {".", ".."}:
        with pytest.raises(Refused):
            filled(HttpCheck(url=url), {"x": value})
        return
    assume(value.isprintable())
    parts = urlsplit(filled(HttpCheck(url=url), {"x": value}).url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "shop.example", "")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "a", value, "b"]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", value), ("r", "1")]


@pytest.mark.parametrize(
    ("template", "value"), [("https://s/{x}{x}/a", "."), ("https://s/a/.{x}", "."), ("https://s/{x}", "..")]
)
def test_an_address_never_goes_up(template: str, value: str) -> None:
    with pytest.raises(Refused, match="go up its path"):
        filled(HttpCheck(url=template), {"x": value})


@settings(deadline=None)
@given(HOSTILE)
def test_a_string_of_a_body_stays_that_string(value: str) -> None:
    assume(all(not 0xD800 <= ord(char) < 0xE000 for char in value))
    body = '{"a": "{x}", "b": ["pre {x} post", {"c": "{{x}}"}], "n": 1.5, "t": true, "z": null}'
    done = filled(HttpAction(method="POST", url="https://s/", body=body), {"x": value})
    assert json.loads(done.body) == {
        "a": value, "b": [f"pre {value} post", {"c": "{x}"}], "n": 1.5, "t": True, "z": None,
    }  # fmt: skip


def unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], literal[1:-1])


@settings(deadline=None)
@given(HOSTILE)
def test_a_label_value_stays_that_value(value: str) -> None:
    for mark in ('"', "'"):
        query = filled_in(f"sum(rate(up{{job={mark}a {{x}}{mark},b!={mark}c{mark}}}[5m]))", Place.PROMQL, {"x": value})
        strings = re.findall(rf"{mark}(?:[^{mark}\\]|\\.)*{mark}", query, re.DOTALL)
        assert [unquoted(string) for string in strings] == [f"a {value}", "c"]
        assert query.startswith(f"sum(rate(up{{job={mark}a ")
        assert query.endswith(f",b!={mark}c{mark}}}[5m]))")


@settings(deadline=None)
@given(HOSTILE)
def test_a_value_in_a_matching_label_matches_nothing_but_itself(value: str) -> None:
    assume("\n" not in value)
    query = filled_in('up{job=~"{x}.*"}', Place.PROMQL, {"x": value})
    literal = query.removeprefix("up{job=~").removesuffix("}")
    pattern = unquoted(literal)
    assert re.fullmatch(pattern.removesuffix(".*"), value)
    assert re.sub(r"\\(.)", r"\1", pattern.removesuffix(".*"), flags=re.DOTALL) == value


def test_escapes_are_those_that_prometheus_reads() -> None:
    promql_parser = pytest.importorskip("promql_parser")
    for value in ('"} or up{a="', "\\", "'", "a.b", "{x}", "`"):
        for query in ('up{job="{x}"}', "up{job='{x}'}", 'up{job=~"{x}"}'):
            parsed = promql_parser.parse(filled_in(query, Place.PROMQL, {"x": value}))
            (matcher,) = parsed.matchers.matchers
            assert matcher.value.replace("\\", "") == value.replace("\\", "")


@settings(deadline=None)
@given(HOSTILE, HOSTILE)
def test_what_is_filled_in_two_parts_is_what_is_filled_in_one(first: str, second: str) -> None:
    assume({first, second}.isdisjoint({".", ".."}))
    assume(all(not 0xD800 <= ord(char) < 0xE000 for char in first + second))
    texts = {
        Place.WORD: "--a={x},{{{step.y}}}{x}",
        Place.URL: "https://s/{x}/{step.y}?a={x}",
        Place.JSON: '{"a":"{x} {{ {step.y}"}',
        Place.PROMQL: 'up{a="{x}",b=~"{step.y}{{2}}"}',
        Place.TEXT: "{x} and {step.y}",
    }
    for place, text in texts.items():
        part = part_filled(text, place, {"x": first}, {"step.y": "all[v].step.y"})
        assert names(part, place) == ("all[v].step.y",)
        whole = filled_in(part, place, {"all[v].step.y": second, "x": "never"})
        assert whole == filled_in(text, place, {"x": first, "step.y": second})


def test_what_is_missing_is_refused() -> None:
    with pytest.raises(Refused, match=re.escape("nothing is known for {x}")):
        filled(CommandAction(argv=("echo", "{x}")), {})
    with pytest.raises(Refused, match=re.escape("nothing is known for {x}")):
        filled_text("{x}", {})


def test_sentences_become_text_that_can_be_shown() -> None:
    assert filled_text("took {a.x}", {"a.x": "\x1b[31m[bold]"}) == "took ␛[31m[bold]"


@pytest.mark.parametrize("text", ["{", "}", "a{b", "{}", "{a}}", "{{a}"])
def test_braces_that_are_no_placeholders(text: str) -> None:
    with pytest.raises(TemplateError):
        names(text, Place.WORD)


def test_names_are_told_once_each_in_their_order() -> None:
    assert names("{b}{a}{b}{{c}}", Place.WORD) == ("b", "a")


# --- Secrets ------------------------------------------------------------------------------------------------------

CALL = HttpAction(
    method="PUT",
    url="https://s/{x}",
    headers={"Authorization": "Bearer {secret.t}", "X": "{x}", "Y": Secret(env="Y")},
    body='{"password": "{secret.t}", "name": "{x}"}',
    secrets={"t": Secret(env="T")},
)


def test_secrets_stay_open_until_the_last_moment() -> None:
    done = filled(CALL, {"x": "a"})
    assert done.url == "https://s/a"
    assert done.headers == {"Authorization": "Bearer {secret.t}", "X": "a", "Y": Secret(env="Y")}
    sent = with_secrets(done, {"t": 's"}{e{c'})
    assert sent.headers["Authorization"] == 'Bearer s"}{e{c'
    assert json.loads(sent.body) == {"password": 's"}{e{c', "name": "a"}


def test_a_value_cannot_ask_for_a_secret() -> None:
    sent = with_secrets(filled(CALL, {"x": "{secret.t}"}), {"t": "hidden"})
    assert json.loads(sent.body)["name"] == "{secret.t}"
    assert sent.headers["X"] == "{secret.t}"
    assert "hidden" not in sent.url


def test_a_call_without_secrets_has_nothing_open() -> None:
    call = HttpAction(method="POST", url="https://s/", headers={"X": "{{x}}"}, body='{"a": "{{b}}"}')
    assert with_secrets(filled(call, {}), {}).headers == {"X": "{x}"}
    assert json.loads(filled(call, {}).body) == {"a": "{b}"}


def test_a_value_of_a_call_with_secrets_must_be_known_as_well() -> None:
    with pytest.raises(Refused, match=re.escape("nothing is known for {x}")):
        filled(HttpAction(method="POST", url="https://s/", headers={"X": "{x}{secret.t}"},
                          secrets={"t": Secret(env="T")}), {})  # fmt: skip


# --- Whole tables -------------------------------------------------------------------------------------------------


def test_every_text_with_placeholders_is_found_with_its_key() -> None:
    gate = GateAction(check=QueryCheck(source="p", query='up{a="{x}"}', limit="> 0"))
    assert [(path, place) for path, place, _ in spots(gate)] == [(("check", "query"), Place.PROMQL)]
    assert [(path, place) for path, place, _ in spots(CALL, ("do",))] == [
        (("do", "url"), Place.URL), (("do", "headers", "Authorization"), Place.WORD),
        (("do", "headers", "X"), Place.WORD), (("do", "body"), Place.JSON),
    ]  # fmt: skip
    api = ApiAction(ability="roll_back", resource="{r}", arguments={"revision": "{x}"})
    assert [(path, place) for path, place, _ in spots(api)] == [
        (("resource",), Place.NAME), (("arguments", "revision"), Place.WORD),
    ]  # fmt: skip


def test_what_has_no_placeholders_is_the_same_object() -> None:
    gate = GateAction(check=QueryCheck(source="p", query="up", limit="> 0"))
    assert mapped(gate, lambda _path, _place, text: text) is gate


def test_people_see_what_is_open_in_braces_and_other_braces_as_they_are() -> None:
    assert shown(CommandAction(argv=("a", "{x}{{b}}"))).argv == ("a", "{x}{b}")
    assert shown(NotifyAction(message="{x} {{y}}")).message == "{x} {y}"
    call = HttpAction(method="POST", url="https://s/{x}", body='{"a":{"b":"{x}{{"}}')
    assert (shown(call).url, shown(call).body) == ("https://s/{x}", '{"a":{"b":"{x}{"}}')
