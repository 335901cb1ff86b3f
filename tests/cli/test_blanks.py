"""What the program says of blanks: `check` lists them all after the mistakes, other commands are short about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tuiops.cli.exits import Exit
from tuiops.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '[sources.p{0}]\ntype = "prometheus"\nurl = "FILL IN: the address of number {0}"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tuiops.toml"
    path.write_text("".join(SOURCE.format(number) for number in range(12)), encoding="utf-8")
    return path


def test_check_lists_every_blank_with_its_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(file)]) == Exit.CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"blank  {file}: sources.p0.url: is blank → fill in the address of number 0"
    assert len(lines) == 13
    assert lines[-1] == "12 blanks to fill in"


def test_mistakes_come_first(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SOURCE.format(1) + "[display]\nbell = 1\n", encoding="utf-8")
    assert main(["check", str(file)]) == Exit.CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["error", "blank", "1"]
    assert lines[-1] == "1 mistake, 1 blank to fill in"


@pytest.mark.parametrize("command", [[], ["status"], ["config"]])
def test_nothing_starts_and_the_list_is_short(
    file: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--config", str(file)]) == Exit.CONFIG
    streams = capsys.readouterr()
    lines = streams.err.splitlines()
    assert streams.out == ""
    assert lines[0] == "blank  sources.p0.url: fill in the address of number 0"
    assert lines[10:] == ["       and 2 more; `tuiops check` lists them all", "12 blanks to fill in"]


def test_a_blank_cannot_control_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tuiops.toml"
    path.write_text('environment = "FILL IN: \\u001b]0;owned\\u0007 name"\n', encoding="utf-8")
    for words in (["check", str(path)], ["status", "--config", str(path)]):
        assert main(words) == Exit.CONFIG
        errors = capsys.readouterr().err
        assert "owned" in errors
        assert "\x1b" not in errors
