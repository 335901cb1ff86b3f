"""What is shipped: a wheel that has everything and runs elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import tuiops

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_has_every_module_and_what_they_read(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())

    modules = {path.relative_to(ROOT).as_posix() for kind in ("*.py", "*.sh") for path in (ROOT / "tuiops").rglob(kind)}
    shared = {
        f"tuiops/share/{path.relative_to(ROOT).as_posix()}"
        for folder in ("themes", "examples")
        for path in (ROOT / folder).rglob("*.*")
        if path.is_file()
    }
    runbooks = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tuiops" / "sim" / "runbooks").glob("*.toml")}
    assert modules <= packed
    assert runbooks
    assert runbooks <= packed
    assert shared
    assert shared <= packed
    assert {"tuiops/py.typed", "tuiops/share/config.example.toml"} <= packed


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"tuiops", f"tuiops-{tuiops.__version__}.dist-info"}


def test_the_metadata_is_right(wheel: Path) -> None:
    folder = f"tuiops-{tuiops.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()

    assert metadata["Name"] == "tuiops"
    assert metadata["Version"] == tuiops.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "tuiops = tuiops.__main__:run" in entry_points
    assert "Apache License" in licence


def test_an_installed_wheel_runs_and_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    version = run(target / "bin" / "tuiops", "--version")
    checked = run(target / "bin" / "tuiops", "check", target / "tuiops" / "share" / "config.example.toml")
    where = run(sys.executable, "-c", "import tuiops; print(tuiops.__file__)")

    assert version.stdout == f"tuiops {tuiops.__version__}\n"
    assert checked.returncode == 0, checked.stderr + checked.stdout
    assert Path(where.stdout.strip()).is_relative_to(target)


_COMMAND = """
import asyncio, sys
from pathlib import Path
from tuiops.runbooks.execution import remote
from tuiops.runbooks.execution.base import Command
from tuiops.runbooks.execution.local import LocalCommands

command = Command(execution="r1.1", argv=("echo", "hello"))
outcome = asyncio.run(LocalCommands(lambda _: "", Path(sys.argv[1])).run(command, lambda _: None))
print(outcome.text, *outcome.output.head, len(remote._library()) > 1000)
"""


def test_an_installed_wheel_carries_out_commands(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    run = [sys.executable, "-c", _COMMAND, str(tmp_path / "executions")]
    environment = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout == "ended with status 0 hello True\n", done.stderr
