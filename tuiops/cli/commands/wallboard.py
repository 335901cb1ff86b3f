"""`tuiops wallboard`: pages that rotate, read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuiops import wiring
from tuiops.cli import reviews, settings
from tuiops.cli.commands.console import ended, interactive
from tuiops.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tuiops.cli.exits import Exit
    from tuiops.cli.output import Output


def main(arguments: argparse.Namespace, out: Output) -> Exit:
    if not interactive(out):
        raise UsageError("the wallboard needs a terminal; `tuiops status --watch` does not")
    subject = settings.subject(arguments, reviews.DRAWING)
    return ended(wiring.wallboard(subject))
