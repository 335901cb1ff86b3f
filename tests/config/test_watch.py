"""Reloading: each change once, when it has come to rest."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from tuiops.config.load import Loaded, load
from tuiops.config.watch import watch
from tuiops.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Steps:
    """A sleep that does something to the files instead of waiting; raises when there is nothing left to do."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.left = list(steps)

    async def __call__(self, _: float) -> None:
        if not self.left:
            raise EndOfStepsError
        self.left.pop(0)()


class EndOfStepsError(Exception):
    """The test's story is told."""


def nothing() -> None:
    """A look at files that did not change."""


def write(path: Path, text: str) -> Callable[[], None]:
    def step() -> None:
        path.write_text(text)
        os.utime(path, ns=(0, path.stat().st_mtime_ns + len(text) * 1_000_000))

    return step


async def changes(file: Path, *steps: Callable[[], object]) -> list[Loaded | ConfigError]:
    def reload() -> Loaded:
        return load(file, environ={})

    found: list[Loaded | ConfigError] = []
    with contextlib.suppress(EndOfStepsError):
        async for change in watch(reload(), reload, sleep=Steps(*steps)):
            found.append(change)  # noqa: PERF401 - a comprehension would lose them to the exception
    return found


def themes(found: list[Loaded | ConfigError]) -> list[str]:
    return ["wrong" if isinstance(change, ConfigError) else change.config.display.theme for change in found]


async def test_a_change_comes_once(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    found = await changes(file, nothing, write(file, 'display.theme = "light"'), nothing, nothing, nothing)
    assert themes(found) == ["light"]


async def test_a_file_half_written_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    found = await changes(file, write(file, "disp"), write(file, 'display.theme = "light"'), nothing, nothing)
    assert themes(found) == ["light"]


async def test_a_mistake_is_told_and_mended(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    found = await changes(file, write(file, "x = 1"), nothing, nothing, write(file, 'display.theme = "light"'), nothing)
    assert themes(found) == ["wrong", "light"]


async def test_a_file_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    found = await changes(file, file.unlink, nothing, write(file, 'display.theme = "light"'), nothing)
    assert themes(found) == ["wrong", "light"]


async def test_included_files_and_new_ones_in_their_folder(tmp_path: Path) -> None:
    file, more = tmp_path / "config.toml", tmp_path / "more"
    more.mkdir()
    file.write_text('include = ["more/*.toml"]')
    added = more / "a.toml"
    found = await changes(
        file,
        write(added, 'display.theme = "light"'), nothing,
        write(added, 'display.theme = "high-contrast"'), nothing,
        added.unlink, nothing,
    )  # fmt: skip
    assert themes(found) == ["light", "high-contrast", "dark"]


async def test_a_mistake_in_a_file_just_included_is_mended_there(tmp_path: Path) -> None:
    file, more = tmp_path / "config.toml", tmp_path / "more.toml"
    file.write_text("")
    more.write_text("x = 1")
    found = await changes(
        file, write(file, 'include = ["more.toml"]'), nothing, write(more, 'display.theme = "light"'), nothing
    )
    assert themes(found) == ["wrong", "light"]


async def test_a_change_during_the_reading_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    during = [write(file, 'display.theme = "high-contrast"')]

    def reload() -> Loaded:
        loaded = load(file, environ={})
        if during and loaded.config.display.theme == "light":
            during.pop()()
        return loaded

    steps = Steps(write(file, 'display.theme = "light"'), nothing, nothing, nothing, nothing)
    found: list[Loaded | ConfigError] = []
    with contextlib.suppress(EndOfStepsError):
        async for change in watch(reload(), reload, sleep=steps):
            found.append(change)  # noqa: PERF401 - a comprehension would lose them to the exception
    assert themes(found) == ["light", "high-contrast"]
