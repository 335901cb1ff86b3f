"""`tuiops check` looks at the runbooks of a configuration as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import DONE, HEAD
from tuiops.cli.exits import Exit
from tuiops.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "[systems.shop.services.api]\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "tuiops.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "tuiops.toml"


def test_they_are_counted_when_all_is_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "runbooks" / "a.toml").write_text(HEAD + DONE, encoding="utf-8")
    assert main(["check", str(file)]) == Exit.OK
    assert capsys.readouterr().out.strip().endswith("files: 1  runbooks: 1")


def test_a_mistake_has_its_file_its_key_and_a_remedy(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = file.parent / "runbooks" / "a.toml"
    book.write_text(HEAD.replace('"shop"', '"shpo"') + DONE + "stps = []\n", encoding="utf-8")
    assert main(["check", str(file)]) == Exit.CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert f"error  {book}: systems[0]: there is no system shpo → did you mean shop?" in lines
    assert f"error  {book}: steps[0].stps: is not a setting → one of confirm, danger" in "\n".join(lines)
    assert lines[-1] == "2 mistakes"


def test_the_blanks_of_both_are_listed_together(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('environment = "FILL IN: where you are"\n' + CONFIG, encoding="utf-8")
    book = file.parent / "runbooks" / "a.toml"
    book.write_text(HEAD.replace('"api"', '"FILL IN: the target"') + DONE, encoding="utf-8")
    assert main(["check", str(file)]) == Exit.CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"blank  {file}: environment: is blank → fill in where you are",
        f"blank  {book}: target: is blank → fill in the target",
        "2 blanks to fill in",
    ]


def test_a_runbook_cannot_control_the_terminal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = file.parent / "runbooks" / "a.toml"
    book.write_text(HEAD.replace('"Restart"', '"a\\u001b]0;owned\\u0007"') + DONE, encoding="utf-8")
    assert main(["check", str(file)]) == Exit.CONFIG
    assert "\x1b" not in capsys.readouterr().err
