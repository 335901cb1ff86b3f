"""Commands that are known to do harm are refused before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runbooks.written import command, faults, found, step

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "[parameters.version]\ntype = 'text'\npattern = '{}'\n"
IMAGE = "[parameters.image]\ntype = 'text'\npattern = '{}'\n"
DIGEST = "[a-z./]*[a-z]@sha256:[0-9a-f]{64}"


@pytest.mark.parametrize(
    "argv",
    [
        ("echo", "-c", "x"),
        ("python3", "scripts/check.py"),
        ("gcloud", "run", "services", "update", "api", "--update-env-vars=A=b", "--project=shop"),
        ("gcloud", "sql", "backups", "restore", "1", "--restore-instance=a", "--backup-instance=b", "--project=shop"),
        ("gcloud", "secrets", "versions", "disable", "3", "--secret=key", "--project", "shop"),
        ("gcloud", "run", "deploy", "api", "--image=x@sha256:" + "0" * 64, "--project=shop"),
        ("redis-cli", "MEMORY", "PURGE"),
        ("aws", "rds", "describe-db-instances"),
    ],
)
def test_commands_that_may_be_written(tmp_path: Path, argv: tuple[str, ...]) -> None:
    assert found(tmp_path, step("a", command(*argv), danger='"C"')) == []


@pytest.mark.parametrize(
    ("argv", "at", "problem"),
    [
        (("sh", "-c", "id"), 0, "is a shell with a command line"),
        (("/bin/bash", "-lc", "id"), 0, "is a shell with a command line"),
        (("ssh", "host", "id"), 0, "hands its words to a shell elsewhere"),
        (("gcloud", "sql", "instances", "delete", "a", "--quiet", "--project=p"), 5, "--quiet takes back"),
        (("gcloud", "sql", "instances", "delete", "a", "-q", "--project=p"), 5, "-q takes back"),
        (
            ("gcloud", "run", "services", "update", "a", "--set-env-vars=A=b", "--project=p"),
            5,
            "deletes every variable",
        ),
        (("gcloud", "run", "services", "update", "a", "--clear-env-vars", "--project=p"), 5, "deletes every variable"),
        (("gcloud", "secrets", "versions", "access", "1", "--project=p"), 3, "access prints a secret"),
        (
            ("gcloud", "sql", "instances", "clone", "a", "b", "--destination-region=x", "--project=p"),
            6,
            "--destination-region is no option",
        ),
        (("npm", "audit", "fix", "--force"), 3, "--force changes what runs"),
        (("redis-cli", "flushall"), 1, "flushall deletes everything"),
        (("redis-cli", "-n", "1", "FLUSHDB"), 3, "FLUSHDB deletes everything"),
        (("psql", "--password=x"), 1, "would show a secret"),
        (("aws", "rds", "modify-db-instance", "--master-user-password", "x"), 3, "would show a secret"),
        (("gcloud", "run", "deploy", "a", "--image=gcr.io/p/a:latest", "--project=p"), 4, "names an image"),
        (("gcloud", "run", "deploy", "a", "--image", "gcr.io/p/a", "--project=p"), 4, "names an image"),
        (("gcloud", "run", "deploy", "a", "--project=p", "--image"), 5, "names an image"),
        (("gcloud", "secrets", "versions", "disable", "latest", "--secret=k", "--project=p"), 4, "may be latest"),
    ],
)
def test_commands_that_are_refused(tmp_path: Path, argv: tuple[str, ...], at: int, problem: str) -> None:
    (fault,) = faults(tmp_path, step("a", command(*argv), danger='"C"'))
    assert (fault.key, problem in fault.problem, bool(fault.remedy)) == (f"steps[0].do.argv[{at}]", True, True)


@pytest.mark.parametrize(
    ("argv", "lacks"),
    [
        (("gcloud", "run", "services", "list"), "--project"),
        (("gcloud", "sql", "backups", "restore", "1", "--backup-instance=a", "--project=p"), "--restore-instance"),
        (("gcloud", "sql", "backups", "restore", "1", "--restore-instance=a", "--project=p"), "--backup-instance"),
    ],
)
def test_options_that_a_command_must_have(tmp_path: Path, argv: tuple[str, ...], lacks: str) -> None:
    (fault,) = faults(tmp_path, step("a", command(*argv), danger='"C"'))
    assert (fault.key, fault.remedy) == ("steps[0].do.argv", f"add {lacks}=…")


@pytest.mark.parametrize(("pattern", "sure"), [(DIGEST, True), ("[a-z/.]*[a-z]:[a-z0-9]+", False)])
def test_an_image_is_a_digest_by_its_pattern(tmp_path: Path, pattern: str, *, sure: bool) -> None:
    deploy = command("gcloud", "run", "deploy", "a", "--image={image}", "--project=p")
    assert (found(tmp_path, IMAGE.format(pattern) + step("a", deploy, danger='"C"')) == []) is sure


@pytest.mark.parametrize(("pattern", "sure"), [("[0-9]+", True), ("[a-z0-9]+", False)])
def test_a_version_is_a_number_by_its_pattern(tmp_path: Path, pattern: str, *, sure: bool) -> None:
    disable = command("gcloud", "secrets", "versions", "destroy", "{version}", "--secret=k", "--project=p")
    text = VERSION.format(pattern) + step("a", disable, danger='"X"', undo='"none"', undo_reason='"gone"')
    assert (found(tmp_path, text) == []) is sure


CHOICE = "[parameters.x]\ntype = 'enum'\noptions = ['ANALYZE', 'VACUUM ANALYZE']\n"
WORD = "[parameters.x]\ntype = 'text'\npattern = '[a-z]+'\n"


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        (CHOICE, ("psql", "-c", "{x}")),
        (CHOICE, ("psql", "--command={x}")),
        (WORD, ("python3", "check.py", "{x}")),
        (WORD, ("python3", "-m", "check", "{x}")),
        (WORD, ("ping", "-c", "3", "{x}")),
        (WORD, ("sudo", "-n", "systemctl", "restart", "{x}")),
        (WORD, ("timeout", "5s", "systemctl", "restart", "{x}")),
        (WORD, ("env", "A={x}", "tool")),
    ],
)
def test_values_may_stand_beside_programs(tmp_path: Path, text: str, argv: tuple[str, ...]) -> None:
    assert found(tmp_path, text + step("a", command(*argv), danger='"C"')) == []


@pytest.mark.parametrize(
    ("text", "argv", "at", "problem"),
    [
        (WORD, ("psql", "-c", "DROP TABLE {x}"), 2, "puts a value into a program's text"),
        (WORD, ("psql", "-Atc", "{x}"), 2, "puts a value into a program's text"),
        (CHOICE, ("psql", "-c", "{x} prices"), 2, "puts a value into a program's text"),
        (WORD, ("mysql", "--execute=drop {x}"), 1, "puts a value into a program's text"),
        (WORD, ("python3.11", "-c", "print({x})"), 2, "puts a value into a program's text"),
        (WORD, ("perl", "-e", "{x}"), 2, "puts a value into a program's text"),
        (WORD, ("awk", "/{x}/", "file"), 1, "puts a value into a program's text"),
        (WORD, ("sudo", "{x}"), 1, "stands where sudo takes a program"),
        (WORD, ("env", "A=b", "{x}"), 2, "stands where env takes a program"),
        (WORD, ("timeout", "5s", "{x}", "y"), 2, "stands where timeout takes a program"),
    ],
)
def test_values_stand_in_no_program_and_for_none(
    tmp_path: Path, text: str, argv: tuple[str, ...], at: int, problem: str
) -> None:
    (fault,) = faults(tmp_path, text + step("a", command(*argv), danger='"C"'))
    assert (fault.key, fault.problem) == (f"steps[0].do.argv[{at}]", problem)


def test_the_program_is_written_out(tmp_path: Path) -> None:
    text = "[parameters.x]\ntype = 'text'\npattern = '[a-z]+'\n" + step("a", command("{x}", "b"), danger='"C"')
    assert found(tmp_path, text) == [("steps[0].do.argv[0]", "has a placeholder, so that any program could be run")]


def test_commands_of_gates_and_of_undoing_are_looked_at_as_well(tmp_path: Path) -> None:
    shell = "argv = ['sh', '-c', 'id']"
    text = step("a", f'{{ kind = "gate", check = {{ by = "command", {shell} }} }}')
    text += step("b", command("true"), danger='"C"', undo=f'{{ kind = "command", {shell} }}')
    text += step("c", command("true"), danger='"C"', confirm=f'{{ by = "command", {shell} }}')
    assert [key for key, _ in found(tmp_path, text)] == [
        "steps[0].do.check.argv[0]", "steps[1].undo.argv[0]", "steps[2].confirm.argv[0]",
    ]  # fmt: skip


TAKES = 'capture = { x = { line = "x=(.*)", pattern = "[a-z]+" } }'
HANDED = 'stdin = { env = "TOKEN" }'
SET = 'environment = { TOKEN = { env = "TOKEN" } }'


@pytest.mark.parametrize(
    ("more", "allowed"),
    [
        (('via = "edge"', TAKES, HANDED), False),
        (('via = "edge"', TAKES, SET), False),
        (('via = "edge"', TAKES, 'environment = { TOKEN_FILE = "x" }'), True),
        (('via = "edge"', HANDED), True),
        (('via = "edge"', TAKES), True),
        ((TAKES, HANDED), True),
    ],
)
def test_values_of_what_may_hold_a_secret_are_taken_here(tmp_path: Path, more: tuple[str, ...], allowed: bool) -> None:
    do = f'{{ kind = "command", argv = ["show"], {", ".join(more)} }}'
    wrong = [fault for fault in faults(tmp_path, step("a", do, danger='"C"')) if fault.key == "steps[0].do.capture"]

    if allowed:
        assert wrong == []
    else:
        assert wrong[0].problem == "cannot be had from a command with secrets on a bastion"
        assert wrong[0].remedy == "take the values in a step without secrets, or run it on this machine"
