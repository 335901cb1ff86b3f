"""What the tests of commands share: orders, places, and waiting that fails loudly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import psutil

from tuiops.config.values import Secret
from tuiops.errors import ConfigError, Fault
from tuiops.runbooks.execution.base import Command, Tail
from tuiops.runbooks.execution.local import LocalCommands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 30.0
"""Seconds that a busy machine may take for anything."""

SECRETS = {"TOKEN": "s3cr3t/t0ken+with=signs", "PASSWORD": "p&ss\"w'rd%41<x>"}


def resolve(secret: Secret) -> str:
    """What a secret is in these tests."""
    try:
        return SECRETS[secret.env or ""]
    except KeyError:
        raise ConfigError([Fault(f"environment variable {secret.env}", "", "is not set", "set it")]) from None


def secret(name: str) -> Secret:
    return Secret(env=name)


def command(execution: str, *argv: str, **settings: object) -> Command:
    given: dict[str, object] = {"execution": execution, "argv": argv, "grace": 0.5, "timeout": 60.0}
    return Command(**(given | settings))  # type: ignore[arg-type] # by the test


def shell(execution: str, script: str, *words: str, **settings: object) -> Command:
    """A command that is a shell with a script; the script is ours, so nothing is interpolated."""
    return command(execution, "/bin/sh", "-c", script, "sh", *words, **settings)


def local(folder: Path) -> LocalCommands:
    return LocalCommands(resolve, folder / "executions")


class Heard:
    """Collects batches."""

    def __init__(self) -> None:
        self.batches: list[Tail] = []

    def __call__(self, batch: Tail) -> None:
        self.batches.append(batch)

    @property
    def lines(self) -> list[str]:
        return [line for batch in self.batches for line in batch.lines]


async def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for what another process brings about. AssertionError, naming `what`, when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)


def words_of_all_processes() -> str:
    """What a list of processes shows to anybody."""
    return "\n".join(" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))


def lines_of(file: Path) -> list[str]:
    """The lines of a file that may not be there yet."""
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
