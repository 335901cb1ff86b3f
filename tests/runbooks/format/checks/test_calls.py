"""What single calls need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import command, faults, found, step

if TYPE_CHECKING:
    from pathlib import Path

READS = "".join(
    f"[reads.{name}]\nof = '{of}'\nresource = 'api'\n" for name, of in (("a", "serving"), ("b", "revisions"))
)
TOLD = step("told", '{ kind = "notify", message = "{a} {b}" }')


def api(ability: str, arguments: str = "{}", further: str = "") -> str:
    return f'{{ kind = "api", ability = "{ability}", resource = "api", arguments = {arguments}{further} }}'


@pytest.mark.parametrize(
    "do",
    [
        api("shift_traffic", "{ shares = '{a}=90,{b}=10' }"),
        api("roll_back", "{ revision = 'v1' }"),
        api("restart"),
        api("scale", "{ least = '1', most = '2' }"),
        api("take_backup", "{ note = 'x' }"),
        api("restore_backup", "{ backup = '1', instance = 'x' }"),
        api("restore_backup", "{ moment = '2026-01-01T00:00:00Z', instance = 'x' }"),
        api("add_secret_version", "{}", ", value = { env = 'X' }"),
        api("snooze", "{ policies = 'a', lasts = '1h', comment = 'x' }"),
    ],
)
def test_abilities_with_what_they_ask_for(tmp_path: Path, do: str) -> None:
    assert found(tmp_path, READS + TOLD + step("act", do, danger='"C"')) == []


@pytest.mark.parametrize(
    ("do", "key", "problem"),
    [
        (api("shift_traffic"), "arguments.shares", "is missing"),
        (api("shift_traffic", "{ shares = '{a}=90,{b}=20' }"), "arguments.shares", "adds up to 110%"),
        (api("shift_traffic", "{ shares = '{a}' }"), "arguments.shares", "is no list of shares"),
        (api("shift_traffic", "{ shares = '{a}=x' }"), "arguments.shares", "is no whole number"),
        (api("restart", "{ revison = 'v1' }"), "arguments.revison", "is nothing that restart asks for"),
        (api("scale", "{ least = '1' }"), "arguments.most", "is missing"),
        (api("restore_backup", "{ instance = 'x' }"), "arguments", "does not say which backup or moment"),
        (
            api("restore_backup", "{ backup = '1', moment = 'x', instance = 'x' }"),
            "arguments",
            "does not say which backup or moment",
        ),
        (api("add_secret_version"), "value", "is missing"),
        (api("restart", "{}", ", value = { env = 'X' }"), "value", "is nothing that restart takes"),
    ],
)
def test_what_an_ability_asks_for(tmp_path: Path, do: str, key: str, problem: str) -> None:
    (fault,) = faults(tmp_path, READS + TOLD + step("act", do, danger='"C"'))
    assert (fault.key, problem in fault.problem) == (f"steps[1].do.{key}", True)


@pytest.mark.parametrize(
    ("do", "key", "problem"),
    [
        (command("true", environment="{ 'a b' = 'x' }"), 'environment."a b"', "is no name for one"),
        (command("true", environment="{ DB_PASSWORD = 'x' }"), "environment.DB_PASSWORD", "would hold a secret"),
        ('{ kind = "http", method = "GET", url = "https://s/", headers = { Authorization = "Bearer x" } }',
         "headers.Authorization", "would hold a secret"),
        ('{ kind = "http", method = "GET", url = "https://s/", headers = { "X Y" = "x" } }',
         'headers."X Y"', "is no name for one"),
        ('{ kind = "http", method = "GET", url = "https://s:99999/" }', "url", "is not an address"),
        (command("id", capture="{ u = { pattern = 'a' } }"), "capture.u.json", "is missing, and so is line"),
        (command("id", capture="{ u = { json = '/a', line = '(a)', pattern = 'a' } }"), "capture.u.json", "is given"),
        (command("id", capture="{ u = { json = 'a', pattern = 'a' } }"), "capture.u.json", "is no JSON pointer"),
        (command("id", capture="{ u = { line = 'a', pattern = 'a' } }"), "capture.u.line", "has not exactly one group"),
        (command("true", stdin="{}"), "stdin", "names no place"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call(tmp_path: Path, do: str, key: str, problem: str) -> None:
    (fault,) = faults(tmp_path, step("a", do, danger='"S"'))
    assert (fault.key, problem in fault.problem) == (f"steps[0].do.{key}", True)


@pytest.mark.parametrize(
    ("check", "key", "problem"),
    [
        ("by = 'promql', source = 'p', query = 'up', limit = '= 1'", "limit", "is not a limit"),
        ("by = 'promql', source = 'p', query = 'up(', limit = '> 1'", "query", "is not PromQL"),
    ],
)
def test_what_is_wrong_with_a_condition(tmp_path: Path, check: str, key: str, problem: str) -> None:
    (fault,) = faults(tmp_path, step("a", f'{{ kind = "gate", check = {{ {check} }} }}'))
    assert (fault.key, problem in fault.problem) == (f"steps[0].do.check.{key}", True)


def test_a_ratio_has_its_limit_in_percent(tmp_path: Path) -> None:
    check = "by = 'promql', source = 'p', query = 'up', limit = '>= 95%'"
    assert found(tmp_path, step("a", f'{{ kind = "gate", check = {{ {check} }} }}')) == []
