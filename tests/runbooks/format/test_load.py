"""From files to runbooks: every mistake at its key, no mistake in the way of another runbook."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runbooks.written import DONE, HEAD, command, faults, found, kept, step, written
from tuiops.config import load as config_load
from tuiops.config.model import Config, Runbooks
from tuiops.errors import Blank, ConfigError, Fault
from tuiops.runbooks.format.load import Shelf, files, folders, library, load
from tuiops.runbooks.format.model import CommandAction, EachAction, NotifyAction

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/runbooks/*.toml"))


def test_a_file_becomes_a_runbook_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    file = written(tmp_path, DONE)
    found = load(file)
    assert found.runbook.id == "restart"
    assert isinstance(found.runbook.steps[0].do, NotifyAction)
    assert found.digest == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        ("", "steps", "is missing", "add it: What is done, in order."),
        ("stpes = []\n" + DONE, "stpes", "is not a setting", "did you mean steps?"),
        ('include = ["other.toml"]\n' + DONE, "include", "is not a setting", "one of"),
        (step("a", command("true"), danger='"C"', danegr='"C"'), "steps[0].danegr", "is not a setting", "danger"),
        (step("a", '{ kind = "comand", argv = ["true"] }'), "steps[0].do.kind", "there is no kind", "command"),
        (step("a", '{ kind = "command", argv = [] }', danger='"C"'), "steps[0].do.argv", "is empty", "at least one"),
        (step("a", command("true", "")), "steps[0].do.argv[1]", "is too short", "at least 1"),
        (step("a", command("true"), danger='"D"'), "steps[0].danger", "is not among the choices", "one of"),
        (step("a", command("true"), danger='"C"', undo='"non"'), "steps[0].undo", "is not among the choices", "none"),
        (step("a", command("true"), danger='"C"', undo="1"), "steps[0].undo", "is an integer", ""),
        (step("a", command("true"), danger='"C"', timeout='"10"'), "steps[0].timeout", "is not a duration", "15s"),
        (step("a", '{ kind = "wait" }'), "steps[0].do.lasts", "is missing", "How long"),
        (
            step("a", '{ kind = "gate", check = { by = "http", url = "ftp://x/" } }'),
            "steps[0].do.check.url",
            "does not look right",
            "it must match",
        ),
        ("[parameters.x]\ntype = 'txt'\n" + DONE, "parameters.x.type", "there is no type 'txt'", "did you mean text?"),
        ("[parameters.x]\npattern = 'a'\n" + DONE, "parameters.x.type", "is missing", "one of enum"),
        (
            "[parameters.x]\ntype = 'text'\npattern = '('\n" + DONE,
            "parameters.x.pattern",
            "is not a regular expression",
            "",
        ),
        (
            "[parameters.n]\ntype = 'integer'\nleast = -1\nmost = 2\n" + DONE,
            "parameters.n.least",
            "is out of bounds",
            "at least 0",
        ),
    ],
)
def test_a_mistake_is_told_at_its_key_with_a_remedy(
    tmp_path: Path, text: str, key: str, problem: str, remedy: str
) -> None:
    wrong = [fault for fault in faults(tmp_path, text) if fault.key == key]
    assert wrong
    assert wrong[0].file == str(tmp_path / "restart.toml")
    assert problem in wrong[0].problem
    assert remedy in wrong[0].remedy


def test_a_version_is_the_one_that_there_is(tmp_path: Path) -> None:
    assert found(tmp_path, DONE, head=HEAD.replace("version = 1", "version = 2")) == [
        ("version", "'2' is not among the choices")
    ]


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = step("a", command("echo", "{x}")) + step("a", command("sh", "-c", "id"), danger='"X"')
    assert {key for key, _ in found(tmp_path, text)} == {
        "steps[0].do.argv[1]", "steps[0].danger", "steps[1].id", "steps[1].do.argv[0]", "steps[1].undo",
    }  # fmt: skip


def test_uses_of_a_wrong_declaration_are_no_mistakes_of_their_own(tmp_path: Path) -> None:
    text = "[parameters.word]\nkind = 'text'\n" + step("a", command("echo", "{word}"), danger='"S"')
    assert {key for key, _ in found(tmp_path, text)} == {"parameters.word.type"}


def test_a_blank_is_told_as_one_and_nothing_else_is_said(tmp_path: Path) -> None:
    wrong = faults(tmp_path, step("a", command("echo", "FILL IN: a word")))
    assert [(type(fault), fault.key, fault.remedy) for fault in wrong] == [
        (Blank, "steps[0].do.argv[1]", "fill in a word")
    ]


def test_a_file_that_is_not_toml_says_so(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "[[steps")
    assert fault.problem.startswith("is not TOML: ")


def test_secrets_of_one_place_each(tmp_path: Path) -> None:
    text = step("a", command("true", stdin='{ env = "A", file = "b" }'), danger='"S"')
    assert found(tmp_path, text) == [("steps[0].do.stdin", "names env and file")]


def test_an_each_has_steps(tmp_path: Path) -> None:
    text = """
