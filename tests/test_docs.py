"""Documentation is complete and current: every setting, command, option, exit code and action is in it."""

from __future__ import annotations

import argparse
import inspect as python_inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec import inspect

from tuiops.cli import key_reference
from tuiops.cli.exits import Exit
from tuiops.cli.main import parser
from tuiops.config import clouds, credentials, logs, model, reference, resources, sources, systems, values
from tuiops.config.convert import description
from tuiops.config.overrides import CONFIG_VARIABLE, OPTIONS, VARIABLES
from tuiops.runbooks import reference as runbook_reference
from tuiops.runbooks.format import model as runbook_model
from tuiops.ui.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


BASES = {
    sources.SourceConfig, sources.HttpSourceConfig, clouds.CloudConfig, systems.IndicatorConfig, systems.ProbeConfig,
    resources.ResourceConfig, resources.Regional, logs.LogConfig, logs.StoredLog,
}  # fmt: skip


def tables() -> set[type[msgspec.Struct]]:
    """Every table that a configuration file can hold."""
    return {
        kind
        for module in (model, credentials, sources, clouds, systems, resources, logs, values)
        for _, kind in python_inspect.getmembers(module, python_inspect.isclass)
        if issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__ and not kind.__name__.startswith("_")
    } - BASES


def settings() -> Iterator[tuple[type, inspect.Field]]:
    for kind in sorted(tables(), key=lambda each: each.__name__):
        node = inspect.type_info(kind)
        assert isinstance(node, inspect.StructType)
        for field in node.fields:
            yield kind, field


def runbook_tables() -> set[type[msgspec.Struct]]:
    """Every table that a runbook can hold."""
    return {
        kind
        for _, kind in python_inspect.getmembers(runbook_model, python_inspect.isclass)
        if issubclass(kind, msgspec.Struct)
        and kind.__module__ == runbook_model.__name__
        and not kind.__name__.startswith("_")
    } - {runbook_model.Parameter, runbook_model.Check}


def runbook_keys() -> Iterator[tuple[type, inspect.Field]]:
    for kind in sorted(runbook_tables(), key=lambda each: each.__name__):
        node = inspect.type_info(kind)
        assert isinstance(node, inspect.StructType)
        for field in node.fields:
            yield kind, field


def commands() -> dict[str, argparse.ArgumentParser]:
    root = parser()
    found: dict[str, argparse.ArgumentParser] = {"": root}
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


def test_the_reference_of_settings_is_current() -> None:
    assert page("docs/configuration.md") == reference.text()


def test_the_reference_has_every_table() -> None:
    assert {kind for _, kind in reference.SECTIONS} == tables()


@pytest.mark.parametrize(
    ("kind", "field"), [pytest.param(kind, field, id=f"{kind.__name__}.{field.name}") for kind, field in settings()]
)
def test_every_setting_is_described_and_in_the_example(kind: type, field: inspect.Field) -> None:
    assert description(field.type).endswith((".", ")."))
    names = re.findall(r"(?m)(?:^#?|[{,.\[] ?)([a-z_]+)(?= ?[=.\]]|\.[a-z]+\])", page("config.example.toml"))
    assert field.encode_name in names, f"{kind.__name__}.{field.encode_name} is not in config.example.toml"


def test_the_page_about_runbooks_is_current() -> None:
    assert page("docs/runbooks.md") == runbook_reference.text()


def test_the_page_about_runbooks_has_every_table() -> None:
    assert {kind for _, kind in runbook_reference.SECTIONS} == runbook_tables()


@pytest.mark.parametrize(
    ("kind", "field"),
    [pytest.param(kind, field, id=f"{kind.__name__}.{field.name}") for kind, field in runbook_keys()],
)
def test_every_key_of_a_runbook_is_described(kind: type, field: inspect.Field) -> None:
    assert description(field.type).endswith(".")
    assert f"| `{field.encode_name}` |" in page("docs/runbooks.md")


def test_every_variable_and_option_over_a_setting_is_documented() -> None:
    text = page("docs/configuration.md")
    assert all(f"`{name}`" in text for name in (CONFIG_VARIABLE, *VARIABLES, *OPTIONS))
    assert {option for action in parser()._actions for option in action.option_strings} >= set(OPTIONS)


@pytest.mark.parametrize("command", commands())
def test_every_command_and_option_is_documented(command: str) -> None:
    text = page("docs/cli.md")
    assert f"tuiops {command}".strip() in text
    for action in commands()[command]._actions:
        for option in action.option_strings:
            if option != "-h":
                assert re.search(rf"`{option}[ `]", text), f"{command} {option} is not in docs/cli.md"


def words() -> dict[str, argparse.ArgumentParser]:
    """Those of `tuiops runbook`."""
    (action,) = (one for one in commands()["runbook"]._actions if isinstance(one, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("word", words())
def test_every_word_of_runbooks_is_documented_with_its_options(word: str) -> None:
    text = page("docs/cli.md")
    assert re.search(rf"(?m)^\| `{word}[ `]", text)
    common = {option for action in commands()["runbook"]._actions for option in action.option_strings}
    rows = [re.split(r"(?<!\\)\|", line) for line in text.splitlines() if line.count("|") == 4 and "`--" in line]
    said = {
        option
        for row in rows
        if row[2].strip() == "all" or f"`{word}`" in row[2]
        for option in re.findall(r"`(--?[a-z-]+)", row[1])
    }
    assert {option for action in words()[word]._actions for option in action.option_strings} - common == said


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_is_documented(code: Exit) -> None:
    assert f"| {code.value} | {code.meaning} |" in page("docs/cli.md")


def test_the_reference_of_keys_is_current_and_has_every_action() -> None:
    text = page("docs/keys.md")
    assert text == key_reference.text()
    assert all(f"| `{action}` |" in text for action in ACTIONS)
