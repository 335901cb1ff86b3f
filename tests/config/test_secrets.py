"""Secrets: found where they are said to be, refused where others could read them, never repeated."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tuiops.config.secrets import MAX_BYTES, exposure, resolve_secret
from tuiops.config.values import Secret
from tuiops.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "hunter2-canary"


def script(code: str) -> Secret:
    return Secret(command=(sys.executable, "-c", code))


def test_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", f" {CANARY}\n")
    assert resolve_secret(Secret(env="TOKEN")) == CANARY


def test_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY + "\n")
    file.chmod(0o600)
    assert resolve_secret(Secret(file=str(file))) == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        resolve_secret(Secret(file=str(file)))
    assert CANARY not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owners_other_than_oneself(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(0o640)
    assert exposure(file) is None, "a service may read root's file through its group"
    os.chown(file, 12345, 12345)
    file.chmod(0o600)
    fault = exposure(file)
    assert fault is not None
    assert "uid 12345" in fault.problem


def test_a_pipe_and_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ConfigError, match="is not a regular file"):
            resolve_secret(Secret(file=str(path)))


def test_a_command(tmp_path: Path) -> None:
    assert resolve_secret(script(f"print('{CANARY}')")) == CANARY
    assert not list(tmp_path.iterdir())


def test_no_shell_is_involved() -> None:
    assert resolve_secret(Secret(command=("echo", "$HOME; `id`"))) == "$HOME; `id`"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (Secret(), "names no place"),
        (Secret(env="TUIOPS_TEST_UNSET"), "is not set"),
        (Secret(file="/nonexistent/token"), "cannot be read"),
        (Secret(file="a\0b"), "cannot be read"),
        (Secret(command=("/nonexistent/command",)), "cannot be started"),
        (script(f"print('{CANARY}'); raise SystemExit(3)"), "exit code 3"),
        (script("pass"), "is empty"),
        (script(f"print('{CANARY}'); print('{CANARY}')"), "line breaks"),
        (script(f"print('\\x1b[31m{CANARY}')"), "control characters"),
        (script("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')"), "is not UTF-8"),
        (script(f"print('x' * {MAX_BYTES + 1})"), "is longer than"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else(secret: Secret, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_secret(secret)
    assert problem in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_command_that_hangs_is_given_up() -> None:
    with pytest.raises(ConfigError, match=r"printed no secret within 0\.3 s"):
        resolve_secret(script("import sys; sys.stdin.read(); import signal; signal.pause()"), timeout=0.3)


def test_a_process_left_behind_does_not_hold_the_answer_back() -> None:
    code = f"""
import os, signal
if os.fork() == 0:
    signal.pause()
print('{CANARY}', flush=True)
"""
    assert resolve_secret(script(code), timeout=5) == CANARY