[parameters.names]
type = "text"
pattern = "[a-z]+"
many = true
[[steps]]
id = "all"
title = "All"
[steps.do]
kind = "each"
over = "names"
variable = "name"
[[steps.do.steps]]
id = "one"
title = "{name}"
danger = "S"
do = { kind = "command", argv = ["echo", "{name}"] }
"""
    each = kept(tmp_path, text).runbook.steps[0].do
    assert isinstance(each, EachAction)
    assert each.steps[0].do == CommandAction(argv=("echo", "{name}"))


def configuration(folder: Path, text: str = "") -> config_load.Loaded:
    file = folder / "tuiops.toml"
    file.write_text(text + "\n[systems.shop.services.api]\n", encoding="utf-8")
    return config_load.load(file, environ={})


def test_runbooks_are_beside_every_file_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "more" / "runbooks").mkdir(parents=True)
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "more" / "shop.toml").write_text("", encoding="utf-8")
    for number, folder in enumerate((tmp_path / "runbooks", tmp_path / "more" / "runbooks")):
        (folder / "b.toml").write_text(HEAD.replace("restart", f"b{number}") + DONE, encoding="utf-8")
    loaded = configuration(tmp_path, 'include = ["more/*.toml"]\n')
    assert folders(loaded) == (tmp_path / "runbooks", tmp_path / "more" / "runbooks")
    assert list(library(loaded).runbooks) == ["b0", "b1"]


def test_runbooks_are_where_the_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.toml").write_text(HEAD + DONE, encoding="utf-8")
    (tmp_path / "here" / "notes.md").write_text("no runbook", encoding="utf-8")
    loaded = configuration(tmp_path, '[runbooks]\nfolders = ["here", "gone"]\n')
    assert files(loaded) == (tmp_path / "here" / "a.toml",)
    (fault,) = library(loaded).faults
    assert (fault.key, fault.problem) == ("runbooks.folders[1]", f"{tmp_path / 'gone'} is no folder")


def test_a_runbook_that_is_wrong_keeps_no_other_from_use(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "good.toml").write_text(HEAD + DONE, encoding="utf-8")
    (folder / "bad.toml").write_text("version = ", encoding="utf-8")
    (folder / "second.toml").write_text(HEAD + DONE, encoding="utf-8")
    found = library(configuration(tmp_path))
    assert list(found.runbooks) == ["restart"]
    assert [(Path(fault.file).name, fault.key) for fault in found.faults] == [("bad.toml", ""), ("second.toml", "id")]


def test_a_shelf_reads_what_has_changed_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "a.toml").write_text(HEAD + DONE, encoding="utf-8")
    (folder / "b.toml").write_text("version = ", encoding="utf-8")
    loaded, shelf = configuration(tmp_path), Shelf()
    first = shelf.library(loaded)
    second = shelf.library(loaded)
    assert second.runbooks["restart"] is first.runbooks["restart"]
    assert second.faults == first.faults != ()

    stamp = (folder / "a.toml").stat()
    (folder / "a.toml").write_text(HEAD + DONE.replace("Done", "Doen"), encoding="utf-8")
    os.utime(folder / "a.toml", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (folder / "b.toml").unlink()
    third = shelf.library(loaded)
    assert third.runbooks["restart"].digest != first.runbooks["restart"].digest
    assert third.faults == ()


def test_a_shelf_checks_against_the_configuration_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "a.toml").write_text(HEAD + DONE, encoding="utf-8")
    shelf = Shelf()
    assert list(shelf.library(configuration(tmp_path)).runbooks) == ["restart"]
    (tmp_path / "tuiops.toml").write_text("[systems.ship.services.api]\n", encoding="utf-8")
    found = shelf.library(config_load.load(tmp_path / "tuiops.toml", environ={}))
    assert [fault.key for fault in found.faults] == ["systems[0]"]


@pytest.mark.parametrize("kind", ["fifo", "folder", "large", "unreadable"])
def test_what_is_no_file_of_a_runbook_is_a_fault(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    file = folder / "a.toml"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "large":
        file.write_bytes(b"#" * 1_000_001)
    else:
        file.symlink_to(tmp_path / "nowhere")
    loaded, shelf = configuration(tmp_path), Shelf()
    for _ in range(2):
        (fault,) = shelf.library(loaded).faults
        assert (fault.file, fault.key) == (str(file), "")


def test_a_folder_that_is_not_there_is_told_without_a_file_as_well(tmp_path: Path) -> None:
    config = Config(runbooks=Runbooks(folders=(str(tmp_path / "gone"),)))
    (fault,) = library(config_load.Loaded(config, ())).faults
    assert (fault.file, fault.key) == ("built-in defaults", "runbooks.folders[0]")


def test_no_runbooks_are_no_mistake(tmp_path: Path) -> None:
    assert library(configuration(tmp_path)).faults == ()


_JUNK = st.sampled_from(
    ["", "0", "-1", "true", "nan", "''", '"\\u0000"', "[]", "{}", "[[]]", "1979-05-27", "{ kind = 1 }", "'{'", "'{}'",
     "'{a.b.c}'", "'}}{'", '"FILL IN"', "9" * 400, "'../{x}'", "'(?P<n>'", "{ a.b.c = {} }", "'{secret.x}'"],
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.sampled_from(EXAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["value", "drop", "double"]), _JUNK), max_size=3),
)
def test_no_change_to_an_example_crashes_the_loader(
    tmp_path: Path, which: Path, changes: list[tuple[int, str, str]]
) -> None:
    lines = which.read_text(encoding="utf-8").splitlines()
    for number, how, junk in changes:
        at = number % len(lines)
        name, equals, _ = lines[at].partition(" = ")
        lines[at] = {
            "value": f"{name} = {junk}" if equals else lines[at],
            "drop": "",
            "double": f"{lines[at]}\n{lines[at]}",
        }[how]
    file = tmp_path / "changed.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    wrong = faults_of(file)
    assert all(fault.file == str(file) and fault.problem for fault in wrong)


def faults_of(file: Path) -> tuple[Fault, ...]:
    try:
        load(file)
    except ConfigError as error:
        return error.faults or (Fault("", "", "an error without a fault"),)
    return ()
