"""Commands that are proposed to people: they go to the same configuration, and the same world, as the one given."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tuiops.core.text import fmt, safe

if TYPE_CHECKING:
    import argparse

    from tuiops.core.text import SafeText

_LONGEST = 4000
_SAME = ("config", "environment")
"""Options of all commands that name what a command is about; others only say how it looks."""


def again(arguments: argparse.Namespace, *words: str) -> SafeText:
    """`tuiops WORDS` behind the options that were given, quoted so that a shell takes each word as it is."""
    given = ["--demo"] if arguments.demo else []
    for name in _SAME:
        if (value := getattr(arguments, name, None)) is not None:
            given += [f"--{name}", str(value)]
    return safe(shlex.join(["tuiops", *given, *words]), _LONGEST)


def noted(command: SafeText) -> SafeText:
    """The command with a note that is to be filled in."""
    return fmt("{} --note …", command)
