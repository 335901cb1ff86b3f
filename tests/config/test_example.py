"""The example configuration: complete, right as it stands and with every default written out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuiops.config import paths, schema
from tuiops.config.advice import missing_secrets, query_faults
from tuiops.config.load import load
from tuiops.errors import ConfigError, Fault

ROOT = Path(__file__).parents[2]
EXAMPLE = paths.example_config().read_text(encoding="utf-8")
WRITTEN_OUT = re.sub(r"(?m)^#(?=[a-z_.]+ = )", "", EXAMPLE)


@pytest.mark.parametrize("text", [EXAMPLE, WRITTEN_OUT], ids=["as it stands", "written out"])
def test_it_loads_and_fits_its_schema(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    load(file, environ={}, inspections=[query_faults])
    jsonschema.validate(tomli.loads(text), schema.schema())


def test_its_commented_defaults_are_the_defaults(tmp_path: Path) -> None:
    for name, text in (("plain", EXAMPLE), ("written", WRITTEN_OUT)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    plain, written = (load(tmp_path / name, environ={}).config for name in ("plain", "written"))
    assert (plain.display, plain.keys.preset) == (written.display, written.keys.preset)
    assert (plain.logs, plain.wallboard, plain.environments) == (written.logs, written.wallboard, written.environments)


def test_its_secrets_are_looked_for() -> None:
    config = load(paths.example_config(), environ={}).config
    assert "sources.prometheus.bearer.env" in {fault.key for fault in missing_secrets(config, {})}
    assert "sources.prometheus.bearer.env" not in {
        fault.key for fault in missing_secrets(config, {"PROMETHEUS_TOKEN": "x"})
    }


def test_the_schema_is_current() -> None:
    assert (ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8") == schema.text()


def test_the_schema_is_one_and_refuses_what_load_refuses() -> None:
    whole = json.loads(schema.text())
    jsonschema.Draft202012Validator.check_schema(whole)
    validator = jsonschema.Draft202012Validator(whole)
    mistakes: list[dict[str, object]] = [
        {"dispaly": {}},
        {"logs": {"memory": "64"}},
        {"sources": {"A": {"type": "host"}}},
        {"sources": {"a": {"type": "hots"}}},
        {"display": {"mouse": "of"}},
    ]
    for wrong in mistakes:
        assert not validator.is_valid(wrong)


_LINES = WRITTEN_OUT.splitlines()
_JUNK = st.sampled_from(
    ["", "0", "-1", "true", "nan", "inf", "''", '"\\u0000"', "[]", "{}", "[[]]", "1979-05-27", "{ env = 1 }", "'''x",
     "9" * 400, '"' + "9" * 400 + 's"', "[1, 'a']", "{ a.b.c = {} }", '"*"', '"(" ', '"> nan%"', '"> 1e400"'],
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(_LINES) - 1), st.sampled_from(["value", "drop", "double", "key", "noise"]), _JUNK),
        min_size=1,
        max_size=4,
    ),
    noise=st.text(max_size=8),
)
def test_no_change_to_it_crashes_the_loader(tmp_path: Path, changes: list[tuple[int, str, str]], noise: str) -> None:
    lines = list(_LINES)
    for number, how, junk in changes:
        name, equals, value = lines[number].partition(" = ")
        lines[number] = {
            "value": f"{name} = {junk}" if equals else f"{lines[number]}\n{junk}",
            "drop": "",
            "double": f"{lines[number]}\n{lines[number]}",
            "key": f"{name[:-1]}{equals}{value}",
            "noise": lines[number] + noise,
        }[how]
    file = tmp_path / "config.toml"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    found = faults_of(file)
    assert all(fault.file == str(file) and fault.problem for fault in found)


def faults_of(file: Path) -> tuple[Fault, ...]:
    try:
        load(file, environ={})
    except ConfigError as error:
        return error.faults or (Fault("", "", "an error without a fault"),)
    return ()
