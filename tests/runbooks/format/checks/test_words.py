"""Patterns bound values, choices and defaults are values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import command, faults, found, step

if TYPE_CHECKING:
    from pathlib import Path

USED = step("a", command("echo", "{x}"), danger='"S"')


def parameter(**keys: str) -> str:
    return "[parameters.x]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


@pytest.mark.parametrize("pattern", ["[a-z0-9-]{1,40}", "gs://[a-z0-9-]+/[A-Za-z0-9_./=-]+", "[0-9]+(,[0-9]+)*"])
def test_a_pattern_that_bounds_a_value(tmp_path: Path, pattern: str) -> None:
    assert found(tmp_path, parameter(type="'text'", pattern=f"'{pattern}'") + USED) == []


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        (".*", "$(id)"),
        ("", ""),
        ("[^;]+", "$(id)"),
        ("[^$]+", "`id`"),
        ("[a-z;]+", "a;id"),
        ("[a-z|]+", "a|id"),
        ("[a-z&]+", "a&id"),
        ("[a-z>]+", "a>b"),
        ("[a-z./]+", "../a"),
        ("[a-z]/[a-z./]+", "a/../b"),
        ("[a-z*]+", "a*"),
        (r"[a-z\[\]]+", "a[b]"),
        ("[a-z:/]+", "file:///a"),
        ("[a-z@]+", "@a"),
    ],
)
def test_a_pattern_that_lets_harmful_words_pass(tmp_path: Path, pattern: str, passes: str) -> None:
    wrong = found(tmp_path, parameter(type="'text'", pattern=f"'{pattern}'") + USED)
    assert wrong == ([("parameters.x.pattern", f"lets {passes} pass")] if passes else [])


def test_the_pattern_of_a_capture_bounds_it_as_well(tmp_path: Path) -> None:
    text = step("a", command("id", capture="{ u = { line = '(.*)', pattern = '.+' } }"), danger='"S"')
    assert found(tmp_path, text) == [("steps[0].do.capture.u.pattern", "lets $(id) pass")]


@pytest.mark.parametrize(
    ("keys", "key", "problem"),
    [
        ({"type": "'enum'", "options": "['a', '-b']"}, "options[1]", "begins with -, like an option"),
        ({"type": "'enum'", "options": "['']"}, "options[0]", "is empty"),
        ({"type": "'enum'", "options": "['a']", "default": "'b'"}, "default", "is not among a"),
        ({"type": "'text'", "pattern": "'[a-z]+'", "default": "'B'"}, "default", "does not match [a-z]+"),
        ({"type": "'integer'", "least": "5", "most": "4"}, "most", "is less than least"),
        ({"type": "'integer'", "least": "1", "most": "4", "default": "'05'"}, "default", "is no whole number"),
        ({"type": "'text'", "pattern": "'a'", "defaults": "['a']"}, "defaults", "is given without many = true"),
        ({"type": "'listed'", "of": "'revisions'"}, "resource", "is missing"),
        ({"type": "'listed'", "of": "'services'", "resource": "'api'"}, "resource", "is not needed to list services"),
        ({"type": "'listed'", "of": "'services'", "default": "'-x'"}, "default", "begins with -, like an option"),
    ],
)
def test_what_is_wrong_with_a_parameter(tmp_path: Path, keys: dict[str, str], key: str, problem: str) -> None:
    (fault,) = faults(tmp_path, parameter(**keys) + USED)
    assert (fault.key, fault.problem) == (f"parameters.x.{key}", problem)


def test_a_list_has_defaults(tmp_path: Path) -> None:
    text = parameter(type="'enum'", options="['a']", many="true", default="'a'")
    assert found(tmp_path, text + step("a", '{ kind = "notify", message = "{x}" }')) == [
        ("parameters.x.default", "is of a list")
    ]
