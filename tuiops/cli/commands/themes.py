"""`tuiops themes`: the themes that there are, and what is wrong with those that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops.cli import settings
from tuiops.cli.exits import Exit
from tuiops.cli.output import Tone
from tuiops.config import paths
from tuiops.core.text import LINE, lit, safe
from tuiops.ui import theme

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.output import Output


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    chosen = settings.read(arguments).config.display.theme
    found, errors = theme.load_all([paths.shipped_themes(), paths.user_themes()])
    for name in sorted(found):
        out.line(lit("* ") if name == chosen else lit("  "), safe(name))
    for error in errors:
        for fault in error.faults:
            out.line((safe(str(fault), LINE), Tone.BAD))
    return Exit.CONFIG if errors else Exit.OK
