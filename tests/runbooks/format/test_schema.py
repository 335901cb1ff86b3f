"""The schema of runbooks is current, is one, and refuses what loading refuses."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import tomli

from tests.runbooks.written import DONE, HEAD, command, step
from tuiops.runbooks.format import schema

SCHEMA = Path(__file__).parents[3] / "docs" / "runbook.schema.json"


def test_it_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema.text()


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (DONE, True),
        (step("a", command("true"), danger='"C"', undo='"before"'), True),
        (step("a", command("true"), danger='"C"', undo='{ kind = "manual", instructions = "x" }'), True),
        (step("a", command("true", environment='{ A = "b", C = { env = "D" } }'), danger='"S"'), True),
        ("stpes = []\n" + DONE, False),
        (step("a", command("true"), danger='"D"'), False),
        (step("a", '{ kind = "command", argv = [] }'), False),
        (step("a", '{ kind = "comand", argv = ["a"] }'), False),
        (step("a", command("true"), danger='"C"', undo='"never"'), False),
        (step("a", '{ kind = "gate", check = { by = "http", url = "https://{x}/" } }'), False),
        ("[parameters.x]\ntype = 'text'\n" + DONE, False),
    ],
)
def test_it_says_what_values_may_look_like(text: str, *, valid: bool) -> None:
    whole = json.loads(schema.text())
    jsonschema.Draft202012Validator.check_schema(whole)
    assert jsonschema.Draft202012Validator(whole).is_valid(tomli.loads(HEAD + text)) is valid


def test_a_version_is_a_number() -> None:
    whole = jsonschema.Draft202012Validator(json.loads(schema.text()))
    assert not whole.is_valid(tomli.loads(HEAD.replace("version = 1", 'version = "1"') + DONE))
    assert not whole.is_valid(tomli.loads(HEAD.replace("version = 1", "version = 2") + DONE))
