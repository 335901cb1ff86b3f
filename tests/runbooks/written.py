"""Runbooks written for a test, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.errors import ConfigError
from tuiops.runbooks.format.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from tuiops.config.model import Config
    from tuiops.errors import Fault
    from tuiops.runbooks.format.load import Kept

HEAD = """
version = 1
id = "restart"
title = "Restart"
systems = ["shop"]
target = "api"
"""

MANY = "[parameters.many]\ntype = 'text'\npattern = '[a-z]+'\nmany = true\n"
"""A parameter that is a list."""

DONE = '\n[[steps]]\nid = "done"\ntitle = "Done"\ndo = { kind = "notify", message = "done" }\n'


def written(folder: Path, text: str, *, head: str = HEAD) -> Path:
    file = folder / "restart.toml"
    file.write_text(head + text, encoding="utf-8")
    return file


def kept(folder: Path, text: str, config: Config | None = None, *, head: str = HEAD) -> Kept:
    return load(written(folder, text, head=head), config)


def faults(folder: Path, text: str, config: Config | None = None, *, head: str = HEAD) -> tuple[Fault, ...]:
    """What is wrong with a runbook; nothing when it may be run."""
    try:
        kept(folder, text, config, head=head)
    except ConfigError as error:
        return error.faults
    return ()


def found(folder: Path, text: str, config: Config | None = None, *, head: str = HEAD) -> list[tuple[str, str]]:
    """The keys and the problems."""
    return [(fault.key, fault.problem) for fault in faults(folder, text, config, head=head)]


def step(name: str, do: str, **more: str) -> str:
    """A step as a file has it; values are TOML."""
    lines = [f'id = "{name}"', f'title = "{name}"', f"do = {do}", *(f"{key} = {value}" for key, value in more.items())]
    return "\n[[steps]]\n" + "\n".join(lines) + "\n"


def command(*words: str, **more: str) -> str:
    """A command as a step has it; `more` are further keys with their TOML."""
    argv = ", ".join(f"'{word}'" for word in words)
    further = "".join(f", {key} = {value}" for key, value in more.items())
    return f'{{ kind = "command", argv = [{argv}]{further} }}'


def each(*steps: str, over: str = "many", variable: str = "each") -> str:
    """A step that goes over a list, doing these for each of its values."""
    inner = "".join(one.replace("[[steps]]", "[[steps.do.steps]]") for one in steps)
    head = '\n[[steps]]\nid = "all"\ntitle = "All"\n[steps.do]\nkind = "each"\n'
    return f'{head}over = "{over}"\nvariable = "{variable}"\n{inner}'
